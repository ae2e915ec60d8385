"""Values of custom fields of payments and credit notes, which people assign."""

from __future__ import annotations

from typing import Any

import pytest
from hub_api import Api, credit_note, customer, payment

from headrace.model.errors import Refused
from headrace.testkit.hub import RunningHub


def _assign(running: RunningHub, api: Api, path: str, values: list[dict[str, Any]]) -> Any:
    below = f"/organisations/{api.organisation}{path}/custom_fields"
    return running.control.call("POST", below, {"customFields": values})


@pytest.mark.parametrize(
    ("path", "kind", "make"),
    [("/payments", "PAYMENT", payment), ("/credit_notes", "CREDIT_NOTE", credit_note)],
)
def test_people_assign_values_and_imports_leave_them(
    api: Api, running: RunningHub, path: str, kind: str, make: Any
) -> None:
    api.post("/customers", customer("C"))
    api.post(path, make("P", "C"))
    assert "customFields" not in api.get(f"{path}/external:P")
    field = {"label": "Batch", "dataType": "TEXT", "entityType": kind, "externalId": "batch"}
    field_id = api.post("/custom_fields", field)["id"]
    value = {"id": field_id, "externalId": "batch", "value": "B7", "source": "USER_DEFINED"}
    answer = _assign(running, api, f"{path}/external:P", [{"externalId": "batch", "value": "B7"}])
    assert answer["customFields"] == [value]
    assert api.get(f"{path}/external:P") == answer
    again = api.post(path, make("P", "C"), status=200)
    assert again["customFields"] == [value], "an import leaves what people assigned"
    assert "customFields" in api.refused("POST", path, make("P", "C", customFields=[value]))
    assert api.call("DELETE", f"{path}/external:P").status == 204


def test_a_bad_value_is_refused_by_its_place(api: Api, running: RunningHub) -> None:
    api.post("/customers", customer("C"))
    api.post("/payments", payment("P", "C"))
    field = {"label": "Day", "dataType": "DATE", "entityType": "PAYMENT", "externalId": "day"}
    api.post("/custom_fields", field)
    other = {"label": "Day", "dataType": "DATE", "entityType": "INVOICE", "externalId": "other"}
    api.post("/custom_fields", other)
    for value in ({"externalId": "day", "value": "soon"}, {"externalId": "other", "value": None}):
        with pytest.raises(Refused, match=r"customFields\[0\]"):
            _assign(running, api, "/payments/external:P", [value])
    with pytest.raises(Refused, match="There is no payment"):
        _assign(running, api, "/payments/external:Q", [])
