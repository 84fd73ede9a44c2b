"""Alembic's migrations of the store, shipped inside the package."""
