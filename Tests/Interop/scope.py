"""What the HTTP contract promises and the gateway does not do yet."""

import pytest


def not_yet(what):
    """Marks a test that must fail until `what` is there; once it passes, the mark itself is a failure."""
    return pytest.mark.xfail(strict=True, reason=f"not yet: {what}")
