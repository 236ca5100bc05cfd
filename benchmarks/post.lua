-- What validated.py lets wrk send.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"sku": "tea-4711", "quantity": 3, "tags": ["green", "loose"], "address": {"street": "Hill Road 1", "city": "Bergen", "zip": "5003"}}'
