"""Text beside speech: translations that are known and translations that are new, alone and while
recordings are transcribed and translated to speech without a pause."""

import itertools
import json
import shutil
import subprocess
import threading

import clients
import grpc
import services
from souvenir.v1 import speech_pb2
from souvenir.v1 import speech_pb2_grpc
from suite import frame
from suite import sentences
from suite import spoken

MODELS = ("audio-encode", "audio-segments", "espeak-ng", "pocketsphinx-en-us")
KNOWN = 200  # texts that are asked for again and again
HITS_PER_SECOND, MISSES_PER_SECOND = 500, 20
# Each is begun when the one before it has ended. Together they want more than both processors.
TRANSCRIPTIONS, TRANSLATIONS = 3, 2
CALL_SECONDS = 300
HITS, MISSES = "text hits, alone", "text misses, alone"


class Speech:
    """Recordings on their way through a gateway, without a pause, until stop()."""

    def __init__(self, address, numbers):
        """`numbers` are those of the recordings; an iterator that gives none twice."""
        self._channel = grpc.insecure_channel(address, options=[
            ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", 64 << 20)])
        self._stub = speech_pb2_grpc.SpeechServiceStub(self._channel)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._numbers = numbers
        self._failures = []
        self.done = {"transcriptions": 0, "speech to speech": 0}
        self._threads = [threading.Thread(target=self._go_on, args=what)
                         for what in ([("transcriptions", self._transcribe)] * TRANSCRIPTIONS
                                      + [("speech to speech", self._translate)] * TRANSLATIONS)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Raises what went wrong. What is under way is finished first."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._channel.close()
        if self._failures:
            raise self._failures[0]

    def _go_on(self, name, call):
        try:
            while not self._stopped.is_set():
                with self._lock:
                    recording = spoken.recording(next(self._numbers))
                call(recording)
                with self._lock:
                    self.done[name] += 1
        except Exception as error:  # of any kind: the figures would be those of another load
            self._failures.append(error)

    def _transcribe(self, recording):
        self._stub.Transcribe(speech_pb2.TranscribeRequest(
            audio=recording, encoding=speech_pb2.AUDIO_ENCODING_S16LE,
            sample_rate_hertz=spoken.RATE, language="en"), timeout=CALL_SECONDS)

    def _translate(self, recording):
        requests = [speech_pb2.TranslateSpeechRequest(config=speech_pb2.TranslateSpeechConfig(
            encoding=speech_pb2.AUDIO_ENCODING_S16LE, sample_rate_hertz=spoken.RATE,
            source_language="en", target_languages=["es"])),
            speech_pb2.TranslateSpeechRequest(audio=recording)]
        for _ in self._stub.TranslateSpeech(iter(requests), timeout=CALL_SECONDS):
            pass


class Benchmark(frame.Stage):

    def variants(self):
        def beside(kind, which, of, most, gives_way=True):
            return frame.Variant(
                f"text {which}, beside speech{'' if gives_way else ' as urgent'}, {of[:3]}",
                lambda number: self._beside(number, gives_way)[kind],
                HITS if kind == clients.MEMORY else MISSES, ratio_of=of,
                demand=most and frame.Demand(at_most=most))

        return [
            frame.Variant(HITS, lambda _: self._alone(clients.MEMORY)),
            frame.Variant(MISSES, lambda _: self._alone(clients.MISS)),
            beside(clients.MEMORY, "hits", "p99_us", 1.5),
            beside(clients.MISS, "misses", "p50_us", 1.5),
            beside(clients.MISS, "misses", "p99_us", 2),
            beside(clients.MEMORY, "hits", "p99_us", None, gives_way=False),
            beside(clients.MISS, "misses", "p50_us", None, gives_way=False),
            beside(clients.MISS, "misses", "p99_us", None, gives_way=False),
        ]

    def start(self):
        self._numbers = itertools.count()
        self._samples = {}  # of both kinds, by the round and whether speech gives way
        self._texts = iter(sentences.unique())
        self._known = self._take(KNOWN)
        self._gateways = {gives_way: self._serve(gives_way) for gives_way in (True, False)}

    def _serve(self, gives_way):
        directory = self._settings.directory / ("gives-way" if gives_way else "as-urgent")
        directory.mkdir()
        running = services.Services(directory)
        self.callback(running.stop)
        for model in MODELS:
            folder = running.directory / "models" / model
            shutil.copytree(services.SOURCE_DIRECTORY / "models" / model, folder)
            if not gives_way:
                with open(folder / "config.pbtxt", "a", encoding="utf-8") as config:
                    config.write('\nparameters { key: "nice" value { string_value: "10" } }\n')
        compute = running.start_compute(config=None)
        gateway = running.start_gateway(compute.listen, data_dir="cache")
        server = clients.Server(gateway.listen)
        self.callback(server.close)
        services.wait_for(lambda: ("en", "es") in server.languages(),
                          "the gateway to learn its models")
        for text in self._known:
            server.translate_one(text)
        speech = Speech(gateway.listen, self._numbers)  # both instances of each engine are up afterwards
        speech.start()
        speech.stop()
        return gateway.listen

    def _take(self, count):
        return [next(self._texts) for _ in range(count)]

    def _alone(self, kind):
        return self._finish(self._ask(self._gateways[True], kind), kind)

    def _beside(self, number, gives_way):
        """Samples of both kinds of text, from one run beside speech."""
        if (number, gives_way) not in self._samples:
            address = self._gateways[gives_way]
            speech = Speech(address, self._numbers)
            speech.start()
            kinds = (clients.MEMORY, clients.MISS)
            asked = {kind: self._ask(address, kind) for kind in kinds}
            try:
                samples = {kind: self._finish(asked[kind], kind) for kind in kinds}
                done = dict(speech.done)
            finally:
                speech.stop()
            frame.say("speech-lanes: " + ", ".join(f"{count} {name}"
                                                   for name, count in done.items()))
            if not all(speech.done.values()):
                raise RuntimeError(f"some of the speech did not end: {speech.done}")
            self._samples[number, gives_way] = samples
        return self._samples[number, gives_way]

    def _ask(self, address, kind):
        again = kind == clients.MEMORY
        rate = HITS_PER_SECOND if again else MISSES_PER_SECOND
        path = self._settings.directory / ("known" if again else "new")
        texts = self._known if again else self._take(int(2 * rate * self._settings.seconds))
        path.write_text("\n".join(texts) + "\n")
        return subprocess.Popen(
            [services.program("bench-misses"), f"--server={address}", f"--texts={path}",
             f"--rate={rate}", f"--again={str(again).lower()}",
             f"--seconds={self._settings.seconds}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _finish(self, process, kind):
        out, errors = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"bench-misses ended with {process.returncode}:\n{errors}{out}")
        report = json.loads(out)
        name = clients.translation_pb2.CacheKind.Name(kind)
        if report["kinds"] != {name: report["ok"]}:
            raise RuntimeError(f"all answers should be {name}: {report}")
        return frame.Sample(per_second=report["ok"] / report["seconds"],
                            p50_us=report["p50_us"], p99_us=report["p99_us"])
