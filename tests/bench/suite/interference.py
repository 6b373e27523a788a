"""The latency of hits while models are busy: p99 at a fixed rate, beside p99 with nothing else to
do."""

import clients
import services
from suite import frame
from suite import infer_load
from suite import lookups
import value_load

HITS = 1000  # inputs that are asked for again and again
RATE = 1500  # requests a second, far from what the machine can do
IN_FLIGHT = 64
# By Little's law 250 calls are always waiting for their answers, once the first has come. At a rate,
# because calls that take equally long, each begun when another ends, would all come at once for ever.
# The rate is low: that misses take some of the processor too is what `burn` and `unique` are about.
SLEEP_MS, SLEEP_RATE = 2000, 125
# One thread burns on each core, and there are always calls waiting for one.
BURN_MS, BURN_IN_FLIGHT = 10, 64

ALONE = "hits alone"


class Benchmark(frame.Stage):

    def __init__(self, settings):
        super().__init__(settings)
        self._next = 0  # number of an input that no busy model was asked about

    def variants(self):
        return [
            frame.Variant("hits, `sleep` is busy", lambda _: self._ask_beside(
                lead_seconds=SLEEP_MS / 1000, model="sleep", rate=SLEEP_RATE,
                in_flight=4 * SLEEP_RATE),
                ALONE, ratio_of="p99_us", demand=frame.Demand(at_most=1.2)),
            frame.Variant(ALONE, lambda _: self._ask_alone()),
            frame.Variant("hits, `burn` is busy", lambda _: self._ask_beside(
                model="burn", in_flight=BURN_IN_FLIGHT),
                ALONE, ratio_of="p99_us", demand=frame.Demand(at_most=2)),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        models = running.start("bench-model-server", [
            *value_load.VALUE_FLAGS, f"--sleep_ms={SLEEP_MS}", f"--burn_ms={BURN_MS}"])
        self._gateway = self.enter_context(
            infer_load.Gateway(running, models.listen)).wait_for_models()
        self._gateway.ask(clients.MISS, count=HITS, requests=HITS)
        self._ask_alone()

    def _hits(self):
        return {"count": HITS, "order": "random", "rate": RATE, "in_flight": IN_FLIGHT,
                "seconds": self._settings.seconds}

    def _ask_alone(self):
        return infer_load.sample_of(self._gateway.ask(clients.MEMORY, **self._hits()))

    def _ask_beside(self, lead_seconds=infer_load.LEAD_SECONDS, **busy):
        busy |= {"first": self._next, "count": 10**9}
        wanted = {}
        with lookups.expect(self._gateway.server, wanted):
            report, misses = self._gateway.ask_beside(busy, lead_seconds, **self._hits())
            wanted |= {clients.MEMORY: report["requests"], clients.MISS: misses["requests"]}
        self._next += misses["requests"]
        return infer_load.sample_of(report)
