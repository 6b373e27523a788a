"""Hits from disk, beside hits from memory: a working set of which the memory tier holds a
twentieth, all of it on disk, asked for in random order."""

import dataclasses

import clients
import services
from suite import frame
from suite import infer_load
from suite import lookups
import value_load

MEMORY_BYTES = 8 << 20
WORKING_SET = 20  # times the memory tier
# So small that the write buffer, which is larger with a larger limit, holds little of the working set.
DISK_BYTES = 512 << 20
CONFIG = f"memory {{ limit_bytes: {MEMORY_BYTES} }} disk {{ limit_bytes: {DISK_BYTES} }}"
MEMORY_SHARE = 0.1  # of the lookups in random order, at most
SUBSET = 1000  # inputs whose answers stay in memory
IN_FLIGHT = 32
PACED = 1500  # requests a second, far from what the machine can do

ROWS = 16
# With so many inputs in a request less of the time is gRPC's, the generator's included, and more is
# the cache's.
BATCHED = f"memory hits, {ROWS} in a request"
MEMORY = "memory hits"
ALONE = "memory hits, paced"


class Benchmark(frame.Stage):

    def __init__(self, settings):
        super().__init__(settings)
        self._skip = 0

    def variants(self):
        pace = {"rate": PACED}
        return [
            frame.Variant("disk hits", lambda _: self._ask_disk(), MEMORY,
                          demand=frame.Demand(at_least=0.4)),
            frame.Variant(MEMORY, lambda _: self._ask_memory({})),
            frame.Variant(f"disk hits, {ROWS} in a request", lambda _: self._ask_disk(ROWS),
                          BATCHED),
            frame.Variant(BATCHED, lambda _: self._ask_memory({"rows": ROWS})),
            frame.Variant(f"{ALONE}, beside disk hits", lambda _: self._ask_both(of_disk=True),
                          ALONE, ratio_of="p99_us", demand=frame.Demand(at_most=1.2)),
            frame.Variant(ALONE, lambda _: self._ask_memory(pace)),
            frame.Variant(f"{ALONE}, beside as many more", lambda _: self._ask_both(of_disk=False),
                          ALONE, ratio_of="p99_us"),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        models = running.start("bench-model-server", value_load.VALUE_FLAGS)
        self._gateway = self.enter_context(infer_load.Gateway(
            running, models.listen, config=CONFIG, data_dir="cache")).wait_for_models()
        self._inputs = 0
        # By what the memory tier counts, which is more than keys and values are.
        self._gateway.fill(0, infer_load.FILL_ROWS)
        memory = self._gateway.server.get_stats().memory
        self._inputs = int(WORKING_SET * MEMORY_BYTES / (memory.bytes / memory.entries))
        self._inputs -= self._inputs % infer_load.BATCH_ROWS
        frame.say(f"disk: {self._inputs} inputs, the memory tier holds {memory.entries}")
        self._gateway.fill(infer_load.FILL_ROWS, self._inputs - infer_load.FILL_ROWS)
        self._ask_disk()

    def _subset(self, **more):
        return {"count": SUBSET, "order": "random", "in_flight": IN_FLIGHT, **more}

    def _everything(self, **more):
        # Goes on where the last one ended: what was asked for last is what memory may hold.
        return {"count": self._inputs, "skip": self._skip, "order": "random",
                "in_flight": IN_FLIGHT, **more}

    def _warm_memory(self):
        for _ in range(3):
            value_load.Load(self._gateway.address, **self._subset(requests=SUBSET)).finish()

    def _ask_memory(self, flags):
        self._warm_memory()
        return _inputs_of(self._gateway.ask(
            clients.MEMORY, **self._subset(seconds=self._settings.seconds, **flags)),
            flags.get("rows", 1))

    def _ask_disk(self, rows=1):
        with lookups.growth(self._gateway.server) as grown:
            report = value_load.Load(self._gateway.address, **self._everything(
                seconds=self._settings.seconds, rows=rows)).finish()
        self._check_disk(grown, report["requests"] * rows)
        return _inputs_of(report, rows)

    def _check_disk(self, grown, asked):
        self._skip = (self._skip + asked) % self._inputs
        if (set(grown) - {clients.DISK, clients.MEMORY} or sum(grown.values()) != asked
                or grown.get(clients.MEMORY, 0) > MEMORY_SHARE * asked):
            raise RuntimeError(f"{asked} lookups should nearly all be disk hits; the gateway "
                               f"counted {grown} (by number of CacheKind)")

    def _ask_both(self, of_disk):
        """Memory hits at a pace, while there are as many of the other kind."""
        self._warm_memory()
        other = self._everything(rate=PACED) if of_disk else self._subset(rate=PACED)
        with lookups.growth(self._gateway.server) as grown:
            report, beside = self._gateway.ask_beside(
                other, **self._subset(seconds=self._settings.seconds, rate=PACED))
        others = beside["requests"]
        # Those that were measured were all in memory, or this would count too few there.
        if of_disk:
            grown[clients.MEMORY] = grown.get(clients.MEMORY, 0) - report["requests"]
            self._check_disk(grown, others)
        elif grown != {clients.MEMORY: report["requests"] + others}:
            raise RuntimeError(f"these should all be memory hits: {grown}")
        return infer_load.sample_of(report)


def _inputs_of(report, rows):
    """A sample of which the rate is that of inputs."""
    return dataclasses.replace(infer_load.sample_of(report),
                               per_second=report["per_second"] * rows)
