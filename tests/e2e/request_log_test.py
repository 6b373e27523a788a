"""The logs tell which requests were slow, and in which stage, with the caller's own ids. Levels can
change while a service runs."""

import json
import signal
import struct
import time

import clients
import harness
from clients import oip
from services import wait_for

MODEL = "sleeper"
DELAY_MS = 300
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
METADATA = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"), ("x-request-id", "order-7"))
CONFIG = f"""backend: "builtin"
    instance_group {{ count: 1 }}
    response_cache {{ enable: true }}
    parameters {{ key: "function" value {{ string_value: "custom_identity_int32" }} }}
    parameters {{ key: "execute_delay_ms" value {{ string_value: "{DELAY_MS}" }} }}"""


def logging(level="info", slow_ms=100):
    return f"""logging {{ slow_request_ms: {slow_ms}
        levels {{ key: "request" value: "{level}" }} }}"""


def question(number):
    request = oip.ModelInferRequest(model_name=MODEL)
    request.inputs.add(name="INPUT0", datatype="INT32", shape=[1, 1])
    request.raw_input_contents.append(struct.pack("<i", number))
    return request


def lines_of(service, **fields):
    """Returns the lines of a service's log that have these fields, as objects."""
    lines = [json.loads(line) for line in service.log().splitlines()]
    return [line for line in lines if fields.items() <= line.items()]


class RequestLogTest(harness.ServicesTest):

    def start(self, config):
        folder = self.services.directory / "models" / MODEL
        folder.mkdir(parents=True)
        (folder / "config.pbtxt").write_text(CONFIG)
        self.compute = self.start_compute(config=config)
        self.gateway = self.start_gateway(self.compute, data_dir="cache", config=config)
        self.server = self.connect(self.gateway.listen)
        wait_for(self.server.ready, "the gateway to learn its models")

    def ask(self, number, metadata=()):
        return self.server.inference.ModelInfer(question(number), metadata=metadata,
                                                timeout=clients.CALL_SECONDS)

    def wait_for_line(self, service, **fields):
        return wait_for(lambda: lines_of(service, **fields), f"a line with {fields}")[0]

    def test_a_slow_request_is_found_in_both_logs_by_its_trace(self):
        self.start(logging())
        begun = time.monotonic()
        self.ask(7, METADATA)
        took_ms = 1000 * (time.monotonic() - begun)
        known = {"message": "request was slow", "level": "warning", "method": "ModelInfer",
                 "code": "OK", "model": MODEL, "trace_id": TRACE, "request_id": "order-7"}
        gateway = self.wait_for_line(self.gateway, **known)
        compute = self.wait_for_line(self.compute, **known)
        self.assertEqual((gateway["rows"], gateway["answered"]), (1, "miss=1"))
        for line in (gateway, compute):
            self.assertGreaterEqual(line["compute_ms"], DELAY_MS)
        # Each stage contains the next one.
        self.assertLessEqual(gateway["compute_ms"], gateway["upstream_ms"])
        self.assertLessEqual(compute["total_ms"], gateway["upstream_ms"])
        self.assertLessEqual(gateway["upstream_ms"], gateway["total_ms"])
        self.assertLessEqual(gateway["total_ms"], took_ms)
        self.assertLess(compute["queue_ms"], DELAY_MS)

        self.ask(7, METADATA)  # answered from memory, so not slow
        self.assertEqual(len(lines_of(self.gateway, message="request was slow")), 1)

    def test_a_stream_and_a_request_without_a_trace(self):
        self.start(logging())
        requests = iter([question(1)])
        list(self.server.inference.ModelStreamInfer(requests, metadata=METADATA,
                                                    timeout=clients.CALL_SECONDS))
        self.wait_for_line(self.gateway, method="ModelStreamInfer", trace_id=TRACE)
        self.ask(2)
        begun = self.wait_for_line(self.gateway, method="ModelInfer")
        self.assertNotIn("request_id", begun)
        self.assertRegex(begun["trace_id"], "^[0-9a-f]{32}$")
        self.wait_for_line(self.compute, trace_id=begun["trace_id"])

    def test_levels_are_read_again(self):
        self.start(logging(slow_ms=0))
        self.ask(3)
        for service, file in ((self.gateway, "gateway"), (self.compute, "compute")):
            self.assertEqual(lines_of(service, module="request"), [])
            path = self.services.directory / f"{file}.textproto"
            path.write_text(logging("debug", slow_ms=0))
            service.signal(signal.SIGHUP)
            self.wait_for_line(service, module="main", level="info")
        self.ask(3)
        line = self.wait_for_line(self.gateway, module="request", level="debug")
        self.assertEqual((line["message"], line["answered"]), ("request", "memory=1"))
        self.ask(4)
        self.wait_for_line(self.compute, module="request", level="debug", model=MODEL)

        path.write_text(logging("loud"))
        self.compute.signal(signal.SIGHUP)
        self.assertIn("loud", self.wait_for_line(self.compute, module="main",
                                                 level="error")["reason"])
        self.ask(5)
        wait_for(lambda: len(lines_of(self.compute, module="request")) == 2,
                 "the level that was, still to hold")


if __name__ == "__main__":
    harness.main()
