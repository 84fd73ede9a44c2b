"""Who is who in the store, in step with its facts; found, shown and told of as it changes."""
