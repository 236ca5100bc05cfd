"""The lock file: what extensions add, in a stable order and form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from socketify_ext.errors import GeneratedFileError

if TYPE_CHECKING:
    from ..inspection.app_description import AppDescription, ScopeDescription

FORMAT: Final = 1


@dataclass(frozen=True)
class Lock:
    """The pinned state, as plain text: extensions by name in order, members by `target.name`, routes by method and pattern.

    The names of what a scope has of its own end with its prefix: `auth in /admin`.
    """

    target: str
    extensions: dict[str, dict[str, Any]]
    members: dict[str, dict[str, Any]]
    routes: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, described: AppDescription) -> Lock:
        """Make the lock of an app."""
        scopes = list(described.subtree())
        extensions: dict[str, dict[str, Any]] = {
            _name(each.name, scope): {
                "distribution": each.distribution,
                "version": each.version,
                "requires": each.requires,
            }
            for scope in scopes
            for each in scope.extensions
        }
        members = {
            _name(member.path, scope): {
                "extension": member.extension,
                "kind": f"async {member.kind}" if member.is_async else member.kind,
                "signature": member.exact_signature,
                "deprecated": member.deprecated,
            }
            for scope in scopes
            for member in sorted(scope.members, key=lambda member: member.path)
        }
        routes = [route for scope in scopes for route in scope.routes]
        return cls(
            described.target,
            extensions,
            members,
            {
                route.name: {"extension": route.extension, "scope": route.scope, "options": route.options}
                for route in sorted(routes, key=lambda route: (route.pattern, route.method))
            },
        )

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a lock file.

        Raises:
            GeneratedFileError: there is none, or it is not a lock file of a format that this version knows.
        """
        again = "Write it: socketify-ext lock TARGET"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version = values.pop("format")
            read = cls(**values) if version == FORMAT else None
        except FileNotFoundError:
            raise _wrong(path, "there is no such file", again) from None
        except OSError as error:
            raise _wrong(path, str(error), "Name a file that can be read") from None
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            raise _wrong(path, "it is not a lock file", again) from None
        if read is None:
            raise _wrong(path, f"it has format {version}, not {FORMAT}", "Use the socketify-ext that wrote it")
        return read

    def text(self) -> str:
        """Return it as JSON, with a line for each value."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"


def _name(name: str, scope: ScopeDescription) -> str:
    return f"{name} in {scope.label}" if scope.label else name


def is_lock(content: bytes) -> bool:
    """Whether a file's content is a lock, of whichever format."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and {"format", *(field.name for field in fields(Lock))} <= values.keys()


def _wrong(path: Path, why: str, fix: str) -> GeneratedFileError:
    return GeneratedFileError(f"lock file {str(path)!r}", "can't be read", why, fix, path=str(path))


def differences(pinned: Lock, found: Lock) -> list[str]:
    """Return the changes, a line for each extension, member and route: `-` old, `+` new."""
    lines: list[str] = []
    for kind, show in (("extensions", _extension), ("members", _member), ("routes", _route)):
        before, now = getattr(pinned, kind), getattr(found, kind)
        for name in dict.fromkeys([*before, *now]):
            if before.get(name) == now.get(name):
                continue
            lines += [f"- {show(name, before[name])}"] if name in before else []
            lines += [f"+ {show(name, now[name])}"] if name in now else []
    if not lines and list(pinned.extensions) != list(found.extensions):
        lines = [f"- order: {', '.join(pinned.extensions)}", f"+ order: {', '.join(found.extensions)}"]
    return lines


def _extension(name: str, values: dict[str, Any]) -> str:
    origin = " ".join(part for part in (values.get("distribution"), values.get("version")) if part)
    requires = values.get("requires") or []
    return (
        f"extension {name}" + (f" ({origin})" if origin else "") + (f" requires {', '.join(requires)}" * bool(requires))
    )


def _member(name: str, values: dict[str, Any]) -> str:
    kind = str(values.get("kind"))
    prefix = "computed " if kind.endswith("computed") else "async " if kind.startswith("async") else ""
    path, _, scope = name.partition(" in ")
    where = f" in {scope}" if scope else ""
    suffix = f", deprecated: {values['deprecated']}" if values.get("deprecated") else ""
    return f"{prefix}{path}{values.get('signature')}  [{values.get('extension')}{where}{suffix}]"


def _route(name: str, values: dict[str, Any]) -> str:
    options = ", ".join(f"{option}={value}" for option, value in (values.get("options") or {}).items())
    owner = values.get("extension") or "the app"
    scope = values.get("scope")
    return "  ".join(part for part in (name, options, f"[{owner} in {scope}]" if scope else f"[{owner}]") if part)
