"""Tests of service.customers."""
