"""`socketify-ext lock TARGET`: pin what extensions add, and fail when an upgrade changes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..inspection.query import TIME_LIMIT
from .completion import complete_target
from .described import described_app
from .generated_file import Force, GeneratedFile
from .option_values import OptionValues
from .output import echo
from .target import Timeout

if TYPE_CHECKING:
    from .lockfile import Lock

LockFile = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The lock file.")]


def lock_target(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]",
            help="As for stubs; with --check, the one in the file by default.",
            autocompletion=complete_target,
        ),
    ] = None,
    options: OptionValues = None,
    output: LockFile = Path("socketify-ext.lock"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 and a diff if the file is out of date.")
    ] = False,
    force: Force = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Pin what extensions add: names, signatures, defaults, providers and versions of members, and routes."""
    from socketify_ext.errors import GeneratedFileError
    from socketify_ext.sdk.plural import counted

    from .lockfile import Lock, differences, is_lock

    file = GeneratedFile(output, "lock file", is_lock, force=force)
    pinned = Lock.read(output) if check or target is None else None
    if not check:
        file.check()
    wanted = target or (pinned.target if pinned else "")
    found = Lock.of(described_app(wanted, timeout, options, whole=True))
    if not check:
        file.write(found.text())
        echo(f"{output}: {_counted(found)}", err=True)
        return
    changes = differences(pinned, found) if pinned else []
    if not changes:
        echo(f"{output} is up to date: {_counted(found)}", err=True)
        return
    for line in changes:
        echo(line)
    raise GeneratedFileError(
        f"lock file {str(output)!r}",
        "is out of date",
        f"{counted(len(changes), 'line')} {'differs' if len(changes) == 1 else 'differ'} from {wanted}",
        f"If the change is intended, write it again: socketify-ext lock {wanted} -o {output}",
        path=str(output),
    )


def _counted(lock: Lock) -> str:
    from socketify_ext.sdk.plural import counted

    parts = {"extension": lock.extensions, "member": lock.members, "route": lock.routes}
    return ", ".join(counted(len(found), noun) for noun, found in parts.items())
