"""An annotation as plain data: a Python expression with full names, and the module of each name."""

from __future__ import annotations

import builtins
import collections.abc
import enum
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .scope import Scope, UnresolvedName

ANY: Final = "typing.Any"

# Forms that Python 3.10 has in typing; type checkers find the later ones in typing_extensions on every version.
_OLD_FORMS: Final = frozenset(("Any", "NoReturn", "Literal", "ClassVar", "Final", "TypeGuard", "Concatenate", "Union"))
# Functions that people mistake for types.
_MISTAKEN: Final[Mapping[Any, str]] = {any: ANY, callable: "collections.abc.Callable"}
_DEEP: Final = 40
# How many arguments a generic class of the standard library takes, where it takes other than one.
_ARGUMENTS: Final = {
    "tuple": "[typing.Any, ...]",
    "collections.abc.Callable": "[..., typing.Any]",
    **dict.fromkeys(
        (
            "dict",
            "collections.ChainMap",
            "collections.OrderedDict",
            "collections.abc.AsyncGenerator",
            "collections.abc.ItemsView",
            "collections.abc.Mapping",
            "collections.abc.MutableMapping",
            "collections.defaultdict",
            "types.MappingProxyType",
        ),
        "[typing.Any, typing.Any]",
    ),
    **dict.fromkeys(("collections.abc.Coroutine", "collections.abc.Generator"), "[typing.Any, typing.Any, typing.Any]"),
}


@dataclass(frozen=True)
class Annotation:
    """An annotation as text.

    `names` holds "module:qualname" for each name that `text` has beyond the builtins, `variables` the expressions
    that make type variables which no module holds, and `problems` why a part of it became `typing.Any`.
    """

    text: str
    names: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def short(self) -> str:
        """Return the text without the modules of its names, as people read it."""
        text = self.text
        for full in self.names:
            module, _, name = full.partition(":")
            text = re.sub(rf"\b{re.escape(module)}\.{re.escape(name)}\b", name, text)
        return text

    @property
    def exact(self) -> str:
        """Return the text without the modules of what is known as a type: two classes of one name stay apart."""
        return re.sub(r"\b(?:typing|typing_extensions|collections\.abc)\.(?=[A-Z])", "", self.text)


def annotation(value: Any, scope: Scope, own: Any = None) -> Annotation:
    """Describe an annotation: an object, or text that is evaluated where it was written.

    Args:
        value: the annotation.
        scope: where it was written.
        own: the type variable that is the annotation of `self`, if any; `Self` is written for it.
    """
    writer = _Writer(scope, own)
    text = writer.write(value)
    return Annotation(text, sorted(writer.names), writer.variables, writer.problems)


def inferred(value: Any) -> Annotation:
    """Return the annotation of a property that has only a default."""
    if value is None:
        return Annotation(ANY, ["typing:Any"])
    return annotation(type(value), Scope())


class _Writer:
    def __init__(self, scope: Scope, own: Any) -> None:
        self.scope = scope
        self.own = own
        self.names: set[str] = set()
        self.variables: dict[str, str] = {}
        self.problems: list[str] = []
        self._depth = 0

    def write(self, value: Any) -> str:
        self._depth += 1
        try:
            if self._depth > _DEEP:  # an alias that names itself
                return self._any(f"{value!r} is too deep")
            return self._write(value)
        finally:
            self._depth -= 1

    def _write(self, value: Any) -> str:
        if isinstance(value, typing.ForwardRef):
            value = value.__forward_arg__
        if isinstance(value, str):
            try:
                found = self.scope.evaluate(value)
            except Exception as error:  # an annotation is code, and may raise anything
                return self._any(f"{value!r} can't be resolved ({type(error).__name__}: {error})")
            return self.write(found) if found != value else self._any(f"{value!r} is not a type")
        if value is None or value is type(None):
            return "None"
        if value is ...:
            return "..."
        if isinstance(value, list):
            return f"[{self._all(value)}]"
        if isinstance(value, UnresolvedName):
            return self._unresolved(value)
        if isinstance(value, collections.abc.Hashable) and value in _MISTAKEN:
            return self._completed(self._name(*_MISTAKEN[value].rsplit(".", 1)))
        origin = typing.get_origin(value)
        return self._plain(value) if origin is None else self._generic(value, origin)

    def _generic(self, value: Any, origin: Any) -> str:
        arguments = typing.get_args(value)
        if origin in (typing.Union, types.UnionType):
            return " | ".join(dict.fromkeys(map(self.write, arguments)))
        if origin is typing.Annotated:
            return self.write(arguments[0])
        if origin is typing.Literal:
            return f"{self._name('typing', 'Literal')}[{', '.join(map(self._literal, arguments))}]"
        head = self._plain(origin, bare=False)
        if not arguments:
            return f"{head}[()]" if str(value).endswith("[()]") else self._completed(head, origin)
        return head if head == ANY else f"{head}[{self._all(arguments)}]"

    def _plain(self, value: Any, *, bare: bool = True) -> str:
        """Return the text of a class, a special form, a type variable or a named alias."""
        if self.own is not None and value is self.own:
            return self._name("typing_extensions", "Self")
        if isinstance(value, (typing.TypeVar, typing.ParamSpec)):
            return self._variable(value)
        if isinstance(value, type):
            text = self._held(value)
            return self._completed(text, value) if bare else text
        name = getattr(value, "_name", None) or getattr(value, "__name__", "")
        module = str(getattr(value, "__module__", ""))
        if module in ("typing", "typing_extensions") and isinstance(name, str) and hasattr(value, "_getitem"):
            return self._name("typing" if name in _OLD_FORMS else "typing_extensions", name)
        if value is Any:
            return self._name("typing", "Any")
        if isinstance(value, typing.NewType):
            return self._held(value, lambda: self.write(value.__supertype__))
        if hasattr(value, "__value__"):  # PEP 695
            return self._held(value, lambda: self.write(value.__value__))
        return self._any(f"{value!r} is not a type")

    def _held(self, value: Any, otherwise: Callable[[], str] | None = None) -> str:
        """Return the name under which a module holds `value`."""
        module = str(getattr(value, "__module__", ""))
        name = str(getattr(value, "__qualname__", "") or getattr(value, "__name__", ""))
        home = _public_home(value, module, name)
        if home is not None:
            return self._name(home, name)
        if otherwise is not None:
            return otherwise()
        where = f"{module}.{name}"
        return self._any(f"{where} is made in a function, or its module is a script: nothing can import it")

    def _variable(self, variable: Any) -> str:
        name = variable.__name__
        home = _public_home(variable, variable.__module__, name)
        if home is not None:
            return self._name(home, name)
        if name not in self.variables:
            self.variables[name] = ""  # its bound may name it
            kind = self._name("typing", type(variable).__name__)
            parts = [repr(name), *map(self.write, getattr(variable, "__constraints__", ()))]
            if getattr(variable, "__bound__", None) is not None:
                parts.append(f"bound={self.write(variable.__bound__)}")
            parts.extend(f"{way}=True" for way in ("covariant", "contravariant") if getattr(variable, f"__{way}__"))
            self.variables[name] = f"{kind}({', '.join(parts)})"
        return str(name)

    def _literal(self, value: Any) -> str:
        if isinstance(value, enum.Enum):
            return f"{self._held(type(value))}.{value.name}"
        return repr(value)

    def _unresolved(self, value: UnresolvedName) -> str:
        head = self._name(value.module, value.name)
        return f"{head}[{self._all(value.arguments)}]" if value.arguments else head

    def _completed(self, text: str, value: Any = None) -> str:
        """Add the default arguments of a generic class, which strict checkers require."""
        if text in _ARGUMENTS:
            arguments = _ARGUMENTS[text]
        elif not isinstance(value, type):
            return text
        elif issubclass(value, typing.Generic):
            parameters = getattr(value, "__parameters__", ())
            arguments = f"[{', '.join(ANY for _ in parameters)}]" if parameters else ""
        else:
            generic = isinstance(vars(value).get("__class_getitem__"), (classmethod, types.ClassMethodDescriptorType))
            standard = str(value.__module__).partition(".")[0] in sys.stdlib_module_names
            arguments = f"[{ANY}]" if (generic and standard) or value is type else ""
        if arguments:
            self.names.add("typing:Any")
        return text + arguments

    def _all(self, values: Any) -> str:
        return ", ".join(map(self.write, values))

    def _name(self, module: str, name: str) -> str:
        if module == "builtins":
            return name
        self.names.add(f"{module}:{name}")
        return f"{module}.{name}"

    def _any(self, problem: str) -> str:
        self.problems.append(problem)
        return self._name("typing", "Any")


def _public_home(value: Any, module: str, name: str) -> str | None:
    """Find the module that holds `value` under its name, one without a leading underscore where there is one."""
    if "<" in name or module in ("", "__main__"):
        return None
    parts = module.split(".")
    private = next((index for index, part in enumerate(parts) if part.startswith("_")), None)
    homes = [module]
    if private is not None:
        public = ".".join(parts[:private]) if private else module.lstrip("_")
        homes.insert(0, public)
    for home in homes:
        try:
            held: Any = builtins if home == "builtins" else importlib.import_module(home)
            for part in name.split("."):
                held = inspect.getattr_static(held, part) if isinstance(held, type) else getattr(held, part)
        except (ImportError, AttributeError):
            continue
        if held is value:
            return home
    return None
