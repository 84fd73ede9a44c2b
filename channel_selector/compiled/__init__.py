"""Each decision is worked out alone, in loops that numba compiles, so that company changes nothing of its law.

Importing anything of this package loads numba; `choosing.Chooser` does, and nobody else.
"""
