"""What a lookup in the store of the disk tier costs as it grows, in one process and with the files in
the page cache, beside RocksDB as one would set it up for the same: one column family, leveled
compaction, a Bloom filter for each file."""

import json
import subprocess

import services
from suite import frame

SIZES_MB = (250, 1000, 4000)
STORES = ("souvenir", "rocksdb")


class Benchmark:

    def __init__(self, settings):
        self._settings = settings

    def measure(self):
        sizes = [self._play(store) for store in STORES]
        return [self._row(*of_size) for of_size in zip(*sizes)]

    def _play(self, store):
        frame.say(f"growth: {store}")
        directory = self._settings.directory / store
        directory.mkdir()
        done = subprocess.run(
            [services.program("bench-store-growth"), f"--store={store}",
             f"--directory={directory}", "--sizes_mb=" + ",".join(map(str, SIZES_MB))],
            stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def _row(self, ours, theirs):
        row = {"keys and values": f"{ours['mb'] / 1000:g} GB", "records": f"{ours['records']:,}"}
        for name, field in (("absent", "absent_us"), ("there", "there_us")):
            row[f"{name}, µs"] = f"{ours[field]:.2f}"
            row[f"{name}, rocksdb"] = f"{theirs[field]:.2f}"
            row[f"{name}, ratio"] = f"{ours[field] / theirs[field]:.2f}"
        row["written"] = f"{ours['written']:.2f} x"
        row["written, rocksdb"] = f"{theirs['written']:.2f} x"
        return row
