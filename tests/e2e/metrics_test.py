"""The metrics of both services are those of docs/metrics.md, and no client can add series."""

import collections

import grpc
import harness
import metrics
from clients import (BYPASS, DISK, MEMORY, MISS, cache_pb2, kinds_of, oip, stats_pb2, text_request,
                     translation_pb2)
from documented_metrics import families, label_values
from services import wait_for
from souvenir.v1 import speech_pb2
from souvenir.v1 import task_service_pb2

UNITS = ("seconds", "bytes")
GATEWAY_METHODS = [*oip.DESCRIPTOR.services_by_name.values(),
                   *translation_pb2.DESCRIPTOR.services_by_name.values(),
                   *speech_pb2.DESCRIPTOR.services_by_name.values(),
                   *task_service_pb2.DESCRIPTOR.services_by_name.values(),
                   *cache_pb2.DESCRIPTOR.services_by_name.values(),
                   *stats_pb2.DESCRIPTOR.services_by_name.values()]
COMPUTE_METHODS = list(oip.DESCRIPTOR.services_by_name.values())

# One model waits before it answers. The answers of one age at once. One refuses a question for ever
# once it has refused it. One has two versions, and one is invalid.
MODELS = {
    "waits": 'parameters { key: "function" value { string_value: "custom_identity_int32" } }\n'
             'parameters { key: "execute_delay_ms" value { string_value: "500" } }',
    "ages": 'parameters { key: "function" value { string_value: "custom_identity_int32" } }',
    "refuses": 'parameters { key: "function" value { string_value: "primes" } }\n'
               'parameters { key: "deterministic_errors" value { string_value: "true" } }',
    "twice": 'parameters { key: "function" value { string_value: "custom_identity_int32" } }\n'
             'version_policy { all {} }',
    "wrong": 'parameters { key: "function" value { string_value: "no_such_function" } }',
}
VERSIONS = ("1", "2")  # of "twice"; the others have only the first
CONFIG = """
trust_tenant_header: true
models { key: "waits" value { cache: true } }
models { key: "refuses" value { cache: true } }
models {
  key: "ages"
  value { cache: true ttl_seconds: 1 stale_while_revalidate_seconds: 1000000 }
}
"""


def write_models(folder):
    for name, text in MODELS.items():
        for version in VERSIONS if name == "twice" else VERSIONS[:1]:
            (folder / name / version).mkdir(parents=True)
        (folder / name / "config.pbtxt").write_text(f'backend: "builtin"\n{text}\n')


def number_request(model, number, **fields):
    request = oip.ModelInferRequest(model_name=model, **fields)
    request.inputs.add(name="INPUT0", datatype="INT32", shape=[1, 1])
    request.raw_input_contents.append(number.to_bytes(4, "little"))
    return request


def refused_request():
    """Returns a request for the primes from a number down to a smaller one."""
    request = oip.ModelInferRequest(model_name="refuses")
    for name, number in (("FIRST", 9), ("LAST", 8)):
        request.inputs.add(name=name, datatype="INT64", shape=[1])
        request.raw_input_contents.append(number.to_bytes(8, "little"))
    return request


def call_every_method(server, services):
    """Calls every method with an empty request; the answers do not matter."""
    for service in services:
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            bytes_in, bytes_out = {"request_serializer": bytes}, {"response_deserializer": bytes}
            kind = ("stream_" if method.name in ("ModelStreamInfer", "Import", "StreamTranscribe",
                                                 "Submit", "TranslateSpeech")
                    else "unary_")
            kind += ("stream" if method.name in ("ModelStreamInfer", "Export", "GetResult",
                                                 "StreamSynthesize", "StreamTranscribe",
                                                 "StreamTranslate", "TranslateSpeech", "Watch")
                     else "unary")
            call = getattr(server.channel, kind)(path, **bytes_in, **bytes_out)
            try:
                answer = call(iter([b""]) if kind.startswith("stream") else b"", timeout=60)
                if kind.endswith("stream"):
                    collections.deque(answer, maxlen=0)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                    raise AssertionError(f"{path}: {error.details()}") from error


class MetricsTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        write_models(self.services.directory / "models")
        self.compute = self.start_compute()
        self.connect_to_gateway()
        self.direct = self.connect(self.compute.listen)

    def connect_to_gateway(self):
        self.gateway = self.start_gateway(
            self.compute, data_dir="cache",
            config=f'{CONFIG} tasks {{ directory: "{self.services.directory}/tasks" }}',
            arguments=[f"--compute_admin={self.compute.admin}"])
        self.server = self.connect_when_ready(self.gateway)
        self.admin = self.connect(self.gateway.admin)
        wait_for(self.server.ready, "the gateway to learn its models")

    def restart_gateway(self):
        self.server.close()
        self.admin.close()
        self.gateway.terminate()
        self.connect_to_gateway()

    def ask_for_every_kind(self):
        """Asks questions so that each kind of answer is given at least once."""
        texts = [f"The house number {number} is red." for number in range(5)]
        self.server.infer(text_request(texts))
        self.restart_gateway()
        for kind in (DISK, MEMORY):
            self.assert_translated(self.server.translate_one(texts[0]), kind)
        self.assert_translated(self.server.translate_one("The sea is blue."), MISS)
        self.assert_translated(
            self.server.translate_one("The sea is green.", cache_control="no-store"), BYPASS)
        for _ in range(2):
            self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                              lambda: self.server.infer(refused_request()))
        slow = [self.server.inference.ModelInfer.future(number_request("waits", 1), timeout=60)
                for _ in range(3)]
        self.assertEqual(len({call.result().raw_output_contents[0] for call in slow}), 1)
        self.server.infer(number_request("ages", 1))
        wait_for(lambda: "stale" in kinds_of(
            self.server.infer(number_request("ages", 1))[1]),
                 "an answer to be older than it should be")
        stream = self.server.inference.ModelStreamInfer(iter([number_request("ages", 2)] * 2))
        self.assertEqual(len(list(stream)), 2)
        for version in VERSIONS:
            self.direct.infer(number_request("twice", 1, model_version=version))
        loading = oip.RepositoryModelLoadRequest(model_name="wrong")
        with self.assertRaises(grpc.RpcError):
            self.connect(self.compute.admin).inference.RepositoryModelLoad(loading, timeout=60)

    def call_all(self):
        call_every_method(self.admin, GATEWAY_METHODS)
        call_every_method(self.connect(self.compute.admin), COMPUTE_METHODS)

    def scrapes(self):
        """Returns (service, families, samples) of both services."""
        return [("gateway", *metrics.scrape(self.gateway.metrics)),
                ("compute", *metrics.scrape(self.compute.metrics))]

    def series(self):
        """Returns the names and labels of all samples of both services."""
        return {(service, name, *sorted(labels.items()))
                for service, _, samples in self.scrapes()
                for name, found in samples.items() for labels, _ in found}

    def test_the_page_says_what_the_services_tell(self):
        self.ask_for_every_kind()
        self.call_all()
        documented, values = families(), label_values()
        seen = collections.defaultdict(set)
        for service, told, samples in self.scrapes():
            self.assertEqual(
                told, {name: family.type for name, family in documented.items()
                       if family.service in (service, "both")}, service)
            for name, labels in self.labels_by_family(told, samples):
                self.assertEqual(labels.keys(), documented[name].labels, name)
                for label, value in labels.items():
                    seen[name, label].add(value)
            self.assert_no_series_twice(samples)
        self.assertEqual(seen.keys(), values.keys())
        for (name, label), found in seen.items():
            with self.subTest(name=name, label=label):
                expected = values[name, label]
                if expected is not None:
                    self.assertEqual(found, expected)
                else:
                    self.assertLessEqual(found, self.open_values(name, label))

    def labels_by_family(self, told, samples):
        """Yields (name of the family, labels) of each sample, without labels that its type adds."""
        for sample, found in samples.items():
            for labels, _ in found:
                labels = dict(labels)
                name = sample
                if told.get(name) in ("histogram", "summary") or name not in told:
                    name = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
                    labels.pop("le" if told[name] == "histogram" else "quantile", None)
                yield name, labels

    def assert_no_series_twice(self, samples):
        for name, found in samples.items():
            twice = [labels for labels, count in collections.Counter(
                tuple(sorted(labels.items())) for labels, _ in found).items() if count > 1]
            self.assertEqual(twice, [], name)

    def open_values(self, name, label):
        """Returns the possible values of a label whose values the page does not list."""
        if label == "code":
            return {code.name for code in grpc.StatusCode}
        if label == "model":
            index = self.direct.inference.RepositoryIndex(oip.RepositoryIndexRequest())
            return {model.name for model in index.models}
        if label == "endpoint":
            return {self.compute.listen}
        self.assertEqual(label, "version")
        if not name.endswith("_build_info"):
            return set(VERSIONS)
        return {self.server.inference.ServerMetadata(oip.ServerMetadataRequest()).version}

    def test_names_follow_prometheus(self):
        for name, family in families().items():
            with self.subTest(name):
                self.assertRegex(name, "^(souvenir_gateway|souvenir_compute|souvenir_metrics|process)_[a-z_]+$")
                self.assertEqual(name.endswith("_total"), family.type == "counter")
                words = name.removesuffix("_total").split("_")
                self.assertEqual([unit for unit in UNITS if words[-1] == unit],
                                 [unit for unit in UNITS if family.unit == unit])

    def test_a_client_cannot_make_time_series(self):
        self.call_all()
        self.be_odd("first")
        before = self.series()
        for number in range(30):
            self.be_odd(f"odd{number}")
        self.assertEqual(self.series(), before)
        self.assertFalse([series for series in before if "first" in str(series)])

    def be_odd(self, word):
        """Makes calls of all sorts with `word` in every place that a client can fill."""
        odd = [("souvenir-tenant", word), ("souvenir-tags", word), ("traceparent", word), (word, word)]
        known = [*odd[:2], (word, word)]
        for server in (self.server, self.direct):
            for path in (f"/{word}.Service/{word}", f"/inference.GRPCInferenceService/{word}",
                         f"/{word}"):
                self.ignore(server.channel.unary_unary(path), b"", odd)
            stub = server.inference
            text = text_request([word], id=word, model_version="")
            text.parameters[word].string_param = word
            self.ignore(stub.ModelInfer, text, known)
            self.ignore(stub.ModelInfer, text, [("cache-control", word)])
            self.ignore(stub.ModelInfer, text_request([word], model=word), odd)
            self.ignore(stub.ModelInfer, text_request([word], model_version=word), odd)
            text.inputs[0].name = word
            self.ignore(stub.ModelInfer, text, odd)
            self.ignore(stub.ModelReady, oip.ModelReadyRequest(name=word), odd)
            self.ignore(stub.ModelMetadata, oip.ModelMetadataRequest(name=word), odd)
            self.ignore(stub.ModelStatistics, oip.ModelStatisticsRequest(name=word), odd)
            self.ignore(lambda request, server=server, **how: collections.deque(
                server.inference.ModelStreamInfer(iter([request]), **how), maxlen=0),
                        text_request([word], model=word), odd)
        translate = self.server.translation.Translate
        for source, target in (("en", word), (word, "es"), ("en", "es")):
            self.ignore(translate, translation_pb2.TranslateRequest(
                text=word, source_language=source, target_languages=[target]), odd[:1])
        self.ignore(self.admin.inference.RepositoryModelLoad,
                    oip.RepositoryModelLoadRequest(model_name=word), odd)
        for scope in ({"tenant": word}, {"model": word}, {"tag": word}):
            self.ignore(self.admin.cache.Invalidate, cache_pb2.InvalidateRequest(**scope), odd)

    def ignore(self, call, request, metadata):
        try:
            call(request, metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            # A call that does not reach the service tests nothing.
            self.assertNotIn(error.code(), (grpc.StatusCode.UNAVAILABLE,
                                            grpc.StatusCode.DEADLINE_EXCEEDED), error.details())


if __name__ == "__main__":
    harness.main()
