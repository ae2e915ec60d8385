"""Where files are: a folder of this machine, or an address that fsspec can read."""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from headrace.model.errors import SourceError
from headrace.sources.address import Address, masked, secrets_in

State = tuple[Any, ...]
"""What changes while a file is written: its size and its time."""


class FilePlace(Protocol):
    """A folder of files, by their paths below it."""

    shown: str

    def names(self) -> list[str]:
        """Return the files in the folder, not in subfolders."""

    def matches(self, glob: str) -> list[str]:
        """Return the files that match the glob."""

    def state(self, name: str) -> State:
        """Return what changes while the file is written."""

    def changed_at(self, name: str) -> float:
        """Return when it was changed, in seconds since 1970; 0 where files appear complete."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""

    def local(self, names: list[str]) -> list[Path] | None:
        """Return the paths by which this machine can watch the files; None when it can't."""

    def fetched(
        self, names: list[str], scratch: Path | None
    ) -> AbstractContextManager[dict[str, Path]]:
        """Yield local paths of files, for the length of a `with`; copies are made in `scratch`."""


class LocalFolder:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.shown = str(folder)

    def names(self) -> list[str]:
        if not self._folder.is_dir():
            raise SourceError(f"There is no folder {self._folder}: check source.path.")
        return sorted(path.name for path in self._folder.iterdir() if path.is_file())

    def matches(self, glob: str) -> list[str]:
        found = sorted(path for path in self._folder.glob(glob) if path.is_file())
        return [str(path) for path in found]

    def state(self, name: str) -> State:
        state = (self._folder / name).stat()
        return state.st_ino, state.st_size, state.st_mtime_ns

    def changed_at(self, name: str) -> float:
        return (self._folder / name).stat().st_mtime

    def exists(self, name: str) -> bool:
        return (self._folder / name).is_file()

    def local(self, names: list[str]) -> list[Path] | None:
        return [self._folder / name for name in names]

    @contextmanager
    def fetched(self, names: list[str], scratch: Path | None) -> Iterator[dict[str, Path]]:
        yield {name: self._folder / name for name in names}


class RemoteFolder:
    """A folder at an address such as `s3://bucket/exports`, of any kind that fsspec knows."""

    def __init__(self, address: str, options: dict[str, Any]) -> None:
        parts = Address(address)
        self.shown = f"{parts.scheme}://{parts.shown}"
        self._secrets = (*parts.secrets, *secrets_in(options))
        try:
            fsspec = importlib.import_module("fsspec.core")
            self._system, path = fsspec.url_to_fs(address, **options)
        except (ImportError, ValueError) as error:
            said = masked(str(error), self._secrets)
            raise SourceError(f"source.path {self.shown} can't be opened: {said}.") from None
        self._folder = str(path).rstrip("/")

    def names(self) -> list[str]:
        with self._asking():
            self._system.invalidate_cache()
            found = self._system.ls(self._folder, detail=True)
        return sorted(
            posixpath.basename(entry["name"]) for entry in found if entry["type"] == "file"
        )

    def matches(self, glob: str) -> list[str]:
        with self._asking():
            found = self._system.glob(f"{self._folder}/{glob}")
        return sorted(str(path).removeprefix(f"{self._folder}/") for path in found)

    def state(self, name: str) -> State:
        with self._asking():
            self._system.invalidate_cache()
            info = self._system.info(self._path(name))
        keys = ("size", "ETag", "etag", "LastModified", "mtime", "created", "updated")
        return tuple(str(info.get(key)) for key in keys)

    def changed_at(self, name: str) -> float:
        return 0.0

    def exists(self, name: str) -> bool:
        with self._asking():
            return bool(self._system.isfile(self._path(name)))

    def local(self, names: list[str]) -> list[Path] | None:
        return None

    @contextmanager
    def fetched(self, names: list[str], scratch: Path | None) -> Iterator[dict[str, Path]]:
        with TemporaryDirectory(prefix="headrace-files-", dir=scratch) as folder:
            copies = {name: Path(folder) / name for name in names}
            for name, copy in copies.items():
                copy.parent.mkdir(parents=True, exist_ok=True)
                with self._asking():
                    self._system.get_file(self._path(name), str(copy))
            yield copies

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise SourceError(f"There is no folder {self.shown}: check source.path.") from None
        except Exception as error:  # each file system has exceptions of its own
            words = " ".join(str(error).split()) or type(error).__name__
            words = masked(words, self._secrets)
            raise SourceError(f"{self.shown} can't be read: {words.rstrip('.')}.") from None
