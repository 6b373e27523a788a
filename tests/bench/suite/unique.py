"""What caching costs where it never helps: requests none of which was made before, beside the same
ones through a gateway that has caching off for their model."""

import clients
import services
from suite import frame
from suite import infer_load
from suite import sentences
from suite import translate_load
import value_load

IN_FLIGHT = 32
# Full at the first sample, so that every answer that is remembered drives others out.
CONFIG = "memory { limit_bytes: 16777216 } disk { limit_bytes: 536870912 }"
FILL = 30_000
NOT_CACHED = 'models { key: "%s" value { cache: false } }'

ZERO_OFF = "zero, caching off"
SENTENCES_OFF = "Apertium, caching off"
ZERO_DEMAND = frame.Demand(at_least=0.80)
SENTENCES_DEMAND = frame.Demand(at_least=0.98)


class Benchmark(frame.Stage):

    def __init__(self, settings):
        super().__init__(settings)
        self._next = 0  # number of an input that nobody asked for
        self._texts = iter(sentences.unique())

    def variants(self):
        def ask_zero(gateway, kind):
            return lambda _: self._ask_zero(gateway, kind, self._settings.seconds)

        def translate(gateway, kind):
            return lambda number: self._translate(gateway, kind, self._rounds[number],
                                                  self._settings.seconds)

        return [
            frame.Variant("zero, memory tier", ask_zero(self._memory, clients.MISS), ZERO_OFF,
                          demand=ZERO_DEMAND),
            frame.Variant(ZERO_OFF, ask_zero(self._off, clients.BYPASS)),
            frame.Variant("zero, memory and disk", ask_zero(self._disk, clients.MISS), ZERO_OFF,
                          demand=ZERO_DEMAND),
            frame.Variant("Apertium, memory and disk",
                          translate(self._sentences, clients.MISS), SENTENCES_OFF,
                          demand=SENTENCES_DEMAND),
            frame.Variant(SENTENCES_OFF, translate(self._sentences_off, clients.BYPASS)),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        models = running.start("bench-model-server", value_load.VALUE_FLAGS).listen
        compute = running.start_compute(config=None).listen

        def gateway(upstream, config="", data_dir=None):
            return self.enter_context(infer_load.Gateway(
                running, upstream, config=CONFIG + config, data_dir=data_dir)).wait_for_models()

        self._memory = gateway(models)
        self._disk = gateway(models, data_dir="zero")
        self._off = gateway(models, NOT_CACHED % "zero")
        self._sentences = gateway(compute, data_dir="sentences")
        self._sentences_off = gateway(compute, NOT_CACHED % "apertium-eng-spa")

        self._memory.fill(0, FILL)
        self._disk.fill(0, FILL)
        self._next = FILL + infer_load.BATCH_ROWS
        for gateway, kind in ((self._memory, clients.MISS), (self._disk, clients.MISS),
                              (self._off, clients.BYPASS)):
            self._ask_zero(gateway, kind, seconds=1)
        count = int(translate_load.TEXTS_PER_SECOND * self._settings.seconds)
        self._rounds = [self._take(count) for _ in range(self._settings.rounds)]
        warm_up = self._take(translate_load.TEXTS_PER_SECOND)
        self._translate(self._sentences, clients.MISS, warm_up, seconds=1)
        self._translate(self._sentences_off, clients.BYPASS, warm_up, seconds=1)

    def _take(self, count):
        return [next(self._texts) for _ in range(count)]

    def _ask_zero(self, gateway, kind, seconds):
        report = gateway.ask(kind, model="zero", first=self._next, count=10**9, seconds=seconds,
                             in_flight=IN_FLIGHT)
        self._next += report["requests"]
        # What is still to be written belongs to this sample, and not to the next.
        gateway.wait_for_disk()
        return infer_load.sample_of(report)

    def _translate(self, gateway, kind, texts, seconds):
        return translate_load.measure(gateway.server, texts, seconds, self._settings.directory,
                                      kind)
