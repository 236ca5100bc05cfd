"""Route parameters by name and by position."""

import pytest
import reading_apps
from wire import wire

import socketify_ext
from socketify_ext.errors import ParameterError, RouteError
from socketify_ext.runtime.parameters import parameter_names
from socketify_ext.testing import fake_request, serve


def ask(server, target):
    with wire(server.port) as connection:
        connection.socket.sendall(b"GET %b HTTP/1.1\r\nhost: test\r\n\r\n" % target)
        return connection.answer()


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with serve(reading_apps.urls, kind=request.param) as serving:
        yield serving


@pytest.mark.parametrize("path", [b"sync", b"after", b"both"])
def test_a_parameter_is_read_by_its_name_and_decoded_and_by_its_position_as_it_was_sent(server, path):
    for read in ask(server, b"/%b/caf%%C3%%A9+%%2F/%%zz%%FF?first=3" % path).json():
        assert read["named"][:2] == ["café+/", "%zz\ufffd"]
        assert read["indexed"] == read["parameters"] + [None, None] == ["caf%C3%A9+%2F", "%zz%FF", None, None]


@pytest.mark.parametrize("path", [b"sync", b"after", b"both"])
def test_a_name_that_is_not_in_the_path_is_an_error_with_those_that_are(server, path):
    for read in ask(server, b"/%b/1/2" % path).json():
        assert read["named"][2] == (
            "ParameterError: [EXT508] req.get_parameter('secnd') finds nothing: the parameters of its route are "
            "'first', 'second'. Did you mean 'second'?"
        )


def test_a_route_without_parameters_says_so(server):
    (read,) = ask(server, b"/unnamed/1/2").json()
    assert "its route has no parameters. Name it in the path" in read["named"][0]
    assert read["parameters"] == []


def test_a_parameter_that_was_read_before_an_await_is_the_same_after_it(server):
    assert ask(server, b"/cached/1/%20").json() == [" ", " "]


def test_each_route_has_its_own_names(server):
    (read,) = ask(server, b"/alone").json()
    assert read["named"][0] == "alone"
    assert "'second'" in read["named"][1]


def test_parameters_are_read_in_an_upgrade(server):
    with wire(server.port) as connection:
        connection.send(
            "GET",
            "/rooms/caf%C3%A9",
            upgrade="websocket",
            connection="upgrade",
            **{"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"},
        )
        head = connection.read_until(b"\r\n\r\n").decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert r"X-Read: ['caf\xe9', 'caf%C3%A9', " in head
    assert "Did you mean 'room'?" in head


def test_a_stock_app_reads_parameters_by_position_and_says_why_not_by_name():
    with serve(reading_apps.urls, kind="stock") as server:
        for path in (b"sync", b"both"):
            for read in ask(server, b"/%b/1/2" % path).json():
                assert read["parameters"] == ["1", "2"]
                assert "it is not known which names" in read["named"][0]
                assert "Call socketify_ext.install(app)" in read["named"][0]


def test_names_are_those_of_whole_segments():
    assert parameter_names("/") == parameter_names("/a:b/*") == ()
    assert parameter_names("/:user/items/:item/*") == ("user", "item")


@pytest.mark.parametrize("method", ["get", "any", "ws"])
def test_two_parameters_of_one_name_are_refused(method):
    app = socketify_ext.App()
    target = {} if method == "ws" else lambda res, req: res.end("x")
    with pytest.raises(RouteError, match=r"two parameters are named id\. Give one of them another name"):
        getattr(app, method)("/:id/items/:id", target)
    getattr(app, method)("/:/:", target)


def test_a_fake_request_has_parameters_by_name():
    request = fake_request(parameters={"sku": "café /", "page": 2})
    assert (request.get_parameter("sku"), request.get_parameter("page")) == ("café /", "2")
    assert request.get_parameters() == [request.get_parameter(0), request.get_parameter(1)] == ["caf%C3%A9%20%2F", "2"]
    with pytest.raises(LookupError, match="'sku', 'page'"):
        request.get_parameter("id")


def test_a_fake_request_with_parameters_in_order_says_how_to_name_them():
    with pytest.raises(ParameterError, match=r"fake_request\(parameters="):
        fake_request(parameters=["7"]).get_parameter("id")


@pytest.mark.parametrize("key", [None, 1.5, b"sku", [], object()])
def test_a_key_that_is_neither_text_nor_a_position_is_a_type_error(key):
    with pytest.raises(TypeError):
        fake_request(parameters={"sku": "1"}).get_parameter(key)


class Name(str):
    """Text of a subclass."""

    __slots__ = ()


class Position:
    """What counts as a number."""

    def __index__(self):
        return 1


def test_subclasses_of_text_and_numbers_count_as_what_they_are():
    request = fake_request(parameters={"sku": "a", "page": "b"})
    assert [request.get_parameter(key) for key in (Name("page"), Position(), True, 10**9, -1)] == [
        *("b", "b", "b"),
        *(None, None),
    ]


@pytest.mark.parametrize("late", ["", "-late"])
def test_a_kept_request_has_the_names_of_its_own_route_in_the_handlers_of_others(server, late):
    with wire(server.port) as connection:
        assert connection.ask("GET", f"/kept{late}/1/2").body == b"kept"
        assert connection.ask("GET", "/gone/x").body == b"forgotten"
        told = connection.ask("GET", f"/told{late}/x").json()
    assert told == ["1", "2", "ParameterError", "RequestGoneError"]
