import asyncio
import re
import socket
import struct

import httpx2
import msgpack
import msgpack_apps
import pytest
import websockets

import socketify_ext
from socketify_ext.errors import OptionsError
from socketify_ext.testing import serve

KIND = "application/msgpack"


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with serve(msgpack_apps.members, kind=request.param) as serving:
        yield serving


@pytest.fixture(scope="module")
def stock():
    with serve(msgpack_apps.members, kind="stock") as serving:
        yield serving


@pytest.fixture(scope="module", params=["app", "install", "stock"])
def either(request):
    with serve(msgpack_apps.members, kind=request.param) as serving:
        yield serving


def post(server, path, value=None, *, content=None, **headers):
    data = msgpack.packb(value, datetime=True) if content is None else content
    return httpx2.post(server.url + path, content=data, headers={"content-type": KIND, **headers})


def unpacked(answer):
    assert answer.headers["content-type"] == KIND
    return msgpack.unpackb(answer.content, timestamp=3)


@pytest.mark.parametrize("value", [None, 1, "ä", b"\x00", [1, {"a": [None, True]}], {"x": "y" * 3000}])
def test_a_body_is_read_and_answered(either, value):
    answer = post(either, "/echo", value)
    assert (answer.status_code, unpacked(answer)) == (200, value)


def test_a_body_becomes_a_model(either):
    answer = post(either, "/order", {"sku": "tea", "quantity": "2"})
    assert (answer.status_code, unpacked(answer)) == (201, {"sku": "tea", "quantity": 2})
    assert unpacked(post(either, "/line", {"sku": "tea"})) == {"sku": "tea", "quantity": 1}
    assert unpacked(post(either, "/numbers", [1, 2])) == 3


def test_a_body_is_read_after_awaits_and_the_answer_is_the_callers(server):
    async def ask():
        async with httpx2.AsyncClient(base_url=server.url, timeout=20) as client:
            return await asyncio.gather(
                *(
                    client.post("/late", content=msgpack.packb(n), headers={"content-type": KIND, "x-name": f"n{n}"})
                    for n in range(100)
                )
            )

    answers = asyncio.run(ask())
    assert {answer.status_code for answer in answers} == {201}
    assert [unpacked(answer) for answer in answers] == [{"got": n, "mine": f"n{n}"} for n in range(100)]


def test_a_body_that_was_read_before_is_read_again(server):
    assert unpacked(post(server, "/twice", "abc")) == [4, "abc"]
    assert post(server, "/twice", "x" * msgpack_apps.LIMIT).status_code == 413


@pytest.mark.parametrize("path", ["/echo", "/late"])
def test_a_body_beyond_the_limit_is_413_and_the_connection_goes_on(server, path):
    with httpx2.Client(base_url=server.url) as client:
        for size, status in ((msgpack_apps.LIMIT, 413), (3_000_000, 413), (msgpack_apps.LIMIT - 3, 200)):
            answer = client.post(path, content=msgpack.packb("x" * size), headers={"content-type": KIND, "x-name": "n"})
            assert answer.status_code == (201 if (status, path) == (200, "/late") else status)
    assert "Traceback" not in server.log


def test_a_body_of_unknown_length_is_held_to_the_limit(server):
    def parts(count):
        yield msgpack.packb(b"x" * count * 1000)[:3]
        for _ in range(count):
            yield b"x" * 1000

    assert post(server, "/echo", content=parts(4)).status_code == 200
    assert post(server, "/echo", content=parts(5)).json() == {"detail": "the body is larger than 4096 bytes"}


MALFORMED = {
    "nothing": b"",
    "JSON": b'{"a": 1}',
    "cut off": b"\x92\x01",
    "a byte left over": b"\x01\x02",
    "an unknown extension": b"\xd4\x05x",
    "a key twice": b"\x82\xa1a\x01\xa1a\x02",
    "too deep": b"\x91" * 11 + b"\xc0",
    "4 billion items": b"\xdd\xff\xff\xff\xff",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_messagepack_is_400_with_the_reason(server, content):
    answer = post(server, "/echo", content=content)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("the body can't be read as MessagePack: ")
    assert post(server, "/echo", content=content, accept=KIND).headers["content-type"] == KIND


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_a_body_of_another_type_or_without_one_is_415_with_the_types_that_are_read(server, kind):
    answer = httpx2.post(f"{server.url}/echo", content=b"\x01", headers={"content-type": kind} if kind else {})
    assert answer.status_code == 415
    assert answer.json()["detail"].endswith(
        "accepted: application/msgpack, application/x-msgpack, application/vnd.msgpack"
    )


def test_what_does_not_fit_the_model_is_422_with_pydantics_details(server):
    answer = post(server, "/order", {"quantity": "many"})
    assert answer.status_code == 422
    assert [(each["type"], each["loc"]) for each in answer.json()["detail"]] == [
        ("missing", ["sku"]),
        ("int_parsing", ["quantity"]),
    ]
    assert all(set(each) == {"type", "loc", "msg"} for each in answer.json()["detail"])
    answer = post(server, "/line", {"sku": 1})
    assert (answer.status_code, answer.json()["detail"][0]["msg"]) == (422, "Expected `str`, got `int` - at `$.sku`")


def test_errors_are_answers_on_a_stock_app_with_an_error_handler(stock):
    assert post(stock, "/echo", content=b"\xc1").status_code == 400
    assert post(stock, "/echo", "x" * 5000).status_code == 413
    assert post(stock, "/order", {}).status_code == 422
    assert httpx2.get(f"{stock.url}/choice", headers={"accept": "text/html"}).status_code == 406


def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_no_trace(server):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(
                b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: 100\r\n\r\n\x91"
            )
    assert unpacked(post(server, "/echo", 1)) == 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json, application/msgpack", "application/json"),
        (KIND, KIND),
        ("application/json;q=0.5, application/*", KIND),
        ("application/x-msgpack", "application/x-msgpack"),
    ],
)
def test_the_client_chooses_between_json_and_messagepack(either, accept, kind):
    headers = {} if accept is None else {"accept": accept}
    with httpx2.Client(base_url=either.url) as client:
        del client.headers["accept"]
        answer = client.get("/choice", headers=headers)
    value = answer.json() if kind == "application/json" else msgpack.unpackb(answer.content)
    assert (answer.status_code, answer.headers["content-type"], value) == (200, kind, {"day": "2026-01-02"})
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", ["/choice", "/late-choice"])
def test_the_choice_is_by_all_lines_of_the_header(either, path):
    for lines, kind in (
        (["application/json;q=0.5", KIND], KIND),
        (["text/html", "", f"text/plain, {KIND};q=0.1"], KIND),
        ([KIND, "application/json;q=0.5"], KIND),
        (["text/html", "application/json"], "application/json"),
    ):
        headers = [("x-name", "n"), *(("accept", line) for line in lines)]
        with httpx2.Client(base_url=either.url) as client:
            del client.headers["accept"]
            assert client.get(path, headers=headers).headers["content-type"] == kind


def test_a_choice_keeps_the_status_and_what_else_varies(either):
    answer = httpx2.get(f"{either.url}/made", headers={"accept": KIND})
    assert answer.headers.get_list("vary") == ["Origin", "Accept"]


def test_a_choice_may_have_a_status_after_headers(server):
    assert httpx2.get(f"{server.url}/made").status_code == 201


def test_a_choice_after_an_await_is_the_callers(either):
    async def ask():
        async with httpx2.AsyncClient(base_url=either.url, timeout=20) as client:
            kinds = ("application/json", KIND)
            return await asyncio.gather(
                *(client.get("/late-choice", headers={"accept": kinds[n % 2], "x-name": f"n{n}"}) for n in range(100))
            )

    for number, answer in enumerate(asyncio.run(ask())):
        value = msgpack.unpackb(answer.content) if number % 2 else answer.json()
        assert value == {"mine": f"n{number}"}


def test_neither_is_406_and_tells_what_there_is(server):
    answer = httpx2.get(f"{server.url}/choice", headers={"accept": "text/html"})
    assert answer.status_code == 406
    assert answer.json() == {"detail": {"available": ["application/json", KIND]}}
    assert answer.headers["vary"] == "Accept"


def test_an_answer_keeps_the_head_that_was_written(server):
    answer = httpx2.get(f"{server.url}/headed")
    assert (answer.status_code, answer.headers["x-own"], unpacked(answer)) == (202, "1", [1])


async def talk(server, path, *messages):
    async with websockets.connect(server.ws_url + path) as connection:
        found = []
        for message in messages:
            await connection.send(message)
            answer = await asyncio.wait_for(connection.recv(), 5)
            assert isinstance(answer, bytes)
            found.append(msgpack.unpackb(answer))
        return found


def test_messages_are_unpacked_and_sent(either):
    sent = [[1, "ä", None], {"sku": "tea"}, b"x" * 100]
    found = asyncio.run(talk(either, "/ws", *map(msgpack.packb, sent)))
    assert found == [[1, "ä", None], {"sku": "tea", "quantity": 1}, b"x" * 100]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("text", "binary"),
        (b"\xc1", "does not use"),
        (b"\x91" * 11 + b"\xc0", "nested"),
        (b"\xc5\x10\x01" + bytes(4097), "larger than 4096"),
        (msgpack.packb({"sku": 1}), "sku"),
    ],
)
def test_a_message_that_can_not_be_unpacked_is_a_value_error(server, message, reason):
    (found,) = asyncio.run(talk(server, "/ws", message))
    assert reason in found["error"]


def test_a_message_that_can_not_be_packed_is_not_sent(server):
    assert asyncio.run(talk(server, "/refuse", b"x")) == [{"refused": "a object can't be sent"}]


@pytest.mark.parametrize("options", [{"max_size": 0}, {"max_depth": 0}, {"max_depth": 1000}, {"depth": 1}])
def test_limits_that_make_no_sense_are_refused(options):
    with pytest.raises(OptionsError, match=r"depth|size"):
        socketify_ext.load("msgpack", **options)


@pytest.mark.parametrize(
    "kind", ["msgpack", "Application/MsgPack", "application/msgpack\r\nX: 1", "application/x\n", ""]
)
def test_a_content_type_that_is_none_is_refused(kind):
    with pytest.raises(OptionsError, match="content_type"):
        socketify_ext.load("msgpack", content_type=kind)


def test_the_example_of_the_page_does_what_it_says():
    with serve(msgpack_apps.example) as server:
        made = post(server, "/orders", {"sku": "tea", "quantity": 2, "unit_price": "9.90"})
        assert made.status_code == 201
        order = unpacked(made)
        assert (order["sku"], order["total"]) == ("tea", "19.80")
        assert order["at"].utcoffset() is not None
        assert post(server, "/orders", {"sku": "tea"}).status_code == 422
        assert httpx2.get(f"{server.url}/orders").json()[0]["total"] == "19.80"
        kept = httpx2.get(f"{server.url}/orders", headers={"accept": KIND})
        assert unpacked(kept) == [order]
        (answer,) = asyncio.run(talk(server, "/prices", msgpack.packb({"sku": "tea"})))
        assert answer == {"sku": "tea", "price": "9.90"}


def test_the_page_names_every_option():
    options = socketify_ext.load("msgpack").options_model.model_fields
    table = msgpack_apps.PAGE.read_text().partition("## Options")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(options)


BAD = {
    "list": ("/numbers", b"\xdd" + struct.pack(">I", 1 << 19) + b"\xc0" * (1 << 19)),
    "small list": ("/numbers", b"\xdc" + struct.pack(">H", 4000) + b"\xc0" * 4000),
    "long keys": ("/prices", msgpack.packb({f"\x1b[2J\n{'k' * 500}{n}": None for n in range(40)})),
    "large dict": ("/prices", msgpack.packb({str(n): None for n in range(50_000)})),
}


@pytest.mark.parametrize(("path", "content"), BAD.values(), ids=BAD)
def test_details_of_a_clients_errors_are_bounded(path, content):
    with serve(msgpack_apps.members, kind="app", max_size=1 << 20) as server:
        answer = post(server, path, content=content)
    assert answer.status_code == 422
    assert len(answer.content) < 10_000
    detail = answer.json()["detail"]
    assert 1 <= len(detail) <= 21
    assert all(len(str(step)) < 200 and str(step).isprintable() for each in detail for step in each["loc"])


def test_errors_that_are_left_out_are_counted(server):
    detail = post(server, "/numbers", [None] * 50).json()["detail"]
    assert [each["type"] for each in detail] == ["int_type"] * 20 + ["more_errors"]
    assert detail[-1]["msg"] == "30 more errors are left out"
