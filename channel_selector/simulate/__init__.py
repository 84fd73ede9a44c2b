"""A shop with known truth, to see what policies make of it; a simulation is never a field result."""
