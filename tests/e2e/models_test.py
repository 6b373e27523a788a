"""Asks the models of the shipped repository and of the documentation's examples over the wire."""

import pathlib
import re
import shutil
import struct

import grpc
import harness
from clients import oip
import clients
from services import SOURCE_DIRECTORY, wait_for

# A model's configuration or program in the documentation. The name of the file precedes it.
CONFIG = re.compile(r"^```textproto model\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`models/(\w+)/config.pbtxt`:\n\n```textproto model\n(.*?)^```$",
                   re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"`models/(\w+)/1/model.py`:\n\n```python\n(.*?)^```$",
                     re.MULTILINE | re.DOTALL)


def request(model, *, outputs=(), **inputs):
    """Returns a request. `inputs` are (datatype, shape, bytes) by name."""
    message = oip.ModelInferRequest(model_name=model)
    for name, (datatype, shape, data) in inputs.items():
        message.inputs.add(name=name, datatype=datatype, shape=shape)
        message.raw_input_contents.append(data)
    for name in outputs:
        message.outputs.add(name=name)
    return message


def numbers(letter, *values):
    return struct.pack(f"<{len(values)}{letter}", *values)


class ShippedModelsTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        shutil.copytree(SOURCE_DIRECTORY / "models", self.services.directory / "models")
        misspelt = self.services.directory / "models" / "misspelt"
        misspelt.mkdir()
        (misspelt / "config.pbtxt").write_text('bakend: "builtin"')
        self.compute = self.start_compute()
        self.gateway = self.start_gateway(self.compute)
        server = self.connect(self.gateway.listen)
        wait_for(server.ready, "the gateway to learn its models")
        self.servers = {"compute": self.connect(self.compute.listen), "gateway": server}

    def ask(self, message):
        """Returns the raw outputs, which both services must agree on."""
        answers = {name: list(server.infer(message)[0].raw_output_contents)
                   for name, server in self.servers.items()}
        self.assertEqual(answers["compute"], answers["gateway"])
        return answers["gateway"]

    def test_a_model_that_cannot_be_described_tells_why(self):
        for name, server in self.servers.items():
            with self.subTest(server=name):
                for call, message in (
                        (server.inference.ModelMetadata, oip.ModelMetadataRequest(name="misspelt")),
                        (server.inference.ModelConfig, oip.ModelConfigRequest(name="misspelt"))):
                    self.assert_fails(grpc.StatusCode.UNAVAILABLE,
                                      lambda c=call, m=message: c(m, timeout=60), "bakend")

    def test_every_model_answers(self):
        ones, twos = numbers("i", *range(16)), numbers("i", *([2] * 16))
        self.assertEqual(
            self.ask(request("simple", INPUT0=("INT32", [1, 16], ones),
                             INPUT1=("INT32", [1, 16], twos))),
            [numbers("i", *range(2, 18)), numbers("i", *range(-2, 14))])
        texts = clients.encode_bytes_tensor([b"7"] * 16)
        self.assertEqual(
            self.ask(request("simple_string", INPUT0=("BYTES", [1, 16], texts),
                             INPUT1=("BYTES", [1, 16], texts), outputs=["OUTPUT1"])),
            [clients.encode_bytes_tensor([b"0"] * 16)])
        data = clients.encode_bytes_tensor([b"\0\xff", b""])
        self.assertEqual(self.ask(request("simple_identity", INPUT0=("BYTES", [2, 1], data))),
                         [data])
        self.assertEqual(
            self.ask(request("custom_identity_int32", INPUT0=("INT32", [1, 3],
                                                              numbers("i", 1, -2, 3)))),
            [numbers("i", 1, -2, 3)])
        self.assertEqual(
            self.ask(request("text_stats", TEXT=("BYTES", [1, 1],
                                                 clients.encode_bytes_tensor([b"one two\none"])))),
            [numbers("q", 3), numbers("q", 2), numbers("q", 2)])
        self.assertEqual(
            self.ask(request("primes", FIRST=("INT64", [1], numbers("q", 10)),
                             LAST=("INT64", [1], numbers("q", 20)))),
            [numbers("q", 11, 13, 17, 19), numbers("q", 4)])
        self.assertEqual(
            self.ask(request("sum_of_squares", VALUES=("INT64", [1, 3], numbers("q", 1, 2, 3)))),
            [numbers("q", 14)])

    def test_bad_requests_are_refused_by_name_before_they_reach_a_model(self):
        good = numbers("i", *range(16))
        for message, code, parts in (
                (request("simplest", INPUT0=("INT32", [1, 16], good)),
                 grpc.StatusCode.NOT_FOUND, ("simplest",)),
                (request("simple", INPUT0=("INT32", [1, 16], good)),
                 grpc.StatusCode.INVALID_ARGUMENT, ("INPUT1",)),
                (request("simple", INPUT0=("FP32", [1, 16], good), INPUT1=("INT32", [1, 16], good)),
                 grpc.StatusCode.INVALID_ARGUMENT, ("INPUT0", "FP32", "INT32")),
                (request("simple", INPUT0=("INT32", [1, 8], good[:32]),
                         INPUT1=("INT32", [1, 16], good)),
                 grpc.StatusCode.INVALID_ARGUMENT, ("INPUT0", "[1, 8]", "16")),
                (request("simple", INPUT0=("INT32", [9, 16], good * 9),
                         INPUT1=("INT32", [9, 16], good * 9)),
                 grpc.StatusCode.INVALID_ARGUMENT, ("batch of 9", "1 to 8")),
                (request("simple", INPUT0=("INT32", [1, 16], good[:-1]),
                         INPUT1=("INT32", [1, 16], good)),
                 grpc.StatusCode.INVALID_ARGUMENT, ("INPUT0", "63 bytes", "16 elements")),
                (request("text_stats", TEXT=("BYTES", [1, 1],
                                             clients.encode_bytes_tensor([b"\xff"]))),
                 grpc.StatusCode.INVALID_ARGUMENT, ("TEXT", "UTF-8")),
                (request("primes", FIRST=("INT64", [1], numbers("q", 9)),
                         LAST=("INT64", [1], numbers("q", 8))),
                 grpc.StatusCode.INVALID_ARGUMENT, ("FIRST is 9", "LAST is 8"))):
            for name, server in self.servers.items():
                with self.subTest(model=message.model_name, server=name, parts=parts):
                    self.assert_fails(code, lambda s=server, m=message: s.infer(m), *parts)

    def test_audio_is_written_and_cut(self):
        # A second of silence, one of four loud syllables, and one of silence.
        sound = [0] * 16_000 + [(3_000 if i % 4_000 < 2_500 else 3) * (1 if i % 20 < 10 else -1)
                                for i in range(16_000)] + [0] * 16_000
        pcm = numbers("h", *sound)
        starts = set()
        for container in (b"wav", b"flac"):
            file = self.ask(request(
                "audio-encode", PCM=("BYTES", [1, 1], clients.encode_bytes_tensor([pcm])),
                SAMPLE_RATE=("INT32", [1, 1], numbers("i", 16_000)),
                CONTAINER=("BYTES", [1, 1], clients.encode_bytes_tensor([container]))))[0]
            segments = self.ask(request("audio-segments", AUDIO=("BYTES", [1], file)))
            start, end = (struct.unpack("<q", place)[0] for place in segments[1:3])
            self.assertEqual(segments[0], clients.encode_bytes_tensor([pcm[start * 2:end * 2]]))
            self.assertEqual(segments[3], numbers("q", 48_000))
            starts.add((start, end))
        self.assertEqual(len(starts), 1)
        for server in self.servers.values():
            self.assert_fails(
                grpc.StatusCode.INVALID_ARGUMENT,
                lambda s=server: s.infer(request("audio-segments", AUDIO=(
                    "BYTES", [1], clients.encode_bytes_tensor([b"hello"])))), "AUDIO, 5 bytes")

    def test_priority_and_timeout_are_taken(self):
        message = request("primes", FIRST=("INT64", [1], numbers("q", 1)),
                          LAST=("INT64", [1], numbers("q", 10)))
        message.parameters["priority"].uint64_param = 1
        message.parameters["timeout"].int64_param = 60_000_000
        self.ask(message)
        message.parameters["timeout"].string_param = "soon"
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          lambda: self.servers["compute"].infer(message), "timeout")


class ExamplesTest(harness.ServicesTest):

    def test_examples_of_the_documentation_are_models(self):
        pages = [page.read_text(encoding="utf-8")
                 for page in (SOURCE_DIRECTORY / "docs").rglob("*.md")]
        models = {name: text for page in pages for name, text in NAMED.findall(page)}
        others = [text for page in pages for text in CONFIG.findall(page)
                  if text not in models.values()]
        models |= {f"example_{number}": text for number, text in enumerate(others)}
        self.assertGreaterEqual(len(models), 3)
        for name, text in models.items():
            self.write(f"{name}/config.pbtxt", text)
        for page in pages:
            for name, text in PROGRAM.findall(page):
                self.write(f"{name}/1/model.py", text)
        server = self.connect(self.start_compute().listen)
        index = server.inference.RepositoryIndex(oip.RepositoryIndexRequest())
        states = {model.name: (model.state, model.reason) for model in index.models}
        for name in models:
            self.assertEqual(states[name][0], "READY", states[name])
        shout = request("shout", TEXT=("BYTES", [2, 1],
                                       clients.encode_bytes_tensor([b"hello", b"you"])))
        answer, _ = server.infer(shout)
        self.assertEqual(clients.translations_of(answer), ["HELLO", "YOU"])

    def write(self, path, text):
        file = pathlib.Path(self.services.directory) / "models" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


class PollingTest(harness.ServicesTest):

    def test_models_come_and_go_while_the_service_runs(self):
        server = self.connect(
            self.start_compute(config="repository_poll_seconds: 1").listen)
        folder = self.services.directory / "models" / "new"
        message = request("new", FIRST=("INT64", [1], numbers("q", 1)),
                          LAST=("INT64", [1], numbers("q", 3)))
        self.assert_fails(grpc.StatusCode.NOT_FOUND, lambda: server.infer(message), "new")
        folder.mkdir(parents=True)
        (folder / "config.pbtxt").write_text(
            'backend: "builtin" parameters { key: "function" value { string_value: "primes" } }')
        wait_for(lambda: "new" in self.names(server), "the model to come")
        self.assertEqual(server.infer(message)[0].raw_output_contents[1], numbers("q", 2))
        shutil.rmtree(folder)
        wait_for(lambda: "new" not in self.names(server), "the model to go")

    def names(self, server):
        index = server.inference.RepositoryIndex(oip.RepositoryIndexRequest())
        return {model.name for model in index.models}


if __name__ == "__main__":
    harness.main()
