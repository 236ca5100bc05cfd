"""`auth` over real sockets: where tokens stand, what is answered, and who gets a WebSocket."""

import asyncio
import contextlib
import json

import auth_apps
import httpx2
import msgpack
import pytest
import websockets
from issuer import EC, RSA, drip, issuer, jwk, key_set, raw_issuer, sign
from websockets.exceptions import InvalidStatus
from wire import gather, wire

from socketify_ext.testing import serve

TOKENS = {
    "secret": {"name": "Ann", "role": "admin", "scope": "read write"},
    "readonly": {"name": "Bob", "scope": "read", "groups": ["a", {"b": 1}]},
}
ANN, BOB, ANONYMOUS = TOKENS["secret"], TOKENS["readonly"], {"name": "Anonymous"}
OURS, EVIL = "https://app.example", "https://evil.example"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
# Made once, since making a client takes a while.
http = httpx2.Client(trust_env=False, verify=False, timeout=20)
REALM = 'Bearer realm="api"'


@pytest.fixture(scope="module", autouse=True)
def close_client():
    """Close the connections that the client keeps."""
    yield
    http.close()


@pytest.fixture(scope="module", params=["app", "stock"])
def server(request):
    with serve(auth_apps.auth_app, kind=request.param, tokens=TOKENS, cookie="session", origins=[OURS]) as serving:
        yield serving


@pytest.fixture(scope="module")
def same_origin_server():
    with serve(auth_apps.auth_app, kind="app", tokens=TOKENS, cookie="session") as serving:
        yield serving


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def cookie(token):
    return {"cookie": f"theme=dark; session={token}"}


SOURCES = [
    ({}, ANONYMOUS),
    (bearer("secret"), ANN),
    ({"authorization": "BEARER  secret"}, ANN),
    ({"authorization": "Basic secret"}, ANONYMOUS),
    ({"authorization": "Basic secret", "token": "readonly"}, BOB),
    ({"authorization": "Bearer"}, ANONYMOUS),
    ({"authorization": "Bearer secret, Bearer readonly"}, ANONYMOUS),
    ({"token": "secret"}, ANN),
    (cookie("secret"), ANN),
    (cookie('"secret"'), ANN),
    (cookie("secre"), ANONYMOUS),
    (bearer("wrong") | {"token": "secret"} | cookie("secret"), ANONYMOUS),
    (bearer("readonly") | {"token": "secret"} | cookie("secret"), BOB),
    ({"token": "readonly"} | cookie("secret"), BOB),
]


@pytest.mark.parametrize("path", ["/user", "/late-user"])
@pytest.mark.parametrize(("headers", "wanted"), SOURCES)
def test_the_first_token_counts(server, path, headers, wanted):
    assert http.get(server.url + path, headers=headers).json() == wanted


def test_a_token_in_the_query_of_a_plain_request_does_not_count(server):
    assert http.get(f"{server.url}/user?token=secret").json() == ANONYMOUS
    upgrade = {"upgrade": "websocket", "connection": "upgrade"}
    assert http.get(f"{server.url}/user?token=secret", headers=upgrade).json() == ANONYMOUS


def test_a_user_answers_as_msgpack(server):
    assert msgpack.unpackb(http.get(f"{server.url}/msgpack", headers=bearer("readonly")).content) == BOB


def test_a_user_answers_as_json_of_msgspec():
    with serve(auth_apps.auth_app, kind="app", json=True, tokens=TOKENS) as serving:
        answer = http.get(f"{serving.url}/late-user", headers=bearer("readonly"))
        assert answer.json() == BOB
        assert answer.headers["content-type"] == "application/json"


# -- require_user: RFC 6750, 3


@pytest.mark.parametrize("path", ["/me", "/late-me"])
@pytest.mark.parametrize(
    ("headers", "status", "challenge", "detail"),
    [
        ({}, 401, REALM, "a token is required"),
        (
            bearer("wrong"),
            401,
            REALM + ', error="invalid_token", error_description="the token is not known"',
            "the token is not known",
        ),
        (
            bearer("s" * 8193),
            401,
            REALM + ', error="invalid_token", error_description="the token is longer than 8 KiB"',
            "the token is longer than 8 KiB",
        ),
    ],
)
def test_without_a_valid_token_the_answer_says_what_is_needed(server, path, headers, status, challenge, detail):
    answer = http.get(server.url + path, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (status, challenge)
    assert answer.json() == {"detail": detail}


@pytest.mark.parametrize(
    ("token", "status", "challenge"),
    [
        ("secret", 200, None),
        (
            "readonly",
            403,
            REALM + ', scope="read write", error="insufficient_scope", '
            'error_description="the token does not allow this"',
        ),
        ("", 401, REALM + ', scope="read write"'),
    ],
)
def test_scopes_are_required(server, token, status, challenge):
    answer = http.get(f"{server.url}/admin", headers=bearer(token) if token else {})
    assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, challenge)


@pytest.mark.parametrize("path", ["/me", "/late-me"])
@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["Authorization: Bearer secret", "Authorization: Bearer readonly"], "authorization header"),
        (["Authorization: Bearer wrong", "authorization: Bearer secret"], "authorization header"),
        (["Authorization: Bearer secret", "Authorization: Bearer secret"], "authorization header"),
        (["Authorization:", "Authorization: Bearer secret"], "authorization header"),
        (["Authorization: Bearer \xff.", "Authorization: Bearer secret"], "authorization header"),
        (["Authorization: Bearer secret", "Authorization: Bearer \xff."], "authorization header"),
        (["token: secret", "Token: readonly"], "token header"),
        (["Cookie: session=secret", "Cookie: session=readonly"], "cookie session"),
        (["Cookie: session=readonly; session=secret"], "cookie session"),
    ],
)
def test_two_tokens_in_one_place_are_none(server, path, lines, what):
    with wire(server.port) as connection:
        for target, status in ((path, "400 Bad Request"), (path.replace("me", "user"), "200 OK")):
            head = "\r\n".join([f"GET {target} HTTP/1.1", "host: test", *lines, "", ""])
            connection.socket.sendall(head.encode("latin-1"))
            answer = connection.answer()
            assert answer.status == status
            if status == "200 OK":
                assert answer.json() == ANONYMOUS
            else:
                assert answer.json() == {"detail": f"the request has more than one {what}"}
                assert 'error="invalid_request"' in dict(answer.headers)["www-authenticate"]


@pytest.mark.parametrize(
    ("origin", "status"), [(OURS, 200), (None, 200), (EVIL, 403), ("null", 403), (OURS + ".evil.example", 403)]
)
def test_a_cookie_on_a_request_of_another_page_does_not_count(server, origin, status):
    headers = cookie("secret") | ({"origin": origin} if origin else {})
    answer = http.post(f"{server.url}/me", headers=headers)
    assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, None)
    assert http.post(f"{server.url}/me", headers=bearer("secret") | headers).status_code == 200
    assert http.get(f"{server.url}/me", headers=headers).status_code == 200


# -- JWT


def test_json_web_tokens_of_an_issuer():
    with issuer() as published:
        options = {"jwks": published.url, "algorithms": ["RS256", "ES256"], "audience": "api", "jwks_cooldown": 0.01}
        with serve(auth_apps.auth_app, kind="app", jwt=options) as serving:

            def ask(token, path="/me"):
                return http.get(serving.url + path, headers=bearer(token))

            token = sign(RSA, "RS256", {"kid": "one"}, aud="api", scope="read write")
            assert ask(token, "/late-user").json()["name"] == "Ann"
            assert ask(token, "/admin").status_code == 200
            published.document = key_set(jwk(EC, kid="two"))
            rotated = sign(EC, "ES256", {"kid": "two"}, aud="api")
            assert ask(rotated).json()["name"] == "Ann"
            for refused, reason in (
                (token, "unknown key"),
                (sign(RSA, "RS256", {"kid": "two"}, aud="api"), "unknown key"),
                (sign(EC, "ES256", {"kid": "two"}, aud="api", exp=1), "has expired"),
                (sign(EC, "ES256", {"kid": "two"}, aud="shop"), "another audience"),
                (rotated[:-8], "malformed"),
            ):
                answer = ask(refused)
                assert answer.status_code == 401
                assert reason in answer.json()["detail"]
                assert reason in answer.headers["www-authenticate"]
                assert ask(refused, "/user").json() == ANONYMOUS


@pytest.mark.parametrize("kind", ["app", "stock"])
def test_the_server_answers_others_while_an_issuer_does_not(kind):
    with issuer() as published:
        published.open.clear()
        options = {"jwks": published.url, "algorithms": ["RS256"], "jwks_timeout": 20}
        with serve(auth_apps.auth_app, kind=kind, jwt=options) as serving:

            async def ask():
                async with httpx2.AsyncClient(
                    base_url=serving.url, timeout=20, trust_env=False, verify=False
                ) as client:
                    headers = bearer(sign(RSA, "RS256", {"kid": "one"}))
                    waiting = [asyncio.ensure_future(client.get("/me", headers=headers)) for _ in range(20)]
                    for _ in range(20):
                        assert (await client.get("/user")).json() == ANONYMOUS
                    assert not any(each.done() for each in waiting)
                    published.open.set()
                    return [answer.json()["name"] for answer in await asyncio.gather(*waiting)]

            assert asyncio.run(ask()) == ["Ann"] * 20
        assert published.asked == 1


@pytest.mark.parametrize(
    "send", [drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"), drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")]
)
def test_keys_that_are_known_serve_and_the_server_stops_while_the_issuer_drips(send):
    document = key_set(jwk(RSA, kid="one"))

    def first_well(connection, stopped):
        if published.asked == 1:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + document)
        else:
            send(connection, stopped)

    with raw_issuer(first_well) as published:
        options = {"algorithms": ["RS256"], "jwks_max_age": 1e-6, "jwks_cooldown": 0, "jwks_timeout": 600}
        with serve(auth_apps.chat_app, jwt={"jwks": published.url, **options}) as serving:
            for _ in range(20):
                answer = http.get(f"{serving.url}/me", headers=bearer(sign(RSA, "RS256", {"kid": "one"})))
                assert (answer.status_code, answer.text) == (200, "7")
            with wire(serving.port) as waiting:  # who asks for an unknown key waits, and is cut off by the stop
                unknown = sign(RSA, "RS256", {"kid": "unknown"})
                waiting.send("GET", "/me", authorization=f"Bearer {unknown}")
                assert http.get(f"{serving.url}/me", headers=bearer(sign(RSA, "RS256", {"kid": "one"}))).text == "7"
                assert serving.stop() == 0
        assert published.asked == 2


def test_random_kids_cost_one_fetch_each_cooldown():
    with (
        issuer() as published,
        serve(
            auth_apps.chat_app, jwt={"jwks": published.url, "algorithms": ["RS256"], "jwks_cooldown": 600}
        ) as serving,
    ):
        assert http.get(f"{serving.url}/me", headers=bearer(sign(RSA, "RS256", {"kid": "one"}))).text == "7"
        requests = [("/me", bearer(sign(RSA, "RS256", {"kid": f"random-{number}"}))) for number in range(300)]
        assert {answer.status for answer in gather(serving.port, requests)} == {"401 Unauthorized"}
        assert published.asked == 1


def test_an_issuer_that_is_away_gives_503():
    with issuer() as published:
        published.status = 500
        options = {"jwks": published.url, "algorithms": ["RS256"]}
        with serve(auth_apps.auth_app, kind="app", jwt=options) as serving:
            for number in range(5):
                answer = http.get(f"{serving.url}/me", headers=bearer(sign(RSA, "RS256", {"kid": str(number)})))
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert http.get(f"{serving.url}/me", headers=bearer("e30.e30.")).status_code == 401
        assert published.asked == 1


# -- identity


def test_two_users_of_one_display_name_share_nothing():
    options = {"key": auth_apps.SECRET, "algorithms": ["HS256"]}
    tokens = {subject: sign(auth_apps.SECRET, "HS256", sub=subject) for subject in ("7", "8", "9")}
    with serve(auth_apps.chat_app, jwt=options) as serving:

        async def talk():
            async with contextlib.AsyncExitStack() as stack:
                sockets = {}
                for subject, token in tokens.items():
                    connecting = websockets.connect(serving.ws_url + "/ws", additional_headers=bearer(token))
                    sockets[subject] = await stack.enter_async_context(connecting)
                    told = json.loads(await asyncio.wait_for(sockets[subject].recv(), 10))
                    assert told == {"id": subject, "name": "Ann"}
                await sockets["9"].send("Ann")  # nobody has this id
                await sockets["9"].send("7")
                received = json.loads(await asyncio.wait_for(sockets["7"].recv(), 10))
                assert (received["username"], received["message"]) == ("9", "for you alone")
                await sockets["9"].send("8")
                received = json.loads(await asyncio.wait_for(sockets["8"].recv(), 10))
                assert (received["username"], received["message"]) == ("9", "for you alone")

        asyncio.run(talk())
        assert http.post(f"{serving.url}/cart", headers=bearer(tokens["7"])).text == "added"
        items = {
            subject: http.get(f"{serving.url}/cart", headers=bearer(token)).json()["items"]
            for subject, token in tokens.items()
        }
        assert items == {"7": 1, "8": 0, "9": 0}


# -- the app's own verify


@pytest.mark.parametrize("kind", ["app", "stock"])
def test_one_request_is_verified_once(kind):
    with serve(auth_apps.auth_app, kind=kind, own_verify=True) as serving:
        assert asyncio.run(ask_socket(serving, "/ws?token=Ann"))["username"] == "Ann"
        asked = {"headers": bearer("Ann")}
        assert http.get(f"{serving.url}/together", **asked).json() == {"names": ["Ann"], "calls": 1}
        assert http.get(f"{serving.url}/given-up", **asked).json() == {"name": "Ann", "calls": 2}
        assert http.get(f"{serving.url}/late-user", **asked).json() == {"name": "Ann", "url": "/late-user"}
        assert http.get(f"{serving.url}/me", headers=bearer("7")).status_code == 401
        assert http.get(f"{serving.url}/me", headers=bearer("teapot")).status_code == 418
        assert http.get(f"{serving.url}/user", headers=bearer("broken")).status_code == 500


@pytest.mark.parametrize("pools", [(), ("http", "ws")])
def test_400_users_at_once_each_get_themselves(pools):
    names = [f"user{''.join(chr(97 + int(digit)) for digit in str(number))}" for number in range(400)]
    with serve(auth_apps.auth_app, kind="stock", own_verify=True, pools=pools) as serving:
        answers = gather(serving.port, [("/late-user", bearer(name)) for name in names])
    assert [answer.json()["name"] for answer in answers] == names


# -- WebSockets


async def ask_socket(serving, path, headers=None, **options):
    connecting = websockets.connect(serving.ws_url + path, additional_headers=headers, open_timeout=10, **options)
    async with connecting as socket:
        await socket.send("who am I")
        return json.loads(await asyncio.wait_for(socket.recv(), 10))


def refused(serving, path, headers=None, **options):
    with pytest.raises(InvalidStatus) as caught:
        asyncio.run(ask_socket(serving, path, headers, **options))
    return caught.value.response


@pytest.mark.parametrize(
    ("path", "headers", "origin"),
    [
        ("/ws?room=tea", bearer("secret"), None),
        ("/ws?room=tea", bearer("secret"), EVIL),
        ("/ws?room=tea", {"token": "secret"}, None),
        ("/ws?room=tea", cookie("secret"), OURS),
        ("/ws?room=tea", cookie("secret"), OURS.upper()),
        ("/ws?room=tea&token=secret", None, EVIL),
        ("/ws?room=tea&token=readonly", bearer("secret"), None),
        ("/ws?room=tea&token=readonly", cookie("secret"), OURS),
    ],
)
def test_a_socket_knows_its_user(server, path, headers, origin):
    told = asyncio.run(ask_socket(server, path, headers, origin=origin))
    assert told == {"user": ANN, "signed_in": True, "username": "Ann", "room": "tea"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ws", None, 401),
        ("/ws?token=wrong", None, 401),
        ("/ws?token=secret&token=readonly", None, 400),
        ("/ws?token=secret", bearer("wrong"), 401),
        ("/ws-admin?token=readonly", None, 403),
    ],
)
def test_without_a_valid_token_there_is_no_socket(server, path, headers, status):
    answer = refused(server, path, headers)
    assert answer.status_code == status
    assert answer.headers["www-authenticate"].startswith(REALM)


@pytest.mark.parametrize("origin", [EVIL, "null", None, "https://app.example.evil.example", "http://app.example", "x"])
@pytest.mark.parametrize("query", ["", "?token=secret"])
def test_another_page_can_not_open_a_socket_with_the_cookie(server, origin, query):
    answer = refused(server, f"/ws{query}", cookie("secret"), origin=origin)
    assert answer.status_code == 403
    assert "www-authenticate" not in answer.headers


def test_a_cookie_counts_from_the_requested_host_where_no_origin_is_listed(same_origin_server):
    serving = same_origin_server
    host = f"127.0.0.1:{serving.port}"
    for origin in (f"http://{host}", f"https://{host}"):
        assert asyncio.run(ask_socket(serving, "/ws", cookie("secret"), origin=origin))["username"] == "Ann"
    for origin in (
        EVIL,
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        f"http://{host}.evil.example",
        "http://[",
        "",
    ):
        assert refused(serving, "/ws", cookie("secret"), origin=origin).status_code == 403


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([f"origin: {OURS}"], "101 Switching Protocols"),
        ([f"origin: {OURS}", f"origin: {EVIL}"], "400 Bad Request"),
        ([f"origin: {EVIL}", f"origin: {OURS}"], "400 Bad Request"),
    ],
)
def test_two_origins_are_none(server, lines, status):
    with wire(server.port) as connection:
        upgrade = [
            "upgrade: websocket",
            "connection: Upgrade",
            "sec-websocket-version: 13",
            f"sec-websocket-key: {KEY}",
        ]
        head = ["GET /ws HTTP/1.1", "host: test", "cookie: session=secret", *upgrade, *lines, "", ""]
        connection.socket.sendall("\r\n".join(head).encode())
        assert connection.answer().status == status


def test_a_user_is_found_by_the_upgrade_and_known_to_the_request_from_then_on(server):
    told = asyncio.run(ask_socket(server, "/ws-asked?token=secret"))
    assert (told["username"], told["room"]) == ("Ann", "Anonymous")
    server.wait_for_log("after: Ann\n")


def test_user_data_that_are_no_mapping_are_refused(server):
    assert refused(server, "/ws-wrong?token=secret").status_code == 500


def test_any_other_upgrade_gives_the_anonymous_user(server):
    told = asyncio.run(ask_socket(server, "/ws-plain"))
    assert told == {"user": ANONYMOUS, "signed_in": False, "username": "Ann", "room": None}


def test_the_first_subprotocol_is_taken(server):
    async def chosen():
        options = {"subprotocols": ["chat", "other"], "additional_headers": bearer("secret")}
        async with websockets.connect(f"{server.ws_url}/ws", **options) as socket:
            return socket.subprotocol

    assert asyncio.run(chosen()) == "chat"


def test_a_client_that_leaves_while_its_token_is_verified_harms_nobody():
    with serve(auth_apps.auth_app, kind="app", own_verify=True) as serving:
        for _ in range(20):
            with wire(serving.port) as connection, contextlib.suppress(ConnectionError):
                names = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": KEY}
                connection.send("GET", "/ws?token=Ann", **names)
                connection.reset()
        assert asyncio.run(ask_socket(serving, "/ws?token=Ann"))["username"] == "Ann"
        assert "Error" not in serving.log
