"""Snapshots of a hub: copies of its database and PDFs that can be restored.

A snapshot is a folder below `snapshots` in the data folder, with `hub.db`, `pdfs` and
`snapshot.json`. It appears atomically: complete or not at all.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

import headrace
from headrace.model.clock import format_instant
from headrace.model.errors import ConfigurationError
from headrace.store.admin.snapshot_copy import copy_in, copy_out
from headrace.store.engine.place import DATABASE, PDFS, Place, database_file, snapshot, transactions
from headrace.store.migrations import available
from headrace.store.pdf_files import FolderPdfs, PdfFiles, put_on_disk
from headrace.store.queries import PDF
from headrace.store.records.pdfs import PdfFile, all_pdfs, used_pdfs

SNAPSHOTS = "snapshots"
"""Name of the folder of snapshots in a data folder."""
_ABOUT = "snapshot.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_UNFINISHED = ".part-"
_TRIES = 3


class Snapshot(Struct, frozen=True, rename="camel"):
    """Metadata of a snapshot."""

    name: str
    created_at: str
    headrace: str
    """Version of headrace that made it."""
    schema: int
    """Schema version of its database; an older headrace can't restore it."""
    pdfs: int
    """Number of files."""
    bytes: int


def make_snapshot(place: Place, files: PdfFiles, name: str | None, now: datetime) -> Snapshot:
    """Copy all organisations at one moment, also while hubs serve them.

    `name` defaults to a timestamp. Raises ConfigurationError when the name is taken or invalid, or
    when there is nothing to copy.
    """
    name = name or re.sub(r"[-:]|\.\d+", "", format_instant(now))
    target = _folder(place, name)
    if target.exists():
        raise ConfigurationError(f"There is a snapshot {name} already: choose another name.")
    if place.url is None:
        database_file(place)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=target.parent))
    try:
        pdfs = _copy(place, files, part)
        size = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
        made = Snapshot(
            name, format_instant(now), headrace.__version__, available()[-1][0], pdfs, size
        )
        (part / _ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
        put_on_disk(part)
        part.rename(target)
        put_on_disk(target.parent)
    except OSError as error:
        raise ConfigurationError(f"The snapshot can't be written: {error}.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def list_snapshots(place: Place) -> list[Snapshot]:
    """Return all snapshots, oldest first."""
    folder = _home(place)
    if not folder.exists():
        return []
    found = [_about(path.parent) for path in folder.glob(f"*/{_ABOUT}")]
    return sorted(found, key=lambda one: (one.created_at, one.name))


def restore_snapshot(place: Place, files: PdfFiles, name: str) -> Snapshot:
    """Restore all organisations, keys and PDFs from a snapshot, atomically.

    Works while hubs serve the data. Raises ConfigurationError when the snapshot does not exist or
    was made by a newer headrace; nothing is changed then.
    """
    folder = _existing(place, name)
    about = _about(folder)
    newest = available()[-1][0]
    if about.schema > newest:
        raise ConfigurationError(
            f"The snapshot {name} has schema {about.schema}, made by headrace {about.headrace}; "
            f"this is headrace {headrace.__version__} with schema {newest}: restore it with that "
            "one. Nothing was changed."
        )
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder.parent) as work:
        path = Path(work) / DATABASE
        shutil.copyfile(folder / DATABASE, path)
        renamed = _rename_pdfs(path)
        with transactions(place, make=True):
            pass  # creates the schema of a new database, migrates an older one
        with snapshot(place) as db:
            before = all_pdfs(db)
        try:
            _bring(renamed, FolderPdfs(folder / PDFS), files)
        except BaseException:
            _remove(renamed.values(), files)
            raise
        # After an error in here the files stay: a server may have committed all the same.
        copy_in(path, place)
    _remove(before, files)
    return about


def delete_snapshot(place: Place, name: str) -> None:
    """Delete a snapshot. Raises ConfigurationError when it does not exist."""
    folder = _existing(place, name)
    doomed = folder.with_name(f"{_UNFINISHED}{name}")
    folder.rename(doomed)
    shutil.rmtree(doomed)


def _copy(place: Place, files: PdfFiles, part: Path) -> int:
    """Copy the database, then the PDFs its documents refer to; returns the number of PDFs."""
    into = FolderPdfs(part / PDFS)
    for turn in range(_TRIES):
        path = part / DATABASE
        path.unlink(missing_ok=True)
        copy_out(place, path)
        needed = _pdfs_of(path)
        try:
            for file in needed:
                with files.open(file.name) as content:
                    into.write(file.name, content)
            return len(needed)
        except FileNotFoundError as error:
            # Replaced and removed after the database was copied: copy the database again.
            if turn == _TRIES - 1:
                raise ConfigurationError(f"A PDF is missing: {error}.") from None
    raise AssertionError


def _rename_pdfs(path: Path) -> dict[PdfFile, PdfFile]:
    """Give the files of a snapshot's database new ids, and so new names; returns old and new.

    A hub that serves the data may be about to remove a file under its old name as unused.
    """
    with _reading(path) as db, db:
        renamed = {file: PdfFile(os.urandom(16).hex(), file.digest) for file in used_pdfs(db)}
        ids = [(new.id, old.id) for old, new in renamed.items()]
        for statement in ("rename_file", "rename_reference"):
            db.executemany(PDF[statement], ids)
    return renamed


def _bring(renamed: Mapping[PdfFile, PdfFile], source: PdfFiles, files: PdfFiles) -> None:
    for old, new in renamed.items():
        with source.open(old.name) as content:
            files.write(new.name, content)


def _remove(unused: Iterable[PdfFile], files: PdfFiles) -> None:
    for file in unused:
        files.remove(file.name)


def _pdfs_of(path: Path) -> list[PdfFile]:
    with _reading(path) as db:
        return used_pdfs(db)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path)
    try:
        yield db
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"{path} is no database of a hub: {error}.") from None
    finally:
        db.close()


def _home(place: Place) -> Path:
    if place.folder is None:
        raise ConfigurationError(
            "Snapshots are kept in the data folder: name one with --data, beside --database."
        )
    return place.folder / SNAPSHOTS


def _folder(place: Place, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"A snapshot can't be named {name!r}: use letters, digits, dots and dashes."
        )
    return _home(place) / name


def _existing(place: Place, name: str) -> Path:
    folder = _folder(place, name)
    if not (folder / _ABOUT).exists():
        raise ConfigurationError(
            f"There is no snapshot {name}: `headrace snapshot list` shows all."
        )
    return folder


def _about(folder: Path) -> Snapshot:
    try:
        return msgspec.json.decode((folder / _ABOUT).read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{folder / _ABOUT} can't be read: {error}.") from None
