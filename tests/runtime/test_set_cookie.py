"""Cookies of an answer come back as they were set, and what browsers would drop is an error."""

import datetime
import email.utils

import cookie_apps
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wire import wire

from socketify_ext.errors import HeaderError
from socketify_ext.runtime.cookies import read_cookies
from socketify_ext.runtime.set_cookie import LIMIT, write_cookie
from socketify_ext.testing import fake_request, fake_response, serve

TOKENS = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KINDS = ["app", "install", "stock"]


def line(name, value, *options, **attributes):
    return write_cookie(name, value, *options, **attributes).line


@given(TOKENS, TEXTS)
@example("version", "1")
@example("path", "Ann Lee+1")
@example("max-age", 'a"\\; ,%41')
@example("c", "")
@example("c", '"quoted"')
@example("c", " a\t\r\n\0")
def test_a_cookie_is_read_as_it_was_set(name, value):
    assert read_cookies([line(name, value)]) == {name: value}


@given(TOKENS, TEXTS)
def test_what_is_written_holds_only_what_a_cookie_may_hold(name, value):
    written = line(name, value).partition("=")[2]
    assert written.isascii()
    assert not set(written) & set(' ",;\\')
    assert written.isprintable()


@given(st.dictionaries(TOKENS, TEXTS, max_size=5))
def test_a_request_has_the_cookies_that_an_answer_has_set(cookies):
    response = fake_response()
    for name, value in cookies.items():
        response.set_cookie(name, value, secure=True)
    lines = [value.partition(";")[0] for name, value in response.recorded.headers if name == "Set-Cookie"]
    assert fake_request(headers={"cookie": "; ".join(lines)}).get_cookies() == cookies


NAMES = ("version", "path", "max-age", "theme")
VALUES = ("", "Ann Lee+1", 'a"b', "1,2;3", "\u00fc\u20ac\U0001f375", "%41\\", " ", "\t\n")


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_sends_back_what_was_set(kind):
    with serve(cookie_apps.cookies, kind=kind) as server, httpx2.Client(base_url=server.url) as client:
        for value in VALUES:
            answer = client.post("/set", json=dict.fromkeys(NAMES, value))
            assert len(answer.headers.get_list("set-cookie")) == len(NAMES)
            assert client.get("/deep/get").json() == [dict.fromkeys(NAMES, value)] * 2
        answer = client.post("/delete", json=["version", "__Host-id", "__secure-id"])
        assert answer.headers.get_list("set-cookie") == [
            "version=; Max-Age=0; Path=/",
            "__Host-id=; Max-Age=0; Path=/; Secure",
            "__secure-id=; Max-Age=0; Path=/; Secure",
        ]
        assert client.get("/deep/get").json()[0].keys() == {"path", "max-age", "theme"}


@pytest.mark.parametrize("kind", KINDS)
def test_cookies_of_several_lines_are_all_read(kind):
    with serve(cookie_apps.cookies, kind=kind) as server, wire(server.port) as connection:
        connection.socket.sendall(
            b"GET /get HTTP/1.1\r\nhost: test\r\ncookie: a=1\r\ncookie: \xff; b=2\r\ncookie: c=%FF\r\n\r\n"
        )
        assert connection.answer().json() == [{"a": "1", "b": "2", "c": "\ufffd"}] * 2


MOMENT = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
DATE = "Wed, 02 Jan 2030 01:04:05 GMT"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ""),
        ({"path": "/a b"}, "; Path=/a b"),
        ({"path": None}, ""),
        ({"max_age": 60}, "; Max-Age=60"),
        ({"max_age": 0}, "; Max-Age=0"),
        ({"max_age": -1}, "; Max-Age=-1"),
        ({"max_age": datetime.timedelta(days=1)}, "; Max-Age=86400"),
        ({"expires": MOMENT}, f"; Expires={DATE}"),
        ({"expires": MOMENT.replace(tzinfo=None)}, "; Expires=Wed, 02 Jan 2030 03:04:05 GMT"),
        ({"expires": DATE}, f"; Expires={DATE}"),
        ({"domain": "Example.com"}, "; Domain=Example.com"),
        ({"domain": ".example.com"}, "; Domain=.example.com"),
        ({"secure": True, "http_only": True}, "; Secure; HttpOnly"),
        ({"secure": False, "http_only": False}, ""),
        ({"same_site": "lax"}, "; SameSite=Lax"),
        ({"same_site": "Strict"}, "; SameSite=Strict"),
        ({"secure": True, "same_site": "None", "partitioned": True}, "; Secure; SameSite=None; Partitioned"),
    ],
)
def test_attributes_are_written_in_the_names_of_the_rfc(attributes, expected):
    assert line("c", "v", **attributes) == f"c=v{expected}"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"Path=/"}),
        ({}, {"Path=/"}),
        ({"path": ""}, set()),
        ({"path": "/a", "max-age": 60}, {"Path=/a", "Max-Age=60"}),
        ({"max_age": "0", "HttpOnly": True, "secure": False}, {"Path=/", "Max-Age=0", "HttpOnly"}),
        ({"partitioned": True, "domain": "", "Secure": 1}, {"Path=/", "Partitioned", "Secure"}),
        ({"samesite": "Lax", "httponly": "", "expires": None}, {"Path=/", "SameSite=Lax"}),
    ],
)
def test_attributes_are_taken_as_the_core_takes_them(options, expected):
    ((_, value),) = fake_response().set_cookie("c", "v", options).recorded.headers
    assert set(value.split("; ")) == {"c=v", *expected}
    ((_, value),) = fake_response().set_cookie("c", "v", options, max_age=5).recorded.headers
    assert ("Max-Age=5" in value) == ("Max-Age" not in str(expected))


def test_a_number_of_seconds_is_a_date_in_the_core():
    before = datetime.datetime.now(datetime.timezone.utc)
    written = email.utils.parsedate_to_datetime(line("c", "v", {"expires": 3600}).partition("Expires=")[2])
    assert 3598 <= (written - before).total_seconds() <= 3700


@pytest.mark.parametrize(
    ("name", "attributes", "fix"),
    [
        ("a b", {}, "Take letters"),
        ("", {}, "Take letters"),
        ("a=", {}, "Take letters"),
        ("\u00fc", {}, "Take letters"),
        ("a", {"path": "/; Domain=x"}, "Encode it"),
        ("a", {"path": "\r\n"}, "Encode it"),
        ("a", {"path": "/\u00fc"}, "Encode it"),
        ("a", {"path": "account"}, 'Write "/account"'),
        ("a", {"domain": "https://example.com"}, "without scheme"),
        ("a", {"domain": "localhost:3000"}, "without scheme"),
        ("a", {"domain": b"example.com"}, "without scheme"),
        ("a", {"max_age": 1.5}, "Give whole seconds"),
        ("a", {"max_age": True}, "Give whole seconds"),
        ("a", {"max_age": "soon"}, "Give whole seconds"),
        ("a", {"expires": "tomorrow"}, "Give a datetime"),
        ("a", {"expires": True}, "Give a datetime"),
        ("a", {"secure": "yes"}, "Give True or False"),
        ("a", {"http_only": 2}, "Give True or False"),
        ("a", {"same_site": "Laxx"}, '"Strict", "Lax" or "None"'),
        ("a", {"same_site": True}, '"Strict", "Lax" or "None"'),
        ("a", {"same_site": "None"}, "Give secure=True"),
        ("a", {"partitioned": True}, "Give secure=True"),
        ("__Secure-a", {}, "Give secure=True"),
        ("__host-a", {"path": "/"}, "Give secure=True"),
        ("__Host-a", {"secure": True}, 'Give path="/"'),
        ("__Host-a", {"secure": True, "path": "/a"}, 'Give path="/"'),
        ("__Host-a", {"secure": True, "path": "/", "domain": "example.com"}, "Leave domain out"),
    ],
)
def test_what_browsers_would_drop_is_refused_with_the_fix(name, attributes, fix):
    with pytest.raises(HeaderError, match=r"\[EXT502\] cookie '.*' was refused: ") as raised:
        write_cookie(name, "v", **attributes)
    assert fix in raised.value.fix
    with pytest.raises(HeaderError):
        write_cookie(name, "v", attributes)


def test_an_attribute_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(HeaderError, match=r"'maxage_' is not an attribute|Did you mean 'max_age'"):
        write_cookie("a", "v", {"max_agee": 1})
    with pytest.raises(HeaderError, match="There are max_age, expires, path"):
        write_cookie("a", "v", {"colour": 1})
    with pytest.raises(TypeError, match="httponly"):
        fake_response().set_cookie("a", "v", httponly=True)
    with pytest.raises(TypeError, match=r"no argument 'httponly'; there are max_age"):
        write_cookie("a", "v", httponly=True)


def test_a_cookie_that_no_browser_keeps_is_refused():
    assert line("c", "x" * (LIMIT - 1))
    with pytest.raises(HeaderError, match=r"4097 bytes, and browsers drop it beyond 4096\. Keep the value in a store"):
        write_cookie("c", "x" * LIMIT)
    with pytest.raises(HeaderError, match="4099 bytes"):
        write_cookie("c", ";" * 1366)


@pytest.mark.parametrize(("name", "value"), [(None, "v"), ("a", None), (b"a", "v"), ("a", 1)])
def test_names_and_values_are_texts(name, value):
    for set_cookie in (write_cookie, fake_response().set_cookie):
        with pytest.raises(TypeError, match="are texts"):
            set_cookie(name, value)


class Lying(str):
    """Text that says something else of itself."""

    __slots__ = ()

    def __str__(self):
        return "a=1; Domain=evil.example"

    def __format__(self, spec):
        return str(self)


def test_text_of_a_subclass_is_written_as_what_it_is():
    assert line(Lying("a"), Lying("v")) == "a=v"
    with pytest.raises(HeaderError):
        write_cookie("a", "v", path=Lying("/a"))


def test_a_refused_cookie_leaves_those_before_it():
    response = fake_response().set_cookie("a", "1")
    with pytest.raises(HeaderError):
        response.set_cookie("a", "2", same_site="None")
    assert response.recorded.headers == [("Set-Cookie", "a=1; Path=/")]


def test_the_last_cookie_of_one_name_path_and_domain_counts():
    response = fake_response().set_cookie("a", "1").set_cookie("a", "2", path="/old").delete_cookie("a", path="/old")
    response.set_cookie("a", "3", domain="example.com").set_cookie("a", "4", domain="EXAMPLE.com").set_cookie("a", "5")
    assert [value for _, value in response.recorded.headers] == [
        "a=5; Path=/",
        "a=; Max-Age=0; Path=/old",
        "a=4; Path=/; Domain=EXAMPLE.com",
    ]


def test_a_deletion_has_what_browsers_ask_for():
    response = fake_response().delete_cookie("__Host-a").delete_cookie("b", path=None, domain="example.com")
    response.delete_cookie("c", secure=True, same_site="None", partitioned=True)
    assert [value for _, value in response.recorded.headers] == [
        "__Host-a=; Max-Age=0; Path=/; Secure",
        "b=; Max-Age=0; Domain=example.com",
        "c=; Max-Age=0; Path=/; Secure; SameSite=None; Partitioned",
    ]
    with pytest.raises(HeaderError, match="secure=True"):
        response.delete_cookie("c", partitioned=True)
