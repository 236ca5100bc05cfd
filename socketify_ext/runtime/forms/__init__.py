"""Forms: the fields and files of a request's body."""
