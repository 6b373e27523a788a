"""Speech through both services, beside the bare libraries in a loop: the sentences of LibriVox in one
recording, and the texts of the chat as speech. Each answer is checked."""

import json
import shutil
import subprocess
import time

import clients
import services
from souvenir.v1 import speech_pb2
from souvenir.v1 import speech_pb2_grpc
from suite import frame
from suite import sentences
from suite import spoken

MODELS = ("audio-encode", "audio-segments", "espeak-ng", "pocketsphinx-en-us")
BARE_RECOGNISER = "PocketSphinx in a loop, the same segments"
BARE_VOICE = "eSpeak NG in a loop, the same sentences"
COLD = "Transcribe, five sentences, new"
SAID = 200  # sentences of one sample
TEXT = 10  # sentences of a text
CALL_SECONDS = 300


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
            # As a text comes: its sentences are spoken on all instances.
            frame.Variant(f"Synthesize, new sentences, {TEXT} in a text", self._speak_texts,
                          BARE_VOICE, demand=frame.Demand(at_least=round(1 / 1.3, 3))),
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
        # Both instances are up, and both engines warm.
        for number in range(-3, 0):
            self._transcribe(spoken.recording(number))
        self._speak(self._take(50))

    def _transcribe(self, samples):
        """Returns the answer and the seconds that it took."""
        begun = time.monotonic()
        answer = self._speech.Transcribe(speech_pb2.TranscribeRequest(
            audio=samples, encoding=speech_pb2.AUDIO_ENCODING_S16LE, sample_rate_hertz=spoken.RATE,
            language="en"), timeout=CALL_SECONDS)
        return answer, time.monotonic() - begun

    def _kinds(self, answer):
        return {segment.provenance.kind for segment in answer.segments}

    def _transcribe_new(self, number):
        answer, seconds = self._transcribe(spoken.recording(number))
        if self._kinds(answer) != {clients.MISS}:
            raise RuntimeError(f"a new recording was answered by {self._kinds(answer)}")
        return frame.Sample(per_second=1 / seconds)

    def _transcribe_again(self, number):
        # The round may come before or after that of the new recording.
        self._transcribe(spoken.recording(number + 20))
        recording = spoken.recording(number + 20)
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
        recording = spoken.recording(number + 40)
        answer, _ = self._transcribe(recording)
        paths = []
        for i, segment in enumerate(answer.segments):
            begin, end = (round(time.ToNanoseconds() * spoken.RATE / 1e9)
                          for time in (segment.start, segment.end))
            path = self._settings.directory / f"segment-{i}.raw"
            path.write_bytes(recording[2 * begin:2 * end])
            paths.append(path)
        bare = self._run("bench-bare-pocketsphinx", *paths)
        texts = [segment.text for segment in answer.segments]
        if bare["texts"] != texts:
            raise RuntimeError(f"the library hears {bare['texts']}, and the service {texts}")
        words = spoken.words()
        errors = word_errors(" ".join(texts).split(), words)
        frame.say(f"speech: {errors} of {len(words)} words are wrong "
                  f"({errors / len(words):.1%}), as in the library")
        return frame.Sample(per_second=1 / bare["seconds"])

    def _take(self, count):
        return [next(self._texts) for _ in range(count)]

    def _speak(self, texts, kind=clients.MISS):
        begun = time.monotonic()
        for text in texts:
            answer = self._speech.Synthesize(
                speech_pb2.SynthesizeRequest(text=text, language="en", voice=self._voice()),
                timeout=CALL_SECONDS)
            if {sentence.kind for sentence in answer.sentences} != {kind}:
                raise RuntimeError(f"'{text}' was answered by {answer.sentences}")
        return frame.Sample(per_second=len(texts) / (time.monotonic() - begun))

    def _voice(self):
        return "en-us"

    def _speak_new(self, _):
        return self._speak(self._take(SAID))

    def _speak_texts(self, _):
        texts = [" ".join(self._take(TEXT)) for _ in range(SAID // TEXT)]
        texts_per_second = self._speak(texts).per_second
        return frame.Sample(per_second=texts_per_second * TEXT)

    def _speak_again(self, _):
        texts = self._take(20)
        self._speak(texts)
        return self._speak(texts * 20, kind=clients.MEMORY)

    def _speak_bare(self, _):
        path = self._settings.directory / "sentences"
        path.write_text("\n".join(self._take(SAID)) + "\n")
        return frame.Sample(per_second=SAID / self._run("bench-bare-espeak", path,
                                                          self._voice())["seconds"])

    def _run(self, program, *arguments):
        done = subprocess.run([services.program(program), *map(str, arguments)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)
