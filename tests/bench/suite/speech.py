"""Speech through both services, beside the bare libraries in a loop: the sentences of LibriVox in one
recording, and the texts of the chat as speech. Each answer is checked."""

import json
import shutil
import struct
import subprocess
import time
import wave

import clients
import services
from souvenir.v1 import speech_pb2
from souvenir.v1 import speech_pb2_grpc
from suite import frame
from suite import sentences

RECORDINGS = "/usr/share/pocketsphinx/test/data/librivox"
MODELS = ("audio-encode", "audio-segments", "espeak-ng", "pocketsphinx-en-us")
RATE = 16_000
BARE_RECOGNISER = "PocketSphinx in a loop, the same segments"
BARE_VOICE = "eSpeak NG in a loop, the same sentences"
COLD = "Transcribe, five sentences, new"
SPOKEN = 200  # sentences of one sample
CALL_SECONDS = 300


def recordings():
    """Returns (samples, words spoken) of each sentence."""
    found = []
    with open(f"{RECORDINGS}/transcription", encoding="utf-8") as file:
        for line in file:
            text, name = line.rstrip().rsplit(" (", 1)
            with wave.open(f"{RECORDINGS}/{name.rstrip(')')}.wav") as recording:
                assert recording.getframerate() == RATE and recording.getnchannels() == 1
                found.append((recording.readframes(recording.getnframes()),
                              [word for word in text.lower().split() if not word.startswith("<")]))
    return found


def word_errors(heard, spoken):
    """Levenshtein's distance of two lists of words."""
    row = list(range(len(spoken) + 1))
    for i, word in enumerate(heard, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(spoken, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


class Benchmark(frame.Stage):

    def variants(self):
        return [
            frame.Variant(COLD, self._transcribe_new, BARE_RECOGNISER,
                          demand=frame.Demand(at_least=1.8)),
            frame.Variant(BARE_RECOGNISER, self._recognise_bare),
            frame.Variant("Transcribe, five sentences, again", self._transcribe_again, COLD,
                          demand=frame.Demand(at_least=100)),
            frame.Variant("Synthesize, new sentences, one by one", self._speak_new, BARE_VOICE,
                          demand=frame.Demand(at_least=round(1 / 1.3, 3))),
            frame.Variant(BARE_VOICE, self._speak_bare),
            frame.Variant("Synthesize, again", self._speak_again, BARE_VOICE),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        for model in MODELS:
            shutil.copytree(services.SOURCE_DIRECTORY / "models" / model,
                            running.directory / "models" / model)
        compute = running.start_compute(config=None)
        gateway = running.start_gateway(compute.listen, data_dir="cache")
        self._server = clients.Server(gateway.listen)
        self.callback(self._server.close)
        self._speech = speech_pb2_grpc.SpeechServiceStub(self._server.channel)
        services.wait_for(lambda: self._speech.ListRecognizers(
            speech_pb2.ListRecognizersRequest()).recognizers, "the gateway to learn its models")
        self._texts = iter(sentences.unique())
        self._recordings = recordings()
        # Both instances are up, and both engines warm.
        for number in range(-3, 0):
            self._transcribe(self._recording(number))
        self._speak(self._take(50))

    def _recording(self, number):
        """Returns the samples of all sentences with a second of silence around each. Each number
        gives samples that differ by one in the loudest place of each sentence, so that no segment is
        known."""
        silence = bytes(2 * RATE)
        parts = [silence]
        for samples, _ in self._recordings:
            values = list(struct.unpack(f"<{len(samples) // 2}h", samples))
            loudest = max(range(len(values)), key=lambda i: abs(values[i]))
            for i in range(8):  # bits of the number
                values[loudest + i] += (number + 100) >> i & 1
            parts += [struct.pack(f"<{len(values)}h", *values), silence]
        return b"".join(parts)

    def _transcribe(self, samples):
        """Returns the answer and the seconds that it took."""
        begun = time.monotonic()
        answer = self._speech.Transcribe(speech_pb2.TranscribeRequest(
            audio=samples, encoding=speech_pb2.AUDIO_ENCODING_S16LE, sample_rate_hertz=RATE,
            language="en"), timeout=CALL_SECONDS)
        return answer, time.monotonic() - begun

    def _kinds(self, answer):
        return {segment.provenance.kind for segment in answer.segments}

    def _transcribe_new(self, number):
        answer, seconds = self._transcribe(self._recording(number))
        if self._kinds(answer) != {clients.MISS}:
            raise RuntimeError(f"a new recording was answered by {self._kinds(answer)}")
        return frame.Sample(per_second=1 / seconds)

    def _transcribe_again(self, number):
        # The round may come before or after that of the new recording.
        self._transcribe(self._recording(number + 20))
        recording = self._recording(number + 20)
        repeats = 20
        begun = time.monotonic()
        for _ in range(repeats):
            answer, _ = self._transcribe(recording)
            if self._kinds(answer) != {clients.MEMORY}:
                raise RuntimeError(f"a known recording was answered by {self._kinds(answer)}")
        return frame.Sample(per_second=repeats / (time.monotonic() - begun))

    def _recognise_bare(self, number):
        """The segments that the service cuts, recognised by the library; the words must be the
        same."""
        recording = self._recording(number + 40)
        answer, _ = self._transcribe(recording)
        paths = []
        for i, segment in enumerate(answer.segments):
            begin, end = (round(time.ToNanoseconds() * RATE / 1e9)
                          for time in (segment.start, segment.end))
            path = self._settings.directory / f"segment-{i}.raw"
            path.write_bytes(recording[2 * begin:2 * end])
            paths.append(path)
        bare = self._run("bench-bare-pocketsphinx", *paths)
        texts = [segment.text for segment in answer.segments]
        if bare["texts"] != texts:
            raise RuntimeError(f"the library hears {bare['texts']}, and the service {texts}")
        spoken = [word for _, words in self._recordings for word in words]
        errors = word_errors(" ".join(texts).split(), spoken)
        frame.say(f"speech: {errors} of {len(spoken)} words are wrong "
                  f"({errors / len(spoken):.1%}), as in the library")
        return frame.Sample(per_second=1 / bare["seconds"])

    def _take(self, count):
        return [next(self._texts) for _ in range(count)]

    def _speak(self, texts, kind=clients.MISS):
        begun = time.monotonic()
        for text in texts:
            spoken = self._speech.Synthesize(
                speech_pb2.SynthesizeRequest(text=text, language="en", voice=self._voice()),
                timeout=CALL_SECONDS)
            if {sentence.kind for sentence in spoken.sentences} != {kind}:
                raise RuntimeError(f"'{text}' was answered by {spoken.sentences}")
        return frame.Sample(per_second=len(texts) / (time.monotonic() - begun))

    def _voice(self):
        return "en-us"

    def _speak_new(self, _):
        return self._speak(self._take(SPOKEN))

    def _speak_again(self, _):
        texts = self._take(20)
        self._speak(texts)
        return self._speak(texts * 20, kind=clients.MEMORY)

    def _speak_bare(self, _):
        path = self._settings.directory / "sentences"
        path.write_text("\n".join(self._take(SPOKEN)) + "\n")
        return frame.Sample(per_second=SPOKEN / self._run("bench-bare-espeak", path,
                                                          self._voice())["seconds"])

    def _run(self, program, *arguments):
        done = subprocess.run([services.program(program), *map(str, arguments)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)
