"""Programs of others that ours are measured beside."""

import contextlib
import dataclasses
import http.client
import json
import re
import socket
import subprocess
import threading
import time
import urllib.parse

import services
from suite import frame


class Peer:
    """A program that was started, and is ready when `port` takes connections. What it says goes to
    a file. It ends with the thread that started it, whatever happens to that one."""

    def __init__(self, command, port, log):
        self.port = port
        self._log = log
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            services.wait_for(self._connects, f"{command[0]} to listen")
        except Exception:
            self.stop()
            raise

    def stop(self):
        """Ends it and what it has started."""
        children = services.descendants(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        services.end_processes(children)

    def _connects(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"the program ended at once:\n{self._log.read_text()}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False


def free_port():
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis(Peer):
    """A Redis that keeps nothing on disk, with one value in it."""

    CLIENTS = 128  # as many requests under way as the other variants have

    def __init__(self, directory, value_bytes):
        port = free_port()
        super().__init__(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                          "--appendonly", "no", "--dir", directory],
                         port, directory / "redis.log")
        self._bytes = value_bytes
        self._benchmark("set", 1, clients=1)
        self._requests = int(self._benchmark("get", 50_000).per_second)

    def measure_gets(self, seconds):
        return self._benchmark("get", int(self._requests * seconds))

    def measure_many_gets(self, values, seconds):
        """MGET of as many values as said; a sample's rate is of values."""
        keys = [f"many:{number}" for number in range(values)]
        for key in keys:
            self._run(["-n", "1", "-c", "1", "SET", key, "x" * self._bytes])
        command = ["-c", str(self.CLIENTS), "MGET", *keys]
        rate = self._run(["-n", "20000", *command]).per_second
        sample = self._run(["-n", str(int(rate * seconds)), *command])
        return dataclasses.replace(sample, per_second=values * sample.per_second)

    def _benchmark(self, command, requests, clients=CLIENTS):
        return self._run(["-c", str(clients), "-n", str(requests), "-d", str(self._bytes),
                          "-t", command])

    def _run(self, arguments):
        done = subprocess.run(
            ["redis-benchmark", "-h", "127.0.0.1", "-p", str(self.port), "-P", "1", "--csv",
             *arguments], capture_output=True, text=True, check=True)
        if "get" in arguments and "WARNING" in done.stderr:
            frame.say(done.stderr.strip())
        # "test","rps","avg_latency_ms","min_…","p50_…","p95_…","p99_…","max_…"
        figures = re.findall(r'"([^"]*)"', done.stdout.strip().splitlines()[-1])
        return frame.Sample(per_second=float(figures[1]), p50_us=1000 * float(figures[4]),
                            p99_us=1000 * float(figures[6]))


class ApertiumApy(Peer):
    """The web service of the engine's own authors, as Debian packages it. It has no setting for the
    address and listens on all of them for as long as the benchmark runs."""

    def __init__(self, directory, processes):
        port = free_port()
        super().__init__(["env", "LC_ALL=C.UTF-8", "apertium-apy", "-p", port, "-j", processes,
                          "/usr/share/apertium/modes"],
                         port, directory / f"apertium-apy-{processes}.log")

    def translate(self, texts, outstanding, seconds):
        """Translates from the front of `texts`, for `seconds`; every answer is checked."""
        lock = threading.Lock()
        waiting = iter(texts)
        latencies, errors = [], []
        started = time.monotonic()

        def work():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            while time.monotonic() - started < seconds:
                with lock:
                    text = next(waiting, None)
                if text is None:
                    return
                sent = time.monotonic()
                try:
                    self._ask(connection, text)
                except Exception as error:  # told below, on the main thread
                    errors.append(error)
                    return
                latencies.append(time.monotonic() - sent)

        threads = [threading.Thread(target=work) for _ in range(outstanding)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed = time.monotonic() - started
        if errors:
            raise RuntimeError(f"apertium-apy failed {len(errors)} times") from errors[0]
        latencies.sort()
        return frame.Sample(per_second=len(latencies) / elapsed,
                            p50_us=1e6 * frame.percentile(latencies, 0.50),
                            p99_us=1e6 * frame.percentile(latencies, 0.99))

    @staticmethod
    def _ask(connection, text):
        # Unknown words unmarked, as in ours.
        connection.request("GET", "/translate?" + urllib.parse.urlencode(
            {"langpair": "eng|spa", "q": text, "markUnknown": "no"}))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"HTTP status {answer.status}: {body[:200]!r}")
        if not json.loads(body)["responseData"]["translatedText"].strip():
            raise RuntimeError(f"an empty translation of {text!r}")
