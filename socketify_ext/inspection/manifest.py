"""The manifest of a plugin: the descriptions of its extensions in a file of its package, read without an import."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from socketify_ext import errors
from socketify_ext.registry.modules import file_beside, read_beside

from .description import DeclaredExtension

if TYPE_CHECKING:
    from socketify_ext.registry.discovery import Candidate

FILE: Final = "socketify-ext.json"
FORMAT: Final = 1
_HERE: Final = "./"  # begins the path of a file in the manifest's own folder
# Known from the metadata of the distribution, which may be built with another version than the manifest was.
_FROM_METADATA: Final = ("distribution", "version")


@dataclass(frozen=True)
class Manifest:
    """What a package's extensions declare, by name; `requires`, members, options and all else as `show` prints it."""

    distribution: str
    extensions: dict[str, dict[str, Any]]
    format: int = FORMAT

    def text(self) -> str:
        """Return it as JSON in a stable form."""
        parts = {"format": self.format, "distribution": self.distribution, "extensions": self.extensions}
        return json.dumps(parts, indent=1, ensure_ascii=False) + "\n"


def manifest_path(candidate: Candidate) -> PurePath | None:
    """Return the place of a plugin's manifest: in the package that its entry point names; None without a package."""
    return file_beside(candidate.module, FILE)


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
        return _description_adapter().validate_python(parts)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _wrong(candidate, path, f"{where}: {first['msg']}") from None


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


@functools.cache
def _description_adapter() -> TypeAdapter[DeclaredExtension]:
    return TypeAdapter(DeclaredExtension)


def _with_files(value: Any, change: Any) -> Any:
    """Return plain data with each `file` in it changed."""
    if isinstance(value, Mapping):
        return {
            key: change(each) if key == "file" and isinstance(each, str) else _with_files(each, change)
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
