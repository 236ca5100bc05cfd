"""The pages are complete: every hazard, error, hook, option and flag is documented; links and code work."""

import inspect
import re
import subprocess
import sys

import pytest
import typer
from doc_pages import BLOCK, ROOT, blocks, python
from pydantic import BaseModel

import socketify_ext
from socketify_ext import errors, hookspecs
from socketify_ext.cli import cli
from socketify_ext.registry.environment import variable_prefix

DOCS = {f"docs/{path.name}": path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
PAGES = {**DOCS, **{name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")}}
GENERATED = {"docs/reference.md", "docs/extensions-reference.md", "docs/plugins.md"}
SAFETY = DOCS["docs/safety.md"]
BUILT_INS = [each.name for each in socketify_ext.Registry().list() if each.source == "builtin"]
COMMAND = typer.main.get_command(cli)


def test_safety_page_names_every_hazard_and_its_tests():
    tests = re.findall(r"^def (test_h\d\d_\w+)", (ROOT / "tests/runtime/test_hazards.py").read_text(), re.MULTILINE)
    assert sorted(set(re.findall(r"`(test_h\d\d_\w+)`", SAFETY))) == sorted(set(tests))
    assert re.findall(r"^\| (H\d\d)", SAFETY, re.MULTILINE) == [f"H{number:02}" for number in range(1, 31)]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    prose = BLOCK.sub("", PAGES[page])
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
        assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_its_language(page):
    assert PAGES[page].count("\n```") == 2 * len(blocks(page))
    assert all(block.language for block in blocks(page))


def has_tests_of_its_own(page):
    """Whether a page's code has its own tests: those of docs/auth.md are in tests/docs/test_auth_doc.py."""
    return (ROOT / "tests" / "docs" / f"test_{page.removeprefix('docs/').removesuffix('.md')}_doc.py").exists()


def test_every_piece_of_python_runs(tmp_path):
    pages = [page for page in PAGES if page not in GENERATED and not has_tests_of_its_own(page)]
    run = subprocess.run(
        [sys.executable, ROOT / "tests" / "support" / "doc_snippets.py", *pages],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    code = [block for page in pages for block in python(page) if not block.is_fragment]
    assert "Traceback" not in run.stdout, run.stdout
    assert f"{len(code)} blocks ran" in run.stdout, run.stdout + run.stderr


def test_every_error_is_documented():
    classes = [each for each in vars(errors).values() if inspect.isclass(each) and hasattr(each, "code")]
    assert len(classes) > 20
    for each in classes:
        if each is not errors.ExtensionError:
            assert f"| {each.code} | `{each.__name__}` |" in DOCS["docs/errors.md"]


def test_every_registration_hook_is_documented():
    hooks = [name for name, hook in vars(hookspecs).items() if hasattr(hook, f"{hookspecs.PROJECT}_spec")]
    assert hooks
    for hook in hooks:
        assert any(f"### {hook}\n" in text for text in DOCS.values())


def options(model, prefix):
    """Yield the variable and the field of each option, and of those inside it."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name.upper()}", field
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if inspect.isclass(inner) and issubclass(inner, BaseModel):
                yield from options(inner, f"{prefix}{name.upper()}__")


@pytest.mark.parametrize("name", BUILT_INS)
def test_every_option_of_a_built_in_is_documented(name):
    model = socketify_ext.Registry().find(name).options_model
    section = DOCS["docs/extensions-reference.md"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert section
    for variable, field in options(model, variable_prefix(name)) if model else ():
        assert f"`{variable}`" in section or "Callable" in str(field.annotation)
        assert field.description in section


def test_every_built_in_has_a_page():
    assert [name for name in BUILT_INS if f"docs/{name}.md" not in DOCS] == []


def test_every_variable_that_the_package_reads_is_documented():
    sources = "".join(path.read_text() for path in (ROOT / "socketify_ext").rglob("*.py"))
    found = re.findall(r"\bSOCKETIFY_EXT_[A-Z_]*[A-Z]\b", sources)
    variables = {name for name in found if "__" not in name}  # those with it are options
    assert "SOCKETIFY_EXT_DISABLE" in variables
    for variable in variables:
        assert variable in DOCS["docs/settings.md"]


@pytest.mark.parametrize("name", ["", *COMMAND.commands])
def test_every_command_and_flag_is_documented(name):
    command = COMMAND.commands[name] if name else COMMAND
    shown = [text for text in DOCS.values() if re.search(rf"socketify-ext {name}\b", text)]
    for option in command.params:
        if option.param_type_name == "option":
            assert any(set(option.opts) & set(re.findall(r"--?[\w-]+", text)) for text in shown), option.opts
    assert shown


def test_the_glossary_tells_each_word_once():
    words = re.findall(r"^## (.+)$", DOCS["docs/glossary.md"], re.MULTILINE)
    assert len(words) > 20
    assert words == sorted(set(words))
    assert all(re.findall(r"^## .+\n\n[A-Z]", DOCS["docs/glossary.md"], re.MULTILINE))
