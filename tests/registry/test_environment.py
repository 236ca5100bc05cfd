import os
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from socketify_ext import Registry, errors, extension
from socketify_ext.registry.environment import merged, variable_prefix


class Key(BaseModel):
    key: str = Field(repr=False)
    algorithms: list[str] = ["HS256"]


class Options(BaseModel):
    limit: int = 1
    key: Key | None = Field(None, repr=False)
    tags: list[str] = []


def loaded(environment, **options):
    registry = Registry(entry_points=False, environment=environment)

    @extension("my-shop", options=Options)
    def shop(request, response, ws, *, options):
        pass

    registry.add(shop)
    return registry.load("my-shop", **options).validated_options()


def test_an_option_is_read_from_the_environment():
    assert loaded({"SOCKETIFY_EXT_MY_SHOP__LIMIT": "7"}).limit == 7


def test_a_nested_option_is_read_by_its_path_and_a_list_as_json():
    options = loaded({"SOCKETIFY_EXT_MY_SHOP__KEY__KEY": "k", "SOCKETIFY_EXT_MY_SHOP__TAGS": '["a", "b"]'})
    assert options.key.key == "k"
    assert options.tags == ["a", "b"]


def test_what_the_program_gives_wins_key_by_key():
    options = loaded(
        {"SOCKETIFY_EXT_MY_SHOP__KEY__KEY": "secret", "SOCKETIFY_EXT_MY_SHOP__LIMIT": "7"},
        key={"algorithms": ["ES256"]},
        limit=2,
    )
    assert (options.limit, options.key.key, options.key.algorithms) == (2, "secret", ["ES256"])


def test_other_variables_are_none_of_its_business():
    assert loaded({"SOCKETIFY_EXT_MY_SHOPPING__LIMIT": "7", "SOCKETIFY_EXT_DISABLE": "other", "LIMIT": "9"}).limit == 1


def test_a_misspelt_variable_is_an_error_that_names_the_right_ones():
    with pytest.raises(errors.OptionsError, match=r"SOCKETIFY_EXT_MY_SHOP__LIMT.*SOCKETIFY_EXT_MY_SHOP__LIMIT"):
        loaded({"SOCKETIFY_EXT_MY_SHOP__LIMT": "7"})


def test_a_wrong_value_is_an_options_error_without_the_secret():
    with pytest.raises(errors.OptionsError, match="key") as caught:
        loaded({"SOCKETIFY_EXT_MY_SHOP__KEY__ALGORITHMS": '{"hush": 1}', "SOCKETIFY_EXT_MY_SHOP__KEY__KEY": "hush"})
    assert "hush" not in str(caught.value)


def test_a_value_that_is_no_json_is_an_options_error():
    with pytest.raises(errors.OptionsError, match=r"SOCKETIFY_EXT_MY_SHOP__TAGS.*JSON"):
        loaded({"SOCKETIFY_EXT_MY_SHOP__TAGS": "[a"})


@pytest.mark.parametrize(
    "secret", ["1234567890123456", "0012345678901234", "1234567890.123456", "12345e6789012345", "-1234567890123456"]
)
def test_a_secret_of_digits_stays_the_text_that_it_is(secret):
    environment = {"SOCKETIFY_EXT_CART__STORE": "memory://", "SOCKETIFY_EXT_CART__SECRET": secret}
    assert Registry(environment=environment).load("cart").options["secret"] == secret
    environment["SOCKETIFY_EXT_CART__SECRET"] = f'["{secret}", "an older secret, too"]'
    assert Registry(environment=environment).load("cart").options["secret"] == [secret, "an older secret, too"]
    environment = {
        "SOCKETIFY_EXT_AUTH__JWT__KEY": secret * 2,
        "SOCKETIFY_EXT_AUTH__JWT__ALGORITHMS": '["HS256"]',
        "SOCKETIFY_EXT_AUTH__JWT__AUDIENCE": secret,
    }
    loaded = Registry(environment=environment).load("auth").validated_options()
    assert (loaded.jwt.key, loaded.jwt.audience) == (secret * 2, secret)


@pytest.mark.parametrize(
    "environment",
    [
        {"SOCKETIFY_EXT_MY_SHOP__KEYS__S3CRET": "x"},
        {"SOCKETIFY_EXT_MY_SHOP__KEY__ALGORITHMS": "[a", "SOCKETIFY_EXT_MY_SHOP__KEY__S3CRET": "x"},
    ],
)
def test_no_error_shows_a_key_inside_an_option(environment):
    with pytest.raises(errors.OptionsError, match=r"was given SOCKETIFY_EXT_MY_SHOP__KEYS?: ") as caught:
        loaded(environment)
    assert "s3cret" not in str(caught.value).lower()


def test_the_process_environment_is_the_default(monkeypatch):
    monkeypatch.setitem(os.environ, "SOCKETIFY_EXT_MSGPACK__CONTENT_TYPE", "application/x-msgpack")
    assert Registry().load("msgpack").validated_options().content_type == "application/x-msgpack"


def test_without_pydantic_settings_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic_settings", None)
    assert loaded({}).limit == 1
    with pytest.raises(errors.MissingExtraError, match=r"socketify-ext\[env\]"):
        loaded({"SOCKETIFY_EXT_MY_SHOP__LIMIT": "7"})


def test_prefix_of_a_name():
    assert variable_prefix("rate-limit") == "SOCKETIFY_EXT_RATE_LIMIT__"


trees: Any = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)
mappings = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


def leaves(tree, path=()):
    if isinstance(tree, dict):
        return {place: leaf for name, each in tree.items() for place, leaf in leaves(each, (*path, name)).items()}
    return {path: tree}


@given(mappings, mappings)
def test_each_leaf_of_the_upper_options_survives_a_merge(lower, upper):
    assert leaves(upper).items() <= leaves(merged(lower, upper)).items()


@given(mappings)
def test_options_laid_over_none_are_themselves(options):
    assert merged({}, options) == options == merged(options, {})
