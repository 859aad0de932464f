"""Programs under test: started with an environment of their own, stopped by id, their output in files."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from waiting import until

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / os.environ.get("FRACTAL_BINARY", ".build/debug/fractal")
# Nothing else of whoever runs the tests reaches the program: no Twilio account, no database.
INHERITED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "FRACTAL_PG_BIN")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def working_directory():
    """A directory that PostgreSQL's own user may walk through: as root, the private cluster runs as `postgres`."""
    directory = Path(tempfile.mkdtemp(prefix="fractal-interop-"))
    directory.chmod(0o755)
    return directory


def processes_in(directory):
    """Ids of the processes that work in this directory; PostgreSQL's work in their data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            place = Path(os.readlink(entry / "cwd"))
        except OSError:
            continue
        if place == directory or directory in place.parents:
            found.append(int(entry.name))
    return found


def remove(directory):
    """Ends what still works in a directory, and removes it."""

    def is_empty():
        left = processes_in(directory)
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left

    until(is_empty, f"processes end in {directory}")
    shutil.rmtree(directory, ignore_errors=True)


class Program:
    """`fractal …` in a working directory of its own."""

    def __init__(self, arguments, directory, environment):
        self.arguments = [str(argument) for argument in arguments]
        self.directory = directory
        self.environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | environment
        self.process = None
        self.output_path = directory / "stdout.log"
        self.errors_path = directory / "stderr.log"

    def start(self):
        with open(self.output_path, "ab") as output, open(self.errors_path, "ab") as errors:
            self.process = subprocess.Popen(
                [BINARY, *self.arguments],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                process_group=0,
            )

    @property
    def output(self):
        return self.output_path.read_text(errors="replace") if self.output_path.exists() else ""

    @property
    def errors(self):
        return self.errors_path.read_text(errors="replace") if self.errors_path.exists() else ""

    @property
    def has_ended(self):
        return self.process is None or self.process.poll() is not None

    def wait_until(self, condition, what, deadline=60.0):
        """As `until`, and fails at once when the program has ended."""

        def check():
            if self.has_ended:
                raise AssertionError(f"ended with {self.process.returncode} before {what}:\n{self.errors[-3000:]}")
            return condition()

        return until(check, lambda: f"{what}:\n{self.errors[-3000:]}", deadline)

    def wait_for_end(self, deadline=30.0):
        """The exit status."""
        until(lambda: self.has_ended, lambda: f"the end of {self.arguments}:\n{self.errors[-3000:]}", deadline)
        return self.process.returncode

    def terminate(self, deadline=15.0):
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_end(deadline)

    def kill(self):
        """`kill -9`."""
        self.process.kill()
        self.process.wait(10)

    def close(self):
        if self.process is not None and not self.has_ended:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def run(arguments, directory, environment, deadline=60.0):
    """A command that ends by itself: `(status, standard output, standard error)`."""
    full = {name: os.environ[name] for name in INHERITED if name in os.environ} | environment
    result = subprocess.run(
        [BINARY, *arguments],
        cwd=directory,
        env=full,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=deadline,
    )
    return result.returncode, result.stdout, result.stderr
