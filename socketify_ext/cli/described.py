"""The description of a target for a command, with warnings of what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..inspection.query import Query, run_query
from .option_values import read_options
from .output import warn

if TYPE_CHECKING:
    from ..inspection.app_description import AppDescription


def described_app(
    target: str,
    timeout: float,
    options: list[str] | None,
    *,
    whole: bool = False,
    stub: Mapping[str, Any] | None = None,
) -> AppDescription:
    """Describe the extensions and members of an app, or of an extension on an app of its own.

    Args:
        target: as the user wrote it.
        timeout: seconds.
        options: as `--option` has them.
        whole: whether a description that lacks members is an error: it is to be written to a file.
        stub: see `Query`.

    Raises:
        ExtensionError: the target is wrong, fails, or takes too long; its text says which.
    """
    from ..inspection.app_description import AppDescription
    from ..inspection.plain_data import rebuild

    answer = run_query(Query(target, "app", timeout, read_options(options), stub))
    if answer.incomplete and whole:
        raise _incomplete(target, answer.incomplete)
    for problem in (*answer.warnings, *answer.incomplete):
        warn("warning", problem)
    return rebuild(AppDescription, answer.value)


def _incomplete(target: str, problems: list[str]) -> Exception:
    from socketify_ext.errors import TargetError

    why, _, fix = "; ".join(problems).rpartition("; ")
    return TargetError(f"target {target!r}", "can't be written down", why, fix[:1].upper() + fix[1:], target=target)
