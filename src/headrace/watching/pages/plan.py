"""The page of a plan: money first, then by customer; and its approval."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from starlette.responses import Response

from headrace.alerts.texts import when
from headrace.book.payloads.pdf_places import PdfPlaces
from headrace.fleet.picture import CustomerPart, Picture, ShownOperation, opened_picture
from headrace.model.errors import BadRequest, Conflict, Forbidden, NotFound
from headrace.pages.policy import download_headers
from headrace.sync.journal import Approval
from headrace.sync.operations.pdf_reader import Unreadable, file_parts, in_time
from headrace.watching.pages.paging import span_of
from headrace.watching.pages.visit import Visit, place_of

CUSTOMERS, OPERATIONS, FIRST = 25, 50, 3
"""Customers on a page, operations on a customer's page, and operations below each customer."""
_PDF_START = b"%PDF-"
_PDF_S = 15.0
_NUMBER_MAX = 2**62
_ENTITIES = ("invoice", "credit_note", "payment", "refund")


class Shown(Struct, frozen=True):
    """A customer of the plan with its first operations."""

    part: CustomerPart
    operations: list[ShownOperation]

    @property
    def more(self) -> int:
        """Operations that its own page has."""
        return self.part.operations - len(self.operations)


def plan(visit: Visit) -> Response:
    """What the last plan changes: sums by currency, then customers with their operations."""
    name = visit.name
    with opened_picture(visit.project.data_folder(name)) as picture:
        if picture is None:
            return visit.render("plan_missing.html", name=name)
        span = span_of(visit, picture.head.customers, CUSTOMERS)
        shown = [_shown(picture, one) for one in picture.customers(span.offset, CUSTOMERS)]
        head = picture.head
    approval = _approval(visit, head.id)
    return visit.render(
        "plan.html",
        name=name,
        head=head,
        part=span.part(shown),
        approval=approval,
        own=approval is not None and approval.requested_by == visit.who,
        decided=_decided(approval),
        entities=[
            one for one in _ENTITIES if any(one in sums.created for sums in head.outstanding)
        ],
    )


def _shown(picture: Picture, one: CustomerPart) -> Shown:
    return Shown(one, picture.operations(one.customer, 0, FIRST))


def _approval(visit: Visit, id: str) -> Approval | None:
    if not id:
        return None
    with visit.journal() as journal:
        return journal.approval(id)


def _decided(approval: Approval | None) -> str:
    """Return `Approved by ben, 2026-11-27 16:55 UTC`."""
    if approval is None or approval.decided_at is None:
        return ""
    return f"{approval.state.capitalize()} by {approval.decided_by}, {when(approval.decided_at)}"


def customer(visit: Visit) -> Response:
    """All operations of one customer. Raises NotFound."""
    name, wanted = visit.name, visit.request.query_params.get("id", "")
    with opened_picture(visit.project.data_folder(name)) as picture:
        found = None if picture is None else picture.customer(wanted)
        if picture is None or found is None:
            raise NotFound("The plan has nothing of this customer.")
        span = span_of(visit, found.operations, OPERATIONS)
        operations = picture.operations(wanted, span.offset, OPERATIONS)
        made_at = picture.head.made_at
    return visit.render(
        "plan_customer.html", name=name, made_at=made_at, customer=found, part=span.part(operations)
    )


def approve(visit: Visit) -> Response:
    """Approve the plan that waits. Raises BadRequest, Forbidden or Conflict."""
    id, who = visit.form.text("plan"), visit.who
    with visit.journal() as journal:
        approval = journal.approval(id)
        if approval is None:
            raise BadRequest("There is no such plan.")
        if approval.requested_by == who:
            raise Forbidden(f"{who} requested this plan, so another person has to approve it.")
        if approval.state != "waiting":
            raise Conflict(f"This plan does not wait any more: it is {approval.state}.")
        journal.approve(approval, who)
    if visit.site.loop is not None:
        visit.site.loop.ask(visit.name)
    return visit.redirect(place_of(visit.name, "plan"))


def pdf(visit: Visit) -> Response:
    """The PDF of an operation, if it is a file. Raises NotFound."""
    name, number = visit.name, min(int(visit.request.path_params["number"]), _NUMBER_MAX)
    with opened_picture(visit.project.data_folder(name)) as picture:
        operation = None if picture is None else picture.operation(number)
    if operation is None or not operation.location:
        raise NotFound("There is no such PDF.")
    project = visit.project
    places = PdfPlaces(project.folder, project.settings_of(name).documents)
    path = places.path(operation.location)
    if path is None or places.objection(operation.location):
        raise NotFound("This PDF is no file that may be read.")
    content = _read(places, path)
    # A source may name any file of the project, also one with a secret.
    if not content.startswith(_PDF_START):
        raise NotFound("The file is no PDF.")
    return Response(content, headers=download_headers(path.name), media_type="application/pdf")


def _read(places: PdfPlaces, path: Path) -> bytes:
    try:
        return in_time(lambda: b"".join(file_parts(places, path)), _PDF_S)
    except TimeoutError:
        raise NotFound("The PDF's drive does not answer.") from None
    except Unreadable as error:
        raise NotFound(f"The PDF can't be read: {error}.") from None
