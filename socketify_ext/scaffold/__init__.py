"""The project of a new plugin, written from templates."""
