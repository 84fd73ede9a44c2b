"""Property tests here are about truth, not speed: a busy machine may take its time over an example."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
