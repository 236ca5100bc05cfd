"""Requests, responses and sockets without a server: the real classes on a native layer that records."""
