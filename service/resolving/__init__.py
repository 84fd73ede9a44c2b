"""`homing resolve`: files in, profiles out, no store."""
