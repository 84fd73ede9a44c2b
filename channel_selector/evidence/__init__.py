"""What a log tells of a policy that did not draw it, with intervals that keep their word."""
