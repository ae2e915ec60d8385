"""The API's names that models use: users, dunning plans and custom fields."""

from __future__ import annotations

import msgspec

from headrace.book.book import Book
from headrace.book.payloads.directory import EMPTY, Directory, Field, decode_directory
from headrace.client.transport import HttpTransport
from headrace.model.errors import ApiError
from headrace.model.project import OrganisationSettings
from headrace.sync.connection import ONLY_READ, Connection
from headrace.sync.explain import explain
from headrace.sync.journal import Journal
from headrace.sync.remote.directory import create_field, look_up


class KnownNames:
    """Passes the API's names to the book.

    The journal keeps them for plans that are made while the API can't be reached.
    """

    def __init__(
        self,
        settings: OrganisationSettings,
        book: Book,
        journal: Journal,
        connection: Connection,
    ) -> None:
        self._settings = settings
        self._book = book
        self._journal = journal
        self._connection = connection
        remembered = journal.remembered()
        self._directory = decode_directory(remembered) if remembered else EMPTY
        book.set_directory(self._directory)
        self.new_fields: list[Field] = []
        """Custom fields that `create_fields` will create."""

    async def look_up(self) -> bool:
        """Read the names from the API; returns whether the book has to be built again.

        Raises ApiError if the API can't be reached and no names were ever read.
        """
        before = self._directory
        self._directory = await self._ask()
        self._book.set_directory(self._directory)
        self.new_fields = self._missing_fields()
        if self._directory == before and not self.new_fields:
            return False
        fields = [*self._directory.fields, *self.new_fields]
        self._book.set_directory(msgspec.structs.replace(self._directory, fields=fields))
        return True

    async def create_fields(self, transport: HttpTransport) -> None:
        """Create the missing custom fields. Raises ApiError; nothing else was sent by then."""
        reader = self._connection.reader(transport)
        try:
            while self.new_fields:
                made = await create_field(reader, self.new_fields[0])
                fields = [*self._directory.fields, made]
                self._directory = msgspec.structs.replace(self._directory, fields=fields)
                self._journal.remember(self._directory.encode())
                self.new_fields = self.new_fields[1:]
        except ApiError as error:
            safe = f"the custom field {self.new_fields[0].label} was not created, nothing was sent"
            raise explain(error, self._settings.target.url, safe) from None

    async def _ask(self) -> Directory:
        async with self._connection.open() as transport:
            try:
                directory = await look_up(self._connection.reader(transport, attempts=2))
            except ApiError as error:
                if self._journal.remembered() is None:
                    raise explain(error, self._settings.target.url, ONLY_READ) from None
                return self._directory
        self._journal.remember(directory.encode())
        return directory

    def _missing_fields(self) -> list[Field]:
        if not self._settings.create_missing_custom_fields:
            return []
        return self._book.missing_fields(self._settings.custom_field_types)
