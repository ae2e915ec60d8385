"""Plans that are delivered only after a person's approval."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Mapping

from headrace.model.errors import ApprovalNeeded, Unreachable
from headrace.sync.journal import Approval
from headrace.sync.planning.plan import Plan
from headrace.sync.planning.saved_plan import SavedPlan
from headrace.sync.planning.scope import Scope
from headrace.sync.session import LOOP, Organisation

LOOP_NAME = "headrace run"
"""Who requests an approval for the loop."""


def user_name(environment: Mapping[str, str] = os.environ) -> str:
    """Return the name of the person at the command line, also behind sudo."""
    try:
        return environment.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return f"user {os.getuid()}"


def requester(command: str) -> str:
    """Return who requests an approval by a command."""
    return LOOP_NAME if command == LOOP else user_name()


def approval_for(
    opened: Organisation, plan: Plan, scope: Scope, who: str, only: str
) -> Approval | None:
    """Return the approval by which the plan may be delivered; None if it needs none.

    Plans that waited and are no longer what the source makes lapse. Raises ApprovalNeeded if the
    plan waits for a person, or if it is not the plan `only`, the id of the one that was approved.
    Raises Unreachable if the plan isn't final, because the collected records could not be read.
    """
    journal = opened.journal
    needed = needs_approval(opened.settings.approve, plan)
    if needed and plan.unread:
        raise Unreachable(f"Nothing was sent, and no plan waits for approval: {plan.unread}")
    saved = opened.saved(plan, scope) if needed else None
    id, digest = approval_id(saved), f"{saved.digest & (1 << 64) - 1:016x}" if saved else ""
    journal.lapse_approvals(id, who)
    if not needed:
        _raise_if_other(opened, only, id)
        return None
    journal.request_approval(id, digest, who, summary_of(plan))
    found = journal.approval(id)
    assert found is not None
    _raise_if_other(opened, only, id)
    if found.state != "approved":
        raise ApprovalNeeded(
            f"Nothing was sent: plan {id} of {opened.name} waits for approval since it is to "
            f"send {found.summary}. Look at it with `headrace plan -o {opened.name}`; another "
            f"person approves it with `headrace approve {id}`.",
            id,
            [f"plan {id}: {found.summary}", f"audit log: {journal.audit_head()[:16]}"],
        )
    return found


def waiting_id(opened: Organisation, plan: Plan, scope: Scope) -> str:
    """Return the id by which a person approves the plan; empty if it needs no approval."""
    if plan.unread or not needs_approval(opened.settings.approve, plan):
        return ""
    return approval_id(opened.saved(plan, scope))


def _raise_if_other(opened: Organisation, only: str, id: str) -> None:
    if not only or only == id:
        return
    now = f"plan {id} waits now" if id else "there is nothing now that needs approval"
    clauses = [f"plan {id}"] if id else []
    raise ApprovalNeeded(
        f"Nothing was sent: plan {only} of {opened.name} has lapsed, because the source makes "
        f"another plan; {now}.",
        id,
        clauses,
    )


def needs_approval(rule: str, plan: Plan) -> bool:
    """Whether the plan needs a person's approval by the setting `approve`."""
    if plan.empty or rule == "never":
        return False
    return rule == "always" or bool(plan.objections)


def approval_id(saved: SavedPlan | None) -> str:
    """Return the id of a plan: the same for the same operations in the same journal; empty for
    none."""
    if saved is None:
        return ""
    text = f"{saved.journal[0]} {saved.scope} {saved.digest}"
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()


def summary_of(plan: Plan) -> str:
    """Return the plan in figures, with why it is unsafe: no names and no data of records."""
    requests = f"{plan.requests:,} request{'' if plan.requests == 1 else 's'}"
    counts = ", ".join(
        f"{one.count:,} {one.entity.replace('_', ' ')} {one.action}" for one in plan.counts
    )
    return "; ".join([f"{requests} ({counts})", *plan.objections])
