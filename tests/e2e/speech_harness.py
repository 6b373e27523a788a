"""The base of the end-to-end tests of speech, on the real engines."""

import pathlib
import shutil
import subprocess
import wave

import harness
from services import SOURCE_DIRECTORY
from souvenir.v1 import speech_pb2
from souvenir.v1 import speech_pb2_grpc

RECORDINGS = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
SENTENCE = RECORDINGS / "sense_and_sensibility_01_austen_64kb-0870.wav"
MODELS = ("audio-encode", "audio-segments", "espeak-ng", "pocketsphinx-en-us")
SECONDS = 120


def as_flac(recording, folder):
    """Returns the bytes of the same recording in another container."""
    path = folder / "recording.flac"
    subprocess.run(["sndfile-convert", recording, path], check=True, capture_output=True)
    return path.read_bytes()


def samples_of(path):
    """Returns the samples and their rate."""
    with wave.open(str(path)) as recording:
        assert recording.getnchannels() == 1 and recording.getsampwidth() == 2
        return recording.readframes(recording.getnframes()), recording.getframerate()


def kinds(segments):
    return [segment.provenance.kind for segment in segments]


class SpeechServicesTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        for model in MODELS:
            shutil.copytree(SOURCE_DIRECTORY / "models" / model,
                            self.services.directory / "models" / model)
        self.compute, self.gateway, self.server = self.start_both(data_dir="cache")
        self.speech = self.speech_of(self.server)

    def start_gateway_with(self, config):
        """Starts the gateway anew."""
        self.gateway.terminate()
        self.gateway = self.start_gateway(self.compute, config=config)
        self.server = self.connect_when_ready(self.gateway)
        self.speech = self.speech_of(self.server)

    def speech_of(self, server):
        return speech_pb2_grpc.SpeechServiceStub(server.channel)

    def transcribe(self, audio, **fields):
        return self.speech.Transcribe(
            speech_pb2.TranscribeRequest(audio=audio, language="en", **fields), timeout=SECONDS)
