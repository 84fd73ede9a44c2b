"""The truth is two append-only logs; every other table is a fold of them or serves operation."""
