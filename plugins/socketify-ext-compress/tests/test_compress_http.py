from __future__ import annotations

import gzip
import json
import zlib
from concurrent.futures import ThreadPoolExecutor

import brotli
import compress_apps
import httpx2
import pytest
import socketify
from compress_apps import LARGE, PAGE
from hypothesis import given, settings
from hypothesis import strategies as st
from socketify_ext_compress import compress
from socketify_ext_compress.coders import zstd

import socketify_ext
from socketify_ext import testing

CODINGS = ("zstd", "br", "gzip")
WHOLE = {"zstd": zstd.decompress, "br": brotli.decompress, "gzip": gzip.decompress}
PARTS = {
    "zstd": lambda: zstd.ZstdDecompressor().decompress,
    "br": lambda: brotli.Decompressor().process,
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16).decompress,
}
PATIENCE = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    (made / "small.html").write_text(PAGE)
    (made / "large.txt").write_text(LARGE)
    (made / "beside.css").write_text(PAGE)
    (made / "beside.css.gz").write_bytes(gzip.compress(PAGE.encode()))
    (made / "picture.png").write_bytes(PAGE.encode())
    return str(made)


@pytest.fixture(scope="module", params=["app", "install"])
def server(request, folder):
    with testing.serve(compress_apps.make, kind=request.param, folder=folder) as serving:
        yield serving


@pytest.fixture
def http(server):
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as client:
        client.headers.pop("accept-encoding")
        yield client


def ask(http, path, accepted="gzip", method="GET", **headers):
    """Send a request, and get its answer with the body as it came."""
    sent = {"Accept-Encoding": accepted, **headers} if accepted is not None else headers
    with http.stream(method, path, headers={name.replace("_", "-"): value for name, value in sent.items()}) as answer:
        raw = b"".join(answer.iter_raw())
    return answer, raw


def coding_of(answer):
    return answer.headers.get("content-encoding")


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/page", 200, PAGE),
        ("/late", 200, PAGE),
        ("/large", 200, LARGE),
        ("/changed", 200, PAGE.replace("line", "LINE")),
        ("/app-changed", 200, PAGE.replace("line", "LINE")),
        ("/app-changed?short=1", 200, "changed by the app"),
        ("/public", 200, PAGE),
        ("/files/small.html", 200, PAGE),
    ],
)
def test_a_whole_answer_is_compressed(http, coding, path, status, body):
    answer, raw = ask(http, path, coding)
    assert answer.status_code == status
    assert coding_of(answer) == coding
    assert WHOLE[coding](raw).decode() == body
    assert answer.headers["content-length"] == str(len(raw))
    assert len(raw) < max(len(body), len(PAGE)) / 4
    assert answer.headers.get_list("vary") == ["Accept-Encoding"]


@pytest.mark.parametrize("coding", CODINGS)
def test_json_and_errors_are_too(http, coding):
    answer, raw = ask(http, "/json", coding)
    assert json.loads(WHOLE[coding](raw)) == {"items": ["tea"] * 1000}
    answer, raw = ask(http, "/refused", coding)
    assert (answer.status_code, coding_of(answer)) == (409, coding)
    assert json.loads(WHOLE[coding](raw)) == {"detail": ["no"] * 1000}
    assert ask(http, "/fails", coding)[0].status_code == 500
    assert ask(http, "/nope", coding)[0].status_code == 404


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/stream", "".join(f"part {number}\n" for number in range(300))),
        ("/written", "a" * 3000 + "b" * 3000 + "c" * 3000),
    ],
)
def test_a_stream_is_compressed(http, coding, path, body):
    answer, raw = ask(http, path, coding)
    assert coding_of(answer) == coding
    assert PARTS[coding]()(raw).decode() == body
    assert "content-length" not in answer.headers
    assert answer.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_part_can_be_read_before_the_next_is_made(http, server, coding):
    read = PARTS[coding]()
    with http.stream("GET", "/ping", headers={"Accept-Encoding": coding}) as answer:
        parts, text = answer.iter_raw(), b""
        while text != b"first\n":
            text += read(next(parts))
        assert httpx2.get(f"{server.url}/heard").text == "heard"
        assert text + b"".join(map(read, parts)) == b"first\nsecond\n"


@pytest.mark.parametrize("coding", CODINGS)
def test_events_and_comments_between_them_are_one_stream(http, coding):
    answer, raw = ask(http, "/events", coding)
    text = PARTS[coding]()(raw).decode()
    assert coding_of(answer) == coding
    assert [line for line in text.splitlines() if line.startswith("data")] == [
        f'data: {{"number":{number}}}' for number in range(3)
    ]
    assert ":" in [line[:1] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("path", "has_vary"),
    [("/untyped", False), ("/small", False), ("/random", True), ("/png", False), ("/identity", False), ("/part", False),
     ("/digest", False), ("/no-transform", False), ("/empty", False), ("/secret", False), ("/secret-stream", False),
     ("/files/picture.png", False), ("/files/nope", False)],
)  # fmt: skip
def test_what_gains_nothing_or_must_stay_is_left_alone(http, path, has_vary):
    plain, expected = ask(http, path, None)
    answer, raw = ask(http, path, "gzip, br, zstd")
    assert raw == expected
    assert coding_of(answer) == coding_of(plain)
    assert ("vary" in answer.headers) is has_vary
    assert answer.status_code == plain.status_code


def test_what_is_compressed_already_is_not_compressed_again(http):
    answer, raw = ask(http, "/packed", "br, gzip")
    assert coding_of(answer) == "gzip"
    assert gzip.decompress(raw).decode() == PAGE
    answer, raw = ask(http, "/files/beside.css", "br, gzip")
    assert coding_of(answer) == "gzip"
    assert gzip.decompress(raw).decode() == PAGE


def test_a_large_file_and_a_range_go_as_they_are(http):
    answer, raw = ask(http, "/files/large.txt")
    assert coding_of(answer) is None
    assert raw.decode() == LARGE
    for path in ("/files/large.txt", "/files/small.html"):
        answer, raw = ask(http, path, Range="bytes=5-9")
        assert (answer.status_code, coding_of(answer), len(raw)) == (206, None, 5)


@pytest.mark.parametrize("path", ["/page", "/large", "/json", "/etag", "/stream", "/events", "/small", "/png", "/same",
    "/files/small.html", "/files/large.txt", "/refused"])  # fmt: skip
@pytest.mark.parametrize("coding", [*CODINGS, "identity"])
def test_head_says_what_get_says(http, path, coding):
    heads = []
    for method in ("GET", "HEAD"):
        answer, raw = ask(http, path, coding, method)
        assert method == "GET" or raw == b""
        heads.append(
            {name: value for name, value in answer.headers.items() if name not in ("date", "transfer-encoding")}
        )
    get, head = heads
    if path in ("/stream", "/events"):
        head.pop("content-length", None)
    assert head == get


def test_validators_become_weak_and_ranges_are_not_offered(http):
    answer, _ = ask(http, "/etag")
    assert answer.headers["etag"] == 'W/"abc"'
    assert "accept-ranges" not in answer.headers
    assert answer.headers["vary"] == "Origin, Accept-Encoding"
    plain, _ = ask(http, "/etag", None)
    assert (plain.headers["etag"], plain.headers["accept-ranges"]) == ('"abc"', "bytes")
    assert plain.headers["vary"] == "Origin, Accept-Encoding"
    same, _ = ask(http, "/same")
    assert (same.status_code, same.headers["etag"], same.headers["vary"]) == (304, 'W/"abc"', "Accept-Encoding")
    assert ask(http, "/same", None)[0].headers["etag"] == '"abc"'


def test_a_file_that_was_compressed_can_be_asked_for_again(http):
    first, _ = ask(http, "/files/small.html")
    assert first.headers["etag"].startswith("W/")
    again, raw = ask(http, "/files/small.html", If_None_Match=first.headers["etag"])
    assert (again.status_code, raw, again.headers["etag"]) == (304, b"", first.headers["etag"])


def test_caches_are_told_once(http):
    assert ask(http, "/vary")[0].headers.get_list("vary", split_commas=True) == ["Accept-Encoding", "Cookie"]
    assert ask(http, "/vary")[0].headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("zstd;q=0, *", "br"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip;q=x", None),
    ],
)
def test_the_client_chooses(http, accepted, wanted):
    assert coding_of(ask(http, "/page", accepted)[0]) == wanted


def test_the_app_chooses_among_equals():
    with (
        testing.serve(compress_apps.make, codings=["gzip", "br"]) as server,
        httpx2.Client(base_url=server.url) as http,
    ):
        assert coding_of(ask(http, "/page", "zstd, br, gzip")[0]) == "gzip"
        assert coding_of(ask(http, "/page", "zstd")[0]) is None


@pytest.mark.parametrize("order", [("compress", "later"), ("later", "compress")])
def test_it_comes_last_in_any_order(order):
    with testing.serve(compress_apps.make, order=order) as server, httpx2.Client(base_url=server.url) as http:
        _, raw = ask(http, "/changed")
        assert gzip.decompress(raw).decode() == PAGE.replace("line", "LINE")


# -- BREACH

COOKIE = {"Cookie": "session=x"}
BASIC = {"Authorization": "Basic QW5uOng="}
BEARER = {"Authorization": "Bearer x"}


@pytest.mark.parametrize("path", ["/page", "/large", "/stream"])
@pytest.mark.parametrize(
    ("headers", "is_compressed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        (COOKIE, False),
        (COOKIE | {"Sec-Fetch-Site": "same-origin"}, True),
        (COOKIE | {"Sec-Fetch-Site": "none"}, True),
        (COOKIE | {"Sec-Fetch-Site": "same-site"}, False),
        (COOKIE | {"Sec-Fetch-Site": "cross-site"}, False),
        (BASIC, False),
        (BASIC | {"Sec-Fetch-Site": "cross-site"}, False),
        (BASIC | {"Sec-Fetch-Site": "same-origin"}, True),
        (BEARER, True),
        (BEARER | {"Sec-Fetch-Site": "cross-site"}, True),
        (BEARER | COOKIE, False),
    ],
)
def test_another_site_gets_no_size_that_tells_a_secret(http, path, headers, is_compressed):
    answer, _ = ask(http, path, **headers)
    assert (coding_of(answer) == "gzip") is is_compressed
    assert answer.headers["vary"] == "Accept-Encoding"


def test_two_words_on_the_site_are_none(http):
    lines = [("Accept-Encoding", "gzip"), ("Cookie", "a=b"), ("Sec-Fetch-Site", "same-origin")]
    for more, wanted in (
        ([], "gzip"),
        ([("Sec-Fetch-Site", "cross-site")], None),
        ([("Sec-Fetch-Site", "same-origin")], None),
    ):
        assert coding_of(http.get("/page", headers=[*lines, *more])) == wanted


def test_a_route_says_what_is_no_secret(http):
    assert coding_of(ask(http, "/public", **COOKIE, Sec_Fetch_Site="cross-site")[0]) == "gzip"
    assert coding_of(ask(http, "/secret")[0]) is None


# -- strangers


printable = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)


@settings(max_examples=50)
@given(st.lists(printable, max_size=3))
def test_whatever_a_client_accepts_it_can_read_the_answer(server, accepted):
    lines = [("Accept-Encoding", line.strip().encode("latin-1")) for line in accepted]
    with httpx2.Client() as http:
        http.headers.pop("accept-encoding")
        with http.stream("GET", f"{server.url}/page", headers=lines) as answer:
            raw = b"".join(answer.iter_raw())
    assert WHOLE.get(coding_of(answer), bytes)(raw).decode() == PAGE


def test_clients_that_leave_in_the_middle_harm_nobody(http, server):
    for path in ("/stream", "/events", "/large"):
        for _ in range(10):
            with http.stream("GET", path, headers={"Accept-Encoding": "br"}) as answer:
                next(answer.iter_raw(), None)
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda _: ask(http, "/large", "br")[1], range(30)))
    assert {brotli.decompress(body).decode() for body in bodies} == {LARGE}
    assert "Traceback" not in server.log.replace("ZeroDivisionError", "").partition("Traceback")[0]


@pytest.mark.parametrize("value", ["br", 7, None])
def test_a_route_with_an_option_that_can_not_work_is_refused(value):
    app = socketify_ext.App()
    app.register(compress)
    with pytest.raises(socketify_ext.ExtensionError, match="compress"):
        app.get("/", lambda res, req: res.end(""), compress=value)


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(compress)
