from __future__ import annotations

import builtins
import copy
import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fake_distributions import Site
from pydantic import BaseModel

import socketify_ext
from socketify_ext import errors
from socketify_ext.errors import ExtensionError
from socketify_ext.registry.registry import Registry

DOC = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
CLASSES = sorted(
    (value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ExtensionError)),
    key=lambda kind: kind.code,
)
KINDS = [kind for kind in CLASSES if kind is not ExtensionError]


def builtin_of(kind):
    return next(base for base in kind.__mro__ if base.__module__ == builtins.__name__)


def test_every_class_is_under_extension_error_and_also_a_builtin_error():
    for kind in KINDS:
        assert issubclass(kind, ExtensionError)
        assert builtin_of(kind) not in (Exception, BaseException, object), kind


def test_codes_are_unique_and_well_formed():
    codes = [kind.code for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"EXT\d{3}", code) for code in codes)


def test_every_class_has_a_cause_and_a_remedy_of_its_own():
    for attribute in ("cause", "remedy"):
        assert all(attribute in vars(kind) for kind in CLASSES)
        texts = [getattr(kind, attribute) for kind in CLASSES]
        assert all(text.endswith(".") and "|" not in text for text in texts)


def test_the_catalogue_has_one_row_for_each_class_in_order_of_code():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in DOC.splitlines() if line.startswith("| EXT")
    ]
    assert rows == [
        [kind.code, f"`{kind.__name__}`", f"`{builtin_of(kind).__name__}`", kind.cause, kind.remedy] for kind in KINDS
    ]


def test_an_error_has_its_parts_as_attributes():
    error = errors.MissingRequirementError("extension 'a'", "requires 'b'", "it is gone", "Install it", requirement="b")
    assert (error.who, error.what, error.why, error.fix) == (
        "extension 'a'",
        "requires 'b'",
        "it is gone",
        "Install it",
    )
    assert error.requirement == "b"
    assert str(error) == "[EXT202] extension 'a' requires 'b': it is gone. Install it."


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("a", "b"), "a b."),
        (("a", "b", "c"), "a b: c."),
        (("a", "b", "c."), "a b: c."),
        (("a", "b", "", "d"), "a b. d."),
        (("a", "b", "c", "Did you mean 'd'?"), "a b: c. Did you mean 'd'?"),
        (("a", "b", "c", "load(...)"), "a b: c. load(...)."),
    ],
)
def test_a_message_reads_as_sentences(parts, text):
    assert str(errors.PropertyError(*parts)) == f"[EXT103] {text}"


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("clone", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_an_error_can_be_copied_and_pickled(kind, clone):
    error = kind("who", "what", "why", "fix", part=1)
    cloned = clone(error)
    assert type(cloned) is kind
    assert (str(cloned), cloned.why, cloned.part) == (str(error), "why", 1)


class Examples:
    """Wrong input for each class that the documentation shows a message of."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.registry = Registry(environment={})

    def extension(self, name, *members, **arguments):
        @socketify_ext.extension(name, **arguments)
        def function(request, response, ws):
            for member in members:
                request.method(lambda self: None, name=member)

        return replace(function, distribution=f"socketify-ext-{name}", version="1.2")

    def register(self, *extensions):
        app = socketify_ext.App(registry=self.registry)
        for extension in extensions:
            app.register(extension)

    def signature_error(self):
        def jwt(request, response):
            pass

        self.register(jwt)

    def member_name_error(self):
        self.register(self.extension("jwt", "class"))

    def core_name_error(self):
        self.register(self.extension("jwt", "get_header"))

    def property_error(self):
        @socketify_ext.extension("shop")
        def shop(request, response, ws):
            request.property("cart", "apple", type=list[str])

        self.register(shop)

    def options_error(self):
        class Options(BaseModel):
            secret: str
            leeway: int = 0

        made = self.extension("jwt", options=Options)
        made.configured(secret="s", leeway="long")

    def collision_error(self):
        self.register(
            socketify_ext.load("auth", tokens={"secret": {"name": "Test"}}), self.extension("jwt", "get_user")
        )

    def missing_requirement_error(self):
        self.register(self.extension("jwt", requires=["keys>=2"]))

    def ordering_cycle_error(self):
        self.register(self.extension("jwt", before=["log"]), self.extension("log", before=["jwt"]))

    def already_registered_error(self):
        jwt = self.extension("jwt", "get_user")
        self.register(jwt, jwt.renamed(get_user="get_jwt_user"))

    def unknown_extension_error(self):
        self.registry.load("mspack")

    def broken_plugin_error(self):
        self.site.module("broken_jwt", "import no_such_module")
        self.site.distribution("socketify-ext-jwt", "1.2", extensions={"jwt": "broken_jwt:jwt"})
        self.registry.load("jwt")

    def duplicate_provider_error(self):
        self.site.distribution("socketify-ext-jwt", "1.2", extensions={"jwt": "a:jwt"})
        self.site.distribution("acme-jwt", "0.3", extensions={"jwt": "b:jwt"})
        self.registry.load("jwt")


NAMED = [
    errors.SignatureError,
    errors.MemberNameError,
    errors.PropertyError,
    errors.OptionsError,
    errors.CoreNameError,
    errors.CollisionError,
    errors.MissingRequirementError,
    errors.OrderingCycleError,
    errors.AlreadyRegisteredError,
    errors.UnknownExtensionError,
    errors.BrokenPluginError,
    errors.DuplicateProviderError,
]


def shown(text):
    """Make messages comparable: the line at which an extension stands is not the same."""
    return re.sub(r"\w+\.py:\d+", "file.py:1", text)


@pytest.fixture
def examples(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    yield Examples(site)
    site.forget()


@pytest.mark.parametrize("kind", NAMED)
def test_the_documentation_shows_the_message_that_is_raised(kind, examples):
    cause = getattr(examples, re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower())
    with pytest.raises(kind) as caught:
        cause()
    (example,) = re.findall(rf"^{kind.__name__}: (\[{kind.code}\].*)$", DOC, re.MULTILINE)
    assert shown(example) == shown(str(caught.value))


def test_the_documentation_shows_no_message_of_another_class():
    assert re.findall(r"^(\w+): \[EXT\d+\]", DOC, re.MULTILINE) == [kind.__name__ for kind in NAMED]


def test_the_documentation_explains_each_group_of_codes():
    assert re.findall(r"^- \*\*(\d)xx\*\*", DOC, re.MULTILINE) == sorted({kind.code[3] for kind in KINDS})


def test_a_missing_module_names_the_extra_that_installs_it():
    with pytest.raises(errors.MissingExtraError) as caught:
        errors.require_extra("no_such_module.part", "fast", "extension 'json'")
    assert str(caught.value) == (
        "[EXT404] extension 'json' needs the module no_such_module.part: No module named 'no_such_module'. "
        'Install the extra: pip install "socketify-ext[fast]".'
    )
    assert (caught.value.module, caught.value.extra) == ("no_such_module.part", "fast")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_module_that_is_installed_needs_no_extra():
    errors.require_extra("json.decoder", "fast", "extension 'json'")
