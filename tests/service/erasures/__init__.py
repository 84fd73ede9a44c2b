"""Tests of service.erasures."""
