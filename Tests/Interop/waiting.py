"""Waiting for a condition, never for a time."""

import time

DEADLINE = 20.0


def until(condition, what, deadline=DEADLINE, pause=0.01):
    """Returns the first truthy value of `condition()`; fails with `what` when there is none before the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {deadline} s: {text}")
        time.sleep(pause)
