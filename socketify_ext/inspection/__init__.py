"""Look at a target in a process of its own; prints nothing."""
