"""What remembering costs beside time: bytes of an entry beyond its key and value, resident memory,
bytes written to disk, and seconds until a store is of use again.

The figures are of a gateway that was asked about so many new inputs that what it accepted, keys and
values, is as much as the store is to be (settings.store_bytes): several times what its memory tier
may hold.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time

import clients
import services
from suite import frame
from suite import infer_load
import value_load

BUDGET = 256 << 20  # of the memory tier; the default
KEY_BYTES = 32
MEAN_VALUE_BYTES = 589  # of value_load.VALUE_FLAGS
IN_LOG = 20_480  # inputs whose answers are in the log alone when the gateway is killed
CACHES = ("souvenir", "souvenir-lru", "rocksdb-lru", "rocksdb-hyper")

RESIDENT = frame.Demand(at_most=1.35)
WRITTEN = frame.Demand(at_most=2.2)
RESTART = frame.Demand(at_most=2)


class Benchmark(contextlib.ExitStack):

    def __init__(self, settings):
        super().__init__()
        self._settings = settings
        self._rows = []

    def measure(self):
        with self:
            self._entries()
            self._running = services.Services(self._settings.directory)
            self.callback(self._running.stop)
            self._models = self._running.start("bench-model-server", value_load.VALUE_FLAGS)
            self._memory_only()
            self._with_disk()
        return self._rows

    def _add(self, what, figure, unit, demand=None):
        self._rows.append({"": what, "figure": f"{figure:,.2f}".rstrip("0").rstrip("."),
                           "unit": unit,
                           "demand": "" if demand is None else demand.verdict(figure)})

    # Beyond key and value, in one process with nothing else.
    def _entries(self):
        for name, sizes in (("200 bytes", ["--value_bytes=200"]),
                            ("300 to 1,024 bytes", value_load.VALUE_FLAGS)):
            for cache in CACHES:
                frame.say(f"footprint: entries, {cache}, values of {name}")
                done = subprocess.run(
                    [services.program("bench-memory-tier"), f"--cache={cache}", "--threads=1",
                     "--seconds=0.1", *sizes], capture_output=True, text=True, check=True)
                self._add(f"an entry beyond key and value, {name}, {cache}",
                          json.loads(done.stdout)["overhead_bytes"], "bytes")

    def _gateway(self, data_dir=None):
        return self.enter_context(infer_load.Gateway(
            self._running, self._models.listen, data_dir=data_dir,
            config=f"memory {{ limit_bytes: {BUDGET} }}"))

    def _churn(self, gateway):
        """Until what was accepted is as much as the store is to be; bytes of values, how many."""
        count = self._settings.store_bytes // (KEY_BYTES + MEAN_VALUE_BYTES)
        count -= count % infer_load.BATCH_ROWS
        return gateway.fill(0, count), count

    def _memory_only(self):
        frame.say("footprint: churn, memory tier")
        gateway = self._gateway().wait_for_models()
        self._add("resident memory before the first request",
                  _resident_bytes(gateway.service.pid) / (1 << 20), "MiB")
        value_bytes, count = self._churn(gateway)
        memory = gateway.server.get_stats().memory
        # More than in one process alone: what says which tensors an answer has is part of it.
        self._add("an entry beyond key and value, as the gateway charges it",
                  memory.bytes / memory.entries - value_bytes / count - KEY_BYTES, "bytes")
        self._resident(gateway, "memory tier alone")
        gateway.close()
        gateway.service.terminate()

    def _resident(self, gateway, what):
        memory = gateway.server.get_stats().memory
        if memory.bytes < 0.9 * memory.limit_bytes or not memory.evictions:
            raise RuntimeError(f"the memory tier is not full after churn: {memory}")
        self._add(f"resident memory after churn, {what}",
                  _resident_bytes(gateway.service.pid) / BUDGET, "x budget", RESIDENT)

    def _with_disk(self):
        frame.say("footprint: churn, memory and disk")
        gateway = self._gateway("store").wait_for_models()
        value_bytes, count = self._churn(gateway)
        self._resident(gateway, "memory and disk")
        accepted = value_bytes + count * KEY_BYTES
        records = gateway.server.get_stats().disk
        written = _written_bytes(gateway.service.pid)
        if written < accepted / 2:
            raise RuntimeError(f"only {written} bytes of {accepted} were written: is "
                               f"{self._store()} on a disk?")
        gateway.close()
        gateway.service.terminate()

        # What is in the log alone comes into tables now, and is counted where that happens.
        gateway, seconds, stored = self._restart(asked=0)
        written += _written_bytes(gateway.service.pid)
        self._add("written to disk, of keys and values", written / accepted, "x", WRITTEN)
        self._add("written to disk, of records before compression", written / records.bytes, "x")
        self._add("files after the restart, of keys and values",
                  _bytes_of_files(self._store()) / accepted, "x")
        self._add(f"first disk hit after a stop, {stored / 1e9:.2f} GB of files", seconds, "s",
                  RESTART)

        gateway.wait_for_models()
        gateway.fill(count, IN_LOG)
        gateway.close()
        gateway.service.kill()
        gateway, seconds, stored = self._restart(asked=count)
        self._add(f"first disk hit after a crash, {stored / 1e9:.2f} GB of files", seconds, "s",
                  RESTART)
        gateway.ask(clients.DISK, first=count + 1, count=IN_LOG - 1, requests=IN_LOG - 1)

    def _restart(self, asked):
        """Starts a gateway on the store and asks for one input that is in it. The gateway, the
        seconds until that hit, and the bytes of files that there were."""
        frame.say("footprint: restart")
        stored = _bytes_of_files(self._store())
        _drop_from_page_cache(self._store())
        begun = time.monotonic()
        gateway = self._gateway("store")
        gateway.ask(clients.DISK, first=asked, requests=1)
        return gateway, time.monotonic() - begun, stored

    def _store(self):
        return self._settings.directory / "store"


def _resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"process {pid} has no VmRSS")


def _written_bytes(pid):
    """What a process has made the kernel write to a disk, counted in pages as they become dirty.
    Logs that are deleted before they are written are in it, so that it does not depend on how soon
    that is; what goes to sockets, pipes and a tmpfs is not."""
    for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no write_bytes")


def _files(directory):
    return [path for path in directory.rglob("*") if path.is_file()]


def _bytes_of_files(directory):
    return sum(path.stat().st_size for path in _files(directory))


def _drop_from_page_cache(directory):
    """As after a restart of the machine."""
    for path in _files(directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
