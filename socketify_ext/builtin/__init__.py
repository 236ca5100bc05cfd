"""The extensions that come with the package, one a module."""
