"""What a pool makes of a model: more instances, processes in place of threads, one model beside
another that holds all its instances; and what the two services add to a model that costs nothing.

All but the last is asked of the compute service directly, so that nothing is remembered.
"""

import struct
import time

import clients
import services
from suite import frame
from suite.infer_load import sample_of
from value_load import Load

IN_FLIGHT = 16
# Counting primes: about 20 ms, and 1 ms, of a processor's time. The long one is to measure instances:
# what the RPC and the load take of the same processors, 0.7 ms, would be a tenth of 6 ms.
LONG, SHORT = 3_000_000, 200_000
PACED = 500  # requests a second, far from what the machine can do
SLEEP_MS, SLEEP_IN_FLIGHT = 2000, 32
LEAD_SECONDS = 0.5  # by which the load beside another begins earlier and ends later

FAST = "simple_identity"
ALONE = "a fast model, paced"
DIRECT = "a model that costs nothing, directly"
EMPTY = "an empty RPC"


def _primes(name, instances, isolation="thread"):
    return name, f"""backend: "builtin"
        instance_group {{ count: {instances} }}
        parameters {{ key: "function" value {{ string_value: "primes" }} }}
        parameters {{ key: "isolation" value {{ string_value: "{isolation}" }} }}"""


MODELS = dict([
    _primes("primes_1", 1), _primes("primes_2", 2), _primes("primes_4", 4),
    _primes("primes_processes", 2, "process"),
    (FAST, 'backend: "builtin" instance_group { count: 1 }'),
    ("sleep", f"""backend: "builtin"
        instance_group {{ count: 4 }}
        parameters {{ key: "function" value {{ string_value: "custom_identity_int32" }} }}
        parameters {{ key: "execute_delay_ms" value {{ string_value: "{SLEEP_MS}" }} }}"""),
])


class Benchmark(frame.Stage):

    def variants(self):
        return [
            frame.Variant("primes, 2 instances", self._primes("primes_2", LONG), "primes, 1 instance",
                          demand=frame.Demand(at_least=1.9)),
            frame.Variant("primes, 1 instance", self._primes("primes_1", LONG)),
            frame.Variant("primes, 4 instances", self._primes("primes_4", LONG),
                          "primes, 2 instances", demand=frame.Demand(at_least=0.97)),
            frame.Variant("1 ms in 2 processes", self._primes("primes_processes", SHORT),
                          "1 ms in 2 threads", demand=frame.Demand(at_least=0.85)),
            frame.Variant("1 ms in 2 threads", self._primes("primes_2", SHORT)),
            frame.Variant(f"{ALONE}, beside one that sleeps", lambda _: self._beside_sleep(), ALONE,
                          ratio_of="p99_us", demand=frame.Demand(at_most=1.2)),
            frame.Variant(ALONE, lambda _: self._fast(self._compute, rate=PACED, in_flight=IN_FLIGHT)),
            frame.Variant("the same through the gateway", lambda _: self._fast(self._gateway),
                          EMPTY, ratio_of="p50_us", demand=frame.Demand(at_most=2.5)),
            frame.Variant(DIRECT, lambda _: self._fast(self._compute), EMPTY, ratio_of="p50_us"),
            frame.Variant(EMPTY, lambda _: self._fast(self._echo)),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        for name, config in MODELS.items():
            folder = self._settings.directory / "models" / name
            folder.mkdir(parents=True)
            (folder / "config.pbtxt").write_text(config)
        self._compute = running.start_compute(config=None).listen
        gateway = running.start_gateway(
            self._compute, config=f'models {{ key: "{FAST}" value {{ cache: false }} }}')
        self._gateway = gateway.listen
        self._echo = running.start("bench-echo-server", ["--handlers=typed", "--text=x"]).listen
        self._server = clients.Server(self._gateway)
        self.callback(self._server.close)
        services.wait_for(self._server.ready, "the gateway to learn its models")
        for model in MODELS:
            if model.startswith("primes"):
                self._ask(self._compute, self._primes_request(model, SHORT), requests=64)

    # One call after another, unless flags say otherwise: what is added to one.
    def _fast(self, address, **flags):
        request = clients.text_request(["x"], model=FAST)
        request.inputs[0].name = "INPUT0"
        return self._ask(address, request, seconds=self._settings.seconds,
                         **({"in_flight": 1, "connections": 1} | flags))

    def _beside_sleep(self):
        request = clients.oip.ModelInferRequest(model_name="sleep")
        request.inputs.add(name="INPUT0", datatype="INT32", shape=[1, 1])
        request.raw_input_contents.append(struct.pack("<i", 7))
        long = self._load(self._compute, request, in_flight=SLEEP_IN_FLIGHT,
                          seconds=self._settings.seconds + 2 * LEAD_SECONDS)
        time.sleep(LEAD_SECONDS)
        sample = self._fast(self._compute, rate=PACED, in_flight=IN_FLIGHT)
        if not long.is_running():
            raise RuntimeError("the load beside the one that was measured ended before it")
        long.finish()
        return sample

    def _primes(self, model, last):
        request = self._primes_request(model, last)
        return lambda _: self._ask(self._compute, request, seconds=self._settings.seconds,
                                   in_flight=IN_FLIGHT)

    @staticmethod
    def _primes_request(model, last):
        request = clients.oip.ModelInferRequest(model_name=model)
        for name, value in (("FIRST", 0), ("LAST", last)):
            request.inputs.add(name=name, datatype="INT64", shape=[1])
            request.raw_input_contents.append(struct.pack("<q", value))
        request.outputs.add(name="COUNT")
        return request

    def _ask(self, address, request, **flags):
        return sample_of(self._load(address, request, **flags).finish())

    def _load(self, address, request, **flags):
        path = self._settings.directory / f"{request.model_name}.request"
        path.write_bytes(request.SerializeToString())
        return Load(address, request=path, **flags)
