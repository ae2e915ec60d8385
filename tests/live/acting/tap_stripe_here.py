"""tap-stripe against another address than Stripe's: python tap_stripe_here.py URL --config …

The tap insists on Stripe's own address, and asks for the account by a path that the simulation
lacks; all else is the tap's own.
"""

import sys
from typing import Any

import stripe
import tap_stripe

ACCOUNT = {"id": "acct_1", "object": "account", "settings": {"dashboard": {"display_name": "x"}}}


def _account(*given: Any, **named: Any) -> Any:
    return stripe.util.convert_to_stripe_object(ACCOUNT)


if __name__ == "__main__":
    stripe.api_base = sys.argv.pop(1)
    stripe.max_network_retries = 0
    stripe.Account.retrieve = _account
    tap_stripe.apply_request_timer_to_client = lambda client: None
    tap_stripe.main()
