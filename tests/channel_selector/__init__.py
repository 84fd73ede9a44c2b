"""Tests of the selector: where and when."""
