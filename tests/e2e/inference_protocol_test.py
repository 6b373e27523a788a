"""Tests the Open Inference Protocol at the gateway and at the compute service."""

import grpc
import harness
from clients import (encode_bytes_tensor, kinds_of, oip, text_request, translations_of)

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MODEL = "apertium-eng-spa"


class InferenceProtocolTest(harness.SharedServicesTest):

    def setUp(self):
        super().setUp()
        self.direct = self.connect(self.compute.listen)

    def on_both(self):
        """Runs a with-block's worth of checks for each server, as ("gateway", client), …"""
        return (("gateway", self.server), ("compute", self.direct))

    def test_a_batch_asks_compute_for_the_rows_that_are_missing(self):
        known = ["The first house.", "The second house."]
        response, metadata = self.server.infer(text_request(known, id="one"))
        self.assertEqual(response.id, "one")
        self.assertEqual(kinds_of(metadata), {"miss": 2})
        expected = [harness.engine_output("eng-spa", text) for text in known]
        self.assertEqual(translations_of(response), expected)

        new = "The third house."
        response, metadata = self.server.infer(text_request([known[1], new, known[0]], id="two"))
        self.assertEqual(response.id, "two")
        self.assertEqual(kinds_of(metadata), {"memory": 2, "miss": 1})
        self.assertIn("age", metadata)
        self.assertEqual(translations_of(response), [
            expected[1], harness.engine_output("eng-spa", new), expected[0]])
        self.assertEqual(list(response.outputs[0].shape), [3, 1])
        self.assertEqual(response.outputs[0].datatype, "BYTES")
        self.assertEqual(response.outputs[0].name, "translation")

        # The answer of a single row has its key. Raw and typed contents are the same question.
        for raw in (True, False):
            response, metadata = self.server.infer(text_request([new], raw=raw))
            self.assertEqual(kinds_of(metadata), {"memory": 1})
            self.assertRegex(metadata["souvenir-key"], "^[0-9a-f]{64}$")

    def test_what_one_service_learned_the_other_knows(self):
        text = "The bridge is high."
        computed = self.server.translate_one(text)
        response, metadata = self.server.infer(text_request([text]))
        self.assertEqual(kinds_of(metadata), {"memory": 1})
        self.assertEqual(metadata["souvenir-key"], computed.provenance.key)
        self.assertEqual(translations_of(response), [computed.text])

    def test_compute_answers_with_its_digest_and_what_it_cost(self):
        response = self.direct.infer(text_request(["The house is red.", "The sea is blue."]))[0]
        self.assertEqual(translations_of(response), [
            harness.engine_output("eng-spa", "The house is red."),
            harness.engine_output("eng-spa", "The sea is blue.")])
        self.assertGreater(response.parameters["souvenir.compute_ns"].int64_param, 0)
        digest = response.parameters["souvenir.digest"].string_param
        metadata = self.direct.inference.ModelMetadata(oip.ModelMetadataRequest(name=MODEL))
        self.assertEqual(metadata.properties["souvenir.digest"], digest)
        self.assertRegex(digest, "^[0-9a-f]{64}$")

    def test_metadata_configuration_and_readiness_of_a_model(self):
        for name, server in self.on_both():
            with self.subTest(server=name):
                metadata = server.inference.ModelMetadata(oip.ModelMetadataRequest(name=MODEL))
                self.assertEqual(metadata.name, MODEL)
                self.assertEqual([(t.name, t.datatype) for t in metadata.inputs],
                                 [("text", "BYTES")])
                self.assertEqual([(t.name, t.datatype) for t in metadata.outputs],
                                 [("translation", "BYTES")])
                self.assertEqual(metadata.inputs[0].shape[0], -1)
                self.assertRegex(metadata.properties["souvenir.digest"], "^[0-9a-f]{64}$")
                # A row that hangs is ended after this time, however many rows are with it. It is
                # run_limit_ms in the configuration of these tests.
                for limit in ("souvenir.hanging_row_limit_ms", "souvenir.run_limit_ms"):
                    self.assertEqual(metadata.properties[limit], "100000")
                config = server.inference.ModelConfig(oip.ModelConfigRequest(name=MODEL)).config
                self.assertEqual(config.name, MODEL)
                self.assertEqual(config.backend, "apertium")
                self.assertGreater(config.max_batch_size, 0)
                self.assertTrue(config.response_cache.enable)
                self.assertEqual(config.parameters["row_exact"].string_value, "true")
                self.assertTrue(
                    server.inference.ModelReady(oip.ModelReadyRequest(name=MODEL)).ready)

    def test_the_server_and_its_repository(self):
        for name, server in self.on_both():
            with self.subTest(server=name):
                self.assertTrue(server.inference.ServerLive(oip.ServerLiveRequest()).live)
                self.assertTrue(server.inference.ServerReady(oip.ServerReadyRequest()).ready)
                metadata = server.inference.ServerMetadata(oip.ServerMetadataRequest())
                self.assertIn("souvenir", metadata.name)
                self.assertTrue(metadata.version)
                index = server.inference.RepositoryIndex(oip.RepositoryIndexRequest())
                states = {model.name: model.state for model in index.models}
                for model in (MODEL, "apertium-en-gl", "apertium-fr-es"):
                    self.assertEqual(states[model], "READY")

    def test_a_model_that_nobody_asked_for_loads_on_demand(self):
        index = self.direct.inference.RepositoryIndex(oip.RepositoryIndexRequest())
        model = next(m for m in index.models if m.name == "apertium-es-fr")
        self.assertEqual((model.state, model.reason), ("READY", "loads on demand"))

    def test_an_unknown_model_is_not_found(self):
        for name, server in self.on_both():
            for call in (
                    lambda: server.infer(text_request(["x"], model="apertium-eng-tlh")),
                    lambda: server.inference.ModelMetadata(
                        oip.ModelMetadataRequest(name="apertium-eng-tlh")),
                    lambda: server.inference.ModelConfig(
                        oip.ModelConfigRequest(name="apertium-eng-tlh"))):
                with self.subTest(server=name):
                    self.assert_fails(grpc.StatusCode.NOT_FOUND, call, "apertium-eng-tlh")

    def test_a_wrong_request_is_told_what_came_and_what_was_expected(self):
        good = encode_bytes_tensor([b"house"])
        for name, server in self.on_both():
            for what, change, parts in (
                    ("datatype", _set_datatype("INT32"), ("text", "INT32")),
                    ("unknown datatype", _set_datatype("TEXT"), ("text", "TEXT")),
                    ("rank", _set_shape([1]), ("text",)),
                    ("too many rows", _set_shape([2, 1]), ("text", "2")),
                    ("a negative dimension", _set_shape([-1, 1]), ("text", "-1")),
                    ("a dimension that overflows", _set_shape([1 << 62, 1]), ("text",)),
                    ("a second column", _set_raw(encode_bytes_tensor([b"a", b"b"]), [1, 2]),
                     ("text", "2")),
                    ("a truncated element", _set_raw(good[:-1]), ("text",)),
                    ("bytes left over", _set_raw(good + b"x"), ("text",)),
                    ("an element longer than all", _set_raw(b"\xff\xff\xff\xff"), ("text",)),
                    ("raw and typed", _add_typed, ("raw",)),
                    ("an unknown input", _rename_input, ("speech", "text")),
                    ("no input", _clear_inputs, ("text",)),
                    ("the same input twice", _repeat_input, ("text",)),
                    ("more contents than inputs", _repeat_contents, ("2", "1")),
                    ("an unknown output", _ask_for_speech, ("speech", "translation"))):
                with self.subTest(server=name, wrong=what):
                    request = text_request(["house"])
                    change(request)
                    self.assert_fails(INVALID, lambda: server.infer(request), *parts)
            # None of it broke anything.
            response, _ = server.infer(text_request(["The house is red."]))
            self.assertEqual(translations_of(response), ["La casa es roja."])

    def test_a_stream_answers_each_request_with_its_id(self):
        texts = {f"request {n}": f"The wall number {n} is white." for n in range(5)}
        requests = [text_request([text], id=name) for name, text in texts.items()]
        wrong = text_request(["house"], id="wrong")
        _set_datatype("INT32")(wrong)
        unknown = text_request(["house"], id="unknown", model="apertium-eng-tlh")
        for name, server in self.on_both():
            with self.subTest(server=name):
                answers = list(server.inference.ModelStreamInfer(
                    iter([wrong, *requests, unknown]), timeout=60))
                by_id = {answer.infer_response.id: answer for answer in answers}
                self.assertEqual(len(answers), len(by_id))
                self.assertEqual(set(by_id), {*texts, "wrong", "unknown"})
                self.assertIn("INT32", by_id["wrong"].error_message)
                self.assertIn("apertium-eng-tlh", by_id["unknown"].error_message)
                for request, text in texts.items():
                    self.assertEqual(by_id[request].error_message, "")
                    self.assertEqual(translations_of(by_id[request].infer_response),
                                     [harness.engine_output("eng-spa", text)])

    def test_what_a_stream_learned_a_call_knows(self):
        text = "The street is long."
        for _ in self.server.inference.ModelStreamInfer(iter([text_request([text])]), timeout=60):
            pass
        _, metadata = self.server.infer(text_request([text]))
        self.assertEqual(kinds_of(metadata), {"memory": 1})

    def test_bytes_that_are_no_request_are_answered_on_the_stream(self):
        stream = self.server.channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer", request_serializer=bytes,
            response_deserializer=oip.ModelStreamInferResponse.FromString)
        good = text_request(["The street is long."], id="good").SerializeToString()
        answers = list(stream(iter([b"\xff\xff", good]), timeout=60))
        self.assertEqual({answer.infer_response.id for answer in answers}, {"", "good"})
        bad = next(answer for answer in answers if not answer.infer_response.id)
        self.assertIn("ModelInferRequest", bad.error_message)

    def test_only_the_admin_port_changes_models(self):
        for name, server in self.on_both():
            for call in (
                    lambda: server.inference.RepositoryModelLoad(
                        oip.RepositoryModelLoadRequest(model_name=MODEL)),
                    lambda: server.inference.RepositoryModelUnload(
                        oip.RepositoryModelUnloadRequest(model_name=MODEL))):
                with self.subTest(server=name):
                    self.assert_fails(grpc.StatusCode.PERMISSION_DENIED, call)
        admin = self.connect(self.compute.admin)
        admin.inference.RepositoryModelLoad(oip.RepositoryModelLoadRequest(model_name=MODEL))
        self.assertTrue(
            self.direct.inference.ModelReady(oip.ModelReadyRequest(name=MODEL)).ready)


def _set_datatype(datatype):
    def change(request):
        request.inputs[0].datatype = datatype
    return change


def _set_shape(shape):
    def change(request):
        request.inputs[0].shape[:] = shape
    return change


def _set_raw(raw, shape=(1, 1)):
    def change(request):
        request.raw_input_contents[0] = raw
        request.inputs[0].shape[:] = shape
    return change


def _add_typed(request):
    request.inputs[0].contents.bytes_contents.append(b"house")


def _rename_input(request):
    request.inputs[0].name = "speech"


def _clear_inputs(request):
    del request.inputs[:]
    del request.raw_input_contents[:]


def _repeat_input(request):
    request.inputs.append(request.inputs[0])
    _repeat_contents(request)


def _repeat_contents(request):
    request.raw_input_contents.append(request.raw_input_contents[0])


def _ask_for_speech(request):
    request.outputs.add(name="speech")


if __name__ == "__main__":
    harness.main()
