"""Hints for the organisations of a loop, and what they need of a project."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from headrace.fleet.project import FILE_NAME, LoadedProject
from headrace.fleet.secrets import resolve
from headrace.hints.choice import choose, described
from headrace.hints.file_events import FileEvents
from headrace.hints.following import Following
from headrace.hints.way import Subject
from headrace.model.clock import Clock
from headrace.model.errors import ConfigurationError
from headrace.model.lazy import lazily
from headrace.model.project import OrganisationSettings

if TYPE_CHECKING:
    from headrace.hints import webhook
else:
    # A server of its own, which most loops don't need.
    webhook = lazily("headrace.hints.webhook")

_RETRY_S = 60.0
_LOOK_S = 2.0


def subjects_of(
    loaded: LoadedProject, name: str, environment: Mapping[str, str] = os.environ
) -> list[Subject]:
    """Return the organisation's sources. Raises ConfigurationError."""
    source = loaded.source(name, environment)
    models = loaded.models(name)
    parts = {f"{prefix}.": part for prefix, part in source.more.items()}
    if source.kind:
        parts[""] = msgspec.structs.replace(source, more={})
    return [Subject(name, part, loaded.folder, models, prefix) for prefix, part in parts.items()]


def hook_of(
    loaded: LoadedProject, name: str, environment: Mapping[str, str] = os.environ
) -> webhook.Hook | None:
    """Return the organisation's webhook; None if it has none. Raises ConfigurationError."""
    settings = loaded.settings.organisation.get(name)
    if settings is None or settings.webhook is None or settings.hints == "off":
        return None
    where = f"[organisation.{name}] webhook.secret"
    secret = resolve(settings.webhook.secret, where, loaded.folder, environment)
    return webhook.Hook(settings.webhook, secret)


async def described_hints(
    loaded: LoadedProject, name: str, clock: Clock, environment: Mapping[str, str] = os.environ
) -> str:
    """Return how the organisation gets hints, and why not in a better way; for people.

    Raises ConfigurationError.
    """
    settings = loaded.settings_of(name)
    webhook = hook_of(loaded, name, environment) is not None
    sentences = []
    for subject in subjects_of(loaded, name, environment):
        choice = await choose(subject, settings.hints, webhook, clock, FileEvents())
        where = f"{subject.prefix.rstrip('.')}: " if subject.prefix else ""
        sentences.append(where + described(choice, settings.hints))
    return "; ".join(sentences)


class _Followed(Struct):
    """An organisation whose hints are followed."""

    settings: OrganisationSettings
    task: asyncio.Task[None]


class HintKeeper:
    """Follows the hints of organisations, each in a task of its own."""

    def __init__(
        self,
        clock: Clock,
        hint: Callable[[str], None],
        complain: Callable[[str], None],
        shared: bool = False,
    ) -> None:
        """`hint` is called with an organisation's name, on the event loop's thread, and `complain`
        with a message if webhooks can't be received. With `shared`, other processes of the machine
        may receive webhooks at the same address."""
        self._shared = shared
        self._clock = clock
        self._hint = hint
        self._complain = complain
        self._events = FileEvents()
        self._followed: dict[str, _Followed] = {}
        self._common: list[asyncio.Task[None]] = []
        self._loaded: LoadedProject | None = None
        self._names: list[str] = []
        self._trouble = ""
        """Why webhooks can't be received; empty while they can."""

    def follow(self, loaded: LoadedProject, names: list[str]) -> None:
        """Follow these organisations as the project says now, and no others."""
        if loaded is self._loaded and names == self._names:
            return
        self._loaded, self._names = loaded, names
        if not self._common:
            self._common = [
                asyncio.create_task(self._events.run()),
                asyncio.create_task(self._receive()),
            ]
        for name in [*self._followed]:
            if name not in names or loaded.settings_of(name) != self._followed[name].settings:
                self._followed.pop(name).task.cancel()
        for name in names:
            settings = loaded.settings_of(name)
            if name not in self._followed and settings.hints not in ("off", "webhook"):
                task = asyncio.create_task(self._run(loaded, name))
                self._followed[name] = _Followed(settings, task)

    async def close(self) -> None:
        """Stop all watching."""
        tasks = [*self._common, *(one.task for one in self._followed.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, loaded: LoadedProject, name: str) -> None:
        while True:
            try:
                subjects = await asyncio.to_thread(subjects_of, loaded, name)
            except ConfigurationError:  # the organisation's own rounds report it
                await self._clock.sleep(_RETRY_S)
                continue
            wish = loaded.settings_of(name).hints
            async with asyncio.TaskGroup() as group:
                for subject in subjects:
                    following = Following(subject, wish, self._clock, self._events)
                    group.create_task(following.run(lambda: self._hint(name)))

    async def _receive(self) -> None:
        """Listen for webhooks as long as an organisation has one."""
        while True:
            place = self._place()
            if place:
                await self._listen(place)
            await self._clock.sleep(_LOOK_S)

    async def _listen(self, place: str) -> None:
        try:
            async with webhook.webhooks(place, self._find, self._hint, self._clock, self._shared):
                self._trouble = ""
                while self._place() == place:
                    await self._clock.sleep(_LOOK_S)
        except ConfigurationError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._complain(f"{FILE_NAME} {error}")

    def _place(self) -> str:
        if self._loaded is None:
            return ""
        settings = self._loaded.settings
        wanted = any(
            one.webhook is not None and one.hints != "off" for one in settings.organisation.values()
        )
        return settings.webhooks if wanted else ""

    def _find(self, name: str) -> webhook.Hook | None:
        return hook_of(self._loaded, name) if self._loaded is not None else None
