"""Sage Intacct read by its XML gateway: everything at first, then what was modified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from small_api import Said
from test_sage_intacct import document
from vendor_account import Account, Request, Vendor, account, same_objects

PASSWORD = "pass&word-0"


def tables() -> dict[str, list[dict[str, Any]]]:
    return {
        "ARINVOICE": [
            document(1, "100.00", "80.00", whenpaid="2026-01-20"),
            document(2, "50.00", "10.00"),
            document(3, "-30.00", "-25.00"),
        ],
        "ARADJUSTMENT": [],
        "ARADVANCE": [document(4, "40.00", "35.00", customername="Acme & Sons")],
    }


class Intacct(Vendor):
    """A company; each answer is a document with the status of its parts."""

    def __init__(self) -> None:
        super().__init__(tables())
        self.results: list[list[dict[str, Any]]] = []
        self.text_of_error = "Sign-in information is incorrect"

    def answered(self, request: Request) -> tuple[int, Any]:
        if not request.path.startswith("/gateway"):
            return 404, "nothing"
        asked = ElementTree.fromstring(request.body)
        assert asked.findtext("control/senderid") == "sender"
        assert asked.findtext("control/dtdversion") == "3.0"
        access = asked.find("operation/authentication")
        assert access is not None
        if access.find("sessionid") is None:
            if access.findtext("login/password") != PASSWORD:
                return 200, Said(self.failure("XL03000006", self.text_of_error), {})
            place = f"http://{request.headers['host']}/gateway-2"
            api = f"<api><sessionid>s1</sessionid><endpoint>{place}</endpoint></api>"
            return 200, Said(self.result(f"<data>{api}</data>"), {})
        assert (access.findtext("sessionid"), request.path) == ("s1", "/gateway-2")
        function = asked.find("operation/content/function/*")
        assert function is not None
        if function.tag == "readMore":
            return 200, Said(self.shown(int(function.findtext("resultId") or "")), {})
        name = function.findtext("object") or ""
        if name not in self.objects:
            return 200, Said(self.failure("DL02000001", f"There is no object {name}"), {})
        rows = self.found(name, function.findtext("query") or "")
        fields = function.findtext("fields")
        if fields == "RECORDNO":
            rows = [{"recordno": row["recordno"]} for row in rows]
        self.asked.append(f"{name} {function.findtext('query')}")
        self.results.append(rows)
        return 200, Said(self.shown(len(self.results) - 1, len(rows)), {})

    def found(self, name: str, query: str) -> list[dict[str, Any]]:
        rows = self.objects[name]
        if found := re.fullmatch(r"RECORDNO (<=|>) (\d+)", query):
            number, upto = int(found[2]), found[1] == "<="
            return [row for row in rows if (row["recordno"] <= number) == upto]
        found = re.fullmatch(r"WHENMODIFIED >= '(\d\d)/(\d\d)/(\d{4})'", query)
        assert found is not None, query
        day = f"{found[3]}-{found[1]}-{found[2]}"
        return [row for row in rows if row.get("modified", "2026-01-01") >= day]

    def shown(self, number: int, total: int = 0) -> str:
        rows = self.results[number]
        shown, self.results[number] = rows[: self.page], rows[self.page :]
        items = "".join(f"<item>{''.join(map(_field, row.items()))}</item>" for row in shown)
        left = len(self.results[number])
        head = f'count="{len(shown)}" totalcount="{total}" numremaining="{left}"'
        return self.result(f'<data listtype="x" {head} resultId="{number}">{items}</data>')

    def result(self, data: str) -> str:
        status = "<status>success</status>"
        return (
            f"<response><control>{status}</control><operation>"
            f"<authentication>{status}</authentication><result>{status}{data}</result>"
            "</operation></response>"
        )

    def failure(self, number: str, words: str) -> str:
        error = f"<errorno>{number}</errorno><description2>{words}</description2>"
        return (
            "<response><control><status>success</status></control><operation><result>"
            f"<status>failure</status><errormessage><error>{error}</error></errormessage>"
            "</result></operation></response>"
        )


def _field(field: tuple[str, Any]) -> str:
    name, value = field
    text = "" if value is None else str(value)
    if found := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text):
        text = f"{found[2]}/{found[3]}/{found[1]}"
    return f"<{name.upper()}>{escape(text)}</{name.upper()}>"


@pytest.fixture(scope="module")
def intacct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    options = {"sender_id": "sender", "sender_password": "sender-password-0"}
    options |= {"company": "acme", "user": "reader", "password": PASSWORD}
    folder = tmp_path_factory.mktemp("intacct")
    with account(folder, "sage_intacct", Intacct(), options, prefix="/gateway") as made:
        yield made


def test_what_is_read_is_what_intacct_has_and_then_what_was_modified(intacct: Account) -> None:
    vendor: Any = intacct.vendor
    assert intacct.sync() == {("C-1", "EUR"): 6000 - 500 - 500}
    read = intacct.rows("ar_invoice", "recordno")
    assert same_objects(read, vendor.objects["ARINVOICE"], "recordno")
    assert intacct.rows("ar_advance", "whendue", "whencreated") == [("2026-02-10", "2026-01-10")]
    names = intacct.book.connection.execute("select name from book.customers").fetchall()
    assert names == [("Acme & Sons",)]

    vendor.clock.seconds += 7200
    now = {"modified": vendor.clock.now().date().isoformat()}
    invoices = vendor.objects["ARINVOICE"]
    invoices[1] |= {"totalentered": "60.00", **now}
    invoices.append(document(5, "8.00", "0") | now)
    assert intacct.sync() == {("C-1", "EUR"): 6000 + 1000 + 800 - 500 - 500}
    assert len(vendor.asked) == 2 * 3  # what was modified of each object, and their number

    del invoices[0]  # which only the number of invoices shows
    assert intacct.sync()[("C-1", "EUR")] != 6800
    assert intacct.rows("ar_invoice", "recordno") == [("2",), ("3",), ("5",)]
    intacct.stage()
    assert len(vendor.asked) == 2 * 3


def test_what_is_wrong_is_one_sentence_with_what_to_do(intacct: Account) -> None:
    vendor: Any = intacct.vendor
    assert intacct.refusal(password="password-99") == (
        "sage_intacct: Sage Intacct: XL03000006 Sign-in information is incorrect. Check sender_id "
        "and sender_password, which the company must authorise for web services, and company, "
        "user and password of a web services user who may list receivables."
    )
    del vendor.objects["ARADVANCE"]
    assert "DL02000001 There is no object ARADVANCE." in intacct.refusal()
    place = intacct.options["url"].replace("gateway", "elsewhere")
    assert "is no XML: check url" in intacct.refusal(url=place)
    assert "no option colour: there is sender_id" in intacct.unknown_option()
