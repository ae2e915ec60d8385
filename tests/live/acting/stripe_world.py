"""Serves Stripe World: python stripe_world.py --host 127.0.0.1 --port PORT …"""

from seahaven.http import main
from seahaven_stripe_world import world
from seahaven_stripe_world.http_api import handle

if __name__ == "__main__":
    main(getattr(world, "world", world), handle)
