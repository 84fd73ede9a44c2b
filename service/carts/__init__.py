"""Carts and orders, a pure fold of a profile's events; and who left one behind."""
