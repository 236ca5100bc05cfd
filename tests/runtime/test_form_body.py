"""Forms on real servers: fields, files, limits, and the end of files with their requests."""

import sys
from pathlib import Path

import httpx2
import input_apps
import pytest
import socketify
from input_apps import multipart, part
from wire import wire

import socketify_ext
from socketify_ext.testing import serve

KIND = "multipart/form-data; boundary=border"


@pytest.fixture(scope="module")
def server():
    with serve(input_apps.make) as serving:
        yield serving


@pytest.fixture
def fresh():
    with serve(input_apps.make) as serving:
        yield serving


def post(server, path, content, kind=KIND):
    return httpx2.post(server.url + path, content=content, headers={"content-type": kind}, timeout=30)


def test_a_form_is_read_as_fields_and_files(server):
    files = [("photo", ("a.png", b"x" * 5000, "image/png")), ("paper", ("b", b"1")), ("paper", ("c", b"22"))]
    answer = httpx2.post(f"{server.url}/form", data={"name": "Ann", "tags": ["a", "é"]}, files=files)
    assert answer.json() == {
        "fields": {"name": ["Ann"], "tags": ["a", "é"]},
        "files": {
            "photo": [["a.png", "image/png", 5000, False, 5000]],
            "paper": [["b", "application/octet-stream", 1, False, 1], ["c", "application/octet-stream", 2, False, 2]],
        },
    }


def test_an_urlencoded_form_is_read_as_the_same_form(server):
    answer = httpx2.post(f"{server.url}/form", data={"name": "Ann & Bob", "tags": ["a", "é"], "empty": ""})
    assert answer.json() == {"fields": {"name": ["Ann & Bob"], "tags": ["a", "é"], "empty": [""]}, "files": {}}


def test_a_request_without_a_body_is_an_empty_form(server):
    assert httpx2.post(f"{server.url}/form").json() == {"fields": {}, "files": {}}


def test_a_model_may_hold_files(server):
    files = [("photo", ("a.png", b"x", "image/png")), ("papers", ("b", b"1"))]
    answer = httpx2.post(f"{server.url}/application", data={"name": "Ann", "tags": "a"}, files=files)
    assert answer.json() == {
        "name": "Ann",
        "tags": ["a"],
        "files": [["a.png", "image/png", 1, False, 1], ["b", "application/octet-stream", 1, False, 1]],
    }
    assert httpx2.post(f"{server.url}/application", data={"name": "Ann"}).json()["files"] == []
    assert httpx2.post(f"{server.url}/struct-form", data={"sku": "tea", "lines": [1, 2]}).json()["lines"] == [1, 2]


def test_a_field_in_place_of_a_file_and_a_file_in_place_of_a_field_are_a_422(server):
    answer = httpx2.post(f"{server.url}/application", data={"name": "Ann", "photo": "text"})
    detail = answer.json()["detail"]
    assert (answer.status_code, [each["msg"] for each in detail]) == (422, ["Input should be a file"])
    answer = httpx2.post(f"{server.url}/application", files=[("name", ("a", b"x"))])
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "string_type")


def test_an_input_for_a_file_that_nobody_has_chosen_is_left_out(server):
    content = multipart(part("name", b"Ann"), part("photo", b"", "", "application/octet-stream"))
    assert post(server, "/application", content).json() == {"name": "Ann", "tags": [], "files": []}


@pytest.mark.parametrize(
    ("sent", "filename"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Users\\\\Ann\\\\a.png", "a.png"),
        ("/a/b/", ""),
        ("..", ""),
        (".bashrc", "bashrc"),
        ("a\x00b\x1b[2J.png", "ab[2J.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("é" * 300, "é" * 127),
        ("a%22b%0D%0A.png", 'a"b.png'),
    ],
)
def test_the_name_of_a_file_is_no_path(server, sent, filename):
    answer = post(server, "/form", multipart(part("photo", b"x", sent)))
    assert [each[0] for each in answer.json()["files"]["photo"]] == [filename]


@pytest.mark.parametrize("size", [0, 1, 99_000, 200_000, 5_000_000])
@pytest.mark.parametrize("step", [1000, 65536, 10_000_000])
def test_a_large_file_goes_to_disk_and_comes_back_whole(server, size, step):
    if size // step > 300:
        step = 65536
    content = multipart(part("name", b"Ann"), part("photo", b"\r\n--bord" * (size // 8) + b"x" * (size % 8), "a"))
    parts = (content[start : start + step] for start in range(0, len(content), step))
    assert post(server, "/upload", parts).json() == {
        "photo": [["a", "application/octet-stream", size, size > 100_000, size]]
    }


def test_files_share_the_memory_that_they_may_have_and_the_largest_goes_to_disk_first(server):
    sizes = {"a": 40_000, "b": 50_000, "c": 30_000}
    content = multipart(*(part(name, name.encode() * size, name) for name, size in sizes.items()))
    found = post(server, "/upload", content).json()
    assert {name: [each[0][2], each[0][4]] for name, each in found.items()} == {
        name: [n, n] for name, n in sizes.items()
    }
    assert [name for name, each in found.items() if each[0][3]] == ["b"]


def test_forms_of_every_length_are_read_however_they_are_cut(server):
    content = multipart(part("name", b"\r\n--borde"), part("photo", b"\r\n-", "a"))
    with httpx2.Client(base_url=server.url) as client:
        whole = client.post("/form", content=content, headers={"content-type": KIND}).json()
        assert whole["fields"] == {"name": ["\r\n--borde"]}
        for cut in range(1, len(content)):
            parts = iter([content[:cut], content[cut:]])
            assert client.post("/form", content=parts, headers={"content-type": KIND}).json() == whole, cut


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"epilogue", b"\r\n--border\r\nmore"])
def test_what_stands_behind_the_end_of_a_form_is_left_out(server, behind):  # RFC 2046, 5.1.1
    content = multipart(part("name", b"Ann")).removesuffix(b"\r\n")
    assert post(server, "/form", iter([content, behind] if behind else [content])).json()["fields"] == {"name": ["Ann"]}


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ([part(f"f{number}", b"x", "a") for number in range(4)], "the form has more than 3 files"),
        ([part(f"f{number}", b"x") for number in range(4)], "the form has more than 3 fields"),
        ([part("f", b"x" * 1001)], "the fields of the form are larger than 1000 bytes"),
        ([part("f" * 600), part("g" * 600)], "the fields of the form are larger than 1000 bytes"),
        ([part(f"f{number}") for number in range(2000)], "the form has more than 3 fields"),
        ([part("f" * 9000)], "the form is too large: Maximum segment header length exceeded"),
        ([b"X-A: b\r\n" * 9 + part("f")], "the form is too large: Maximum segment header count exceeded"),
    ],
)
def test_a_form_beyond_its_limits_is_a_413(server, parts, detail):
    answer = post(server, "/upload", multipart(*parts))
    assert (answer.status_code, answer.json()) == (413, {"detail": detail})


def test_a_file_beyond_its_limit_ends_the_upload(server):
    with wire(server.port) as connection:
        head = f"POST /small-files HTTP/1.1\r\nhost: test\r\ncontent-type: {KIND}\r\ncontent-length: 30000000\r\n\r\n"
        connection.socket.sendall(head.encode() + b"--border\r\n" + part("photo", b"x" * 2000, "a"))
        answer = connection.answer()
        assert answer.status.startswith("413")
        assert answer.json() == {"detail": "a file of the form is larger than 1000 bytes"}
        assert dict(answer.headers)["connection"] == "close"


def test_an_urlencoded_form_beyond_its_limits_is_a_413(server):
    kind = "application/x-www-form-urlencoded"
    assert post(server, "/upload", b"a=1&" * 4, kind).json() == {"detail": "the form has more than 3 fields"}
    assert post(server, "/upload", b"a=" + b"x" * 1000, kind).json() == {"detail": "the body is larger than 1000 bytes"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing of a form",
        b"--border",
        b"--border\r\n",
        b"--border\r\n\r\nx\r\n--border--",
        b"preamble\r\n" + multipart(part("name")),
        multipart(part("name"))[:-5],
        multipart(b"Content-Disposition: form-data\r\n\r\nx"),
        multipart(b'Content-Disposition: attachment; name="a"\r\n\r\nx'),
        multipart(b"Content-Type: text/plain\r\n\r\nx"),
        multipart(b"no header\r\n\r\nx"),
        multipart(b'Content-Disposition: form-data; name="a"\n\nx'),
        multipart(b'Content-Disposition: form-data;\r\n name="a"\r\n\r\nx'),
        multipart(b'Content-Disposition: form-data; name="\xff"\r\n\r\nx'),
        multipart(b'Content-Disposition: form-data; name="a"\r\nContent-Length: 7\r\n\r\nx'),
        multipart(part("name")).replace(b"--border--", b"--borderx"),
    ],
)
def test_a_malformed_form_is_a_400(server, content):
    answer = post(server, "/form", iter([content]) if content else b"")
    if content:
        assert (answer.status_code, answer.json()["detail"][:21]) == (400, "the form is malformed")
    else:
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 71,
        'multipart/form-data; boundary="a',
        "multipart/form-data; boundary*=utf-8''a",
        "multipart/form-data; boundary=\u00e9",
        "multipart/form-data" + "; a" * 1000,
    ],
)
def test_a_form_without_a_boundary_is_a_400(server, kind):
    answer = post(server, "/form", multipart(part("name")), kind.encode())
    assert answer.status_code == 400
    assert "boundary" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/mixed; boundary=border", "multipart/form-datax", "text/plain"]
)
def test_another_type_is_a_415(server, kind):
    answer = post(server, "/form", multipart(part("name")), kind)
    assert answer.status_code == 415
    assert answer.json()["detail"].endswith("accepted: application/x-www-form-urlencoded, multipart/form-data")


def test_a_form_is_read_once_and_given_again(server):
    content = multipart(part("name", b"Ann"))
    assert post(server, "/twice", content).json() == ["Ann", "Ann", True]
    assert post(server, "/whole-first", content).json() == {"name": "Ann"}
    assert post(server, "/in-a-task", multipart(part("photo", b"x" * 50, "a"))).text == "50"


def test_a_form_is_read_by_one_call_at_a_time_and_its_error_stays(server):
    assert post(server, "/at-once", multipart(part("photo", b"x" * 50, "a"))).json() == [50, "EXT506"]
    (first, second) = post(server, "/refused-twice", b"no form at all").json()
    assert first == second == [400, "the form is malformed: it does not begin with its boundary"]


def test_a_hook_may_read_the_form_before_the_handler(server):
    photo = part("photo", b"x" * 5000, "a")
    assert post(server, "/hooked", multipart(part("token", b"right"), photo)).text == "5000"
    assert post(server, "/hooked", multipart(photo)).status_code == 403


def test_a_body_that_is_read_in_parts_is_not_read_in_another_way(server):
    kind = "application/json"
    assert post(server, "/in-parts-first", b"[1]", kind).text == "EXT506"
    assert httpx2.get(f"{server.url}/without-a-body").json() == [{}, "the body is not JSON: it is empty"]


def test_files_are_closed_with_their_request(fresh):
    content = multipart(part("photo", b"x" * 50_000, "a"))
    for path in ("/answers-first", "/raises", "/upload"):
        post(fresh, path, content)
    assert httpx2.get(f"{fresh.url}/files").json() == {"open": 0, "files": 3, "read": [50_000], "held": 0}


def test_files_are_closed_when_the_client_leaves_and_the_handler_ends(fresh):
    content = multipart(part("photo", b"x" * 50_000, "a"))
    with wire(fresh.port) as asking:
        with wire(fresh.port) as connection:
            connection.send("POST", "/waits", content, **{"content-type": KIND})
            while asking.ask("GET", "/files").json()["open"] != 1:
                pass
            connection.reset()
        while asking.ask("GET", "/files").json() != {"open": 0, "files": 1, "read": [50_000], "held": 0}:
            pass


def test_nothing_is_held_of_a_form_whose_client_leaves_in_the_middle(fresh):
    head = f"POST /upload HTTP/1.1\r\nhost: test\r\ncontent-type: {KIND}\r\ncontent-length: 30000000\r\n\r\n".encode()
    with wire(fresh.port) as asking:
        for size in (10, 50_000, 3_000_000):
            with wire(fresh.port) as connection:
                connection.socket.sendall(head + b"--border\r\n" + part("photo", b"x" * size, "a"))
                if size < 100_000:
                    while asking.ask("GET", "/held").body == b"0":
                        pass
                connection.reset()
            while asking.ask("GET", "/held").body != b"0":
                pass
    assert fresh.alive


def peak(server):
    """Return the most memory that the server has used, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not say how much memory a process uses"
)
def test_an_upload_takes_little_memory(fresh):
    head, end = multipart(part("photo", b"x", "a")).split(b"x\r\n--border--")
    post(fresh, "/upload", head + b"x" * 200_000 + b"\r\n--border--")
    before = peak(fresh)

    def body():
        yield head
        for _ in range(350):
            yield b"x" * 100_000
        yield b"\r\n--border--" + end

    assert post(fresh, "/small-files", body()).status_code == 413
    assert post(fresh, "/unread", body()).json() == [35_000_000, True]
    assert peak(fresh) - before < 10_000_000


def test_the_server_logs_no_error_for_whatever_clients_have_sent(server):
    assert "Traceback" not in server.log


def without_the_extra():
    sys.modules["multipart"] = None
    return input_apps.make()


def test_without_the_extra_a_form_with_files_is_a_415_and_the_log_says_what_to_install():
    with serve(without_the_extra) as server:
        answer = post(server, "/form", multipart(part("name", b"Ann")))
        assert (answer.status_code, answer.headers["accept"]) == (415, "application/x-www-form-urlencoded")
        server.wait_for_log('pip install "socketify-ext[forms]"')
        assert "Traceback" not in server.log
        assert httpx2.post(f"{server.url}/form", data={"name": "Ann"}).json()["fields"] == {"name": ["Ann"]}


def stock():
    app = socketify.App()
    app.register(socketify_ext.load("msgpack"))
    input_apps.routes(app)
    return app


def test_a_stock_app_reads_forms_with_files():
    with serve(stock) as server:
        for size in (10, 700_000):
            files = [("photo", ("a.png", b"x" * size, "image/png"))]
            answer = httpx2.post(f"{server.url}/application", data={"name": "Ann", "tags": ["a", "b"]}, files=files)
            large = size > 512 * 1024
            assert answer.json() == {
                "name": "Ann",
                "tags": ["a", "b"],
                "files": [["a.png", "image/png", size, large, size]],
            }
        assert "Warning" not in server.log
