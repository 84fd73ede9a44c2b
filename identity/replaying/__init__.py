"""The canonical replay: sightings in the order of their keys make and unmake profiles."""
