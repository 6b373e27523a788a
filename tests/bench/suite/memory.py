"""Lookups in the memory tier by threads of one process, beside RocksDB's caches with as many values
of the same size."""

import contextlib
import json
import subprocess

import services
from suite import frame

PEERS = ("rocksdb-lru", "rocksdb-hyper")
THREADS = (1, 2, 4, 8)
# With two threads or more: locks are what they differ in.
AT_LEAST = {"rocksdb-lru": 1.5, "rocksdb-hyper": 1.0}


class Benchmark(contextlib.ExitStack):

    def __init__(self, settings):
        super().__init__()
        self._settings = settings

    def variants(self):
        variants = []
        for keys in ("zipf", "uniform"):
            for threads in THREADS:
                own = f"memory tier, {keys}, {threads} threads"
                for cache in PEERS:
                    variants.append(frame.Variant(f"{cache}, {keys}, {threads} threads",
                                                  self._measure(cache, keys, threads)))
                # Beside each peer in turn; the second line is of samples of its own.
                for cache in PEERS:
                    variants.append(frame.Variant(f"{own} ({cache.split('-')[1]})",
                                                  self._measure("souvenir", keys, threads),
                                                  f"{cache}, {keys}, {threads} threads",
                                                  demand=frame.Demand(at_least=AT_LEAST[cache])
                                                  if threads > 1 else None))
        return variants

    def _measure(self, cache, keys, threads):
        def measure(_):
            done = subprocess.run(
                [services.program("bench-memory-tier"), f"--cache={cache}", f"--keys={keys}",
                 f"--threads={threads}", f"--seconds={self._settings.seconds}"],
                capture_output=True, text=True, check=True)
            return frame.Sample(per_second=json.loads(done.stdout)["per_second"])
        return measure
