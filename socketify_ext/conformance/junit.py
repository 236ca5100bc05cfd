"""Reports as JUnit XML, which CI systems show: one suite a target, one case a part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree as Xml

from .report import Finding, Report

_NAME: Final = "socketify-ext check"


def junit_text(reports: Iterable[Report]) -> str:
    """Return reports as the text of a file."""
    root = Xml.Element("testsuites", name=_NAME)
    for report in reports:
        suite = Xml.SubElement(root, "testsuite", name=_legal(report.target))
        _case(suite, report.target, "the extension", report.findings, report.reason)
        for part in report.parts:
            _case(suite, report.target, part.name, part.findings, part.reason)
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    Xml.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{Xml.tostring(root, encoding='unicode')}\n"


def is_junit(content: bytes) -> bool:
    """Whether a file's content is a report of this program."""
    return re.match(rb"\s*(?:<\?xml[^>]*\?>\s*)?<testsuites name=[\"']" + _NAME.encode(), content) is not None


def _case(suite: Xml.Element, target: str, name: str, findings: Sequence[Finding], reason: str) -> None:
    case = Xml.SubElement(suite, "testcase", classname=_legal(target), name=_legal(name))
    for finding in findings:
        failure = Xml.SubElement(case, "failure", type=finding.kind, message=_legal(finding.problem))
        failure.text = _legal("\n".join(filter(None, (finding.place, finding.where))))
    if reason and not findings:
        Xml.SubElement(case, "skipped", message=_legal(reason))


def _legal(text: str) -> str:
    """Return the text without characters that XML 1.0 can't hold."""
    return "".join(each for each in text if each in "\t\n\r" or " " <= each <= "\ud7ff" or each >= "\ue000")
