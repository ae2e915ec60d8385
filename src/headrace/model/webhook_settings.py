"""The project file's table of an organisation's webhook."""

from __future__ import annotations

from typing import Literal

from headrace.model.source_settings import Settings

WebhookCheck = Literal["hmac", "stripe", "chargebee"]


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """A webhook by which the billing system says that something changed."""

    secret: str
    """`env:NAME` or `file:PATH`: the signing secret; with `check = "chargebee"`, `USER:PASSWORD` as
    entered at Chargebee."""
    check: WebhookCheck = "hmac"
    """How a request proves where it comes from: `"stripe"` by its `Stripe-Signature`,
    `"chargebee"` by user and password, `"hmac"` by the HMAC-SHA256 of its body in `header`, as
    hexadecimal or Base64."""
    header: str = "X-Signature"
    """check = "hmac": the header that has the signature, such as `"X-Hub-Signature-256"`."""

    def __post_init__(self) -> None:
        if not self.secret.startswith(("env:", "file:")):
            raise ValueError(
                "secret must be env:NAME or file:PATH; a secret never stands in this file"
            )
