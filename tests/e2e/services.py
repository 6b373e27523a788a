"""Starts the built programs, watches over them and stops them.

Used by the end-to-end tests and by the benchmarks. SOUVENIR_BIN and SOUVENIR_STUBS are the folders
of the programs and of the generated stubs; by default they are those of this tree's release build.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

SOURCE_DIRECTORY = pathlib.Path(__file__).resolve().parents[2]
BIN_DIRECTORY = pathlib.Path(
    os.environ.get("SOUVENIR_BIN", SOURCE_DIRECTORY / "build" / "release" / "bin"))
STUBS_DIRECTORY = pathlib.Path(
    os.environ.get("SOUVENIR_STUBS", SOURCE_DIRECTORY / "build" / "release" / "python"))

# Multiplies time limits, which are made for a release build on a current machine.
TIME_FACTOR = float(os.environ.get("SOUVENIR_TIME_FACTOR", "1"))

if not STUBS_DIRECTORY.is_dir():
    raise FileNotFoundError(f"there are no stubs in {STUBS_DIRECTORY}: build the target "
                            "python_stubs first, or set SOUVENIR_STUBS to the folder that has them")
sys.path.insert(0, str(STUBS_DIRECTORY))


def program(name):
    """Returns the path of a built program."""
    path = BIN_DIRECTORY / name
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is not there: build it first, or set SOUVENIR_BIN to the folder that has it")
    return str(path)


# Far longer than anything takes, even on a busy machine. A wait that takes this long is a failure.
LONGEST_WAIT = 120

# Workers run at a low priority, so on a busy machine they would soon reach the default limit.
PATIENT = "pool { run_limit_ms: 100000 }"


def wait_for(condition, what):
    """Calls `condition` until it returns a true value, and returns that value."""
    deadline = time.monotonic() + LONGEST_WAIT * TIME_FACTOR
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {LONGEST_WAIT * TIME_FACTOR:.0f} s for {what}")
        time.sleep(0.02)


class Service:
    """One running program that logs a line {"message": "serving", ...} with its addresses when it
    serves.

    Must be made on the main thread: the kernel ends the program together with the thread that
    started it, so that nothing is left running even if the test itself is killed.
    """

    def __init__(self, name, arguments, prefix=()):
        """`prefix` is a command that ends by executing the one given to it."""
        self.name = name
        self.command = [*prefix, program(name), *map(str, arguments)]
        self.listen = self.admin = self.metrics = None
        self._lines = []
        self._serving = threading.Event()
        self._ended = threading.Event()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *self.command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self._process.pid

    def wait_until_serving(self, seconds=20):
        deadline = time.monotonic() + seconds * TIME_FACTOR
        while not self._serving.wait(0.02):
            if self._ended.is_set() and not self._serving.is_set():
                raise RuntimeError(f"{self.name} ended with {self._process.wait()} before it "
                                   f"served:\n{self.log()}")
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{self.name} did not serve in time:\n{self.log()}")
        return self

    def running(self):
        return self._process.poll() is None

    def terminate(self, seconds=40):
        """Asks the program to end, and returns its exit code."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds=40):
        """Returns the exit code. Kills a program that does not end in time, and raises."""
        try:
            code = self._process.wait(seconds * TIME_FACTOR)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.name} did not end in time:\n{self.log()}") from None
        self._reader.join(5)
        return code

    def kill(self):
        """Ends the program at once, as a crash would."""
        self._process.kill()
        self._process.wait()
        self._reader.join(5)

    def log(self):
        return "".join(self._lines)

    def _read(self):
        with self._process.stderr as stderr:
            for raw in stderr:
                line = raw.decode("utf-8", "replace")
                self._lines.append(line)
                if not self._serving.is_set():
                    self._look_for_addresses(line)
        self._ended.set()

    def _look_for_addresses(self, line):
        try:
            entry = json.loads(line)
        except ValueError:
            return
        if isinstance(entry, dict) and entry.get("message") == "serving":
            self.listen = entry.get("listen")
            self.admin = entry.get("admin")
            self.metrics = entry.get("metrics")
            self._serving.set()


def descendants(pid):
    """Returns the ids of all descendants of the process `pid`."""
    found = []
    try:
        threads = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads
                    for child in (thread / "children").read_text().split()]
    except FileNotFoundError:  # the process has ended
        return found
    for child in children:
        found += [child, *descendants(child)]
    return found


def end_processes(pids):
    """Kills the processes that still run."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Services:
    """The services of one test. They listen on free ports of the loopback interface."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.all = []

    def start(self, name, arguments, prefix=()):
        service = Service(name, arguments, prefix)
        self.all.append(service)
        return service.wait_until_serving()

    def start_compute(self, listen="127.0.0.1:0", config=PATIENT, arguments=()):
        """`config` is the text of a configuration file."""
        return self.start("souvenir-compute", [
            f"--listen={listen}", "--admin=127.0.0.1:0", "--metrics=127.0.0.1:0",
            f"--model_repository={self.directory / 'models'}",
            *self._config("compute", config), *arguments])

    def start_gateway(self, compute, data_dir=None, config=None, arguments=(),
                      prefix=(), listen="127.0.0.1:0"):
        """`compute` is an address, `data_dir` a name below the test's folder, or None for no
        disk."""
        disk = [] if data_dir is None else [f"--data-dir={self.directory / data_dir}"]
        return self.start("souvenir-gateway", [
            f"--listen={listen}", "--admin=127.0.0.1:0", "--metrics=127.0.0.1:0",
            f"--compute={compute}", *disk, *self._config("gateway", config), *arguments], prefix)

    def stop(self):
        """Ends the services that still run, the last started first. Idempotent."""
        for service in reversed(self.all):
            if service.running():
                service.terminate()

    def logs(self):
        return "\n".join(f"--- {service.name}, pid {service.pid}\n{service.log()}"
                         for service in self.all)

    def _config(self, name, text):
        if text is None:
            return []
        path = self.directory / f"{name}.textproto"
        path.write_text(text)
        return [f"--config={path}"]
