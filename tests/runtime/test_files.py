"""Files over real connections: conditions, ranges, hostile paths, slow clients, and files that change while they are sent."""

import asyncio
import contextlib
import gzip
import json
import os
import re
import socket
import ssl
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import file_apps
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import Wire
from wire import wire as wire_of

from socketify_ext import HTTPError
from socketify_ext.testing import fake_request, fake_response, serve

PAGE = b"<p>0123456789</p>"
LARGE = bytes(range(256)) * 40_000  # 10 MB: more than the buffers of two sockets
SECRET = b"secret of the file system"
PATIENCE = 20.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    above = tmp_path_factory.mktemp("files")
    folder = above / "public"
    for name in ("private", "docs", "sub", "..x", ".well-known"):
        (folder / name).mkdir(parents=True)
    (above / "secret.txt").write_bytes(SECRET)
    (above / "public-too").mkdir()
    (above / "public-too" / "secret.txt").write_bytes(SECRET)
    for name, content in {
        "page.html": PAGE,
        "large.bin": LARGE,
        "empty.txt": b"",
        "a b é.txt": b"named",
        "docs/index.html": b"index",
        "private/s.txt": SECRET,
        "sub/.hidden": SECRET,
        ".well-known/security.txt": b"Contact: a@b.example",
        ".env": SECRET,
        "..x/s.txt": SECRET,
        "text.css": b"p {}" * 100,
        "text.css.gz": gzip.compress(b"p {}" * 100),
        "text.css.br": b"as if it were brotli",
        "text.css.zst": b"as if it were zstd",
        "only.js": b"1",
        "only.js.gz": gzip.compress(b"1"),
        "\u202f\u3000\U0001f468\u200d\U0001f469.txt": b"printable or not",
        "100%.txt": b"percent",
        "old.css": b"new",
        "old.css.gz": gzip.compress(b"old"),
        "archive.tar.gz": b"archive",
    }.items():
        (folder / name).write_bytes(content)
    os.utime(folder / "old.css.gz", (1_000_000_000, 1_000_000_000))
    os.utime(folder / "page.html", (1_700_000_000, 1_700_000_000))
    (folder / "inside.html").symlink_to(folder / "page.html")
    (folder / "outside.txt").symlink_to(above / "secret.txt")
    (folder / "outside").symlink_to(above)
    (folder / "hidden.txt").symlink_to(folder / ".env")
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serve(file_apps.make, folder=str(folder)) as serving:
        yield serving


@pytest.fixture
def wire(server):
    connection = Wire(server.port, PATIENCE)
    yield connection
    connection.socket.close()


SUFFIXES = {None: "", "gzip": ".gz", "br": ".br", "zstd": ".zst"}


def ask(wire, path, method="GET", **headers):
    wire.send(method, path, **{name.replace("_", "-"): value for name, value in headers.items()})
    answer = wire.answer(method == "HEAD")
    return int(answer.status.split()[0]), {name.lower(): value for name, value in answer.headers}, answer.body


def open_files(server):
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


# -- the whole file


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("page.html", "text/html; charset=utf-8", PAGE),
        ("inside.html", "text/html; charset=utf-8", PAGE),
        ("large.bin", "application/octet-stream", LARGE),
        ("empty.txt", "text/plain; charset=utf-8", b""),
        ("a%20b%20%C3%A9.txt", "text/plain; charset=utf-8", b"named"),
        ("docs/", "text/html; charset=utf-8", b"index"),
        ("archive.tar.gz", "application/gzip", b"archive"),
        ("100%25.txt", "text/plain; charset=utf-8", b"percent"),
        (quote("\u202f\u3000\U0001f468\u200d\U0001f469.txt"), "text/plain; charset=utf-8", b"printable or not"),
    ],
)
def test_rfc9110_9_3_2_a_file_comes_with_its_type_and_length_and_head_without_it(wire, path, content_type, body):
    status, headers, got = ask(wire, f"/public/{path}")
    assert (status, got, headers["content-type"]) == (200, body, content_type)
    status, of_head, got = ask(wire, f"/public/{path}", "HEAD")
    assert (status, got, of_head["content-length"]) == (200, b"", str(len(body)))
    assert of_head["etag"] == headers["etag"]


def test_rfc9110_15_4_9_a_directory_leads_to_its_url_with_a_slash(wire):
    status, headers, _ = ask(wire, "/public/docs")
    assert (status, headers["location"]) == (308, "/public/docs/")
    for query in ("a=1&b=%C3%A9", "", "a=?/:@"):
        assert ask(wire, f"/public/docs?{query}")[1]["location"] == f"/public/docs/?{query}"
    assert ask(wire, '/public/docs?<é>"')[1]["location"] == "/public/docs/?%3C%C3%A9%3E%22"
    assert ask(wire, "/public/sub")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        *("none", "page.html/", "sub", "sub/", "docs/index.html/", "", "/", "//page.html", "docs//index.html", "."),
        *("..", "../secret.txt", "../public-too/secret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt"),
        *("..%2fsecret.txt", "..%5csecret.txt", "..\\secret.txt", "./page.html", "docs/../page.html"),
        *("docs%2findex.html", "%252e%252e/secret.txt", ".env", "%2eenv", "sub/.hidden", "..x/s.txt"),
        *("outside.txt", "outside/secret.txt", "hidden.txt", "loop", "pipe", "page.html%00", "%00", "a%0ab", "%", "%4"),
        *("%zz", "%ff", "a" * 300, "a/" * 150, "%C3", "~/x", "C:/x", "page.html%20", "page.html%2f"),
    ],
)
def test_what_is_no_file_of_the_folder_is_not_found(server, wire, path):
    status, _, body = ask(wire, f"/public/{path}")
    assert (status, SECRET in body) == (404, False)
    assert "Traceback" not in server.log


def test_rfc8615_a_folder_whose_name_begins_with_a_dot_is_served_where_the_app_names_it(wire):
    assert ask(wire, "/.well-known/security.txt")[::2] == (200, b"Contact: a@b.example")
    assert ask(wire, "/public/.well-known/security.txt")[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/private/s.txt", "/%70rivate/s.txt", "/../public/private/s.txt", "/docs/../private/s.txt", "//private/s.txt"],
)
def test_no_way_to_write_a_path_passes_a_guard(wire, path):
    status, _, body = ask(wire, f"/public{path}")
    assert status in (401, 404)
    assert SECRET not in body


def test_rfc9110_12_5_3_a_compressed_sibling_is_sent_to_who_prefers_it(wire):
    plain = ask(wire, "/public/text.css")
    assert (plain[2], plain[1]["vary"]) == (b"p {}" * 100, "Accept-Encoding")
    for accepted, coding in {
        "gzip": "gzip",
        "gzip, deflate, br, zstd": "br",
        "zstd, gzip": "zstd",
        "br;q=0, gzip;q=0.5": "gzip",
        "br;q=0.1, gzip;q=0.5": "gzip",
        "*": "br",
        "GZIP": "gzip",
    }.items():
        _, headers, body = ask(wire, "/public/text.css", accept_encoding=accepted)
        assert headers["content-encoding"] == coding
        assert headers["content-type"] == "text/css; charset=utf-8"
        assert headers["etag"] != plain[1]["etag"]
        assert int(headers["content-length"]) == len(body)
    for accepted in ("identity", "identity, gzip;q=0.5", "gzip;q=0", "gzip;q=x", "gzipped", "deflate", "*;q=0"):
        _, headers, body = ask(wire, "/public/text.css", accept_encoding=accepted)
        assert (headers.get("content-encoding"), headers["etag"], body) == (None, plain[1]["etag"], plain[2])


def lines(wire, path, head):
    """Send header lines of which several have one name."""
    wire.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n".encode() + head + b"\r\n")
    answer = wire.answer()
    return int(answer.status.split()[0]), {name.lower(): value for name, value in answer.headers}, answer.body


def test_rfc9110_5_3_lists_in_several_lines_are_one(wire):
    tag = ask(wire, "/public/page.html")[1]["etag"].encode()
    for head in (
        b'If-None-Match: "x"\r\nIf-None-Match: %b\r\n' % tag,
        b'If-None-Match: "\xff"\r\nIf-None-Match: W/%b\r\n' % tag,
        b'If-None-Match: "a\\", "b,"\r\nIf-None-Match: "c", %b\r\n' % tag,
    ):
        status = lines(wire, "/public/page.html", head)[0]
        assert status == (200 if b"\xff" in head else 304)
    assert lines(wire, "/public/page.html", b'If-Match: "x"\r\nIf-Match: %b\r\n' % tag)[0] == 200
    assert lines(wire, "/public/page.html", b'If-Match: "x"\r\nIf-Match: W/%b\r\n' % tag)[0] == 412
    head = b"Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\n"
    assert lines(wire, "/public/text.css", head)[1]["content-encoding"] == "gzip"


def test_rfc9110_5_3_what_is_no_list_is_ignored_where_it_comes_twice(wire):
    date = formatdate(1_800_000_000, usegmt=True).encode()
    for head in (b"Range: bytes=0-1\r\nRange: bytes=4-5\r\n", b"If-Modified-Since: %b\r\n" % date * 2):
        status, _, body = lines(wire, "/public/page.html", head)
        assert (status, body) == (200, PAGE)
    tag = ask(wire, "/public/page.html")[1]["etag"].encode()
    head = b"Range: bytes=0-1\r\nIf-Range: %b\r\nIf-Range: %b\r\n" % (tag, tag)
    assert lines(wire, "/public/page.html", head)[0] == 200


def test_rfc9110_14_2_a_range_is_one_of_the_bytes_that_its_tag_names(wire):
    """Those of the compressed file where that is what the client prefers, and never of both mixed."""
    plain = ask(wire, "/public/only.js")
    coded = ask(wire, "/public/only.js", accept_encoding="gzip")
    got = ask(wire, "/public/only.js", accept_encoding="gzip", range="bytes=2-")
    assert (got[0], got[1]["content-encoding"], got[1]["etag"]) == (206, "gzip", coded[1]["etag"])
    assert (got[2], got[1]["content-range"]) == (coded[2][2:], f"bytes 2-{len(coded[2]) - 1}/{len(coded[2])}")
    for tag, accepted, status in (
        (plain[1]["etag"], "gzip", 200),
        (coded[1]["etag"], "identity", 200),
        (coded[1]["etag"], "gzip", 206),
        (plain[1]["etag"], "identity", 206),
    ):
        got = ask(wire, "/public/only.js", accept_encoding=accepted, range="bytes=0-", if_range=tag)
        assert (got[0], got[2]) == (status, (coded if accepted == "gzip" else plain)[2])
    for tag, accepted in ((plain[1]["etag"], "gzip"), (coded[1]["etag"], "identity")):
        assert ask(wire, "/public/only.js", accept_encoding=accepted, if_none_match=tag)[0] == 200


def test_rfc9110_15_4_5_not_modified_has_what_the_whole_would_have_had(wire):
    whole = ask(wire, "/public/text.css", accept_encoding="br")[1]
    status, headers, _ = ask(wire, "/public/text.css", accept_encoding="br", if_none_match="*")
    assert status == 304
    assert {name: headers[name] for name in ("etag", "vary", "last-modified")} == {
        name: whole[name] for name in ("etag", "vary", "last-modified")
    }
    assert not {"content-type", "content-encoding"} & set(headers)


def test_a_sibling_that_is_older_than_the_file_is_not_sent(wire):
    assert ask(wire, "/public/old.css", accept_encoding="gzip")[2] == b"new"


# -- conditions


def test_rfc9110_15_4_5_a_copy_that_is_current_is_not_sent_again(wire):
    _, first, _ = ask(wire, "/public/page.html")
    assert first["last-modified"] == formatdate(1_700_000_000, usegmt=True)
    for name, value in (
        ("if-none-match", first["etag"]),
        ("if-none-match", f'"other", W/{first["etag"]}'),
        ("if-none-match", "*"),
        ("if-modified-since", first["last-modified"]),
        ("if-modified-since", formatdate(1_800_000_000, usegmt=True)),
    ):
        status, headers, body = ask(wire, "/public/page.html", **{name: value})
        assert (status, body, headers["etag"]) == (304, b"", first["etag"])
        assert ask(wire, "/public/page.html", "HEAD", **{name: value})[0] == 304


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("if-none-match", '"other"'),
        ("if-none-match", "junk"),
        ("if-modified-since", formatdate(1_600_000_000, usegmt=True)),
        ("if-modified-since", "junk"),
        ("if-modified-since", "Tue, 99 Foo 99999999999 99:99:99 GMT"),
        ("if-modified-since", "1" * 2000),
        ("if-unmodified-since", "junk"),
        ("if-match", "*"),
    ],
)
def test_rfc9110_13_1_what_is_no_current_copy_is_answered_whole(server, wire, name, value):
    assert ask(wire, "/public/page.html", **{name: value})[0] == 200
    assert "Traceback" not in server.log


def test_rfc9110_13_2_2_a_tag_counts_before_a_date(wire):
    _, first, _ = ask(wire, "/public/page.html")
    assert ask(wire, "/public/page.html", if_none_match='"x"', if_modified_since=first["last-modified"])[0] == 200


def test_rfc9110_15_5_13_a_condition_that_fails_is_412(wire):
    _, first, _ = ask(wire, "/public/page.html")
    assert ask(wire, "/public/page.html", if_match='"x"')[0] == 412
    assert ask(wire, "/public/page.html", if_match=f"W/{first['etag']}")[0] == 412
    assert ask(wire, "/public/page.html", if_match=first["etag"])[0] == 200
    assert ask(wire, "/public/page.html", if_unmodified_since=formatdate(1_600_000_000, usegmt=True))[0] == 412


# -- ranges


@pytest.mark.parametrize("path", ["page.html", "large.bin"])
@pytest.mark.parametrize("given", ["0-0", "3-5", "3-", "-3", "-99999999999", "5-99999999999999999999999"])
def test_rfc9110_14_4_one_range_is_served(wire, folder, path, given):
    whole = (folder / path).read_bytes()
    first, _, last = given.partition("-")
    part = whole[int(first) : int(last) + 1 if last else None] if first else whole[-int(last) :]
    status, headers, body = ask(wire, f"/public/{path}", range=f"bytes={given}")
    start = int(first) if first else len(whole) - len(part)
    assert (status, body) == (206, part)
    assert headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"


@pytest.mark.parametrize("given", ["bytes=17-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"])
def test_rfc9110_15_5_17_a_range_of_bytes_that_are_not_there_is_416(wire, given):
    status, headers, body = ask(wire, "/public/page.html", range=given)
    assert (status, headers["content-range"]) == (416, "bytes */17")
    assert json.loads(body) == {"detail": HTTPStatus(416).phrase}


@pytest.mark.parametrize(
    "given", ["bytes=0-1,3-4", "items=0-3", "bytes=abc", "bytes=0", "bytes=-", "bytes=5-3", "bytes=1-2-3", "bytes", "="]
)
def test_rfc9110_14_2_a_range_that_cannot_be_read_is_ignored(server, wire, given):
    status, headers, body = ask(wire, "/public/page.html", range=given)
    assert (status, body, "content-range" in headers) == (200, PAGE, False)
    assert "Traceback" not in server.log


def test_rfc9110_13_1_5_a_range_of_another_version_is_the_whole(wire):
    _, first, _ = ask(wire, "/public/page.html")
    for current in (first["etag"], first["last-modified"]):
        assert ask(wire, "/public/page.html", range="bytes=0-1", if_range=current)[0] == 206
    for other in ('"x"', f"W/{first['etag']}", formatdate(1_800_000_000, usegmt=True), "junk"):
        assert ask(wire, "/public/page.html", range="bytes=0-1", if_range=other)[0] == 200


PIECES = st.sampled_from(
    [
        *(
            b"bytes",
            b"=",
            b"-",
            b",",
            b" ",
            b"0",
            b"5",
            b"16",
            b"17",
            b"99999999999999999999",
            b'"',
            b"W/",
            b"*",
            b"\xff",
        ),
        *(b"Tue, 14 Nov 2023 22:13:20 GMT", b"gzip", b"br", b";q=", b"1.5", b"0.5", b"identity", b"\t", b"\\", b"TAG"),
    ]
)
LINES = st.tuples(
    st.sampled_from(
        [
            b"Range",
            b"If-Range",
            b"If-Match",
            b"If-None-Match",
            b"If-Modified-Since",
            b"If-Unmodified-Since",
            b"Accept-Encoding",
        ]
    ),
    st.lists(PIECES, max_size=8).map(b"".join),
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.lists(LINES, max_size=5), path=st.sampled_from(["page.html", "text.css", "empty.txt", "none"]))
def test_whatever_conditions_come_the_answer_is_one_of_the_rfc(server, folder, path, head):
    """And its bytes are those of the file, or of the part that it names."""
    with wire_of(server.port, PATIENCE) as connection:
        tag = ask(connection, f"/public/{path}")[1].get("etag", "").encode()
        sent = b"".join(b"%b: %b\r\n" % (name, value.replace(b"TAG", tag)) for name, value in head)
        status, headers, body = lines(connection, f"/public/{path}", sent)
        assert status in ((404,) if path == "none" else (200, 206, 304, 412, 416))
        whole = (
            (folder / f"{path}{SUFFIXES[headers.get('content-encoding')]}").read_bytes()
            if status in (200, 206)
            else b""
        )
        if status == 200:
            assert body == whole
        if status == 206:
            first, last, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers["content-range"]).groups())
            assert (body, size) == (whole[first : last + 1], len(whole))
        if status == 304:
            assert body == b""
        assert ask(connection, "/free")[2] == b"free"
    assert "Traceback" not in server.log


# -- res.send_file


def test_a_handler_sends_a_file_awaited_or_not(wire):
    assert ask(wire, "/send/fixed")[2] == LARGE
    assert ask(wire, "/send/fixed", range="bytes=5-9")[2] == LARGE[5:10]
    status, headers, body = ask(wire, "/send/late")
    assert (status, headers["content-type"], body) == (200, "text/x-page", PAGE)


def test_a_file_that_is_not_there_is_404(wire):
    assert ask(wire, "/send/missing")[0] == 404


def test_rfc9110_13_2_1_conditions_and_ranges_are_for_what_would_be_200(wire):
    assert ask(wire, "/send/page", range="bytes=0-1", if_none_match="*")[::2] == (404, PAGE)


def test_a_second_answer_is_refused_and_logged(server, wire):
    assert ask(wire, "/send/answered")[2] == b"answered"
    server.wait_for_log("send_file was refused")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/",
            "..",
            "../secret.txt",
            "/etc/passwd",
            "docs/../page.html",
            "docs//index.html",
            "./page.html",
            ".env",
        ),
        *("sub/.hidden", "docs", "docs/", "outside.txt", "outside/secret.txt", "hidden.txt", "pipe", "loop", "a\0b"),
        *("a\\b", "a\nb", "x" * 300, "%2e%2e/secret.txt", "none", "\ufffd"),
    ],
)
def test_a_path_from_a_client_leads_to_nothing_outside_of_the_folder(server, wire, path):
    status, _, body = ask(wire, f"/send/below?path={quote(path, safe='')}")
    assert (status, SECRET in body) == (404, False)
    assert "Traceback" not in server.log


def test_a_path_from_a_client_leads_to_a_file_of_the_folder(wire):
    for path, body in {
        "page.html": PAGE,
        "docs/index.html": b"index",
        "a b é.txt": b"named",
        "100%.txt": b"percent",
    }.items():
        assert ask(wire, f"/send/below?path={quote(path, safe='')}")[::2] == (200, body)
    assert ask(wire, "/send/below?path=page.html", range="bytes=1-2")[::2] == (206, PAGE[1:3])
    assert "vary" not in ask(wire, "/send/below?path=text.css", accept_encoding="br")[1]


@pytest.mark.parametrize("path", ["", "/", "a\0b", "x" * 5000, "/dev/null", "/dev/tty", "/proc/self/mem/x", "\ufffd"])
def test_what_is_no_regular_file_is_404_without_a_folder_too(server, wire, path):
    assert ask(wire, f"/send/unsafe?path={quote(path, safe='')}")[0] == 404
    assert "Traceback" not in server.log


def test_rfc6266_a_download_has_a_name_that_splits_no_head(wire):
    _, headers, body = ask(wire, "/send/below?path=page.html&name=" + quote('Ü "1"\r\nSet-Cookie: a=b'))
    assert headers["content-disposition"] == (
        "attachment; filename=\"_ _1___Set-Cookie: a=b\"; filename*=UTF-8''%C3%9C%20%221%22__Set-Cookie%3A%20a%3Db"
    )
    assert ("set-cookie" in headers, body) == (False, PAGE)
    assert "content-disposition" not in ask(wire, "/send/below?path=page.html&name=x", if_none_match="*")[1]


def test_a_wrong_argument_is_an_error_and_the_answer_is_still_to_be_given(wire):
    status, headers, body = ask(wire, "/send/hostile", range="bytes=0-1")
    assert (status, json.loads(body)) == (200, ["HeaderError", "TypeError", "TypeError", "ArgumentError"])
    assert "content-range" not in headers


@pytest.mark.parametrize("query", ["", "?cold=yes"])
def test_one_answer_is_one_file(server, wire, query):
    status, headers, body = ask(wire, f"/send/twice{query}")
    assert (status, headers["content-type"]) == (200, "application/octet-stream")
    assert body == LARGE
    assert ask(wire, "/free")[2] == b"free"
    server.wait_for_log("send_file was refused: the head of this answer is already sent")


def test_a_file_comes_not_behind_parts(server, wire):
    wire.send("GET", "/send/part")
    assert wire.read_until(b"0\r\n\r\n").endswith(b"4\r\npart\r\n3\r\nend\r\n0\r\n\r\n")
    assert ask(wire, "/free")[2] == b"free"


def test_a_disk_that_fails_ends_the_connection_of_its_file_alone(server, wire):
    ask(wire, "/public/large.bin")
    before = open_files(server)
    connection = Wire(server.port, PATIENCE)
    with connection.socket:
        connection.send("GET", "/send/broken")
        head = connection.read_until(b"\r\n\r\n")
        assert f"content-length: {len(LARGE)}\r\n".encode() in head.lower()
        assert 0 < len(connection.read_to_end()) < len(LARGE)
    assert ask(wire, "/free")[2] == b"free"
    server.wait_for_log("Input/output error")
    assert open_files(server) == before


def test_a_hook_may_say_how_long_a_file_is_kept(wire):
    for headers in ({}, {"if_none_match": "*"}, {"range": "bytes=0-1"}):
        assert ask(wire, "/public/docs/", **headers)[1]["cache-control"] == "max-age=60"
    assert ask(wire, "/public/page.html")[1].get("cache-control") is None


def test_a_socket_is_not_found(folder, wire):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s.sock"))
        assert ask(wire, "/public/s.sock")[0] == 404


# -- while it is sent


def slow_client(server, path):
    """Ask for a file, and read the head and no more than fits the buffers."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", server.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(1)
    return client, int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


def read_rest(client):
    got = 0
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(1 << 20):
            got += len(data)
    return got


def test_a_file_that_shrinks_ends_its_own_connection_alone(server, folder, wire):
    shrinking = folder / "shrinking.bin"
    shrinking.write_bytes(bytes(20_000_000))
    client, announced = slow_client(server, "/public/shrinking.bin")
    with client:
        os.truncate(shrinking, 100)
        assert ask(wire, "/free")[2] == b"free"
        assert read_rest(client) < announced
    assert ask(wire, "/free")[2] == b"free"
    server.wait_for_log("shrinking.bin has become shorter")


def test_a_file_that_grows_is_sent_to_the_announced_size(server, folder):
    growing = folder / "growing.bin"
    growing.write_bytes(bytes(10_000_000))
    client, announced = slow_client(server, "/public/growing.bin")
    with client:
        with growing.open("ab") as stream:
            stream.write(bytes(10_000_000))
        got = 0
        while got < announced:
            got += len(client.recv(1 << 20))
        client.sendall(b"GET /free HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert client.recv(1 << 20).startswith(b"HTTP/1.1 200 OK")


def memory(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_slow_clients_hold_little_memory_and_their_files_are_closed(server, wire):
    ask(wire, "/public/large.bin")
    files, before = open_files(server), memory(server)
    clients = [slow_client(server, "/public/large.bin")[0] for _ in range(50)]
    assert ask(wire, "/free")[2] == b"free"
    assert open_files(server) == files + 2 * len(clients)
    assert memory(server) - before < len(clients) * 300_000
    for client in clients:
        client.close()
    deadline = time.monotonic() + PATIENCE
    while open_files(server) > files and time.monotonic() < deadline:
        ask(wire, "/free")
    assert open_files(server) == files


def test_no_file_stays_open_after_an_answer_of_any_kind(server, wire):
    asked = [
        ("page.html", {}),
        ("none", {}),
        ("page.html", {"range": "bytes=99-"}),
        ("large.bin", {"range": "bytes=1-"}),
    ]
    asked += [("page.html", {"if-none-match": "*"}), ("page.html", {"if-match": '"x"'}), ("docs", {}), ("pipe", {})]
    asked += [("text.css", {"accept-encoding": "br"})]
    ask(wire, "/public/large.bin")
    before = open_files(server)
    for path, headers in asked * 5:
        ask(wire, f"/public/{path}", **headers)
        ask(wire, f"/public/{path}", "HEAD", **headers)
    assert open_files(server) == before


def test_a_file_that_is_replaced_again_and_again_is_always_one_of_them(server, folder, wire):
    """Length, tag and bytes are of one file, whichever the name leads to at that moment."""
    tags = {}

    def replace():
        for number in range(300):
            (folder / "next.bin").write_bytes(bytes([number % 5]) * (1000 + number % 5))
            (folder / "next.bin").replace(folder / "replaced.bin")

    (folder / "replaced.bin").write_bytes(bytes(1000))
    writer = threading.Thread(target=replace)
    writer.start()
    while writer.is_alive():
        status, headers, body = ask(wire, "/public/replaced.bin")
        assert (status, body) == (200, body[:1] * (1000 + body[0]))
        assert tags.setdefault(headers["etag"], body) == body
    writer.join()


def test_many_downloads_at_once_come_whole(server):
    wrong = []

    def download(number):
        connection = Wire(server.port, PATIENCE)
        with connection.socket:
            start = number * 1000
            if ask(connection, "/public/large.bin", range=f"bytes={start}-")[2] != LARGE[start:]:
                wrong.append(number)

    threads = [threading.Thread(target=download, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_slow_client_behind_tls_gets_a_large_file_whole(folder):
    data = Path(__file__).parents[1] / "data"
    certificate, key = str(data / "localhost.crt"), str(data / "localhost.key")
    with serve(file_apps.make, folder=str(folder), certificate=certificate, key=key) as serving:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", serving.port))
        context = ssl.create_default_context(cafile=certificate)
        with context.wrap_socket(client, server_hostname="localhost") as secure:
            secure.sendall(b"GET /public/large.bin HTTP/1.1\r\nHost: test\r\n\r\n")
            got = bytearray()
            while not got.endswith(LARGE[-256:]) or len(got) < len(LARGE):
                got += secure.recv(1 << 20)
        assert got.partition(b"\r\n\r\n")[2] == LARGE


def test_a_server_stops_while_a_client_downloads(folder):
    with serve(file_apps.make, folder=str(folder)) as serving:
        client, _ = slow_client(serving, "/public/large.bin")
        with client:
            assert serving.stop() == 0
        assert "Traceback" not in serving.log


def test_a_fake_response_records_a_file(folder):
    def answered(path, method="GET", **headers):
        async def send():
            request = fake_request(method=method, headers=headers)
            response = fake_response(request=request)
            await response.send_file(path, folder=folder)
            return response.recorded

        recorded = asyncio.run(send())
        assert recorded.complete
        return recorded.status, dict(recorded.headers), recorded.body

    status, headers, body = answered("page.html")
    assert (status, headers["Content-Type"], body) == (200, "text/html; charset=utf-8", PAGE)
    assert answered("page.html", **{"if-none-match": headers["ETag"]})[::2] == (304, b"")
    assert answered("page.html", range="bytes=1-2")[::2] == (206, PAGE[1:3])
    assert answered("page.html", range="bytes=99-")[0] == 416
    assert answered("large.bin")[::2] == (200, LARGE)
    with pytest.raises(HTTPError):
        answered("none")
