"""Valid requests of every kind, which mutants begin as."""

import json

import msgpack

ORDER = msgpack.packb({"sku": "book", "quantity": 2, "notes": ["a", "b"]})
PATHS = (
    *("/echo", "/read/a/b?q=1&q=2&r=%20x", "/late/%C3%A9?q", "/hooked/x", "/failing", "/streaming", "/sized"),
    *("/redirect", "/empty", "/user", "/required", "/cart?sku=pen", "/session", "/negotiate", "/cors", "/metrics"),
    *("/nowhere", "*", "//", "/read//", "/%", "/files/a.txt", "http://other.example/echo"),
)
HEADERS = (
    'cookie: a=1; b="x y"; a=2\r\ncookie: __Host-c=%20; d',
    "authorization: Bearer secret",
    "authorization: Basic QW5uOnNlY3JldA==",
    'token: nobody\r\nx-list: a, "b,c" , ,d\r\nx-list: e',
    "accept: application/msgpack;q=0.5, application/json;q=0.9, */*;q=0.1",
    'range: bytes=0-3,5-\r\nif-none-match: "a", W/"b"\r\nif-modified-since: Thu, 01 Jan 1970 00:00:00 GMT',
    "x-forwarded-for: 1.2.3.4, [::1]:80, unknown\r\nforwarded: for=1.2.3.4",
    "origin: https://app.example",
    "expect: 100-continue",
    "connection: close",
    "host: again",
    'if-range: "x"\r\nrange: bytes=-5',
)
TYPES = {
    "json": "application/json",
    "typed": "application/json; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
    "fields": "application/x-www-form-urlencoded",
    "files": "multipart/form-data; boundary=x",
}
BODIES = {
    "data": b"a body",
    "await": b"x" * 900,
    "text": "täxt".encode(),
    "json": json.dumps({"a": [1, 2.5, None, "x"]}).encode(),
    "form": b"a=1&b=%20&a=2&=&c",
    "fields": b"sku=a&lines=1&lines=2&photo=%FF",
    "files": b'--x\r\nContent-Disposition: form-data; name="sku"\r\n\r\na\r\n--x\r\nContent-Disposition: form-data; '
    b'name="photo"; filename="../a.png"\r\nContent-Type: image/png\r\n\r\nxyz\r\n--x--\r\n',
    "typed": json.dumps({"sku": "a", "lines": [1, "2"]}).encode(),
    "packed": msgpack.packb([1, -1, 2.5, None, b"x", "y", {"k": msgpack.Timestamp(1, 2)}]),
    "order": ORDER,
    "parts": b"y" * 300,
}


def request(method, path, *headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "host: x", "token: mine", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(data, size, extension="", trailer=""):
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension.encode(), part) for part in parts)
    return chunks + b"0\r\n" + trailer.encode() + b"\r\n"


def upgrade(path, *headers):
    return request(
        *("GET", path, "upgrade: websocket", "connection: Upgrade", "sec-websocket-version: 13"),
        *("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", *headers),
    )


def make_seeds():
    seeds = [request(method, "/read/a/b") for method in ("GET", "HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "get")]
    seeds += [request("GET", path) for path in PATHS] + [request("HEAD", path) for path in PATHS]
    seeds += [request("GET", path, header) for header in HEADERS for path in ("/read/a/b", "/late/a")]
    seeds += [request("GET", path, HEADERS[0]) for path in ("/cart", "/session", "/cookie", "/user")]
    seeds += [request("GET", "/files/a.txt", header) for header in HEADERS]
    for name, body in BODIES.items():
        path, kind = f"/body/{name}", f"content-type: {TYPES.get(name, 'application/msgpack')}"
        seeds.append(request("POST", path, kind, f"content-length: {len(body)}", body=body))
        seeds.append(request("POST", path, kind, "transfer-encoding: chunked", body=chunked(body, 3)))
        seeds.append(
            request("PUT", path, kind, "transfer-encoding: chunked", body=chunked(body, 100, ";a=b", "x: y\r\n"))
        )
        seeds.append(request("POST", path, kind, "expect: 100-continue", f"content-length: {len(body)}", body=body))
    preflight = ("origin: https://app.example", "access-control-request-method: PUT")
    seeds.append(request("OPTIONS", "/cors", *preflight, "access-control-request-headers: x-token"))
    seeds += [upgrade(f"/ws/{name}?name=Ben") for name in ("echo", "late", "chat", "unpack", "plain")]
    seeds.append(upgrade("/ws/echo", "sec-websocket-protocol: a, b", "sec-websocket-extensions: permessage-deflate"))
    seeds.append(request("GET", "/echo") * 5)
    seeds.append(request("POST", "/body/data", "content-length: 3", body=b"abc") * 3)
    seeds.append(request("GET", "/late/a") * 3)
    seeds.append(b"GET /echo HTTP/1.0\r\n\r\n")
    return seeds
