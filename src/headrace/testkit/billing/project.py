"""A project folder for a generated database, as a user would write it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from headrace.testkit.billing.database import sqlite_path

_PROJECT = """\
[organisation.billing]
# 6000 requests a minute are for a hub of your own; Upflow takes 600.
target = {{ url = "env:HEADRACE_URL", key = "env:HEADRACE_KEY", secret = "env:HEADRACE_SECRET", \
rate = {rate} }}
source = {{ kind = "sql", url = {url} }}
"""
_DOCUMENTS = "documents = [{folder}]\n"


def write_project(
    folder: str | Path, url: str | Path, *, rate: int = 6000, pdf_folder: str | Path | None = None
) -> Path:
    """Write `headrace.toml` and `models/` for the database at `url` (a path is a SQLite file).

    `url` may be `env:NAME`; `pdf_folder` becomes the place of the PDFs. Existing files of these
    names are replaced. Returns the folder.
    """
    folder = Path(folder)
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    for entry in resources.files("headrace.testkit.billing").joinpath("models").iterdir():
        (models / entry.name).write_text(entry.read_text(encoding="utf-8"), encoding="utf-8")
    path = None if str(url).startswith("env:") else sqlite_path(url)
    address = f"sqlite:///{path.absolute()}" if path is not None else str(url)
    text = _PROJECT.format(url=_quoted(address), rate=rate)
    if pdf_folder is not None:
        text += _DOCUMENTS.format(folder=_quoted(str(Path(pdf_folder).absolute())))
    (folder / "headrace.toml").write_text(text, encoding="utf-8")
    return folder


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
