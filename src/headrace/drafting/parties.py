"""Drafts the models of customers and contacts."""

from __future__ import annotations

from headrace.drafting.ground import Ground
from headrace.drafting.roles import pick
from headrace.drafting.select import UNFINISHED, Select, identifier
from headrace.drafting.survey import Column, Table
from headrace.drafting.vocabulary import COLUMNS
from headrace.drafting.words import likeness
from headrace.model.countries import COUNTRIES

_ENGLISH = {text.lower() for item in COUNTRIES.items() for text in item}


def customers(ground: Ground) -> str:
    """Return the model of customers."""
    table = ground.roles.get("customers")
    if table is None:
        return (
            f"{UNFINISHED} No table of customers was recognised: name it, and the columns.\n"
            "select null as external_id, null as name where false\n"
        )
    select = Select(table.name)
    select.add("external_id", identifier(ground.customer_key()))
    select.add("name", _name(table))
    for alias in ("vat_number", "accounting_ref", "address", "zipcode", "city", "state"):
        select.add_found(alias, pick(table, alias, unlike=[table.key or ""]))
    country = pick(table, "country")
    if country is not None:
        select.add("country", _country(country))
    own = ground.survey.refers(table.name, table.name)
    parent = next((r for r in own if likeness(r.column, COLUMNS["parent"])), None)
    if parent is not None:
        select.add("parent_external_id", identifier(parent.column))
    return select.sql()


def _country(column: Column) -> str:
    """Return SQL for the API's name of a country; only names in other languages need more than
    `country_name`."""
    named = identifier(column.name)
    seen = {value.strip().lower() for value in [*column.values, *column.samples]}
    if seen <= _ENGLISH:
        return f"country_name({named})"
    return f"coalesce(country({named}), {named})"


def _name(table: Table) -> str:
    first, last = pick(table, "first_name"), pick(table, "last_name")
    people = [c.name for c in (first, last) if c is not None]
    company = pick(table, "name", unlike=people)
    person = f"concat_ws(' ', {', '.join(map(identifier, people))})" if people else ""
    if company is None:
        return person or f"null {UNFINISHED} the customer's name"
    named = identifier(company.name)
    return f"coalesce({named}, {person})" if person and company.nulls else named


def contacts(ground: Ground) -> str:
    """Return the model of contacts: a table of their own, or columns of the customers."""
    table = ground.roles.get("contacts") or ground.roles.get("customers")
    email = pick(table, "email") if table else None
    if table is None or email is None:
        return ""
    select = Select(table.name)
    own = table is ground.roles.get("customers")
    customer = ground.customer_key() if own else ground.customer(table, select)
    select.add("customer_external_id", identifier(customer) if own else customer)
    select.add("external_id", identifier(table.key) if table.key else None)
    select.add("email", f"nullif(trim({identifier(email.name)}), '')")
    for alias in ("first_name", "last_name", "phone"):
        select.add_found(alias, pick(table, alias))
    main = None if own else pick(table, "main")
    if own:
        select.add("is_main", "true")
    elif main is not None and main.distinct <= 2:
        flag = identifier(main.name)
        select.add("is_main", flag if main.type == "BOOLEAN" else f"{flag} = 1")
    select.where(f"{identifier(email.name)} similar to '[ -~]+@[ -~]+'")
    return (
        "-- Upflow takes e-mail addresses in letters of the English alphabet alone.\n"
        + select.sql()
    )
