"""Limits of forms."""

from __future__ import annotations

import operator
from typing import Final, NamedTuple

MAX_FILES: Final = 100
MAX_FIELDS: Final = 1000
MAX_FIELDS_SIZE: Final = 1024 * 1024
MAX_MEMORY: Final = 512 * 1024


class FormLimits(NamedTuple):
    """How large a form may be.

    Attributes:
        max_files: the number of files.
        max_fields: the number of fields.
        max_fields_size: bytes of all fields and names together.
        max_file_size: bytes of each file; None for as many as the body may have.
        max_memory: bytes of all files together that are held in memory; larger ones go to disk.
    """

    max_files: int = MAX_FILES
    max_fields: int = MAX_FIELDS
    max_fields_size: int = MAX_FIELDS_SIZE
    max_file_size: int | None = None
    max_memory: int = MAX_MEMORY

    def checked(self) -> FormLimits:
        """Return the limits as numbers.

        Raises:
            TypeError: one is not a number.
            ValueError: one is negative.
        """
        for name, value in zip(self._fields, self, strict=True):
            if value is None and name == "max_file_size":
                continue
            if operator.index(value) < 0:  # type: ignore[arg-type]
                raise ValueError(f"{name}={value} is negative")
        return self
