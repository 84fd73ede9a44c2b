"""Where a message may go, and when: the options of a decision, and why others are none."""
