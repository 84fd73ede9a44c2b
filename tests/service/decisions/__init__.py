"""Tests of service.decisions."""
