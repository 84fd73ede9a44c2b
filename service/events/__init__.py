"""Events come in: read, dated, believed as far as their sender is, and appended once."""
