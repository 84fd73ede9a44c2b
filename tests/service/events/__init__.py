"""Tests of service.events."""
