request_id = None
