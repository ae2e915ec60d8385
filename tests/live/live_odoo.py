"""Odoo 19: Debian's package, unpacked and run by a Python of ours, on a PostgreSQL of the tests."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from live_actor import free_port, server
from live_cache import Missing, environment, kept, python_of, run

from postgres import find_binaries, fresh_database

PACKAGE = "odoo-19"
NEEDED = (
    *("asn1crypto", "Babel==2.14.0", "cbor2", "chardet", "cryptography==42.0.8", "decorator"),
    *("docutils", "freezegun", "geoip2", "gevent", "greenlet", "idna", "Jinja2", "libsass"),
    *("lxml<6", "lxml_html_clean", "MarkupSafe", "num2words", "ofxparse", "openpyxl", "passlib"),
    *("Pillow<12", "polib", "psutil", "psycopg2-binary", "pyOpenSSL<25", "PyPDF2", "pyserial"),
    *("python-dateutil", "python-stdnum", "pytz", "pyusb", "qrcode", "reportlab", "requests"),
    *("rjsmin", "vobject", "Werkzeug==3.0.6", "xlrd", "xlsxwriter", "xlwt", "zeep"),
)
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
PASSWORD = "admin"
TODAY = datetime.now(UTC).date().isoformat()


def _unpacked() -> Path:
    """The folder with Debian's package, from the mirror that this machine's apt uses."""

    def make(folder: Path) -> None:
        lists = folder / "apt"
        for place in ("lists/partial", "archives/partial"):
            (lists / place).mkdir(parents=True)
        (lists / "status").write_bytes(Path("/var/lib/dpkg/status").read_bytes())
        (lists / "sources.list").write_text(f"deb [signed-by={KEYS}] {_mirror()} sid main\n")
        options = {
            "Dir::Etc::sourcelist": lists / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": lists,
            "Dir::State::status": lists / "status",
            "Dir::Cache": lists,
            "APT::Sandbox::User": "root",
            "Acquire::Check-Valid-Until": "false",
        }
        said = [f"-o{name}={value}" for name, value in options.items()]
        run(["apt-get", *said, "update"], folder)
        run(["apt-get", *said, "download", PACKAGE], folder)
        (package,) = folder.glob(f"{PACKAGE}_*.deb")
        run(["dpkg", "-x", package, folder / "unpacked"])
        package.unlink()

    return kept("odoo", PACKAGE, make) / "unpacked"


def _mirror() -> str:
    """The mirror of Debian that this machine's apt uses."""
    form = "$(COMPONENT) $(REPO_URI)"
    try:
        said = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    except FileNotFoundError:
        raise Missing("Odoo comes as Debian's package: apt-get is needed.") from None
    for line in said.splitlines():
        component, _, address = line.partition(" ")
        if component == "main" and address.rstrip("/").endswith("/debian"):
            return address
    raise Missing("Odoo comes as Debian's package: no mirror of Debian is set for apt.")


class Odoo:
    """One database, by JSON-RPC as its administrator."""

    def __init__(self, url: str, database: str) -> None:
        self.url = url
        self.database = database
        self._user = self._call("common", "login", database, "admin", PASSWORD)
        self.companies: list[int] = [1]
        self.companies = self.do("res.company", "search", [])

    def _call(self, service: str, method: str, *arguments: Any) -> Any:
        body = {"service": service, "method": method, "args": arguments}
        request = urllib.request.Request(
            f"{self.url}/jsonrpc",
            json.dumps({"jsonrpc": "2.0", "method": "call", "params": body}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            said = json.loads(answer.read())
        if "error" in said:
            raise RuntimeError(said["error"]["data"]["message"])
        return said.get("result")

    def do(self, model: str, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of a model."""
        everything = {"allowed_company_ids": self.companies, "active_test": False}
        named["context"] = everything | named.get("context", {})
        given = (self.database, self._user, PASSWORD, model, method, list(arguments), named)
        return self._call("object", "execute_kw", *given)

    def customer(self, name: str = "Customer") -> int:
        """A company with an e-mail address."""
        values = {"name": name, "is_company": True, "email": "accounts@customer.test"}
        return int(self.do("res.partner", "create", values))

    def draft(self, customer: int, amount: float = 100.0, kind: str = "out_invoice") -> int:
        """A draft of an invoice or credit note, without taxes."""
        line = {"name": "Consulting", "quantity": 1, "price_unit": amount, "tax_ids": []}
        values = {
            "move_type": kind,
            "partner_id": customer,
            "invoice_date": TODAY,
            "invoice_line_ids": [[0, 0, line]],
        }
        return int(self.do("account.move", "create", values))

    def post(self, move: int) -> None:
        """Post a draft."""
        self.do("account.move", "action_post", [move])

    def invoice(self, customer: int, amount: float = 100.0, kind: str = "out_invoice") -> int:
        """A posted invoice or credit note."""
        made = self.draft(customer, amount, kind)
        self.post(made)
        return made

    def pay(self, move: int, amount: float = 0.0, **more: Any) -> None:
        """Register a payment as the dialogue does; a part if the amount is given."""
        values = {"payment_date": TODAY} | ({"amount": amount} if amount else {}) | more
        self._wizard("account.payment.register", values, move, "action_create_payments")

    def credit(self, move: int) -> int:
        """Credit a whole invoice by a credit note that is applied to it."""
        (found,) = self.do("account.move", "read", [move], ["journal_id"])
        values = {"reason": "goodwill", "date": TODAY, "journal_id": found["journal_id"][0]}
        made = self._wizard("account.move.reversal", values, move, "refund_moves")
        note = int(made["res_id"])
        self.post(note)
        return note

    def on_account(self, customer: int, amount: float) -> int:
        """A payment that is for no invoice."""
        values = {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": customer,
            "amount": amount,
            "date": TODAY,
        }
        made = int(self.do("account.payment", "create", values))
        self.do("account.payment", "action_post", [made])
        return made

    def payments(self, move: int) -> list[int]:
        """The payments that are matched with an invoice."""
        (found,) = self.do("account.move", "read", [move], ["matched_payment_ids"])
        return list(found["matched_payment_ids"])

    def receivable(self, move: int) -> list[int]:
        """The items of a move on the receivable account."""
        domain = [["move_id", "=", move], ["account_type", "=", "asset_receivable"]]
        return list(self.do("account.move.line", "search", domain))

    def unreconcile(self, move: int) -> int:
        """Take an invoice's first match apart; returns the item that it was matched with."""
        domain = [["debit_move_id", "in", self.receivable(move)]]
        (match, *_) = self.do(
            "account.partial.reconcile", "search_read", domain, fields=["credit_move_id"]
        )
        self.do("account.move", "js_remove_outstanding_partial", [move], match["id"])
        return int(match["credit_move_id"][0])

    def merge(self, customer: int, into: int) -> None:
        """Merge two customers, as the list of contacts offers it."""
        model = "base.partner.merge.automatic.wizard"
        values = {"partner_ids": [[6, 0, [customer, into]]], "dst_partner_id": into}
        self.do(model, "action_merge", [self.do(model, "create", values)])

    def _wizard(self, model: str, values: dict[str, Any], move: int, action: str) -> Any:
        context = {"active_model": "account.move", "active_ids": [move]}
        wizard = self.do(model, "create", values, context=context)
        return self.do(model, action, [wizard], context=context)

    def balances(self) -> dict[str, int]:
        """What each customer owes, as Odoo's ledger says."""
        domain = [["account_type", "=", "asset_receivable"], ["parent_state", "=", "posted"]]
        lines = self.do(
            "account.move.line", "search_read", domain, fields=["partner_id", "balance"]
        )
        partners = self.do("res.partner", "search_read", [], fields=["commercial_partner_id"])
        companies = {one["id"]: one["commercial_partner_id"][0] for one in partners}
        owed: Counter[str] = Counter()
        for line in lines:
            if line["partner_id"]:
                owed[str(companies[line["partner_id"][0]])] += round(line["balance"] * 100)
        return {number: amount for number, amount in owed.items() if amount}

    def open_documents(self) -> dict[str, int]:
        """What is left of each posted invoice and credit note, as Odoo says."""
        kinds = ["out_invoice", "out_receipt", "out_refund"]
        domain = [["move_type", "in", kinds], ["state", "=", "posted"]]
        found = self.do("account.move", "search_read", domain, fields=["amount_residual"])
        money = {str(one["id"]): round(one["amount_residual"] * 100) for one in found}
        return {number: amount for number, amount in money.items() if amount}


@contextmanager
def odoo_database(folder: Path, postgres: str) -> Iterator[tuple[Odoo, str]]:
    """A company in Odoo, and the address of its database. Raises Missing."""
    binaries = find_binaries()
    if binaries is None:
        raise Missing("PostgreSQL is needed: install postgresql.")
    unpacked = _unpacked()
    python = environment("odoo-python", python_of("3.11", "3.12", "3.13", "3.10"), NEEDED)
    program = [python, unpacked / "usr" / "bin" / "odoo", "--max-cron-threads=0"]
    paths = {"PYTHONPATH": str(unpacked / "usr/lib/python3/dist-packages")}
    with psycopg.connect(postgres, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_roles where rolname = 'odoo'").fetchall():
            connection.execute("create role odoo superuser login")

    def make(place: Path) -> None:
        with fresh_database(postgres) as url:
            settings = _settings(place, unpacked, url)
            run([*program, *settings, "-i", "account", "--with-demo", "--stop-after-init"], **paths)
            with (place / "odoo.sql").open("wb") as file:
                dump = [str(binaries / "pg_dump"), "--no-owner", url]
                subprocess.run(dump, check=True, stdout=file)

    recipe = f"{PACKAGE} {unpacked.stat().st_mtime}"
    dump = kept("odoo-database", recipe, make) / "odoo.sql"
    with fresh_database(postgres) as url:
        run([binaries / "psql", "--quiet", "--file", dump, url.replace("postgres@", "odoo@")])
        port = free_port()
        settings = [*_settings(folder, unpacked, url), "--http-port", str(port)]
        address = f"http://127.0.0.1:{port}"
        with server([*program, *settings], address, folder / "odoo.log", **paths):
            yield Odoo(address, url.rpartition("/")[2]), url


def _settings(folder: Path, unpacked: Path, url: str) -> list[str]:
    host, _, name = url.rpartition("/")
    addons = unpacked / "usr/lib/python3/dist-packages/odoo/addons"
    return [
        *("--database", name, "--db_host", "127.0.0.1", "--db_port", host.rpartition(":")[2]),
        *("--db_user", "odoo", "--db_password", "odoo", "--data-dir", str(folder / "data")),
        *("--http-interface", "127.0.0.1", "--addons-path", str(addons), "--workers", "0"),
    ]
