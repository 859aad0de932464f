"""Schemathesis over the whole description, against the running binary: bounded, and from a fixed seed."""

import os
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
        "ignored_auth",
    ]
)


@pytest.fixture
def fresh(directory):
    gateway = Gateway(directory)
    try:
        yield gateway.start()
    finally:
        gateway.close()


def test_no_request_brings_out_what_the_description_does_not_say(fresh, tmp_path):
    for index in range(3):
        fresh.sandbox.text(f"+1415555010{index}", "Hi")
        fresh.call("POST", "/api/messages", json={"to": f"+1415555011{index}", "body": "x", "channel": "sms"})
    command = [
        os.path.join(os.path.dirname(sys.executable), "schemathesis"),
        "--config-file",
        str(ROOT / "Tests/Interop/schemathesis.toml"),
        "run",
        fresh.base_url + "/openapi.json",
        "--header",
        f"Authorization: Bearer {fresh.key}",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        os.environ.get("FRACTAL_SCHEMATHESIS_EXAMPLES", "12"),
        "--seed",
        "7",
        "--workers",
        "2",
        "--request-timeout",
        "20",
        "--exclude-operation-id",
        "revokeKey",
        "--no-color",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=420, env=os.environ | {"NO_PROXY": "*"}
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    assert fresh.status_of("/ready") == 200
