"""Tests of service.learning."""
