"""What the engine gives through both services: sentences that nobody asked for before, beside the
web service of the engine's own authors with the same sentences."""

import contextlib
import json
import os
import subprocess

import clients
import services
from suite import frame
from suite import peers
from suite import sentences

OUTSTANDING = 8
# More than either side can do: a round ends by time.
SENTENCES_PER_SECOND = 4000


class Benchmark(contextlib.ExitStack):

    def __init__(self, settings):
        super().__init__()
        self._settings = settings
        self._texts = iter(sentences.unique())

    def __enter__(self):
        super().__enter__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def variants(self):
        one, *more = self._apys
        return [
            frame.Variant("misses, Translate", self._measure_gateway, one),
            *(frame.Variant(name, lambda number, apy=self._apys[name]: apy.translate(
                  self._round(number), OUTSTANDING, self._settings.seconds))
              for name in (one, *more)),
        ]

    def _start(self):
        directory = self._settings.directory
        running = services.Services(directory)
        self.callback(running.stop)
        compute = running.start_compute()
        self._gateway = running.start_gateway(compute.listen, data_dir="cache")
        self._server = clients.Server(self._gateway.listen)
        self.callback(self._server.close)
        services.wait_for(lambda: ("en", "es") in self._server.languages(),
                          "the gateway to learn its models")
        self._apys = {}
        processes = len(os.sched_getaffinity(0))
        for count in sorted({1, processes}):
            name = "apertium-apy" if count == 1 else f"apertium-apy, {count} processes"
            self._apys[name] = apy = peers.ApertiumApy(directory, count)
            self.callback(apy.stop)
        self._rounds = [self._take() for _ in range(self._settings.rounds)]
        warm_up = self._take(500)
        self._ask_gateway(warm_up, seconds=1)
        for apy in self._apys.values():
            apy.translate(warm_up, OUTSTANDING, seconds=3)

    def _take(self, count=None):
        count = count or int(SENTENCES_PER_SECOND * self._settings.seconds)
        return [next(self._texts) for _ in range(count)]

    def _round(self, number):
        return self._rounds[number]

    def _measure_gateway(self, number):
        return self._ask_gateway(self._round(number), self._settings.seconds)

    def _ask_gateway(self, texts, seconds):
        path = self._settings.directory / "texts"
        path.write_text("\n".join(texts) + "\n")
        before = self._server.lookups()
        done = subprocess.run(
            [services.program("bench-misses"), f"--server={self._gateway.listen}",
             f"--texts={path}", f"--outstanding={OUTSTANDING}", f"--seconds={seconds}"],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"bench-misses ended with {done.returncode}:\n"
                               f"{done.stderr}{done.stdout}")
        report = json.loads(done.stdout)
        after = self._server.lookups()
        grown = {kind: rows - before.get(kind, 0) for kind, rows in after.items()
                 if rows != before.get(kind, 0)}
        if report["kinds"] != {"CACHE_KIND_MISS": report["ok"]} or grown != {
                clients.MISS: report["ok"]}:
            raise RuntimeError(f"these should all be misses: {report}, the gateway counted "
                               f"{grown} (by number of CacheKind)")
        return frame.Sample(per_second=report["ok"] / report["seconds"],
                            p50_us=report["p50_us"], p99_us=report["p99_us"])
