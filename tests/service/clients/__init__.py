"""Real clients' sessions."""
