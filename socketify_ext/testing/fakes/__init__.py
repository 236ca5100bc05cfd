"""Requests, responses and sockets without a server: what the core keeps in its memory stands in Python objects."""
