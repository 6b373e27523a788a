"""The gateway takes as much memory as docs/caching.md says."""

import os
import pathlib
import re
import unittest

import harness
import metrics
from clients import oip, text_request
from services import SOURCE_DIRECTORY, wait_for

PAGE = (SOURCE_DIRECTORY / "docs" / "caching.md").read_text(encoding="utf-8")
LIMIT = 64 << 20


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


@unittest.skipUnless(os.environ.get("SOUVENIR_HTTP2_LIMITS", "1") == "1",
                     "sanitizers take memory, and keep what was freed")
class MemoryLimitTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        folder = self.services.directory / "models" / "simple_identity"
        folder.mkdir(parents=True)
        (folder / "config.pbtxt").write_text('backend: "builtin"')
        self.gateway = self.start_gateway(
            self.start_compute(), data_dir="data",
            config=f"memory {{ limit_bytes: {LIMIT} }}")
        self.server = self.connect(self.gateway.listen)
        ready = oip.ModelReadyRequest(name="simple_identity")
        wait_for(lambda: self.server.inference.ModelReady(ready, timeout=60).ready, "the model")

    def test_before_the_first_request(self):
        documented = int(re.search(r"some (\d+) MB before the first request", PAGE).group(1))
        resident = resident_bytes(self.gateway.pid) / 1e6
        self.assertLess(resident, 1.5 * documented)
        self.assertGreater(resident, documented / 2)

    def test_with_a_full_cache(self):
        factor, base = re.search(
            r"A container needs `([\d.]+) \* memory\.limit_bytes \+ (\d+) MiB`", PAGE).groups()
        value, rows = 10_000, 8
        for call in range(2 * LIMIT // (value * rows)):
            request = text_request([f"{call} {row} ".ljust(value, "x") for row in range(rows)],
                                   model="simple_identity")
            request.inputs[0].name = "INPUT0"
            self.server.infer(request)
        self.assertGreater(
            metrics.sum_of(self.gateway.metrics, "souvenir_gateway_cache_evictions_total"), 0)
        self.assertLess(resident_bytes(self.gateway.pid),
                        float(factor) * LIMIT + (int(base) << 20))


if __name__ == "__main__":
    harness.main()
