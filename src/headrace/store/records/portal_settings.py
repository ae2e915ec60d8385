"""What an organisation sets for its portal, and the documents that it shares with customers."""

from __future__ import annotations

import base64
import binascii

import msgspec

from headrace.model.collection import BankAccount
from headrace.model.errors import NotFound
from headrace.model.portal import (
    PortalSettings,
    PortalSettingsDraft,
    SharedFile,
    SharedFileDraft,
)
from headrace.model.record import UNSET
from headrace.model.resource import BANK_ACCOUNT
from headrace.store.connection import Connection
from headrace.store.context import Context
from headrace.store.queries import CATALOGUE
from headrace.store.queries import PORTAL as SQL
from headrace.store.records.directory import check_entry, find_entry
from headrace.store.records.patch import refuse

FILE_MAX = 5_000_000
"""Maximum size of a shared document, in bytes."""
_FILES_MAX = 50
_ACCOUNTS_MAX = 100
_BODY = msgspec.json.Decoder(PortalSettings)
_ACCOUNT = msgspec.json.Decoder(BankAccount)


def read_settings(db: Connection, context: Context) -> PortalSettings:
    """Return the settings; the defaults where nothing is set."""
    row = db.execute(SQL["settings"], (context.organisation.seq,)).fetchone()
    return _BODY.decode(row[0]) if row else PortalSettings()


def change_settings(db: Connection, context: Context, draft: PortalSettingsDraft) -> PortalSettings:
    """Change what the draft names. Raises BadRequest for a bank account that does not exist."""
    check_entry(db, context, BANK_ACCOUNT, draft.bank_account_id, "bankAccountId")
    given = {
        name: value for name, value in msgspec.structs.asdict(draft).items() if value is not UNSET
    }
    settings = msgspec.structs.replace(read_settings(db, context), **given)
    body = msgspec.json.encode(settings).decode()
    db.execute(SQL["set_settings"], (context.organisation.seq, body))
    return settings


def paid_into(db: Connection, context: Context, settings: PortalSettings) -> BankAccount | None:
    """Return the bank account that customers pay into: the one that is set, else the first with an
    IBAN; None when there is neither."""
    if settings.bank_account_id is not None:
        found: BankAccount | None = find_entry(db, context, BANK_ACCOUNT, settings.bank_account_id)
        if found is not None:
            return found
    key = (BANK_ACCOUNT.name, context.organisation.seq, _ACCOUNTS_MAX)
    accounts = (_ACCOUNT.decode(body) for (body,) in db.execute(CATALOGUE["first"], key))
    return next((account for account in accounts if account.iban), None)


def list_files(db: Connection, context: Context) -> list[SharedFile]:
    """Return the shared documents, oldest first."""
    rows = db.execute(SQL["files"], (context.organisation.seq,))
    return [SharedFile(id=id, name=name, size=size, created_at=at) for id, name, size, at in rows]


def share_file(db: Connection, context: Context, draft: SharedFileDraft) -> SharedFile:
    """Share a PDF with all customers. Raises BadRequest for what is none, or is too large."""
    if len(list_files(db, context)) >= _FILES_MAX:
        refuse("name", f"can't be added: there are {_FILES_MAX} shared documents already")
    try:
        data = base64.b64decode(draft.data, validate=True)
    except (binascii.Error, ValueError):
        refuse("data", "is not base64")
    if not data.startswith(b"%PDF-"):
        refuse("data", "is no PDF")
    if len(data) > FILE_MAX:
        refuse("data", f"is larger than {FILE_MAX:,} bytes")
    made = SharedFile(
        id=context.new_id(), name=draft.name, size=len(data), created_at=context.timestamp
    )
    content = base64.b64encode(data).decode()
    values = (context.organisation.seq, made.id, made.name, made.size, made.created_at, content)
    db.execute(SQL["insert_file"], values)
    return made


def read_file(db: Connection, context: Context, file: str) -> tuple[str, bytes]:
    """Return the name and the content of a shared document. Raises NotFound."""
    row = db.execute(SQL["file_content"], (file, context.organisation.seq)).fetchone()
    if row is None:
        raise NotFound(f"There is no shared document with id {file}.")
    return row[0], base64.b64decode(row[1])


def remove_file(db: Connection, context: Context, file: str) -> None:
    """Stop sharing a document. Raises NotFound."""
    if not db.execute(SQL["delete_file"], (file, context.organisation.seq)).rowcount:
        raise NotFound(f"There is no shared document with id {file}.")
