"""`socketify-ext run`: a supervisor that holds the listening socket, and workers that serve on it."""
