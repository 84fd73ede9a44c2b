"""Tests of channel_selector.model."""
