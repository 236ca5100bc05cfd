"""Reports as JUnit XML, which CI systems show: one suite a target, one case a member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from .report import Finding, Report


def write_junit(reports: Iterable[Report], path: Path) -> None:
    """Write reports into a file."""
    root = Xml.Element("testsuites")
    for report in reports:
        suite = Xml.SubElement(root, "testsuite", name=report.target)
        _case(suite, report.target, "the extension", report.findings, report.reason)
        for member in report.members:
            _case(suite, report.target, member.name, member.findings, member.reason)
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    Xml.indent(root)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(suite: Xml.Element, target: str, name: str, findings: Sequence[Finding], reason: str) -> None:
    case = Xml.SubElement(suite, "testcase", classname=target, name=name)
    for finding in findings:
        failure = Xml.SubElement(case, "failure", type=finding.kind, message=_legal(finding.problem))
        failure.text = _legal("\n".join(filter(None, (finding.place, finding.where))))
    if reason and not findings:
        Xml.SubElement(case, "skipped", message=_legal(reason))


def _legal(text: str) -> str:
    """Leave out what XML 1.0 can't carry."""
    return "".join(each for each in text if each in "\t\n\r" or " " <= each <= "\ud7ff" or each >= "\ue000")
