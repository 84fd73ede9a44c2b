"""Tests of service.carts."""
