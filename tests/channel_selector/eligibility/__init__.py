"""Tests of channel_selector.eligibility."""
