"""Declare, check, order and compile extensions, without the core and without pluggy."""
