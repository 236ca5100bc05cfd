"""What a new project's extension requires, and the distributions that provide it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.version import InvalidVersion, Version

from ... import errors
from ...registry.registry import Registry
from ...sdk.spec import Requirement
from ...sdk.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...registry.discovery import Candidate

_FORM = 'Write it as in "sessions" or "sessions>=0.1,<0.2"'


@dataclass(frozen=True)
class Required:
    """An extension that a project's extension requires.

    Attributes:
        text: as `requires=[...]` has it.
        name: of the extension.
        distribution: that provides it.
        dependency: on that distribution, with the versions that fit; "" for a built-in.
    """

    text: str
    name: str
    distribution: str
    dependency: str


def find_required(project: str, texts: Iterable[str]) -> tuple[Required, ...]:
    """Find the distributions that provide what is required; nothing of them is imported.

    Args:
        project: the name of the extension that requires it.
        texts: names of extensions, each with or without versions.

    Raises:
        ProjectError: one is not a requirement, is not installed in such a version, or has several providers.
    """
    registry = Registry()
    found: dict[str, Required] = {}
    for text in texts:
        required = _required(registry, project, text)
        if required.name in found:
            raise requirement_error(project, text, "it is required twice", "Name it once")
        found[required.name] = required
    return tuple(found.values())


def accepted_versions(version: str) -> str:
    """Return a specifier of the versions that are compatible with one (semantic versioning); "" where it is none."""
    try:
        parsed = Version(version)
    except InvalidVersion:
        return ""
    lowest = parsed.public if parsed.is_prerelease else f"{parsed.major}.{parsed.minor}"
    return f">={lowest},<{parsed.major + 1}" if parsed.major else f">={lowest},<0.{parsed.minor + 1}"


def requirement_error(project: str, text: str, why: str, fix: str) -> errors.ProjectError:
    """Make the error of a requirement that a project can't have."""
    return errors.ProjectError(f"the new project {project!r}", f"requires {text!r}", why, fix, name=project)


def _required(registry: Registry, project: str, text: str) -> Required:
    bare = "".join(text.split())
    try:
        parsed = Parsed(bare)
    except InvalidRequirement:
        raise requirement_error(project, text, "it is not a requirement", _FORM) from None
    if parsed.url or parsed.extras or parsed.marker:
        why = "it is not the name of an extension, with or without versions"
        raise requirement_error(project, text, why, _FORM)
    if parsed.name == project:
        raise requirement_error(project, text, "an extension can't require itself", "Leave it out")
    provider = _provider(registry, project, text, parsed.name)
    if not Requirement(name=parsed.name, specifier=str(parsed.specifier)).accepts(provider.version):
        why = f"{provider} is installed, and provides another version"
        raise requirement_error(
            project, text, why, f"Install that version of {provider.distribution}, or name this one"
        )
    if provider.source == "builtin":
        return Required(bare, parsed.name, provider.distribution, "")
    versions = bare.removeprefix(parsed.name) or accepted_versions(provider.version)
    return Required(bare, parsed.name, provider.distribution, f"{provider.distribution}{versions}")


def _provider(registry: Registry, project: str, text: str, name: str) -> Candidate:
    try:
        return registry.provider(name)
    except errors.UnknownExtensionError:
        fix = f"Install the distribution that provides it, as in pip install socketify-ext-{name.replace('_', '-')}"
        fix = " ".join(filter(None, (suggestion(name, registry.names()), fix)))
        raise requirement_error(project, text, "nothing that is installed provides it", fix) from None
    except errors.DuplicateProviderError as error:
        fix = "Uninstall all but the one that is meant"
        raise requirement_error(project, text, f"several provide it: {error.why}", fix) from None
    except errors.BlockedExtensionError as error:
        raise requirement_error(project, text, f"it is blocked: {error.why}", error.fix) from None
