"""A form: fields and files by their names, in the order in which they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .uploaded_file import UploadedFile


class Form(Mapping[str, str | UploadedFile]):
    """The fields and files of a form; `form[name]` is the last one of a name.

    Args:
        pairs: names and values.
        size: bytes of the fields and of the names.
        release: called once when the form is closed.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str | UploadedFile]],
        size: int = 0,
        release: Callable[[], object] | None = None,
    ) -> None:
        self.size = size
        self._values: dict[str, list[str | UploadedFile]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        self._release = release

    def __getitem__(self, name: str) -> str | UploadedFile:
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Form of {len(self)} names>"  # what people type in is nobody's business

    def get_list(self, name: str) -> list[str | UploadedFile]:
        """Return all values of a name, in order."""
        return list(self._values.get(name, ()))

    @property
    def values_by_name(self) -> Mapping[str, Sequence[str | UploadedFile]]:
        """Return all values by their names."""
        return self._values

    @property
    def fields(self) -> dict[str, list[str]]:
        """Return the fields by their names."""
        return _of_kind(self._values, str)

    @property
    def files(self) -> dict[str, list[UploadedFile]]:
        """Return the files by their names."""
        return _of_kind(self._values, UploadedFile)

    def close(self) -> None:
        """Close all files; the end of the request does so by itself."""
        for values in self.files.values():
            for file in values:
                file.close()
        release, self._release = self._release, None
        if release is not None:
            release()


def _of_kind(values: Mapping[str, Sequence[object]], kind: type) -> dict[str, list]:  # type: ignore[type-arg]
    found = {name: [each for each in those if isinstance(each, kind)] for name, those in values.items()}
    return {name: those for name, those in found.items() if those}
