"""What people say of who belongs together: tried out, logged, folded in and undone."""
