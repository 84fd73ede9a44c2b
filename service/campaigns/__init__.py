"""A whole campaign: one recommendation for each recipient of a file."""
