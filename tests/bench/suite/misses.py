"""What the engine gives through both services: sentences that nobody asked for before, beside the
web service of the engine's own authors, and beside the engine's workers without any service, with the
same sentences."""

import json
import os
import subprocess

import clients
import services
from suite import frame
from suite import peers
from suite import sentences
from suite import translate_load

FEW = translate_load.IN_FLIGHT
MANY = 64
MISSES = f"misses, Translate, {FEW} under way"
MANY_MISSES = f"misses, Translate, {MANY} under way"


class Benchmark(frame.Stage):

    def __init__(self, settings):
        super().__init__(settings)
        self._texts = iter(sentences.unique())

    def variants(self):
        one, *more = self._apys
        return [
            frame.Variant(MISSES, lambda number: self._measure_gateway(number, FEW), one,
                          demand=frame.Demand(at_least=8)),
            frame.Variant(MANY_MISSES, lambda number: self._measure_gateway(number, MANY), one,
                          demand=frame.Demand(at_least=9)),
            # The services are to give 0.85 of this at least.
            frame.Variant(f"{self._processes} engine workers, directly", self._measure_workers,
                          MANY_MISSES, demand=frame.Demand(at_most=round(1 / 0.85, 3))),
            frame.Variant("misses, Translate, alone", lambda number: self._measure_gateway(number, 1),
                          "one engine worker, directly"),
            frame.Variant("one engine worker, directly",
                          lambda number: self._measure_workers(number, 1)),
            *(frame.Variant(name, lambda number, apy=self._apys[name]: apy.translate(
                  self._round(number), FEW, self._settings.seconds))
              for name in (one, *more)),
        ]

    def start(self):
        directory = self._settings.directory
        running = services.Services(directory)
        self.callback(running.stop)
        compute = running.start_compute(config=None)
        gateway = running.start_gateway(compute.listen, data_dir="cache")
        self._server = clients.Server(gateway.listen)
        self.callback(self._server.close)
        services.wait_for(lambda: ("en", "es") in self._server.languages(),
                          "the gateway to learn its models")
        self._apys = {}
        self._processes = len(os.sched_getaffinity(0))
        for count in sorted({1, self._processes}):
            name = "apertium-apy" if count == 1 else f"apertium-apy, {count} processes"
            self._apys[name] = apy = peers.ApertiumApy(directory, count)
            self.callback(apy.stop)
        # The gateway remembers what it translated: each number of calls under way has its own texts.
        self._rounds = {in_flight: [self._take() for _ in range(self._settings.rounds)]
                        for in_flight in (1, FEW, MANY)}
        warm_up = self._take(translate_load.TEXTS_PER_SECOND)
        self._ask_gateway(warm_up, seconds=1)
        for apy in self._apys.values():
            apy.translate(warm_up, translate_load.IN_FLIGHT, seconds=3)

    def _take(self, count=None):
        count = count or int(translate_load.TEXTS_PER_SECOND * self._settings.seconds)
        return [next(self._texts) for _ in range(count)]

    def _round(self, number, in_flight=FEW):
        return self._rounds[in_flight][number]

    def _measure_gateway(self, number, in_flight):
        return self._ask_gateway(self._round(number, in_flight), self._settings.seconds, in_flight)

    def _measure_workers(self, number, workers=None):
        workers = workers or self._processes
        path = self._settings.directory / "direct"
        path.write_text("\n".join(self._round(number)) + "\n")
        done = subprocess.run(
            [services.program("bench-apertium-workers"), f"--texts={path}",
             f"--worker={services.program('souvenir-worker-apertium')}",
             f"--workers={workers}", f"--seconds={self._settings.seconds}"],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"bench-apertium-workers ended with {done.returncode}:\n"
                               f"{done.stderr}{done.stdout}")
        return frame.Sample(per_second=json.loads(done.stdout)["per_second"])

    def _ask_gateway(self, texts, seconds, in_flight=FEW):
        return translate_load.measure(self._server, texts, seconds, self._settings.directory,
                                      in_flight=in_flight)
