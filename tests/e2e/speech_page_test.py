"""Runs the examples of docs/speech.md: all in Python as one program, the one in C++, which the build
compiles, and the one for grpcurl with a program in its place that makes the same call."""

import os
import pathlib
import re
import stat
import subprocess
import sys
import wave

import harness
import speech_harness
from services import BIN_DIRECTORY, SOURCE_DIRECTORY, STUBS_DIRECTORY
from speech_harness import RECORDINGS, SECONDS, SENTENCE, samples_of

PAGE = (SOURCE_DIRECTORY / "docs" / "speech.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:8001"
DOCUMENTED_SPEECH = os.environ.get("SOUVENIR_DOCUMENTED_SPEECH",
                                   BIN_DIRECTORY.parent / "tests" / "e2e" / "documented_speech")
HEARD = "leisure"  # a word of the recording that its recogniser understands

# Understands the command line of the example and nothing else.
GRPCURL = """#!{python}
import json, sys
import grpc
from google.protobuf import json_format
from souvenir.v1 import speech_pb2, speech_pb2_grpc
plaintext, data, source, address, method = sys.argv[1:]
assert (plaintext, data, source) == ("-plaintext", "-d", "@"), sys.argv
service, _, name = method.partition("/")
assert service == speech_pb2.DESCRIPTOR.services_by_name["SpeechService"].full_name, service
text, decoder, requests = sys.stdin.read(), json.JSONDecoder(), []
while text.strip():
    message, end = decoder.raw_decode(text.lstrip())
    requests.append(json_format.ParseDict(message, speech_pb2.StreamTranscribeRequest()))
    text = text.lstrip()[end:]
stub = speech_pb2_grpc.SpeechServiceStub(grpc.insecure_channel(address))
for event in getattr(stub, name)(iter(requests)):
    print(json_format.MessageToJson(event))
"""


def examples(language):
    """Returns the text of the page's examples in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


class SpeechPageTest(speech_harness.SpeechServicesTest):

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.services.directory) / "page"
        self.folder.mkdir()
        self.samples, rate = samples_of(SENTENCE)
        self.assertEqual(rate, 16_000)

    def run_in_folder(self, command, text="", path=""):
        """Returns the standard output. `text` goes to standard input."""
        environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}",
                       "PYTHONPATH": str(STUBS_DIRECTORY)}
        done = subprocess.run(command, cwd=self.folder, env=environment, check=False,
                              capture_output=True, timeout=SECONDS,
                              input=text if isinstance(text, bytes) else text.encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def test_python(self):
        (self.folder / "voice-message.flac").write_bytes(
            speech_harness.as_flac(SENTENCE, self.folder))
        with wave.open(str(self.folder / "talk.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            for path in sorted(RECORDINGS.glob("*.wav"))[:2]:
                file.writeframes(samples_of(path)[0] + bytes(32_000))
        text = "\n".join(examples("python"))
        self.assertIn(ADDRESS, text)
        said = self.run_in_folder([sys.executable, "-B", "-"],
                                  text.replace(ADDRESS, self.gateway.listen))
        self.assertGreaterEqual(said.count(HEARD), 2)  # from the file, and from the stream
        self.assertEqual((self.folder / "hello.wav").read_bytes()[:4], b"RIFF")
        self.assertEqual((self.folder / "0.es.wav").read_bytes()[:4], b"RIFF")

    def test_cpp(self):
        self.assertEqual(len(examples("cpp")), 1)
        said = self.run_in_folder([DOCUMENTED_SPEECH, self.gateway.listen], self.samples)
        self.assertIn(HEARD, said)

    def test_grpcurl(self):
        (self.folder / "talk.raw").write_bytes(self.samples)
        program = self.folder / "grpcurl"
        program.write_text(GRPCURL.format(python=sys.executable), encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (example,) = examples("sh")
        self.assertIn(ADDRESS, example)
        said = self.run_in_folder(["bash", "-ec", example.replace(ADDRESS, self.gateway.listen)],
                                  path=str(self.folder))
        self.assertIn(HEARD, said)
        self.assertIn("summary", said)


if __name__ == "__main__":
    harness.main()
