"""h2load as a generator of gRPC load.

It knows HTTP/2 and nothing of gRPC: an RPC that fails is a success to it, because the status comes
in a trailer. So the bytes of the answers are counted (a failed RPC has none), and the caller checks
the server's own counters too.
"""

import re
import struct
import subprocess

from suite import frame

CONNECTIONS = 8
STREAMS = 16  # under way on each connection
WARM_UP_REQUESTS = 20_000
LATENCY_SHARE = 0.2  # of a sample: the log of each request costs time, so it is a pass of its own


class Load:
    """The same request again and again to one method of one server."""

    def __init__(self, directory, name, address, method, request, answer_bytes):
        """`answer_bytes` is the length of a right answer, give or take what a time in it varies."""
        self._directory = directory
        self._name = name
        self._url = f"http://{address}{method}"
        self._answer_bytes = answer_bytes
        self._body = directory / f"{name}.grpc"
        # gRPC's frame: not compressed, length, message.
        self._body.write_bytes(b"\0" + struct.pack(">I", len(request)) + request)
        self.requests = 0  # sent so far
        self._rate = self._run(WARM_UP_REQUESTS)
        self._rate = self._run(WARM_UP_REQUESTS)

    def measure(self, seconds):
        """One sample: the rate, then latencies at the same load."""
        rate = self._run(int(self._rate * seconds))
        log = self._directory / f"{self._name}.log"
        self._run(int(self._rate * seconds * LATENCY_SHARE), f"--log-file={log}")
        latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
        log.unlink()  # the next pass would append to it
        return frame.Sample(per_second=rate, p50_us=frame.percentile(latencies, 0.50),
                            p99_us=frame.percentile(latencies, 0.99))

    def _run(self, requests, *arguments):
        """Requests a second."""
        requests = max(requests, CONNECTIONS * STREAMS)
        done = subprocess.run(
            ["h2load", "-c", str(CONNECTIONS), "-m", str(STREAMS), "-t", "1", "-n", str(requests),
             "-d", str(self._body), "-H", "content-type: application/grpc", "-H", "te: trailers",
             *arguments, self._url], capture_output=True, text=True, check=True)
        self.requests += requests
        finished = re.search(r"finished in \S+, ([0-9.]+) req/s", done.stdout)
        good = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)
        data = re.search(r"\((\d+)\) data", done.stdout)
        if finished is None or good is None or int(good.group(1)) != requests:
            raise RuntimeError(f"{self._name}: h2load was not answered:\n{done.stdout}")
        # 5 bytes of gRPC's frame; times in an answer are some bytes shorter or longer.
        if int(data.group(1)) < requests * (5 + self._answer_bytes - 16):
            raise RuntimeError(
                f"{self._name}: answers of {int(data.group(1)) / requests:.0f} bytes on average "
                f"instead of {5 + self._answer_bytes}: calls have failed")
        return float(finished.group(1))
