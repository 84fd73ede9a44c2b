"""R's answer on a Spark cluster: the same partition, ids and refusals as `identity.frames`, for files of any size.

Homing must be installed on the workers. `resolving` is where to begin.
"""
