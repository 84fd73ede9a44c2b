"""Tests of service.settings."""
