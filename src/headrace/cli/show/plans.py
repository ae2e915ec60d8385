"""Plans and outcomes as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from headrace.cli.show.console import duration_text, several
from headrace.cli.show.problems import show_problems
from headrace.model.entity import BY_NAME
from headrace.model.money import format_money
from headrace.sync.delivery.outcome import DeliveryOutcome
from headrace.sync.operations.pdf_digests import PDF_OF
from headrace.sync.planning.change_texts import change_lines
from headrace.sync.planning.name_texts import named_text, signed_money
from headrace.sync.planning.plan import Change, Money, Plan, Withheld, least_seconds

_FAILURES_SHOWN = 20
_CAUSES_SHOWN = 8
UPFLOW_RATE = 600
"""Requests per minute that Upflow accepts (docs/api-evidence.md, Rate limit)."""


def show_plan(console: Console, plan: Plan, changes: bool = True) -> None:
    """Print counts, money per currency, requests, time, changes, problems and records not sent."""
    console.print(f"[bold]Plan for {plan.organisation}[/bold]")
    if plan.empty:
        console.print(f"  {nothing_text(plan)}")
    else:
        _show_counts(console, plan)
        for text in extra_requests(plan):
            console.print(f"  {text}")
        _show_claims(console, plan)
        _show_new_fields(console, plan)
        _show_time(console, plan)
        if changes:
            show_changes(console, plan.changes, plan.requests)
    for objection in plan.objections:
        console.print("  [bold red]unsafe[/bold red]: ", end="")
        console.print(f"{objection}; `apply` refuses this without --force", markup=False)
    if plan.rebound:
        console.print(f"  Note: {plan.rebound}.")
    if plan.unread:
        console.print(
            f"  The payments that Upflow collected could not be read ({plan.unread}): `apply` "
            "reads them before it sends a payment.",
            markup=False,
        )
    show_problems(console, plan.problems)
    _show_staying(console, "Withheld", plan.withheld)
    _show_staying(console, "Held", plan.held)
    _show_staying(console, "Drifted", plan.drifted)
    _show_staying(console, "Left the source, and not deleted", plan.departed)
    if plan.left_out:
        console.print(f"  {several(plan.left_out, 'change')} left out of this plan")


def nothing_text(plan: Plan) -> str:
    """Return why there is nothing to send: everything is acknowledged, or the rest is withheld."""
    if plan.staying:
        stay = "stays" if len(plan.staying) == 1 else "stay"
        return f"Nothing to send now: {_counted(plan.staying)} {stay} behind, see below."
    if plan.left_out:
        return f"Nothing to send now: {several(plan.left_out, 'change')} left out of this plan."
    return "Nothing to send: the API has acknowledged everything."


def money_text(money: Money) -> str:
    """Return `EUR 20.00` for created records, `delete EUR 20.00`, or `update +EUR 20.00`.

    The money of updates is the change of open amounts.
    """
    if money.action == "create":
        return format_money(money.amount, money.currency)
    if money.action == "update":
        return f"update {signed_money(money.amount, money.currency)}"
    return f"{money.action} {format_money(money.amount, money.currency)}"


def extra_requests(plan: Plan) -> list[str]:
    """Return a sentence for each reason for requests other than the records themselves."""
    said = []
    if plan.releases:
        needed = several(plan.releases, "record")
        said.append(
            f"{needed} unlinked first, because others need what they settle: one more request each"
        )
    if plan.late_links:
        needed = several(plan.late_links, "record")
        said.append(
            f"{needed} linked last, because others have to change first: one more request each"
        )
    return said


def _show_counts(console: Console, plan: Plan) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for action in ("create", "update", "delete"):
        table.add_column(action, justify="right")
    table.add_column("money", no_wrap=True)
    for name in (*BY_NAME, "contact", *PDF_OF):
        counts = [plan.count(name, action) for action in ("create", "update", "delete")]
        if not any(counts):
            continue
        first, *more = [money_text(m) for m in plan.money if m.entity == name] or [""]
        shown = (f"{count:,}" if count else "-" for count in counts)
        table.add_row(f"  {name.replace('_', ' ')}s", *shown, first)
        for money in more:
            table.add_row("", "", "", "", money)
    console.print(table)


def _show_claims(console: Console, plan: Plan) -> None:
    if not plan.claims:
        return
    console.print(f"  {several(len(plan.claims), 'record')} linked to what Upflow collected:")
    for claim in plan.claims[:_CAUSES_SHOWN]:
        console.print(f"      {named_text(claim)} is {claim.id}, by {claim.by}", markup=False)
    if len(plan.claims) > _CAUSES_SHOWN:
        console.print(f"      … and {len(plan.claims) - _CAUSES_SHOWN:,} more (--json has all)")


def _show_new_fields(console: Console, plan: Plan) -> None:
    if plan.new_fields:
        said = several(len(plan.new_fields), "custom field")
        console.print(f"  creates {said} first: {', '.join(plan.new_fields)}", markup=False)


def _show_time(console: Console, plan: Plan) -> None:
    least = f"{_least(plan.requests, plan.rate)} at {plan.rate:,} a minute"
    console.print(
        f"  {several(plan.requests, 'request')}: {least}, about "
        f"{duration_text(plan.seconds)} with {plan.in_flight} at a time and "
        f"{plan.latency:.2g} s an answer"
    )
    if plan.rate != UPFLOW_RATE:
        console.print(f"  at Upflow's {UPFLOW_RATE} a minute: {_least(plan.requests, UPFLOW_RATE)}")
    if 0 < plan.open_requests < plan.requests:
        console.print(
            f"  open items complete after {several(plan.open_requests, 'request')}, "
            f"about {duration_text(plan.open_seconds)}"
        )


def _least(requests: int, rate: int) -> str:
    seconds = least_seconds(requests, rate)
    return f"at least {duration_text(seconds)}" if seconds else "at once"


def show_changes(console: Console, changes: Sequence[Change], total: int) -> None:
    """Print the first operations of `total`, each with its changed fields."""
    if not changes:
        return
    for change in changes:
        for line in change_lines(change):
            console.print(f"  {line}", markup=False)
    if total > len(changes):
        console.print(f"  … and {total - len(changes):,} more")


def _show_staying(console: Console, title: str, records: Sequence[Withheld]) -> None:
    """Print counts, and one record of each cause: one customer can hold back a thousand records."""
    if not records:
        return
    console.print(f"[bold]{title}[/bold]: {', '.join(_counts_of(records))}")
    causes = Counter(record.reason for record in records)
    firsts = {record.reason: record for record in reversed(records)}
    for reason, count in causes.most_common(_CAUSES_SHOWN):
        first = firsts[reason]
        others = f" (and {count - 1:,} more)" if count > 1 else ""
        console.print(f"  {named_text(first)}{others}: {reason}", markup=False)
    if len(causes) > _CAUSES_SHOWN:
        console.print(f"  … {len(causes) - _CAUSES_SHOWN:,} more causes (--json has all)")


def _counted(records: Sequence[Withheld]) -> str:
    """Return counts by entity: `1 invoice and 2 payments`."""
    *more, last = _counts_of(records)
    return f"{', '.join(more)} and {last}" if more else last


def _counts_of(records: Sequence[Withheld]) -> list[str]:
    counts = Counter(record.entity for record in records)
    return [several(count, entity) for entity, count in sorted(counts.items())]


def show_outcome(console: Console, plan: Plan, outcome: DeliveryOutcome) -> None:
    """Print in one line what was sent, and what was not."""
    if plan.empty:
        stay = f": {_counted(plan.staying)} stayed behind" if plan.staying else ""
        console.print(f"Nothing was sent{stay or ': there was nothing to send'}.")
        return
    requests = outcome.sent + outcome.rejected + outcome.held + outcome.left
    console.print(
        f"Sent {outcome.sent:,} of {several(requests, 'request')} in "
        f"{duration_text(outcome.seconds)}"
        + (f", retried {outcome.retries:,} times" if outcome.retries else "")
        + (f", throttled {outcome.throttled:,} times" if outcome.throttled else "")
        + "."
    )
    if outcome.rejected:
        console.print(
            f"[red]{outcome.rejected:,} rejected[/red]: `headrace rejects list` says why. They are "
            "sent again when their rows change, or with `headrace rejects retry`."
        )
    if outcome.drifted:
        console.print(
            f"[red]{outcome.drifted:,} stored differently by the API[/red]: `headrace drift` shows "
            "how."
        )
    for sentence in outcome.failed[:_FAILURES_SHOWN]:
        console.print(f"  {sentence}", markup=False)
    if outcome.held:
        console.print(
            f"{outcome.held:,} held: they, or records that they refer to, could not be delivered."
        )
    if outcome.left:
        console.print(f"{outcome.left:,} left: run `headrace apply` again to continue.")
