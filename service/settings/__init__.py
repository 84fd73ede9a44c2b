"""What a deployment is set to, and where each value comes from."""
