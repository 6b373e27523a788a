"""What a cache hit costs: the same question again and again, answered from memory, beside an empty
server with the same messages, and beside Redis with a value of the same length."""

import dataclasses

import clients
import services
from suite import frame
from suite import h2load
from suite import lookups
from suite import peers

TEXT = "The house is red, and the garden behind it is full of old trees that nobody has ever cut."
INFER_METHOD = "/inference.GRPCInferenceService/ModelInfer"
# What an echo server is called in the table: its program, and its handlers.
ECHOES = {"typed": ("bench-echo-server", "typed"),
          "raw": ("bench-echo-server", "raw"),
          "typed, static": ("bench-echo-server-static", "typed")}
OF_EMPTY = frame.Demand(at_least=0.90)
OF_REDIS = frame.Demand(at_most=1)
ROWS = (16, 64)  # of one request
OF_MGET = {16: frame.Demand(at_most=round(1 / 0.85, 3)), 64: None}


class Benchmark(frame.Stage):

    def variants(self):
        seconds = self._settings.seconds

        def of_gateway(load):
            return lambda _: self._all_from_memory(lambda: load.measure(seconds), load)

        def of_echo(load):
            return lambda _: load.measure(seconds)

        return [
            frame.Variant("hits, Translate", of_gateway(self._translate), "echo, Translate, typed",
                          demand=OF_EMPTY),
            frame.Variant("hits, ModelInfer", of_gateway(self._infer), "echo, ModelInfer, typed",
                          demand=OF_EMPTY),
            *(frame.Variant(name, of_echo(load), f"hits, {name.split(', ')[1]}")
              for name, load in self._echoes.items()),
            frame.Variant("Redis GET", lambda _: self._redis.measure_gets(seconds),
                          "hits, Translate", demand=OF_REDIS),
            *(variant for rows in ROWS for variant in self._many_variants(rows)),
        ]

    def _many_variants(self, rows):
        """Requests of several rows, beside Redis with as many values; rates are of rows."""
        seconds = self._settings.seconds
        load = self._many[rows]

        def measure(_):
            sample = self._all_from_memory(lambda: load.measure(seconds), load, rows)
            return dataclasses.replace(sample, per_second=rows * sample.per_second)

        name = f"hits, ModelInfer, {rows} rows"
        return [frame.Variant(name, measure),
                frame.Variant(f"Redis MGET of {rows}",
                              lambda _: self._redis.measure_many_gets(rows, seconds), name,
                              demand=OF_MGET[rows])]

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

        translate = clients.translate_request(TEXT)
        infer = clients.text_request([TEXT])
        self._expected = self._server.translate_one(TEXT).text  # the miss
        translate_bytes = self._server.translate(TEXT).ByteSize()
        infer_bytes = self._server.infer(infer)[0].ByteSize()
        requests = {"Translate": (clients.TRANSLATE_METHOD, translate, translate_bytes),
                    "ModelInfer": (INFER_METHOD, infer, infer_bytes)}
        frame.say(f"hits: answers of {translate_bytes} bytes (Translate) and {infer_bytes} bytes "
                  "(ModelInfer)")

        def load(name, address, method):
            path, request, answer_bytes = requests[method]
            return h2load.Load(directory, name, address, path, request.SerializeToString(),
                               answer_bytes)

        self._translate = load("gateway-translate", gateway.listen, "Translate")
        self._infer = load("gateway-infer", gateway.listen, "ModelInfer")
        self._echoes = {}
        for name, (program, handlers) in ECHOES.items():
            echo = running.start(program, [f"--handlers={handlers}", f"--text={self._expected}"])
            for method in requests:
                self._echoes[f"echo, {method}, {name}"] = load(
                    f"{program}-{handlers}-{method}", echo.listen, method)
        self._many = {}
        for rows in ROWS:
            request = clients.text_request([f"{TEXT} {row}" for row in range(rows)])
            answer_bytes = self._server.infer(request)[0].ByteSize()  # the misses
            self._many[rows] = h2load.Load(directory, f"gateway-infer-{rows}", gateway.listen,
                                           INFER_METHOD, request.SerializeToString(), answer_bytes)
        self._redis = peers.Redis(directory, translate_bytes)
        self.callback(self._redis.stop)

    def _all_from_memory(self, measure, load, rows=1):
        """Measures, and then believes it only if the gateway counted every row of every request as
        found in memory, and still gives the right answer."""
        wanted, sent = {}, load.requests
        with lookups.expect(self._server, wanted):
            sample = measure()
            wanted[clients.MEMORY] = rows * (load.requests - sent)
        answer = self._server.translate_one(TEXT)
        if answer.text != self._expected:
            raise RuntimeError(f"the answer became {answer.text!r}, it was {self._expected!r}")
        return sample
