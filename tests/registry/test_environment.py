import dataclasses
import enum
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field, SecretStr
from typing_extensions import TypedDict

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


class Colour(enum.Enum):
    ONE = "1"


class Size(TypedDict):
    width: int
    unit: str


@dataclasses.dataclass
class Limits:
    max_size: int = 1
    label: str = ""


def kept(kind, environment, default=None):
    """Load an extension with one option, `value`, of any kind; return the option."""

    class Model(BaseModel):
        value: kind = default

    @extension("kept", options=Model)
    def kept(request, response, ws, *, options):
        pass

    registry = Registry(entry_points=False, environment=environment)
    registry.add(kept)
    return registry.load("kept").validated_options().value


VALUE = "SOCKETIFY_EXT_KEPT__VALUE"
Token = NewType("Token", str)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (str, "1"),
        (str | None, "1"),
        (str | list[str], "1"),
        (Token | list[Token], Token("1")),
        (SecretStr | list[SecretStr], SecretStr("1")),
        (Annotated[str, AfterValidator(str.strip)] | tuple[str, ...], "1"),
        (Literal["1", "2"] | dict[str, int], "1"),
        (Colour | list[Colour], Colour.ONE),
        (Path | list[Path], Path("1")),
        (int | list[int], 1),
        (int | str, "1"),
        (float | None, 1.0),
    ],
)
def test_digits_stay_text_where_the_option_may_be_text(kind, value):
    assert kept(kind, {VALUE: "1"}) == value
    assert type(kept(kind, {VALUE: "1"})) is type(value)


@pytest.mark.parametrize("kind", [dict[str, str], Mapping[str, str], dict[str, str] | None, dict[str, Any], dict])
def test_keys_of_a_mapping_keep_their_case_and_its_texts_stay_texts(kind):
    found = kept(kind, {f"{VALUE}__SeCret42": "007", f"{VALUE}__secret42": "true"})
    assert found == {"SeCret42": "007", "secret42": "true"}


def test_a_token_keeps_its_case_through_every_part_of_its_user():
    environment = {
        "SOCKETIFY_EXT_AUTH__TOKENS__SeCret42__name": "Ann",
        "SOCKETIFY_EXT_AUTH__TOKENS__SeCret42__Role": "42",
    }
    loaded = Registry(environment=environment).load("auth").validated_options()
    assert loaded.tokens == {"SeCret42": {"name": "Ann", "Role": "42"}}


@pytest.mark.parametrize("name", ["VALUE__MAX_SIZE", "value__max_size", "Value__Max_Size"])
@pytest.mark.parametrize("kind", [Limits, Limits | None, Annotated[Limits | None, "doc"]])
def test_names_of_options_are_found_in_any_case_at_any_depth(name, kind):
    assert kept(kind, {f"SOCKETIFY_EXT_KEPT__{name}": "3", "socketify_ext_kept__value__LABEL": "5"}) == Limits(3, "5")


def test_names_inside_of_mappings_and_typed_dictionaries_are_found_too():
    assert kept(dict[str, Limits], {f"{VALUE}__Big__MAX_SIZE": "9"}) == {"Big": Limits(9)}
    assert kept(Size | None, {f"{VALUE}__WIDTH": "9", f"{VALUE}__UNIT": "9"}) == {"width": 9, "unit": "9"}


def test_an_option_with_another_name_for_its_input_is_read_under_that():
    class Model(BaseModel):
        limit: int = Field(1, alias="maxItems")

    @extension("kept", options=Model)
    def kept(request, response, ws, *, options):
        pass

    registry = Registry(entry_points=False, environment={"SOCKETIFY_EXT_KEPT__MAXITEMS": "7"})
    registry.add(kept)
    assert registry.load("kept").validated_options().limit == 7
    assert registry.load("kept", maxItems=8).validated_options().limit == 8


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("SOCKETIFY_EXT_MY_SHOP_LIMIT", "SOCKETIFY_EXT_MY_SHOP__LIMIT"),
        ("SOCKETIFY_EXT_MY_SHOP_KEY__KEY", "SOCKETIFY_EXT_MY_SHOP__KEY__KEY"),
        ("SOCKETIFY_EXT_MY_SHOP_KEY_KEY", "SOCKETIFY_EXT_MY_SHOP__KEY__KEY"),
        ("socketify_ext_my_shop_key_algorithms", "SOCKETIFY_EXT_MY_SHOP__KEY__ALGORITHMS"),
    ],
)
def test_one_underscore_where_two_are_meant_gets_a_warning_with_the_right_name(variable, right):
    with pytest.warns(UserWarning, match="is not read") as caught:
        assert loaded({variable: "7"}).limit == 1
    (warning,) = caught
    assert str(warning.message) == (
        f"{variable} is not read: two underscores stand before the option of extension "
        f"{shop_in(warning)}. Write {right}"
    )
    assert warning.filename == __file__


def shop_in(warning):
    return str(warning.message).partition("of extension ")[2].partition(". Write")[0]


def test_one_underscore_inside_of_the_option_s_path_is_an_error_with_the_right_name():
    with pytest.raises(errors.OptionsError, match=r"Did you mean SOCKETIFY_EXT_MY_SHOP__KEY__KEY\?"):
        loaded({"SOCKETIFY_EXT_MY_SHOP__KEY_KEY": "7"})


def test_a_warning_shows_no_key_inside_of_a_mapping():
    with pytest.warns(UserWarning, match="is not read") as caught:
        kept(dict[str, str], {"SOCKETIFY_EXT_KEPT_VALUE__S3cret": "x"}, {})
    text = str(caught[0].message)
    assert text.startswith("SOCKETIFY_EXT_KEPT_VALUE... is not read")
    assert text.endswith("Write SOCKETIFY_EXT_KEPT__VALUE__...")
    assert "s3cret" not in text.lower()


@pytest.mark.parametrize(
    "variable",
    ["SOCKETIFY_EXT_MY_SHOP_LIMITS", "SOCKETIFY_EXT_MY_SHOPS_LIMIT", "SOCKETIFY_EXT_MY_SHOP_", "SOCKETIFY_EXT_DISABLE"],
)
def test_no_warning_where_no_option_is_meant(variable):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loaded({variable: "x"}).limit == 1


def test_a_variable_of_another_extension_is_not_taken_for_a_misspelt_one():
    registry = Registry(entry_points=False, environment={"SOCKETIFY_EXT_MY_SHOP_KEY__LIMIT": "7"})
    for name in ("my-shop", "my-shop-key"):
        registry.add(extension(name, options=Options)(lambda request, response, ws, *, options: None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert registry.load("my-shop").validated_options().limit == 1
        assert registry.load("my-shop-key").validated_options().limit == 7


def test_a_variable_for_an_extension_without_options_is_an_error():
    registry = Registry(entry_points=False, environment={"SOCKETIFY_EXT_PLAIN__SIZE": "1"})
    registry.add(extension("plain")(lambda request, response, ws: None))
    with pytest.raises(errors.OptionsError, match=r"SOCKETIFY_EXT_PLAIN__SIZE.*takes no options"):
        registry.load("plain")


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
    assert variable_prefix("rate-limit") == variable_prefix("rate.limit") == "SOCKETIFY_EXT_RATE_LIMIT__"


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
