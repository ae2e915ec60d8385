"""One family of clients (a parent with its children, or a single client) and its documents.

Amounts are integers in the currency's lowest division until they are written. All documents are
valid: allocations never exceed either side, stay in one currency, and cross only between a client
and the root of its family.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from msgspec import Struct

from headrace.model.money import EXPONENTS
from headrace.testkit.billing import words
from headrace.testkit.billing.database import Row
from headrace.testkit.billing.profile import MIXED, Profile
from headrace.testkit.billing.schema import TABLES


class Numbers(Struct):
    """The last number assigned to each kind of row."""

    clients: int = 0
    people: int = 0
    bills: int = 0
    money_in: int = 0
    money_out: int = 0
    journal: int = 0

    def next(self, table: str) -> int:
        """Return the next number for the table."""
        number: int = getattr(self, table) + 1
        setattr(self, table, number)
        return number


class Bill(Struct):
    """An invoice during generation, before it is decided how it is settled."""

    number: int
    client: int
    root: int
    issued: date
    due: date
    currency: str
    total: int
    net: int
    subject: str | None
    settled_on: date | None = None


def decimal(amount: int, currency: str) -> str:
    """Return an amount with its currency's decimals: 1205 cents as `12.05`, 1205 yen as `1205`."""
    exponent = EXPONENTS[currency]
    if exponent == 0:
        return str(amount)
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**exponent)
    return f"{sign}{whole}.{part:0{exponent}d}"


_FATES = {
    "ticked_off": 1,
    "credited": 1,
    "partly_credited": 5,
    "in_two_parts": 2,
    "together": 1,
    "overpaid": 1,
}
"""Fields of a profile, each with the smallest total that it can happen to."""


class Family:
    """Generates the rows of one family; `rows` has them by table after construction."""

    def __init__(
        self, random: Random, numbers: Numbers, today: date, longest: int, profile: Profile
    ) -> None:
        self.rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        self._random = random
        self._numbers = numbers
        self._today = today
        self._profile = profile
        self._main_people: dict[int, Row] = {}
        for client, root in self._clients():
            self._live(client, root, longest)

    def _clients(self) -> list[tuple[int, int]]:
        """Return (client, root) of each member: one, two or three levels."""
        profile, shape = self._profile, self._random.random()
        root = self._client(None)
        members = [root]
        if shape > 1 - profile.with_children:
            children = [self._client(root) for _ in range(self._random.randint(*profile.children))]
            members += children
            if shape > 1 - profile.with_grandchildren:
                members += [self._client(child) for child in children[:2]]
        return [(member, root) for member in members]

    def _client(self, parent: int | None) -> int:
        random, number = self._random, self._numbers.next("clients")
        name = f"{random.choice(words.FIRST)} {random.choice(words.LAST)} {number}"
        vat = f"FR{number:011d}" if random.random() < 0.6 else None
        place = random.choice(words.PLACES)
        self.rows["clients"].append((number, name, vat, f"411{number:06d}", *place, parent))
        weights = self._profile.contacts
        for position in range(random.choices(range(len(weights)), weights)[0]):
            self._person(number, position == 0)
        shared = self._main_people.get(parent) if parent and random.random() < 0.3 else None
        if shared:
            # The parent's main contact looks after the child as well.
            self.rows["people"].append((shared[0], number, *shared[2:7], 0))
        return number

    def _person(self, client: int, main: bool) -> None:
        random, number = self._random, self._numbers.next("people")
        given, family = random.choice(words.GIVEN), random.choice(words.FAMILY)
        mail = f"{given}.{family}.{number}@client{client}.test".lower()
        phone = f"+33 1 40 {number % 100:02d} {client % 100:02d} 90"
        role = random.choice(words.ROLES)
        row = (number, client, given, family, mail, phone, role, int(main))
        self.rows["people"].append(row)
        if main:
            self._main_people[client] = row

    def _live(self, client: int, root: int, longest: int) -> None:
        """Add all documents of one client, oldest first."""
        random, profile = self._random, self._profile
        currency = random.choices(profile.currencies, profile.currency_weights)[0]
        if profile.bills is None:
            count = min(longest, int(random.paretovariate(1.0) * 2))
        else:
            count = random.randint(*profile.bills)
        bills = self._bills(client, root, currency, count)
        waiting: dict[tuple[int, str], list[Bill]] = {}
        for bill in bills:
            self._decide(bill, waiting)
        for (payer, _), together in waiting.items():
            self._pay_together(payer, together)
        for bill in bills:
            self._write(bill)
        self._extras(client, currency)

    def _bills(self, client: int, root: int, currency: str, count: int) -> list[Bill]:
        random, profile, bills = self._random, self._profile, []
        price = random.choice(profile.prices) * random.randint(1, 20) if profile.prices else None
        for age in self._ages(count):
            stays = random.random() < 1 - profile.stray_currency
            own = currency if stays else random.choice(profile.currencies)
            issued = self._today - timedelta(age)
            due = issued + timedelta(random.choice(profile.terms_days))
            total = price or self._total()
            net = total * 100 // (100 + random.choice(profile.taxes))
            subject = random.choice(profile.subjects)
            number = self._numbers.next("bills")
            bills.append(Bill(number, client, root, issued, due, own, total, net, subject))
        return bills

    def _ages(self, count: int) -> list[int]:
        """Return how many days ago each bill was issued, the oldest first."""
        random, profile = self._random, self._profile
        if profile.every_days is None:
            days = [random.randint(0, profile.history_days) for _ in range(count)]
        else:
            newest = random.randrange(profile.every_days)
            days = [newest + profile.every_days * back for back in range(count)]
        return sorted(days, reverse=True)

    def _total(self) -> int:
        step = self._profile.round_to
        return max(1, int(self._random.lognormvariate(*self._profile.amounts)) // step) * step

    def _decide(self, bill: Bill, waiting: dict[tuple[int, str], list[Bill]]) -> None:
        """Settle most bills that are long overdue, and leave most others open."""
        random, late = self._random, (self._today - bill.due).days
        settled = 0.97 if late > 60 else 0.75 if late > 0 else 0.2 if late > -30 else 0.05
        if random.random() >= settled:
            if random.random() < self._profile.part_paid and bill.total > 1:
                self._pay(bill.client, bill.total // 2, [(bill, bill.total // 2)])
            return
        self._settle(bill, waiting)

    def _settle(self, bill: Bill, waiting: dict[tuple[int, str], list[Bill]]) -> None:
        random = self._random
        payer = bill.root if random.random() < 0.1 else bill.client
        fate = self._fate(bill)
        if fate == "ticked_off":
            self._tick_off(bill)
        elif fate == "credited":
            self._credit(bill, bill.total, bill.total)
        elif fate == "partly_credited":
            credited = bill.total // random.randint(3, 20) or 1
            self._credit(bill, credited, credited)
            self._pay(payer, bill.total - credited, [(bill, bill.total - credited)])
        elif fate == "in_two_parts":
            first = random.randint(1, bill.total - 1)
            self._pay(payer, first, [(bill, first)])
            self._pay(payer, bill.total - first, [(bill, bill.total - first)])
        elif fate == "together":
            together = waiting.setdefault((payer, bill.currency), [])
            together.append(bill)
            if len(together) == random.randint(2, 5):
                self._pay_together(payer, together)
                together.clear()
        elif fate == "overpaid":
            self._overpay(bill)
        else:
            self._pay(payer, bill.total, [(bill, bill.total)])

    def _fate(self, bill: Bill) -> str:
        """Draw how a bill is settled, by the profile's shares."""
        drawn, end = self._random.random(), 0.0
        for fate, least in _FATES.items():
            end = round(end + getattr(self._profile, fate), 9)
            # A bill that is too small to be split goes on to the next fate.
            if drawn < end and bill.total >= least:
                return fate
        return "paid"

    def _tick_off(self, bill: Bill) -> None:
        """Mark a bill as paid by hand, without a payment or with one for a part."""
        bill.settled_on = self._after(bill.issued)
        if self._random.random() < 0.2 and bill.total > 1:
            self._pay(bill.client, bill.total // 2, [(bill, bill.total // 2)])

    def _pay_together(self, payer: int, bills: list[Bill]) -> None:
        if bills:
            shares = [(bill, bill.total) for bill in bills]
            self._pay(payer, sum(bill.total for bill in bills), shares)

    def _overpay(self, bill: Bill) -> None:
        extra = self._random.randint(1, bill.total)
        receipt = self._pay(bill.client, bill.total + extra, [(bill, bill.total)])
        if self._random.random() < self._profile.paid_back:
            self._pay_out(bill.client, bill.currency, extra, bill.due, "RECEIPT", receipt)

    def _pay(self, payer: int, amount: int, shares: list[tuple[Bill, int]]) -> int:
        """Add a payment on a day after the last of the invoices that it settles."""
        number = self._numbers.next("money_in")
        currency = shares[0][0].currency
        day = self._after(max(bill.issued for bill, _ in shares)).isoformat()
        method = self._random.choice(self._profile.methods)
        row = (number, payer, day, currency, decimal(amount, currency), method, f"R{number:07d}")
        self.rows["money_in"].append(row)
        for bill, share in shares:
            share_text = decimal(share, currency)
            self.rows["applied"].append(("RECEIPT", number, "BILL", bill.number, share_text))
        return number

    def _credit(self, bill: Bill, amount: int, applied: int) -> int:
        """Add a credit note of `amount`, of which `applied` is allocated to the invoice."""
        number = self._numbers.next("bills")
        day, text = self._after(bill.issued).isoformat(), decimal(amount, bill.currency)
        net = decimal(amount * bill.net // bill.total, bill.currency)
        row = (number, f"CN-{number:07d}", "CREDIT", bill.client, day, None, bill.currency, text)
        self.rows["bills"].append((*row, net, bill.subject, None, None))
        if applied:
            share = decimal(applied, bill.currency)
            self.rows["applied"].append(("CREDIT", number, "BILL", bill.number, share))
        return number

    def _pay_out(
        self, client: int, currency: str, amount: int, since: date, kind: str, target: int
    ) -> None:
        number, text = self._numbers.next("money_out"), decimal(amount, currency)
        day = self._after(since).isoformat()
        row = (number, client, day, currency, text, "WIRE_TRANSFER", f"P{number:07d}")
        self.rows["money_out"].append(row)
        if kind:
            self.rows["applied"].append(("PAYOUT", number, kind, target, text))

    def _write(self, bill: Bill) -> None:
        settled = bill.settled_on.isoformat() if bill.settled_on else None
        who = (bill.number, f"INV-{bill.number:07d}", "INVOICE", bill.client)
        when = (bill.issued.isoformat(), bill.due.isoformat(), bill.currency)
        amounts = (decimal(bill.total, bill.currency), decimal(bill.net, bill.currency))
        self.rows["bills"].append((*who, *when, *amounts, bill.subject, settled, None))
        if self._random.random() < self._profile.open_credit:
            # A note that was never applied; some are paid out, in part or whole.
            amount = max(1, bill.total // self._random.randint(2, 10))
            note = self._credit(bill, amount, 0)
            if self._random.random() < self._profile.credit_paid_out:
                out = self._random.randint(1, amount)
                self._pay_out(bill.client, bill.currency, out, bill.issued, "CREDIT", note)

    def _extras(self, client: int, currency: str) -> None:
        """Add journal entries of both signs, and occasionally a payout without a document."""
        random, profile = self._random, self._profile
        day = self._today - timedelta(random.randint(0, profile.history_days))
        if random.random() < profile.adjusted:
            amount = random.choice((-1, 1)) * random.randint(1, 50_000)
            number = self._numbers.next("journal")
            entry = (number, client, day.isoformat(), currency, decimal(amount, currency))
            self.rows["journal"].append((*entry, random.choice(("Rounding", "Bank fee", None))))
        if random.random() < profile.bare_payout:
            self._pay_out(client, currency, random.randint(100, 90_000), day, "", 0)

    def _after(self, day: date) -> date:
        """Return a random day soon after `day`, today at the latest."""
        return min(self._today, day + timedelta(self._random.randint(1, 50)))


def families(
    random: Random, today: date, records: int, profile: Profile = MIXED
) -> Iterator[dict[str, list[Row]]]:
    """Yield rows by table, one family at a time, until there are `records` records.

    Clients, bills, receipts and payouts count as records.
    """
    numbers, longest = Numbers(), max(5, records // 50)
    while numbers.clients + numbers.bills + numbers.money_in + numbers.money_out < records:
        yield Family(random, numbers, today, longest, profile).rows
