"""For schemathesis: every call comes from a client of its own, so that its wrong keys bring out no 429, and the key that it
calls with is not taken back."""

import os
import random

import schemathesis

clients = random.Random(7)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Of the documentation's network 2001:db8::/32: an address is 64 bits to the gateway.
    client = f"2001:db8:{clients.randrange(1 << 16):x}:{clients.randrange(1 << 16):x}::1"
    case.headers["X-Forwarded-For"] = client
    if case.method == "DELETE" and case.path_parameters.get("id") == os.environ["KEPT_KEY"]:
        case.path_parameters["id"] = "01890000-0000-7000-8000-000000000000"
