"""The runtime: the only folder that touches private names of the core (socketify 0.0.31)."""
