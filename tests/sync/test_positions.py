"""A contact's position that the organisation lacks holds nothing back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desk import HubDesk
from shop import Shop

from headrace.store.records.organisations import make_position


def _told(desk: HubDesk, since: int = 0) -> list[tuple[str | None, int]]:
    return [(log.external_id, log.status) for log in desk.writes(since)]


def test_contacts_go_without_a_position_that_the_api_does_not_have(
    tmp_path: Path, new_desk: Callable[[Path], HubDesk]
) -> None:
    shop = Shop(tmp_path / "shop")
    for name in "ABC":
        shop.customer(name)
        shop.contact(name, f"x@{name}.io".lower())
        shop.invoice(f"I{name}", name, 100)
    shop.run("alter table contacts add column position text")
    shop.run("update contacts set position = 'Buyer'")
    desk = new_desk(shop.folder)
    _, outcome = desk.apply()
    assert (outcome.sent, outcome.rejected, outcome.held) == (6, 0, 0)
    # Those that were under way together are refused together.
    assert 1 <= sum(status == 400 for _, status in _told(desk)) <= 3
    (contact,) = desk.get("/customers/external:B")["contacts"]
    assert contact["position"] is None

    before = len(desk.writes())
    done = desk.command("plan")
    assert done.returncode == 0
    assert "Nothing to send" in done.stdout
    (warning,) = [line for line in done.stdout.splitlines() if "position" in line]
    assert "'Buyer', as have 2 more" in warning and "there are ACCOUNTING" in warning
    assert desk.command("apply").returncode == 0
    assert _told(desk, before) == []

    desk.administer(lambda db, context: make_position(db, context.organisation.seq, "Buyer"))
    assert desk.command("apply", "--retry-rejected").returncode == 0
    assert [status for _, status in _told(desk, before)] == [200, 200, 200]
    (contact,) = desk.get("/customers/external:B")["contacts"]
    assert contact["position"] == "Buyer"
