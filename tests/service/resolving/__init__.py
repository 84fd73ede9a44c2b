"""Tests of service.resolving."""
