from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from socketify_ext.inspection.given_options import option_value


class Odd:
    """A class that pydantic knows nothing of."""


class Inner(BaseModel):
    key: str


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("1234", str, "1234"),
        ("1234", str | None, "1234"),
        ("1234", str | bytes | None, "1234"),
        ("1234", Annotated[str, Field(min_length=9)], "1234"),
        ("1234", str | int, "1234"),
        ("1234", int, 1234),
        ("1234", int | None, 1234),
        ("1.5", float, 1.5),
        ("1234", Path, "1234"),
        ("1234", SecretStr, "1234"),
        ("true", str, "true"),
        ("true", bool, True),
        ("False", bool, "False"),
        ("null", str | None, None),
        ("null", str, "null"),
        ("null", int, "null"),
        ('"quoted"', str, "quoted"),
        ("plain", str, "plain"),
        ("plain", Literal["plain", "rich"], "plain"),
        ("3", Literal[3, 4], 3),
        ('["a", "b"]', list[str], ["a", "b"]),
        ('["a", "b"]', str | list[str], ["a", "b"]),
        ('["a"]', str, '["a"]'),
        ("[broken", str, "[broken"),
        ('{"key": "1"}', Inner | None, {"key": "1"}),
        ('{"a": 1}', Mapping[str, int], {"a": 1}),
        ("1234", Any, 1234),
        ("1234", Odd, "1234"),
        ("1234", Callable[..., Any], "1234"),
        ("[1]", Odd, [1]),
        ("-5", Annotated[int, Field(ge=0)], "-5"),
        ("[" * 100_000, str, "[" * 100_000),
        ("1234", "not an annotation!", "1234"),
        ("a.*", re.Pattern[str], "a.*"),
        ("", str, ""),
    ],
    ids=str,
)
def test_a_text_is_json_where_the_option_takes_that(text, annotation, value):
    assert option_value(text, annotation) == value
    assert type(option_value(text, annotation)) is type(value)
