from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pythonjsonlogger.json import JsonFormatter
from socketify_ext_request_id import Options, RequestIdFilter, current_request_id
from socketify_ext_request_id.access_log import AccessLog, clean
from socketify_ext_request_id.context import CURRENT
from socketify_ext_request_id.ids import accepted_id, make_id

import socketify_ext

ID = "4f5cf3f14a2c4ad1b1f8a3e5d0c7b6a9"


def outcome(status=200, *, aborted=False, method="GET"):
    return socketify_ext.Outcome(status, "/items/:id", method, 0.0123456, aborted, None, None)


@pytest.fixture
def written():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("test.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield handler, stream
    logger.removeHandler(handler)


def write(status=200, read=None, **options):
    log = AccessLog(Options(logger="test.access", **options))
    log.write(ID, {"path": "/items/7"} if read is None else read, outcome(status))


def test_a_line_is_readable_and_its_fields_are_data(written):
    handler, stream = written
    write()
    assert stream.getvalue() == (
        f"request_id={ID} method=GET path=/items/7 route=/items/:id status=200 duration_ms=12.346 aborted=false\n"
    )
    handler.setFormatter(JsonFormatter("%(levelname)s"))
    stream.truncate(stream.seek(0))
    write(503, fields=["status", "duration_ms", "path", "user_agent"], read={"path": "/x", "user_agent": 'a "b"\\'})
    assert json.loads(stream.getvalue()) == {
        "levelname": "ERROR", "status": 503, "duration_ms": 12.346, "path": "/x", "user_agent": 'a "b"\\',
    }  # fmt: skip


def test_what_is_not_enabled_is_not_written(written):
    logging.getLogger("test.access").setLevel(logging.WARNING)
    write()
    assert written[1].getvalue() == ""
    write(500)
    assert "status=500" in written[1].getvalue()


def test_structlog_gets_an_event_with_the_fields():
    with structlog.testing.capture_logs() as events:
        write(200, access_log="structlog")
        write(500, access_log="structlog", fields=["status", "request_id"])
        write(None, access_log="structlog", fields=["status"])
    assert events[0] == {
        "event": "request", "log_level": "info", "request_id": ID, "method": "GET", "path": "/items/7",
        "route": "/items/:id", "status": 200, "duration_ms": 12.346, "aborted": False,
    }  # fmt: skip
    assert events[1] == {"event": "request", "log_level": "error", "status": 500, "request_id": ID}
    assert events[2]["log_level"] == "info"


def test_a_client_writes_no_second_line(written):
    evil = '/x\r\nstatus=200 \x1b[31m "\u2028\x85\ud800'
    write(404, read={"path": clean(evil)})
    line = written[1].getvalue()
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    assert line.endswith('" route=/items/:id status=404 duration_ms=12.346 aborted=false\n')


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_leaves_its_field(path, method):
    from socketify_ext_request_id.access_log import _Line

    line = str(_Line({"path": clean(path), "method": clean(method), "end": 1}))
    assert line.isprintable()
    fields = {}
    rest = line
    while rest:
        name, _, rest = rest.partition("=")
        if rest.startswith('"'):
            end = 1
            while rest[end] != '"':
                end += 2 if rest[end] == "\\" else 1
            fields[name], rest = rest[1:end].replace('\\"', '"').replace("\\\\", "\\"), rest[end + 2 :]
        else:
            fields[name], _, rest = rest.partition(" ")
    assert list(fields) == ["path", "method", "end"]


def test_a_long_text_is_cut():
    assert len(clean("x" * 100_000)) < 3000
    assert clean(None) is None


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ([ID], ID),
        (["Root=1-67891233-abcdef012345678912345678"], "Root=1-67891233-abcdef012345678912345678"),
        (["a" * 128], "a" * 128),
        (["a" * 129], None),
        ([], None),
        ([ID, ID], None),
        ([""], None),
        (["-x"], None),
        (["a b"], None),
        (["a\n"], None),
        (['a"'], None),
        (["<b>"], None),
        (["\u0661"], None),
        (["a,b"], None),
    ],
)
def test_only_an_id_is_taken_for_one(sent, wanted):
    assert accepted_id(sent) == wanted


def test_ids_differ_and_are_taken_elsewhere():
    made = {make_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(accepted_id([each]) == each for each in made)


def test_records_know_the_request(written):
    handler, stream = written
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
    logging.getLogger("test.access").info("outside")
    token = CURRENT.set(ID)
    logging.getLogger("test.access").info("inside")
    assert current_request_id() == ID
    CURRENT.reset(token)
    assert stream.getvalue() == f"- outside\n{ID} inside\n"
    assert current_request_id() is None


@pytest.mark.parametrize(
    "options",
    [{"header": "a b"}, {"header": ""}, {"fields": []}, {"fields": ["status", "status"]}, {"fields": ["cookie"]},
     {"access_log": "print"}, {"logger": ""}, {"generate": 1}, {"trust": True}],
)  # fmt: skip
def test_options_that_can_not_work_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**options)
