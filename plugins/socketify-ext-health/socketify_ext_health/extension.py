health = None
