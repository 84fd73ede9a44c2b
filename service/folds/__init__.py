"""The folds are made again from the logs: to check them, or under other rules."""
