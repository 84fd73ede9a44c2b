"""Files become facts: each row for itself, the same again without effect, so that a run cut off is simply repeated."""
