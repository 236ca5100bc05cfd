import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAFETY = (ROOT / "docs/safety.md").read_text()


def test_safety_page_names_every_hazard_and_its_tests():
    tests = re.findall(r"^def (test_h\d\d_\w+)", (ROOT / "tests/test_hazards.py").read_text(), re.MULTILINE)
    assert sorted(set(re.findall(r"`(test_h\d\d_\w+)`", SAFETY))) == sorted(set(tests))
    assert re.findall(r"^\| (H\d\d)", SAFETY, re.MULTILINE) == [f"H{number:02}" for number in range(1, 31)]


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_relative_link_leads_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target
