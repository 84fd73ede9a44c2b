"""How fast Homing is, beside what the same machine could do at best: `python -m benchmarks`. Nothing is asserted."""
