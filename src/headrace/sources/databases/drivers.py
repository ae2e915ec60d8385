"""Keeps the databases of ADBC drivers between readings: without connections, but with what a driver
learned when it was opened."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MOST = 64
"""Each takes about 1 MB."""


class OpenDrivers:
    """Databases of one driver that nobody uses at the moment, by address.

    PostgreSQL's driver reads the catalog of types when it is opened, which takes ten times as long
    as to connect. Types that are created later are of no account: values of other types than the
    built-in ones are read as text.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._idle: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lent(self, driver: Any, url: str) -> Iterator[Any]:
        """Yield an open database of `driver`, for one user at a time.

        After an error it is closed, so that the next attempt starts anew. Raises what
        `driver.connect` raises.
        """
        with self._lock:
            database = self._idle.pop(url, None)
        if database is None:
            database = driver.connect(url)
        try:
            yield database
        except BaseException:
            database.close()
            raise
        self._keep(url, database)

    def _keep(self, url: str, database: Any) -> None:
        """Keep a database for the next user, and close one if there are too many."""
        with self._lock:
            surplus = self._idle.pop(url, None)
            self._idle[url] = database
            if len(self._idle) > self._most:
                _, surplus = self._idle.popitem(last=False)
        if surplus is not None:
            surplus.close()
