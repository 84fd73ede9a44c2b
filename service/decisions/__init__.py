"""Where and when a message goes: decided once, logged, and looked at again whenever it is asked for."""
