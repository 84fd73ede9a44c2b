"""Who is who: the engine against its definition."""
