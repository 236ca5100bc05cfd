"""Run the command line: `python -m socketify_ext`."""

from .cli import main

main()
