"""Storage of PDF bytes: a local folder, or any address that fsspec supports.

A file's name contains the hash of its content and the id of its row, so removing an old file can
never remove one that another upload has just written.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
from pathlib import Path
from typing import IO, Any, Protocol

from headrace.model.errors import ConfigurationError

_CHUNK = 1 << 20


class PdfFiles(Protocol):
    """The interface of a PDF storage. Methods block; call them on worker threads. They raise
    OSError when the storage can't be reached."""

    def write(self, name: str, content: IO[bytes]) -> None:
        """Write all of `content`, from its start, durably under `name`."""

    def open(self, name: str) -> IO[bytes]:
        """Open for reading. Raises FileNotFoundError when there is no such file."""

    def remove(self, name: str) -> None:
        """Remove the file; does nothing when it does not exist."""


class FolderPdfs:
    """Stores PDFs in a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, content: IO[bytes]) -> None:
        path = self._folder / name
        made = [folder for folder in (path.parent, self._folder) if not folder.exists()]
        part = path.with_suffix(".part")
        content.seek(0)
        with _open_new(part) as file:
            shutil.copyfileobj(content, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        for folder in (path.parent, *(folder.parent for folder in made)):
            put_on_disk(folder)

    def open(self, name: str) -> IO[bytes]:
        return (self._folder / name).open("rb")

    def remove(self, name: str) -> None:
        path = self._folder / name
        for leftover in (path.with_suffix(".part"), path):
            leftover.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the folder may hold other files
            path.parent.rmdir()


def _open_new(part: Path) -> IO[bytes]:
    """Create the file, with its folder: a concurrent removal of the folder's last file may delete
    the folder."""
    while True:
        part.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return part.open("wb")


class AddressedPdfs:
    """Stores PDFs at any address that fsspec opens, such as `s3://bucket/folder`."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def write(self, name: str, content: IO[bytes]) -> None:
        content.seek(0)
        path = f"{self._root}/{name}"
        self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._filesystem.open(path, "wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)

    def open(self, name: str) -> IO[bytes]:
        # Bounds memory: one block is read ahead, not the whole file.
        file: IO[bytes] = self._filesystem.open(
            f"{self._root}/{name}", "rb", block_size=_CHUNK, cache_type="readahead"
        )
        return file

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._filesystem.rm_file(f"{self._root}/{name}")


class NoPdfs:
    """Stands in for a storage in a hub that has none configured."""

    def write(self, name: str, content: IO[bytes]) -> None:
        raise OSError("this hub has no place for PDFs: start it with --pdfs or --data")

    def open(self, name: str) -> IO[bytes]:
        raise FileNotFoundError(name)

    def remove(self, name: str) -> None:
        pass


def open_pdfs(address: str | None, default: Path | None) -> PdfFiles:
    """Open the storage that `--pdfs` names: a folder, or an address with `://`; None means
    `default`.

    Raises ConfigurationError when the address can't be used; the message names the package to
    install when a driver is missing.
    """
    if address is None:
        return NoPdfs() if default is None else FolderPdfs(default)
    if "://" not in address:
        return FolderPdfs(Path(address))
    # Imported here because it takes a tenth of a second and few hubs need it.
    fsspec = importlib.import_module("fsspec")
    try:
        filesystem, root = fsspec.url_to_fs(address)
    except ImportError as error:
        extra = "pip install 'headrace[s3]'" if address.startswith("s3") else str(error)
        raise ConfigurationError(f"--pdfs {address} needs one more package: {extra}.") from None
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"--pdfs {address} can't be used: {error}.") from None
    return AddressedPdfs(filesystem, root)


def put_on_disk(path: Path) -> None:
    """Flush a file's content, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
