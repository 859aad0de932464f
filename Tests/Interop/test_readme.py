"""The curl lines of the README, run as they are printed."""

import json
import re
import subprocess

from gateway import Gateway
from processes import ROOT


def block(heading):
    """The first shell block under a heading."""
    text = (ROOT / "README.md").read_text()
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.search(r"```sh\n(.*?)```", section, re.DOTALL).group(1)


def test_the_five_things_people_do_most_work_as_printed(directory):
    gateway = Gateway(directory)
    try:
        gateway.start()
        gateway.sandbox.text("+14155550102", "Is anybody there?")
        lines = block("The five things people do most").replace("localhost:3000", gateway.base_url.split("//")[1])
        commands = [line for line in lines.replace("\\\n", "").splitlines() if line.startswith("curl ")]
        assert len(commands) == 5
        answers = []
        for command in commands:
            script = f"KEY=$(cat .fractal/api-key)\n{command}"
            done = subprocess.run(
                ["bash", "-eu", "-c", script], cwd=directory, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{command}\n{done.stderr}{done.stdout}"
            answers.append(json.loads(done.stdout))
        sent, messages, conversations, events, webhook = answers
        assert sent["status"] == "queued"
        assert isinstance(messages["data"], list)
        assert conversations["data"][0]["unreadCount"] == 1
        assert events["last"] > 0 and events["data"]
        assert webhook["secret"].startswith("whsec_")
        again = subprocess.run(
            ["bash", "-eu", "-c", f"KEY=$(cat .fractal/api-key)\n{commands[0]}"], cwd=directory, capture_output=True,
            text=True, timeout=60)
        assert json.loads(again.stdout)["id"] == sent["id"]
    finally:
        gateway.close()
