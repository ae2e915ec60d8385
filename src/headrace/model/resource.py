"""What the API serves beside the entities that are imported: names, paths, records."""

from __future__ import annotations

from headrace.model.contact import Contact
from headrace.model.custom_field import CustomField, CustomFieldAnswer
from headrace.model.entity import Entity

CONTACT = Entity("contact", "/customers/{}/contacts", "contacts", 500, Contact, Contact, ("email",))
CUSTOM_FIELD = Entity(
    "custom_field",
    "/custom_fields",
    "items",
    500,
    CustomField,
    CustomFieldAnswer,
    ("label", "data_type", "entity_type"),
)
