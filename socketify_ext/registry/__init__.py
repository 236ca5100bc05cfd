"""Find, load and configure extensions."""
