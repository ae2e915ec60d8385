"""A plan as Markdown, for a pull request or a ticket."""

from __future__ import annotations

from headrace.cli.show.console import duration_text, several
from headrace.cli.show.plans import extra_requests, money_text, nothing_text
from headrace.cli.show.problems import kinds_of
from headrace.model.entity import BY_NAME
from headrace.sync.operations.pdf_digests import PDF_OF
from headrace.sync.planning.change_texts import change_lines
from headrace.sync.planning.name_texts import named_text, problem_name
from headrace.sync.planning.plan import Money, Plan

_SHOWN = 50


def plan_as_markdown(plan: Plan) -> str:
    """Return counts with money, time, changes, claims, records not sent, and problems."""
    lines = [f"## Plan for {plan.organisation}", ""]
    if plan.empty:
        lines.append(nothing_text(plan))
    else:
        lines += _counts(plan)
        for text in extra_requests(plan):
            lines += ["", f"{text}."]
        lines += [
            "",
            f"{several(plan.requests, 'request')}, about {duration_text(plan.seconds)}.",
        ]
        if plan.changes:
            changes = [line for change in plan.changes for line in change_lines(change)]
            lines += ["", "### Changes", "", "```text", *changes]
            if plan.requests > len(plan.changes):
                lines.append(f"… and {plan.requests - len(plan.changes):,} more")
            lines.append("```")
    if plan.objections:
        lines += ["", "### Unsafe: `apply` refuses this without --force", ""]
        lines += [f"- {objection}" for objection in plan.objections]
    if plan.unread:
        unread = "The payments that Upflow collected could not be read"
        lines += ["", f"{unread} ({plan.unread})."]
    if plan.claims:
        lines += ["", f"### Claims of collected records ({len(plan.claims):,})", ""]
        for claim in plan.claims[:_SHOWN]:
            lines.append(f"- {_cell(named_text(claim))} is {claim.id}, by {claim.by}")
    for title, staying in (
        ("Withheld", plan.withheld),
        ("Held", plan.held),
        ("Left the source", plan.departed),
    ):
        if staying:
            lines += ["", f"### {title} ({len(staying):,})", ""]
            for record in staying[:_SHOWN]:
                lines.append(f"- {_cell(named_text(record))}: {record.reason}")
    if plan.problems:
        lines += ["", f"### Problems ({len(plan.problems):,})", ""]
        lines += ["| | record | problem | remedy |", "|---|---|---|---|"]
        for kind in kinds_of(plan.problems)[:_SHOWN]:
            found = kind.first
            named = f"{found.entity} {', '.join(map(problem_name, kind.examples))}"
            if kind.count > len(kind.examples):
                named += f" and {kind.count - len(kind.examples):,} more"
            cells = (found.severity, named, found.problem, found.remedy)
            lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _counts(plan: Plan) -> list[str]:
    lines = ["| | create | update | delete | money |", "|---|--:|--:|--:|---|"]
    for name in (*BY_NAME, "contact", *PDF_OF):
        counts = [plan.count(name, action) for action in ("create", "update", "delete")]
        if any(counts):
            money = ", ".join(_money(m) for m in plan.money if m.entity == name)
            shown = " | ".join(f"{count:,}" if count else "-" for count in counts)
            lines.append(f"| {name.replace('_', ' ')}s | {shown} | {money} |")
    return lines


def _money(money: Money) -> str:
    created = "create " if money.action == "create" else ""
    return created + money_text(money)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
