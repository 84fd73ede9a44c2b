"""Tests of channel_selector.evidence."""
