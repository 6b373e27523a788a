"""Runs the worked examples of examples/, as a model repository has them."""

import array
import json
import math
import random
import shutil
import struct

import grpc
import harness
from clients import encode_bytes_tensor, oip, translations_of
from services import SOURCE_DIRECTORY, wait_for

RATE = 16_000
TONES = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "*": (941, 1209), "#": (941, 1477),
         "D": (941, 1633)}


def silence(seconds):
    return [0.0] * int(seconds * RATE)


def tones(key, seconds, level=8000):
    low, high = TONES[key]
    return [level * (math.sin(2 * math.pi * low * i / RATE) + math.sin(2 * math.pi * high * i / RATE))
            for i in range(int(seconds * RATE))]


def noise(seconds, level=8000):
    generator = random.Random(1)
    return [generator.uniform(-level, level) for _ in range(int(seconds * RATE))]


def pcm(*parts):
    return array.array("h", [round(sample) for part in parts for sample in part]).tobytes()


class DtmfTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        shutil.copytree(SOURCE_DIRECTORY / "examples", self.services.directory / "models")
        compute = self.start_compute()
        gateway = self.start_gateway(compute)
        self.server = self.connect(gateway.listen)
        wait_for(self.server.ready, "the gateway to learn its models")

    def ask(self, *rows):
        """Returns (text, words, confidence) for each row."""
        message = oip.ModelInferRequest(model_name="dtmf")
        message.inputs.add(name="AUDIO", datatype="BYTES", shape=[len(rows), 1])
        message.raw_input_contents.append(encode_bytes_tensor(rows))
        answer, _ = self.server.infer(message)
        self.assertEqual([output.name for output in answer.outputs], ["TEXT", "WORDS", "CONFIDENCE"])
        for output in answer.outputs:
            self.assertEqual(list(output.shape), [len(rows), 1])
        texts = translations_of(answer)
        words = []
        data = answer.raw_output_contents[1]
        while data:
            size = struct.unpack_from("<I", data)[0]
            words.append(json.loads(data[4:4 + size]))
            data = data[4 + size:]
        confidences = struct.unpack(f"<{len(rows)}f", answer.raw_output_contents[2])
        return list(zip(texts, words, confidences))

    def test_keys_are_told_with_their_times(self):
        (text, words, confidence), = self.ask(pcm(
            silence(0.5), tones("1", 0.1), silence(0.1), tones("1", 0.1), silence(0.06),
            tones("#", 0.2), tones("D", 0.1), silence(0.3)))
        self.assertEqual(text, "1 1 # D")
        self.assertEqual([word["word"] for word in words], ["1", "1", "#", "D"])
        for word, (start, end) in zip(words, ((0.5, 0.6), (0.7, 0.8), (0.86, 1.06), (1.06, 1.16))):
            self.assertAlmostEqual(word["start"], start, delta=0.03)
            self.assertAlmostEqual(word["end"], end, delta=0.03)
            self.assertTrue(0.7 <= word["confidence"] <= 1, word)
        self.assertTrue(0.7 <= confidence <= 1)

    def test_what_is_no_key_has_no_words(self):
        whistle = [8000 * math.sin(2 * math.pi * 941 * i / RATE) for i in range(RATE)]
        rows = [b"", pcm([1.0]), pcm(silence(1)), pcm(noise(1)), pcm(whistle)]
        self.assertEqual(self.ask(*rows), [("", [], 0.0)] * len(rows))

    def test_a_row_alone_is_answered_as_among_others(self):
        rows = [pcm(tones(key, 0.1), silence(0.1)) for key in TONES]
        together = self.ask(*rows)
        self.assertEqual([text for text, _, _ in together], list(TONES))
        self.assertEqual([self.ask(row)[0] for row in rows], together)

    def test_half_a_sample_is_refused(self):
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.ask(b"abc"), "AUDIO",
                          "3 bytes")


if __name__ == "__main__":
    harness.main()
