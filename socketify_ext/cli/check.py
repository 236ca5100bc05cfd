"""`socketify-ext check TARGET`: all that an extension declares, called in every place where an app may call it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .generated_file import Force, GeneratedFile
from .option_values import OptionValues, read_options
from .output import console, echo_json
from .target import TARGET_ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socketify_ext.conformance.matrix import Progress
    from socketify_ext.conformance.report import Report

    Options = dict[str, dict[str, str]]


def check_extension(
    target: Annotated[str | None, TARGET_ARGUMENT] = None,
    every: Annotated[bool, typer.Option("--all", help="Check all installed extensions.")] = False,
    options: OptionValues = None,
    examples: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="CALL", help="How to call a member or a route: 'request.member(1)', 'POST /orders {}'."
        ),
    ] = None,
    headers: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="NAME=VALUE", help="A header of each request, for hooks that ask for it."),
    ] = None,
    ignored: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="KIND", help="A kind of finding to ignore.")
    ] = None,
    level: Annotated[
        str | None,
        typer.Option("--grade", metavar="LEVEL", help="Exit with 1 below bronze, silver, gold or platinum, too."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML too.")] = None,
    force: Force = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Seconds that the target may take to start.")
    ] = 10.0,
) -> None:
    """Call all that an extension declares in the whole matrix of apps, handlers and events; report defects and a grade."""
    _check_names(level, ignored or [])
    if (target is None) is not every:
        raise typer.BadParameter("give one target, or --all", param_hint="TARGET")
    if every and (examples or headers):
        raise typer.BadParameter("--with and --header go with one target", param_hint="--all")
    given = read_options(options)
    sent = dict(map(_header, headers or ()))
    file = _junit_file(junit, force=force)
    reports = []
    for each in _targets(target, given):
        with _progress(each) as progress:
            reports.append(_checked(each, given, examples or [], sent, timeout, progress, every=every))
    reports = [report.without(set(ignored or ())) for report in reports]
    if file is not None:
        from socketify_ext.conformance.junit import junit_text

        file.write(junit_text(reports))
    if as_json:
        echo_json([report.as_data() for report in reports] if every else reports[0].as_data())
    else:
        from socketify_ext.conformance.table import print_report

        for report in reports:
            print_report(report, console())
    results = {report.status for report in reports}
    reached = level is None or all(report.grade is not None and report.grade.reaches(level) for report in reports)
    if "failed" in results or "passed" not in results or not reached:
        raise typer.Exit(1)


def _check_names(level: str | None, ignored: list[str]) -> None:
    from socketify_ext.conformance.report import KINDS, LEVELS

    if level is not None and level not in LEVELS:
        raise typer.BadParameter(f"{level!r} is none of {', '.join(LEVELS)}", param_hint="--grade")
    for kind in ignored:
        if kind not in KINDS:
            raise typer.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}", param_hint="--ignore")


def _junit_file(path: Path | None, *, force: bool) -> GeneratedFile | None:
    if path is None:
        return None
    from socketify_ext.conformance.junit import is_junit

    file = GeneratedFile(path, "JUnit report", is_junit, force=force)
    file.check()
    return file


def _header(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--header")
    return name, value


def _targets(target: str | None, options: Options) -> list[str]:
    if target is not None:
        return [target]
    from socketify_ext.registry.registry import Registry

    listings = [listing for listing in Registry().list() if listing.status not in ("blocked", "shadowed")]
    for name in options:
        if name not in {listing.name for listing in listings}:
            why = f"{name!r} is no installed extension" if name else "write EXTENSION.NAME=VALUE with --all"
            raise typer.BadParameter(why, param_hint="--option")
    return [f"{each.distribution}:{each.name}" if each.status == "duplicate" else each.name for each in listings]


def _checked(
    target: str,
    options: Options,
    examples: list[str],
    headers: dict[str, str],
    timeout: float,
    progress: Progress,
    *,
    every: bool,
) -> Report:
    from socketify_ext.conformance.matrix import check_target
    from socketify_ext.conformance.report import Finding, Report
    from socketify_ext.errors import ExtensionError, OptionsError

    try:
        return check_target(
            target,
            options=options,
            shares_options=every,
            examples=examples,
            headers=headers,
            timeout=timeout,
            progress=progress,
        )
    except OptionsError as error:
        if not every:
            raise
        return Report(target, reason=f"it needs options: {error.why}")
    except ExtensionError as error:
        if not every:
            raise
        return Report(target, findings=[Finding("register", str(error))])


@contextlib.contextmanager
def _progress(target: str) -> Iterator[Progress]:
    """Show a progress bar, at a terminal only."""
    if not sys.stdout.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task(target, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
