"""Virtual environments for what is installed, made without an index: wheels are built here, what they require is linked."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
# Without hatchling here, pip gets it from the index for each build.
BUILD = ("--no-deps", *(["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []))


class Environment:
    """A virtual environment of its own, which sees neither the source tree nor the caller's packages."""

    def __init__(self, folder):
        self.folder = folder.resolve()
        self.variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOCKETIFY_"))
        }
        if not self.folder.exists():
            run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        (self.packages,) = self.folder.glob("lib/python*/site-packages")

    def program(self, name):
        return str(self.folder / "bin" / name)

    def install(self, *wheels):
        """Install wheels, given as `file.whl` or `file.whl[extra]`, and what they require."""
        wheels = [(file, extras.rstrip("]")) for file, _, extras in (str(wheel).partition("[") for wheel in wheels)]
        pip = (*PIP, "--python", self.program("python"), "install", "--no-compile")
        run(*pip, "--no-deps", "--no-index", *(file for file, _ in wheels))
        installed = {
            canonicalize_name(each.name): each for each in importlib.metadata.distributions(path=[str(self.packages)])
        }
        waiting = [Requirement(f"{Path(file).name.split('-')[0]}[{extras}]") for file, extras in wheels]
        missing, seen = [], set()
        while waiting:
            requirement = waiting.pop()
            name = canonicalize_name(requirement.name)
            extras = {"", *requirement.extras} - {extra for each, extra in seen if each == name}
            seen |= {(name, extra) for extra in extras}
            if not extras:
                continue
            if name not in installed:
                try:
                    installed[name] = importlib.metadata.distribution(name)
                except importlib.metadata.PackageNotFoundError:
                    missing.append(str(requirement))
                    continue
                self._link(installed[name])
            for required in map(Requirement, installed[name].requires or ()):
                marker = required.marker
                if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                    waiting.append(required)
        if missing:
            run(*pip, *missing)

    def _link(self, distribution):
        """Link the files of a distribution of the caller's into this environment."""
        scripts = {entry.name: entry for entry in distribution.entry_points.select(group="console_scripts")}
        for name, entry in scripts.items():
            program = self.folder / "bin" / name
            program.write_text(
                f"#!{self.program('python')}\nimport sys\nfrom {entry.module} import {entry.attr}\nsys.exit({entry.attr}())\n"
            )
            program.chmod(0o755)
        for file in distribution.files or ():
            if file.parts[0] != "..":
                target, link = file.parts[0], self.packages / file.parts[0]
            elif file.parent.name == "bin" and file.name not in scripts:
                target, link = file, self.folder / "bin" / file.name
            else:
                continue
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(target))).resolve())

    def run(self, name, *arguments):
        return run(self.program(name), *arguments, cwd=self.folder, env=self.variables)


def build_wheel(source, folder):
    """Build a distribution's wheel into a folder, and return its path."""
    run(*PIP, "wheel", str(source), *BUILD, "--wheel-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
