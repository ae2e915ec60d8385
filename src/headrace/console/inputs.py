"""The fields of a form, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from headrace.console.operations import ApiAnswer
from headrace.model.errors import BadRequest, RequestError
from headrace.pages.form import FormFields

InputKind: TypeAlias = Literal[
    "text", "email", "number", "date", "select", "check", "long", "color", "datetime-local"
]
_SUCCESS = range(200, 300)
_REFUSALS = (400, 403, 404, 409)


class Input(Struct, frozen=True):
    """A field of a form; `name` is that of the API or the control plane."""

    name: str
    label: str
    kind: InputKind = "text"
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Values and texts of a select."""
    required: bool = False
    value: str = ""
    """What it contains at first."""
    length: int = 200


class _Message(Struct):
    message: str = ""


def body_of(inputs: Sequence[Input], form: FormFields) -> dict[str, Any]:
    """Return the fields of a form as JSON values; empty ones are left out, a box is true or
    false."""
    found: dict[str, Any] = {}
    for one in inputs:
        if one.kind == "check":
            found[one.name] = form.get(one.name) == "1"
        elif text := form.text(one.name):
            found[one.name] = text
    return found


def errors_in(inputs: Sequence[Input], form: FormFields) -> dict[str, str]:
    """Return what is wrong by field, as far as the form itself says."""
    errors = {}
    for one in inputs:
        text = form.text(one.name)
        if one.required and not text:
            errors[one.name] = f"{one.label} is required."
        elif one.kind == "select" and text and text not in dict(one.options):
            errors[one.name] = f"{one.label}: choose one of the list."
        elif one.kind != "long" and len(text) > one.length:
            errors[one.name] = f"{one.label}: at most {one.length} characters."
    return errors


def errors_of(error: RequestError, inputs: Sequence[Input] = ()) -> dict[str, str]:
    """Return a refusal by field; raises it again when it is none of what was sent."""
    if error.status not in _REFUSALS:
        raise error
    labels = {one.name: one.label for one in inputs}
    details = [
        (place.partition("[")[0].partition(".")[0], said)
        for place, said in getattr(error, "details", ())
    ]
    if details and all(name in labels for name, _ in details):
        return {name: f"{labels[name]} {said}." for name, said in details}
    return {"": str(error)}


def check_answer(answer: ApiAnswer) -> None:
    """Raise BadRequest with the message of the API, if it refused a request."""
    if answer.status in _SUCCESS:
        return
    message = f"The API answered {answer.status}."
    if answer.body.startswith("{"):
        message = msgspec.json.decode(answer.body, type=_Message).message or message
    raise BadRequest(message)
