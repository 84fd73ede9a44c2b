"""What every store keeps to, whatever it is made of: the same tests over each, unchanged."""
