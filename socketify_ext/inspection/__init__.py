"""Inspection of a target in a child process; nothing here prints."""
