"""What `socketify-ext run` does: a supervisor that holds the listening socket, and workers that serve on it."""
