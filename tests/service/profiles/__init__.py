"""Tests of service.profiles."""
