"""Build the module; its version is that of the distribution."""

import re
from pathlib import Path

from setuptools import Extension, setup

version = re.search('^version = "(.+)"$', Path("pyproject.toml").read_text(), re.MULTILINE)[1]

setup(
    ext_modules=[
        Extension(
            "socketify_ext_speedups",
            ["socketify_ext_speedups.c"],
            define_macros=[("VERSION", f'"{version}"')],
            extra_compile_args=["-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
        )
    ]
)
