"""R for tables of any length, in compiled code: the same answer as `identity.resolve`, about as fast as files are read.

Importing anything of this package loads polars and numba. `resolving` is where to begin.
"""
