"""What became of messages: told or seen in a profile's own facts, logged once, and learned from."""
