compress = None
