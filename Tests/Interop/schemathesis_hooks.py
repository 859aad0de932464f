"""For schemathesis: every call comes from a client of its own, so that its wrong keys bring out no 429."""

import random

import schemathesis

clients = random.Random(7)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Of the documentation's network 2001:db8::/32: an address is 64 bits to the gateway.
    client = f"2001:db8:{clients.randrange(1 << 16):x}:{clients.randrange(1 << 16):x}::1"
    case.headers["X-Forwarded-For"] = client
