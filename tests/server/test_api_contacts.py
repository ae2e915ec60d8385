"""Contacts: as a list of the customer, and one by one."""

from __future__ import annotations

from typing import Any

from hub_api import ANY_ID, Api, customer


def contact(email: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, **fields}


def answered(email: str, **fields: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("externalId", "firstName", "lastName", "phone", "position"))
    return {"id": ANY_ID, **empty, "isMain": False, "email": email, **fields}


def test_the_list_of_contacts_replaces_the_earlier_one(api: Api) -> None:
    made = api.post("/customers", customer("C", contacts=[contact("a@x.io"), contact("b@x.io")]))
    assert made["contacts"] == [answered("a@x.io", isMain=True), answered("b@x.io")]
    a, b = made["contacts"]
    again = api.post(
        "/customers",
        customer("C", contacts=[contact("B@x.io", phone="1"), contact("c@x.io")]),
        status=200,
    )
    assert again["contacts"] == [
        {**b, "email": "B@x.io", "phone": "1", "isMain": True},
        answered("c@x.io"),
    ]
    assert a["id"] not in {entry["id"] for entry in again["contacts"]}
    same = api.post("/customers", {"externalId": "C", "name": "New"}, status=200)
    assert same["contacts"] == again["contacts"], "an absent list is left as it is"
    assert api.post("/customers", {"externalId": "C", "contacts": []}, status=200)["contacts"] == []


def test_a_contact_with_an_external_id_keeps_its_id_when_its_email_changes(api: Api) -> None:
    body = customer("C", contacts=[contact("a@x.io", externalId="k", lastName="L")])
    (before,) = api.post("/customers", body)["contacts"]
    body["contacts"] = [contact("new@x.io", externalId="k")]
    (after,) = api.post("/customers", body, status=200)["contacts"]
    assert after == {**before, "email": "new@x.io"}
    body["contacts"] = [contact("third@x.io", id=before["id"])]
    (third,) = api.post("/customers", body, status=200)["contacts"]
    assert third == {**before, "email": "third@x.io"}


def test_a_new_contact_may_take_an_email_that_another_gives_up(api: Api) -> None:
    body = customer("C", contacts=[contact("a@x.io", externalId="k")])
    (before,) = api.post("/customers", body)["contacts"]
    for contacts in (
        [contact("a@x.io"), contact("new@x.io", externalId="k")],
        [contact("new@x.io", externalId="k"), contact("a@x.io")],
    ):
        after = api.post("/customers", {**body, "contacts": contacts}, status=200)["contacts"]
        by_email = {entry["email"]: entry["id"] for entry in after}
        assert by_email["new@x.io"] == before["id"]
        assert by_email["a@x.io"] != before["id"]
    twice = [contact("1@x.io", id=before["id"]), contact("2@x.io", externalId="k")]
    assert api.refused("POST", "/customers", {**body, "contacts": twice}) == (
        "contacts[1]: is the same contact as contacts[0]."
    )


def test_one_external_id_under_two_customers_is_two_contacts(api: Api) -> None:
    one = api.post("/customers", customer("A", contacts=[contact("a@x.io", externalId="k")]))
    two = api.post("/customers", customer("B", contacts=[contact("a@x.io", externalId="k")]))
    assert one["contacts"][0]["externalId"] == two["contacts"][0]["externalId"] == "k"
    assert one["contacts"][0]["id"] != two["contacts"][0]["id"]


def test_the_last_contact_marked_as_main_wins_and_there_is_always_one(api: Api) -> None:
    def mains(*claims: bool | None) -> list[bool]:
        contacts = [
            contact(f"{n}@x.io", **({} if claim is None else {"isMain": claim}))
            for n, claim in enumerate(claims)
        ]
        body = customer(str(claims), contacts=contacts)
        return [entry["isMain"] for entry in api.post("/customers", body)["contacts"]]

    assert mains(None, None) == [True, False]
    assert mains(True, True, None) == [False, True, False]
    assert mains(False, None) == [True, False]
    assert mains(None, True) == [False, True]


def test_a_refused_list_names_the_position_of_the_error(api: Api) -> None:
    def refusal(*contacts: dict[str, Any]) -> str:
        return api.refused("POST", "/customers", customer("C", contacts=list(contacts)))

    assert refusal({"firstName": "x"}) == "contacts[0].email: is required."
    assert refusal(contact("a@x.io"), contact("A@X.io")) == (
        "contacts[1].email: the customer has another contact with A@X.io."
    )
    assert refusal(contact("a@x.io", externalId="k"), contact("b@x.io", externalId="k")) == (
        "contacts[1].externalId: the customer has another contact with externalId k."
    )
    assert refusal(contact("a@x.io", position="CEO")) == (
        "contacts[0].position: 'CEO' does not exist in the organisation; there are ACCOUNTING, "
        "PAYER, PURCHASER, SALES."
    )
    assert "contacts[0].position: 'payer' does not exist" in refusal(
        contact("a@x.io", position="payer")
    )
    for email in ("a", "a@", "@x.io", "a b@x.io", "a@x", "a@x.io,b@x.io", "a!@x.io", "ü@x.io"):
        assert refusal(contact(email)).startswith("contacts[0].email: "), email
    assert api.get("/customers")["total"] == 0, "nothing of a refused import is kept"
    for email in ("a+b_c'd.e-f@x.co.uk", "e@münchen.de"):
        assert api.post("/customers", customer(email, contacts=[contact(email)]))


def test_empty_texts_are_accepted(api: Api) -> None:
    body = customer("C", contacts=[contact("a@x.io", firstName="", lastName=" ", position="")])
    (entry,) = api.post("/customers", body)["contacts"]
    assert entry == answered("a@x.io", firstName="", lastName="", isMain=True)


def test_false_is_an_empty_text_and_true_is_none(api: Api) -> None:
    body = customer("C", contacts=[contact("a@x.io", firstName=False, phone=False)])
    (entry,) = api.post("/customers", body)["contacts"]
    assert entry == answered("a@x.io", firstName="", phone="", isMain=True)
    body["contacts"][0]["firstName"] = True
    assert api.refused("POST", "/customers", body) == "contacts[0].firstName: true is no text."


def test_a_contact_that_moves_brings_the_id_of_its_first_copy(api: Api) -> None:
    first = api.post("/customers", customer("C", contacts=[contact("a@x.io", externalId="k")]))
    old = first["contacts"][0]["id"]
    moved = contact("a@x.io", externalId="k", id=old)
    (copy,) = api.post("/customers", customer("D", contacts=[moved]))["contacts"]
    assert copy["id"] != old and copy["externalId"] == "k"
    (again,) = api.post("/customers", customer("D", contacts=[moved]), status=200)["contacts"]
    assert again == copy, "it is found by its externalId from then on"
    by_email = {"id": old, "email": "A@x.io"}
    (again,) = api.post("/customers", customer("D", contacts=[by_email]), status=200)["contacts"]
    assert again["id"] == copy["id"]
    one = api.post("/customers/external:D/contacts", contact("b@x.io", id=old))
    assert one["id"] not in (old, copy["id"])
    assert "email: is required" in api.refused(
        "POST", "/customers", customer("E", contacts=[{"id": old}])
    )


def test_contacts_are_created_read_changed_and_deleted_one_by_one(api: Api) -> None:
    api.post("/customers", customer("C"))
    path = "/customers/external:C/contacts"
    assert api.get(path) == {"offset": 0, "limit": 50, "total": 0, "contacts": []}
    first = api.post(path, contact("a@x.io", externalId="1", position="PAYER"))
    assert first == answered("a@x.io", externalId="1", position="PAYER", isMain=True)
    second = api.post(path, contact("b@x.io"))
    assert second == answered("b@x.io")
    assert api.get(path) == {"offset": 0, "limit": 50, "total": 2, "contacts": [first, second]}
    assert api.get(f"{path}?offset=1&limit=1")["contacts"] == [second]
    assert api.get(f"{path}?page=2&limit=1")["contacts"] == [second]
    assert api.get(f"{path}/external:1") == first
    assert api.get(f"{path}/{second['id']}") == second
    again = api.post(path, contact("a2@x.io", externalId="1"), status=200)
    assert again == {**first, "email": "a2@x.io"}
    changed = api.call("PUT", f"{path}/{second['id']}", {"isMain": True, "phone": "7"})
    assert (changed.status, changed.body) == (200, {**second, "isMain": True, "phone": "7"})
    assert api.get(path)["contacts"] == [{**again, "isMain": False}, changed.body]
    assert api.refused("POST", path, contact("A2@X.IO")) == (
        "email: the customer has another contact with A2@X.IO."
    )
    assert api.refused("PUT", f"{path}/external:1", {"email": "b@x.io"}) == (
        "email: the customer has another contact with b@x.io."
    )
    assert api.call("DELETE", f"{path}/{second['id']}").status == 204
    assert api.get(path)["contacts"] == [again], "the first of the others is main again"
    assert api.refused("GET", f"{path}/{second['id']}", status=404) == (
        f"There is no contact with id {second['id']} at customer C."
    )
    assert api.refused("DELETE", f"{path}/external:9", status=404) == (
        "There is no contact with externalId 9 at customer C."
    )
    assert api.refused("GET", "/customers/external:D/contacts", status=404) == (
        "There is no customer with externalId D."
    )
    assert api.get("/customers/external:C")["contacts"] == [again]
