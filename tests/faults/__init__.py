"""Proofs that Homing keeps what it acknowledged, whatever ends it: `python -m tests.faults` runs them, prints a table.

`traffic` is what clients send, `journal` what they were told, `clients` those who send; `programs` and `servers` are
the processes that die; `holdings` is what a store holds, `oracle` the store of a process that nothing ever happened to.
"""
