"""Tests of identity.replaying."""
