"""What past messages teach: rates, delays, tastes and losses, folded from the log and shrunk to what all share."""
