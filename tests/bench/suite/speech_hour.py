"""An hour of speech as one stream: its speed beside the bare library in a loop, and the memory that it
takes. The recordings of the sentences are repeated, so that all but the first are known."""

import json
import shutil
import subprocess
import time

import clients
import services
from souvenir.v1 import speech_pb2
from souvenir.v1 import speech_pb2_grpc
from suite import frame
from suite import spoken

MODELS = ("audio-segments", "pocketsphinx-en-us")
SECONDS = 3600
PIECE = 32_000  # bytes of one message: a second
CALL_SECONDS = 3600
BARE = "PocketSphinx in a loop, each sentence again"


class Benchmark(frame.Stage):

    def variants(self):
        return [
            frame.Variant("StreamTranscribe, seconds of speech", self._stream, BARE),
            frame.Variant(BARE, self._recognise_bare),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        for model in MODELS:
            shutil.copytree(services.SOURCE_DIRECTORY / "models" / model,
                            running.directory / "models" / model)
        self._compute = running.start_compute(config=None)
        self._gateway = running.start_gateway(self._compute.listen, data_dir="cache")
        server = clients.Server(self._gateway.listen)
        self.callback(server.close)
        self._speech = speech_pb2_grpc.SpeechServiceStub(server.channel)
        services.wait_for(lambda: self._speech.ListRecognizers(
            speech_pb2.ListRecognizersRequest()).recognizers, "the gateway to learn its models")

    def _stream(self, number):
        recording = spoken.recording(number)  # new in each round
        repeats = -(-SECONDS * 2 * spoken.RATE // len(recording))

        def requests():
            yield speech_pb2.StreamTranscribeRequest(config=speech_pb2.StreamTranscribeConfig(
                encoding=speech_pb2.AUDIO_ENCODING_S16LE, sample_rate_hertz=spoken.RATE,
                language="en"))
            for _ in range(repeats):
                for at in range(0, len(recording), PIECE):
                    yield speech_pb2.StreamTranscribeRequest(audio=recording[at:at + PIECE])

        begun = time.monotonic()
        segments = 0
        for event in self._speech.StreamTranscribe(requests(), timeout=CALL_SECONDS):
            if event.HasField("segment"):
                segments += 1
                if event.segment.status.code != 0:
                    raise RuntimeError(f"a segment failed: {event.segment.status}")
        seconds = time.monotonic() - begun
        if segments != repeats * len(spoken.sentences()):
            raise RuntimeError(f"{segments} segments came of {repeats} recordings")
        frame.say("speech-hour: peak memory of the gateway "
                  f"{_peak_bytes(self._gateway.pid) >> 20} MiB, of compute without its workers "
                  f"{_peak_bytes(self._compute.pid) >> 20} MiB")
        return frame.Sample(per_second=repeats * len(recording) / (2 * spoken.RATE) / seconds)

    def _recognise_bare(self, _):
        paths = []
        for i, (samples, _) in enumerate(spoken.sentences()):
            path = self._settings.directory / f"sentence-{i}.raw"
            path.write_bytes(samples)
            paths.append(str(path))
        done = subprocess.run([services.program("bench-bare-pocketsphinx"), *paths],
                              capture_output=True, text=True, check=True)
        return frame.Sample(per_second=len(spoken.recording(0)) / (2 * spoken.RATE)
                            / json.loads(done.stdout)["seconds"])


def _peak_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    raise RuntimeError(f"/proc/{pid}/status has no VmHWM")
