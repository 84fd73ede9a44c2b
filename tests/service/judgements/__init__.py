"""Tests of service.judgements."""
