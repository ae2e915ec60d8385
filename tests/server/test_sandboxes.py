"""Sandboxes: made in one call, apart from each other, and deleted with all their data."""

from __future__ import annotations

import base64
import contextlib
import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hub_api import ANY_TIME, Api, customer
from sandbox_data import LINES, count_admitted, keys_of, names_in, table_rows, until

from headrace.control.client import path_of
from headrace.model.clock import parse_instant
from headrace.model.errors import Refused
from headrace.store.admin.check import check_database
from headrace.store.engine.place import PDFS, snapshot
from headrace.testkit.billing.pdf import small_pdf
from headrace.testkit.hub import RunningHub, hub, hub_process


@pytest.fixture
def make(running: RunningHub) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make a sandbox; it is deleted at the end if it is still there."""
    made: list[str] = []

    def post(**draft: Any) -> dict[str, Any]:
        answer: dict[str, Any] = running.control.call("POST", "/sandboxes", draft)
        made.append(answer["name"])
        return answer

    yield post
    for name in made:
        with contextlib.suppress(Refused):
            running.control.call("DELETE", path_of("sandboxes", name))


def _api(made: dict[str, Any]) -> Api:
    return Api(made["url"], made["key"], made["secret"], made["name"])


def test_one_call_answers_all_that_a_client_needs(
    running: RunningHub, make: Callable[..., dict[str, Any]]
) -> None:
    made = make(
        name="one call",
        seed="agency",
        expiresIn="2h",
        limits=100,
        clock="2026-03-01",
        currency="USD",
    )
    named = {key: made[key] for key in ("name", "url", "path", "currency", "limits", "clock")}
    assert named == {
        "name": "one call",
        "url": running.url,
        "path": "/v1",
        "currency": "USD",
        "limits": "100",
        "clock": "2026-03-01T00:00:00.000Z",
    }
    assert made["createdAt"] == ANY_TIME
    life = parse_instant(made["expiresAt"]) - parse_instant(made["createdAt"])
    assert life == timedelta(hours=2)
    assert made["counts"]["customers"] > 5
    api = _api(made)
    for plural, count in made["counts"].items():
        assert api.get(f"/{plural}?limit=1")["total"] == count
    now = running.control.call("GET", path_of("organisations", "one call", "clock"))
    assert now == {"now": "2026-03-01T00:00:00.000Z", "stopped": True}
    listed = running.control.call("GET", path_of("sandboxes", "one call"))
    assert listed == {key: made[key] for key in listed}
    assert "secret" not in listed
    assert "one call" in names_in(running.control)


def test_nothing_has_to_be_said(make: Callable[..., dict[str, Any]]) -> None:
    one, other = make(), make()
    assert one["name"] != other["name"]
    assert one["limits"] is one["clock"] is None
    assert set(one["counts"].values()) == {0}
    life = parse_instant(one["expiresAt"]) - parse_instant(one["createdAt"])
    assert life == timedelta(days=1)
    assert make(expiresIn=90)["expiresAt"] is not None
    assert make(expiresIn=None)["expiresAt"] is None


def test_sandboxes_do_not_see_each_other(make: Callable[..., dict[str, Any]]) -> None:
    one, other = _api(make(seed=LINES)), _api(make())
    assert one.get("/customers")["total"] == 1
    assert other.get("/customers")["total"] == 0
    other.post("/customers", customer("c1"))
    assert one.get("/customers/external:c1")["id"] != other.get("/customers/external:c1")["id"]


def test_own_calls_are_carried_out_and_name_ids(make: Callable[..., dict[str, Any]]) -> None:
    made = make(seed=LINES)
    assert _api(made).get(f"/customers/{made['named']['c']}")["externalId"] == "c1"
    assert made["counts"] == {
        "customers": 1, "invoices": 1, "credit_notes": 0, "payments": 1, "refunds": 0,
    }  # fmt: skip


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"name": "test"}, 409, "name"),
    ({"name": ""}, 400, "name"),
    ({"name": "a/b"}, 400, "name"),
    ({"name": 7}, 400, "name"),
    ({"seed": "bakery"}, 400, "seed"),
    ({"seed": {"profile": "bakery"}}, 400, "seed.profile"),
    ({"seed": {"profile": "saas", "entities": 0}}, 400, "seed.entities"),
    ({"seed": {"profile": "saas", "entities": 10_001}}, 400, "seed.entities"),
    ({"seed": {"profile": "saas", "number": -1}}, 400, "seed.number"),
    ({"seed": 7}, 400, "seed"),
    ({"seed": [{"method": "GET", "path": "/customers"}]}, 400, "seed"),
    ({"seed": [{"method": "POST", "path": "/nowhere"}]}, 400, "seed"),
    ({"seed": [*LINES, {"method": "POST", "path": "/customers", "body": {}}]}, 400, "seed"),
    ({"expiresIn": "soon"}, 400, "expiresIn"),
    ({"expiresIn": "0s"}, 400, "expiresIn"),
    ({"expiresIn": 0}, 400, "expiresIn"),
    ({"expiresIn": -5}, 400, "expiresIn"),
    ({"expiresIn": "4000d"}, 400, "expiresIn"),
    ({"expiresIn": 10**12}, 400, "expiresIn"),
    ({"expiresIn": True}, 400, "expiresIn"),
    ({"limits": "many"}, 400, "limits"),
    ({"limits": 0}, 400, "limits"),
    ({"limits": "9" * 5000}, 400, "limits"),
    ({"limits": []}, 400, "limits"),
    ({"clock": "noon"}, 400, "clock"),
    ({"clock": "0001-01-01"}, 400, "clock"),
    ({"clock": 5}, 400, "clock"),
    ({"currency": "EURO"}, 400, "currency"),
    ({"timeZone": "Mars"}, 400, "timeZone"),
    ({"expires": "1d"}, 400, "expires"),
]


@pytest.mark.parametrize(("draft", "status", "field"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_input_names_its_field_and_leaves_nothing(
    running: RunningHub, draft: dict[str, Any], status: int, field: str
) -> None:
    before = table_rows(running.place)
    with pytest.raises(Refused) as caught:
        running.control.call("POST", "/sandboxes", {"name": "wrong", **draft})
    assert caught.value.status == status
    assert field in str(caught.value)
    assert table_rows(running.place) == before


def test_a_clock_needs_a_hub_in_test_mode(tmp_path: Path) -> None:
    with hub_process(tmp_path) as process:
        with pytest.raises(Refused, match="clock: only a hub that is started with --test-mode"):
            process.control.call("POST", "/sandboxes", {"clock": "2026-03-01"})
        assert names_in(process.control) == []


def test_a_deleted_sandbox_leaves_no_row_and_no_file(database: str | None) -> None:
    with hub(database=database) as running:
        before = table_rows(running.place)
        with running.sandbox(seed=LINES) as sandbox:
            api = Api(sandbox.url, sandbox.key, sandbox.secret, sandbox.name)
            pdf = {"data": base64.b64encode(small_pdf("i1")).decode()}
            assert api.call("POST", "/invoices/external:i1/pdf", pdf).status == 204
            files = running.folder / PDFS
            assert list(files.rglob("*.pdf"))
            during = table_rows(running.place)
            assert {name for name in during if during[name] == before[name]} <= {"reconciliation"}
        assert api.call("GET", "/customers").status == 401
        # The file and its row are removed a little later.
        until(lambda: table_rows(running.place) == before)
        assert not list(files.rglob("*.pdf"))
        with snapshot(running.place) as db:
            assert list(check_database(db)) == []


def test_many_can_be_made_at_once_with_one_seed_and_one_clock(running: RunningHub) -> None:
    draft = {"seed": {"profile": "saas", "entities": 30}, "clock": "2026-03-01"}

    def make_one(_: int) -> dict[str, Any]:
        made: dict[str, Any] = running.control.call("POST", "/sandboxes", draft)
        return made

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(make_one, range(16)))
    assert len({one["name"] for one in found}) == len({one["key"] for one in found}) == 16
    assert {str(one["counts"]) for one in found} == {str(found[0]["counts"])}
    for one in found:
        running.control.call("DELETE", path_of("sandboxes", one["name"]))


def test_of_many_with_one_name_one_is_made(running: RunningHub) -> None:
    before = table_rows(running.place)

    def make_one(_: int) -> int:
        try:
            running.control.call("POST", "/sandboxes", {"name": "same", "seed": LINES})
        except Refused as error:
            return error.status
        return 201

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make_one, range(8))) == [201] + [409] * 7
    running.control.call("DELETE", "/sandboxes/same")
    assert table_rows(running.place) == before


def test_only_sandboxes_can_be_deleted(running: RunningHub, api: Api) -> None:
    for name in (api.organisation, "nobody"):
        with pytest.raises(Refused, match=f"no sandbox {name}") as caught:
            running.control.call("DELETE", path_of("sandboxes", name))
        assert caught.value.status == 404
    assert api.get("/customers")["total"] == 0


def test_a_number_is_not_given_out_again(running: RunningHub) -> None:
    """A late write of a deleted organisation must not land in the next one."""
    numbers = []
    for _ in range(3):
        made = running.control.call("POST", "/sandboxes", {})
        numbers.append(made["organisationId"])
        running.control.call("DELETE", path_of("sandboxes", made["name"]))
    assert len(set(numbers)) == 3
    assert numbers == sorted(numbers)


def test_a_write_under_way_during_the_deletion_is_401(running: RunningHub) -> None:
    with running.sandbox() as sandbox:
        before = table_rows(running.place)
        held = http.client.HTTPConnection("127.0.0.1", int(running.url.split(":")[2][:-3]))
        body = b'{"externalId": "late", "name": "Late"}'
        held.putrequest("POST", "/v1/customers")
        for name, value in {**sandbox.headers, "Content-Length": str(len(body))}.items():
            held.putheader(name, value)
        held.endheaders()
        # The head is read before this one's, which comes later.
        assert count_admitted(running.url, sandbox.headers, 1) == 1
        sandbox.delete()
        held.send(body)
        answer = held.getresponse()
        assert answer.status == 401
        assert b"has been deleted" in answer.read()
        held.close()
    after = table_rows(running.place)
    assert after["customer"] == before["customer"]
    assert after["counter"] == before["counter"]


# limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_has_limits_of_its_own(tmp_path: Path, database: str | None, workers: str) -> None:
    options = ["--workers", workers]
    with hub_process(tmp_path, "30", options=options, database=database) as process:
        few = process.control.call("POST", "/sandboxes", {"limits": 4})
        many = process.control.call("POST", "/sandboxes", {"limits": "upflow"})
        free = process.control.call("POST", "/sandboxes", {"limits": "off"})
        hubs = process.control.call("POST", "/sandboxes", {})
        admitted = {
            name: count_admitted(process.url, keys_of(made), 40)
            for name, made in {"few": few, "many": many, "free": free, "hubs": hubs}.items()
        }
    assert admitted == {"few": 4, "many": 40, "free": 40, "hubs": 30}


def test_limits_can_be_tighter_where_the_hub_has_none(database: str | None) -> None:
    with hub("off", database=database) as running, running.sandbox(limits=3) as sandbox:
        assert count_admitted(running.url, sandbox.headers, 6) == 3
        assert count_admitted(running.url, running.headers, 6) == 6
