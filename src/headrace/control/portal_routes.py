"""Operations of the control plane on the portal of an organisation."""

from __future__ import annotations

from headrace.control import records
from headrace.control.handlers import portal
from headrace.control.route import OF_ORGANISATION, ControlRoute
from headrace.model.portal import (
    PortalAnswer,
    PortalLinkEntry,
    PortalSettings,
    PortalSettingsDraft,
    SharedFile,
    SharedFileDraft,
)

_PORTAL = f"{OF_ORGANISATION}/portal"

PORTAL_ROUTES = (
    ControlRoute(
        "GET", _PORTAL, portal.read, "What the portal shows and allows", None, PortalSettings
    ),
    ControlRoute(
        "PUT", _PORTAL, portal.change, "Change what the portal shows and allows",
        PortalSettingsDraft, PortalSettings,
    ),
    ControlRoute(
        "GET", f"{_PORTAL}/documents", portal.files, "All shared documents", None,
        records.SharedFiles,
    ),
    ControlRoute(
        "POST", f"{_PORTAL}/documents", portal.share, "Share a PDF with all customers",
        SharedFileDraft, SharedFile, 201,
    ),
    ControlRoute(
        "DELETE", f"{_PORTAL}/documents/{{id}}", portal.unshare, "Stop sharing a document"
    ),
    ControlRoute(
        "GET", f"{_PORTAL}/answers", portal.answers, "Disputes and promises of customers", None,
        records.PortalAnswers,
    ),
    ControlRoute(
        "POST", f"{_PORTAL}/answers/{{id}}/settle", portal.settle, "End a dispute or a promise",
        None, PortalAnswer,
    ),
    ControlRoute(
        "GET", f"{_PORTAL}/links", portal.links, "Links to the portal, with how they were used",
        None, records.PortalLinks, query=records.LinksOf,
    ),
    ControlRoute(
        "DELETE", f"{_PORTAL}/links/{{id}}", portal.revoke, "Revoke a link to the portal", None,
        PortalLinkEntry,
    ),
    ControlRoute(
        "DELETE", f"{OF_ORGANISATION}/customers/{{id}}/portal", portal.revoke_all,
        "Revoke all links of a customer",
    ),
)  # fmt: skip
