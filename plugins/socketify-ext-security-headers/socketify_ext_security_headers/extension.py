security_headers = None
