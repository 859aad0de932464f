"""Schemathesis over the whole description, against the running binary: bounded in time, and from a fixed seed."""

import os
import re
import subprocess
import sys

import pytest

from gateway import Gateway
from processes import ROOT

CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "allow_header_conformance",
        "use_after_free",
        "ignored_auth",
    ]
)
# Seconds: fuzzing and walks from answer to answer go on until they are over.
WHOLE = os.environ.get("FRACTAL_SCHEMATHESIS_SECONDS", "80")
KEYS = "15"


@pytest.fixture
def fresh(directory):
    gateway = Gateway(directory)
    path = directory / "channels.yaml"
    text = path.read_text()
    assert "# trustedProxies: [10.0.0.0/8]" in text
    path.write_text(text.replace("# trustedProxies: [10.0.0.0/8]", "trustedProxies: [127.0.0.1]"))
    try:
        yield gateway.start()
    finally:
        gateway.close()


def schemathesis(gateway, key, seconds, place, *options, kept=""):
    """A run of all its phases: the examples, the edges of every schema, whatever comes, and what links lead to.

    `kept` is the id of a key that is not taken back.
    """
    command = [
        os.path.join(os.path.dirname(sys.executable), "schemathesis"),
        "--config-file",
        str(ROOT / "Tests/Interop/schemathesis.toml"),
        "run",
        gateway.base_url + "/openapi.json",
        "--header",
        f"Authorization: Bearer {key}",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing,stateful",
        "--max-time",
        seconds,
        "--seed",
        "7",
        # Two race in CPython 3.11's `ast.parse` (SystemError: AST constructor recursion depth mismatch).
        "--workers",
        "1",
        "--request-timeout",
        "20",
        "--no-color",
        *options,
    ]
    environment = {
        "NO_PROXY": "*",
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "KEPT_KEY": kept,
        "PYTHONPATH": str(ROOT / "Tests/Interop"),
    }
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=420, env=os.environ | environment
    )
    assert done.returncode == 0, findings(done.stdout)[-12_000:] + done.stderr[-2_000:]
    # Whoever is let in nowhere tests nothing; nor does a walk that goes from no answer to another.
    assert "Authentication failed" not in done.stdout, done.stdout[-4_000:]
    assert re.search(r"API Links: +[1-9]\d* covered", done.stdout), done.stdout[-4_000:]
    return done.stdout


def findings(output):
    """What went wrong, last: where a report is cut short, its end is what is read."""
    found = re.search(r"^=+ (?:ERRORS|FAILURES) =+$.*?(?=^=+ (?:WARNINGS|SUMMARY) =+$)", output, re.DOTALL | re.MULTILINE)
    return output.replace(found[0], "") + found[0] if found else output


def test_no_request_brings_out_what_the_description_does_not_say(fresh, tmp_path):
    for index in range(3):
        fresh.sandbox.text(f"+1415555010{index}", "Hi")
        fresh.call("POST", "/api/messages", json={"to": f"+1415555011{index}", "body": "x", "channel": "sms"})
    schemathesis(fresh, fresh.key, WHOLE, tmp_path, "--exclude-operation-id", "revokeKey")
    # Afterwards, for any key may be taken back, but for the one that this is done with.
    own = fresh.post("/api/keys", {"name": "fuzzing", "scopes": ["read", "send", "manage"]}, status=201)
    keys = ["createKey", "getKey", "listKeys", "revokeKey"]
    schemathesis(
        fresh,
        own["key"],
        KEYS,
        tmp_path,
        *[word for name in keys for word in ("--include-operation-id", name)],
        kept=own["id"],
    )
    assert fresh.status_of("/ready") == 200
