"""Somebody is erased, for good, or exported, whole."""
