"""`souvenir transcribe` with long recordings and with what comes from a pipe, on the real engines."""

import json
import signal
import struct
import subprocess
import wave

import harness
import speech_harness
from clients import MEMORY
from services import program
from speech_harness import RECORDINGS, SECONDS, SENTENCE, kinds, samples_of

RATE = 16_000


def silence(seconds):
    return bytes(2 * int(seconds * RATE))


def talk():
    """Returns the samples of all sentences, with pauses, and the number of sentences."""
    sentences = [samples_of(path)[0] for path in sorted(RECORDINGS.glob("*.wav"))]
    return b"".join(sentence + silence(1) for sentence in sentences), len(sentences)


def live_header():
    """Returns the head of a WAV file whose length its writer does not know."""
    unknown = 0xffffffff
    return (struct.pack("<4sI4s4sIHHIIHH", b"RIFF", unknown, b"WAVE", b"fmt ", 16, 1, 1, RATE,
                        2 * RATE, 2, 16) + struct.pack("<4sI", b"data", unknown))


class TranscribeCommandTest(speech_harness.SpeechServicesTest):

    def command(self, *arguments):
        return [program("souvenir"), "--server", self.gateway.listen, *arguments]

    def start(self, *arguments):
        process = subprocess.Popen(
            self.command("transcribe", "--language", "en", *arguments), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_with(self, *arguments, audio=b""):
        """Returns the standard output."""
        done = subprocess.run(self.command(*arguments), input=audio, capture_output=True,
                              check=False, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def write(self, name, samples):
        path = self.services.directory / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples)
        return str(path)

    def test_a_file_sent_by_pieces_has_the_segments_of_the_file(self):
        samples, _ = talk()
        path = self.write("talk.wav", samples)
        whole = json.loads(self.run_with("--json", "transcribe", "--language", "en", path))
        pieces = json.loads(self.run_with("--json", "transcribe", "--language", "en", "--stream",
                                          path))
        segments = pieces["transcript"]["segments"]
        self.assertEqual({segment["provenance"]["kind"] for segment in segments},
                         {"CACHE_KIND_MEMORY"})
        for name in ("start", "end", "text", "words", "confidence"):
            self.assertEqual([segment[name] for segment in segments],
                             [segment[name] for segment in whole["transcript"]["segments"]])
        self.assertEqual(pieces["transcript"]["duration"], whole["transcript"]["duration"])
        for form in ("--srt", "--vtt", "-q"):
            self.assertEqual(self.run_with("transcribe", "--language", "en", form, path),
                             self.run_with("transcribe", "--language", "en", form, "--stream", path))

    def test_a_recording_above_the_limit_of_a_message_is_written_down(self):
        sentence = samples_of(SENTENCE)[0] + silence(1)
        times = 20 * 2**20 // len(sentence)
        lines = self.run_with("transcribe", "--language", "en", "-q",
                              self.write("long.wav", sentence * times)).splitlines()
        self.assertGreaterEqual(len(lines), times)
        self.assertIn("john", lines[0])
        self.assertIn("john", lines[-1])

    def test_a_lower_limit_of_a_message_is_no_hindrance(self):
        # A segment still fits.
        self.start_gateway_with("max_message_bytes: 300000")
        samples, sentences = talk()
        lines = self.run_with("transcribe", "--language", "en", "-q",
                              self.write("talk.wav", samples)).splitlines()
        self.assertEqual(len(lines), sentences)

    def test_a_command_that_was_ended_goes_on_where_it_was(self):
        samples, sentences = talk()
        path = self.write("talk.wav", samples)
        process = self.start("--stream", path)
        process.stdin.close()
        first = process.stdout.readline().decode()
        self.assertIn("miss", first)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(SECONDS), -signal.SIGINT)
        lines = self.run_with("transcribe", "--language", "en", "--stream", path).splitlines()
        self.assertEqual(len(lines), sentences + 1)
        self.assertEqual(lines[0].split()[:2], first.split()[:1] + ["memory"])

    def test_a_microphone_is_written_down_while_it_records(self):
        process = self.start("-")
        sentence = samples_of(SENTENCE)[0]
        process.stdin.write(live_header() + sentence + silence(1))
        process.stdin.flush()
        self.assertIn("john", process.stdout.readline().decode())
        process.stdin.write(sentence)
        process.stdin.flush()
        # Ctrl-C ends the recording, and what was said is still written down.
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
        self.assertEqual(process.wait(SECONDS), 0, process.stderr.read())
        self.assertIn("2 segments", rest.splitlines()[-1])

    def test_raw_samples_come_from_a_pipe(self):
        sentence = samples_of(SENTENCE)[0]
        text = self.run_with("transcribe", "--language", "en", "-q", "--encoding", "s16le", "--rate",
                             str(RATE), "-", audio=sentence)
        heard = self.transcribe(SENTENCE.read_bytes())
        self.assertEqual(set(kinds(heard.segments)), {MEMORY})
        self.assertEqual(text, "".join(segment.text + "\n" for segment in heard.segments))

    def test_a_pipe_may_have_a_file(self):
        flac = speech_harness.as_flac(SENTENCE, self.services.directory)
        self.assertIn("john", self.run_with("transcribe", "--language", "en", "-q", "-", audio=flac))

    def test_a_gateway_that_goes_away_is_told_at_once(self):
        process = self.start("-")
        process.stdin.write(live_header() + samples_of(SENTENCE)[0] + silence(1))
        process.stdin.flush()
        self.assertIn("john", process.stdout.readline().decode())
        self.gateway.signal(signal.SIGKILL)
        self.assertNotEqual(process.wait(SECONDS), 0)  # although the microphone is silent


if __name__ == "__main__":
    harness.main()
