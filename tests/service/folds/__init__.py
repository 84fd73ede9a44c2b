"""Tests of service.folds."""
