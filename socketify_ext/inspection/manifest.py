"""The manifest of a plugin: the descriptions of its extensions in a file of its package, read without an import."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.machinery import PathFinder
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from socketify_ext import errors
from socketify_ext.registry.environment import variable_prefix
from socketify_ext.registry.modules import file_beside, read_beside

from .description import DeclaredExtension, describe
from .hooks import hook_names
from .plain_data import rebuild

if TYPE_CHECKING:
    from socketify_ext.registry.discovery import Candidate
    from socketify_ext.registry.registry import Registry

FILE: Final = "socketify-ext.json"
FORMAT: Final = 1
_HERE: Final = "./"  # begins the path of a file in the manifest's own folder
# Known from the metadata of the distribution, which may be built with another version than the manifest was.
_FROM_METADATA: Final = ("distribution", "version")


@dataclass(frozen=True)
class Manifest:
    """What a package's extensions declare, by name; `requires`, members, options and all else as `show` prints it.

    `grades` are those that `socketify-ext check` gave them when the file was written, where that was asked for.
    """

    distribution: str
    extensions: dict[str, dict[str, Any]]
    format: int = FORMAT
    grades: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as JSON in a stable form."""
        grades = {"grades": self.grades} if self.grades else {}
        parts = {"format": self.format, "distribution": self.distribution, **grades, "extensions": self.extensions}
        return json.dumps(parts, indent=1, ensure_ascii=False) + "\n"


def manifest_path(candidate: Candidate) -> PurePath | None:
    """Return the place of a plugin's manifest: in the package that its entry point names; None without a package."""
    return file_beside(candidate.module, FILE)


def is_installed_copy(candidate: Candidate, path: PurePath) -> bool:
    """Whether a file lies where pip has installed it, and not in the source of an editable installation."""
    folder = candidate.installed.folder if candidate.installed else ""
    return folder.endswith(".dist-info") and path.is_relative_to(PurePath(folder).parent)


def package_manifest(name: str, registry: Registry) -> tuple[PurePath, Manifest]:
    """Import an extension and those of its distribution that are in the same package, and make their manifest.

    Returns:
        The place of the manifest, and the manifest.

    Raises:
        TargetError: an extension fails, or is in no package.
        ExtensionError: it can't be loaded.
    """
    import socketify_ext

    candidate = registry.provider(name)
    path = manifest_path(candidate)
    if path is None:
        why = f"its module {candidate.module!r} belongs to no package, which could hold the file"
        raise _unmade(candidate, why, "Make it a package: a folder with an __init__.py")
    hooks, problems = hook_names(candidate.distribution)
    if problems:
        raise _unmade(candidate, problems[0], "Correct the hooks")
    described = []
    for each in registry.provided_by(candidate.distribution):
        if manifest_path(each) == path:
            app = socketify_ext.App(registry=registry)
            description, sound = describe(registry.find(each.qualified_name), hooks, app)
            if not sound:
                raise _unmade(each, description.members_error or "it fails", f"See `socketify-ext show {each.name}`")
            described.append(description)
    return path, make_manifest(candidate.distribution, described, path.parent)


def _unmade(candidate: Candidate, why: str, fix: str) -> errors.TargetError:
    return errors.TargetError(
        f"extension {candidate.qualified_name!r}", "can't have a manifest", why, fix, target=candidate.qualified_name
    )


def make_manifest(distribution: str, described: Iterable[DeclaredExtension], folder: PurePath) -> Manifest:
    """Make the manifest of extensions, for a file in `folder`."""
    extensions = {}
    for each in sorted(described, key=lambda extension: extension.name):
        parts = {name: value for name, value in asdict(each).items() if name not in _FROM_METADATA}
        extensions[each.name] = _with_files(parts, functools.partial(_packed, folder=folder))
    return Manifest(distribution, extensions)


def read_manifest(candidate: Candidate) -> DeclaredExtension | None:
    """Read an extension's description from its manifest; nothing of the plugin is imported.

    Returns:
        None where the package has no manifest.

    Raises:
        ManifestError: the file is not a manifest of this version, or not one of this extension.
    """
    path = manifest_path(candidate)
    data = None if path is None else read_beside(candidate.module, FILE)
    if path is None or data is None:
        return None
    manifest = _parsed(candidate, path, data)
    if manifest.distribution != candidate.distribution or candidate.name not in manifest.extensions:
        raise _wrong(candidate, path, f"it does not describe {candidate.qualified_name!r}")
    parts = _with_files(manifest.extensions[candidate.name], functools.partial(_unpacked, folder=path.parent))
    parts |= {"distribution": candidate.distribution, "version": candidate.version}
    try:
        return rebuild(DeclaredExtension, parts)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _wrong(candidate, path, f"{where}: {first['msg']}") from None


def grades_in(content: bytes | str) -> dict[str, str]:
    """Return the grades in a manifest; none where it is not one."""
    try:
        grades = json.loads(content)["grades"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return {}
    return grades if isinstance(grades, dict) else {}


def is_manifest(content: bytes) -> bool:
    """Whether a file's content is a manifest, of whichever format."""
    try:
        parts = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(parts, dict) and {"format", "distribution", "extensions"} <= parts.keys()


def installed_description(candidate: Candidate, environment: Mapping[str, str]) -> tuple[DeclaredExtension | None, str]:
    """Describe an extension from its manifest, where that is sure to describe what an import would.

    Returns:
        The description, or None and the reason why an import must tell.

    Raises:
        ManifestError: there is a manifest, and it can't be used.
    """
    path = manifest_path(candidate)
    if candidate.source == "builtin" or path is None:
        return None, "it has no manifest"
    if not is_installed_copy(candidate, path) or _is_here(candidate.module):
        return None, "it runs from its source, which its manifest may not describe"
    prefix = variable_prefix(candidate.name)
    if any(name.upper().startswith(prefix) for name in environment):
        return None, "the environment has options for it"
    found = read_manifest(candidate)
    return found, "" if found else "it has no manifest"


def _is_here(module: str) -> bool:
    """Whether the current folder has the package of a module, so that it would be imported from there."""
    spec = PathFinder.find_spec(module.partition(".")[0], [os.getcwd()])  # noqa: PTH109 - of 100 plugins
    return spec is not None and spec.has_location


def _parsed(candidate: Candidate, path: PurePath, data: bytes) -> Manifest:
    try:
        parts = json.loads(data)
        if parts["format"] != FORMAT:
            raise _wrong(candidate, path, f"it has format {parts['format']!r}, not {FORMAT}")
        found = Manifest(**parts)
        known = all(isinstance(each, dict) for each in found.extensions.values())
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise _wrong(candidate, path, "it is not a manifest")
    return found


def _with_files(value: Any, change: Any) -> Any:
    """Return plain data with each `file` in it changed."""
    if isinstance(value, Mapping):
        is_place = isinstance(value.get("file"), str) and "line" in value
        return {
            key: change(each) if key == "file" and is_place else _with_files(each, change)
            for key, each in value.items()
        }
    return [_with_files(each, change) for each in value] if isinstance(value, (list, tuple)) else value


def _packed(file: str, folder: PurePath) -> str:
    """Return a path that holds on every machine."""
    path = PurePath(file)
    if path.is_relative_to(folder):
        return _HERE + path.relative_to(folder).as_posix()
    return path.name if path.is_absolute() else file


def _unpacked(file: str, folder: PurePath) -> str:
    return str(folder / file.removeprefix(_HERE)) if file.startswith(_HERE) else file


def _wrong(candidate: Candidate, path: PurePath, why: str) -> errors.ManifestError:
    return errors.ManifestError(
        f"plugin {candidate}",
        f"has a manifest that can't be used ({path})",
        why,
        f"Write it again with `socketify-ext manifest {candidate.name}`, or upgrade {candidate.distribution}",
        distribution=candidate.distribution,
        path=str(path),
    )
