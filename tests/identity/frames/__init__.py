"""Tests of R for tables."""
