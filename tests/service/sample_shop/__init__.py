"""Tests of service.sample_shop."""
