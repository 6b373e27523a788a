"""Recordings that are written down while they come, on the real engines."""

import pathlib
import queue
import signal
import threading
import time

import grpc
import harness
import speech_harness
from clients import MEMORY, MISS
from metrics import sum_of
from services import wait_for
from souvenir.v1 import speech_pb2
from speech_harness import RECORDINGS, SECONDS, SENTENCE, kinds, samples_of

RATE = 16_000
S16 = speech_pb2.AUDIO_ENCODING_S16LE


def silence(seconds):
    return bytes(2 * int(seconds * RATE))


def config(**fields):
    return speech_pb2.StreamTranscribeRequest(config=speech_pb2.StreamTranscribeConfig(
        **{"encoding": S16, "sample_rate_hertz": RATE, "language": "en", **fields}))


def pieces(audio, size):
    for begin in range(0, len(audio), size):
        yield speech_pb2.StreamTranscribeRequest(audio=audio[begin:begin + size])


def most_memory(pid):
    """Returns the highest resident size of a process so far, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


class Dictation:
    """A stream whose messages a test sends one by one."""

    def __init__(self, stub, first):
        self._requests = queue.Queue()
        self._requests.put(first)
        self._call = stub.StreamTranscribe(iter(self._requests.get, None), timeout=SECONDS)

    def send(self, audio):
        self._requests.put(speech_pb2.StreamTranscribeRequest(audio=audio))

    def end(self):
        self._requests.put(None)

    def cancel(self):
        self._call.cancel()
        self.end()

    def next(self):
        return next(self._call)

    def rest(self):
        return list(self._call)


class StreamTranscribeTest(speech_harness.SpeechServicesTest):

    def setUp(self):
        super().setUp()
        self.sentence, rate = samples_of(SENTENCE)
        self.assertEqual(rate, RATE)

    def stream(self, audio, size=3_200, **fields):
        """Returns (segments, interim results, summary)."""
        def requests():
            yield config(**fields)
            yield from pieces(audio, size)
        events = list(self.speech.StreamTranscribe(requests(), timeout=SECONDS))
        self.assertTrue(events[-1].HasField("summary"))
        return ([event.segment for event in events if event.HasField("segment")],
                [event.interim for event in events if event.HasField("interim")],
                events[-1].summary)

    def dictate(self, **fields):
        dictation = Dictation(self.speech, config(**fields))
        self.addCleanup(dictation.cancel)
        return dictation

    def assert_same(self, segments, others):
        def told(segment):
            return (segment.start.ToNanoseconds(), segment.end.ToNanoseconds(), segment.text,
                    [(word.word, word.start.ToNanoseconds()) for word in segment.words],
                    segment.confidence)
        self.assertEqual([told(segment) for segment in segments],
                         [told(segment) for segment in others])

    def test_a_stream_has_the_segments_and_entries_of_the_file(self):
        audio = self.sentence + silence(1) + self.sentence
        heard, interims, summary = self.stream(audio)
        self.assertGreater(len(heard), 1)
        self.assertEqual(heard[0].provenance.kind, MISS)
        self.assertEqual(interims, [])
        self.assertEqual(summary.segments, len(heard))
        self.assertEqual(summary.language, "en")
        self.assertEqual(summary.duration.ToNanoseconds(), len(audio) // 2 * 10**9 // RATE)
        whole = self.transcribe(audio, encoding=S16, sample_rate_hertz=RATE)
        self.assertEqual(set(kinds(whole.segments)), {MEMORY})
        self.assert_same(heard, whole.segments)

    def test_the_file_is_known_when_it_comes_as_a_stream(self):
        whole = self.transcribe(SENTENCE.read_bytes())
        heard, _, _ = self.stream(self.sentence)
        self.assertEqual(set(kinds(heard)), {MEMORY})
        self.assert_same(heard, whole.segments)

    def test_the_size_of_pieces_does_not_matter(self):
        audio = self.sentence[:2 * RATE]
        heard, _, _ = self.stream(audio, size=len(audio))
        for size in (1, 333, 100_000):
            again, _, _ = self.stream(audio, size=size)
            self.assertEqual(set(kinds(again)), {MEMORY})
            self.assert_same(again, heard)

    def test_a_segment_comes_while_the_caller_goes_on(self):
        dictation = self.dictate()
        dictation.send(self.sentence)
        dictation.send(silence(1))
        first = dictation.next()
        self.assertTrue(first.segment.text)
        dictation.send(self.sentence)
        dictation.end()
        self.assertTrue(dictation.rest()[-1].HasField("summary"))

    def test_words_can_be_left_out(self):
        heard, _, _ = self.stream(self.sentence)
        self.assertTrue(heard[0].words)
        again, _, _ = self.stream(self.sentence, omit_words=True)
        self.assertEqual(set(kinds(again)), {MEMORY})
        self.assertEqual([list(segment.words) for segment in again], [[]] * len(again))
        self.assertEqual([segment.text for segment in again], [segment.text for segment in heard])

    def test_interim_results_come_and_leave_nothing_behind(self):
        def stored():
            return sum_of(self.gateway.metrics, "souvenir_gateway_cache_entries", tier="memory")
        before = stored()
        dictation = self.dictate(interim_results=True, interim_interval={"nanos": 200_000_000})
        dictation.send(self.sentence[:2 * 4 * RATE])
        interim = dictation.next()
        self.assertTrue(interim.HasField("interim"), interim)
        self.assertTrue(interim.interim.text)
        self.assertEqual(stored(), before)
        dictation.send(silence(1))
        dictation.end()
        events = dictation.rest()
        final = next(event.segment for event in events if event.HasField("segment"))
        self.assertEqual(final.start, interim.interim.start)
        self.assertEqual(final.provenance.kind, MISS)

    def test_silence_has_no_segments(self):
        heard, _, summary = self.stream(silence(3))
        self.assertEqual(heard, [])
        self.assertEqual(summary.duration.seconds, 3)
        heard, _, summary = self.stream(b"")
        self.assertEqual((heard, summary.duration.ToNanoseconds()), ([], 0))

    def test_a_recording_above_the_limit_of_a_message_needs_little_memory(self):
        self.stream(self.sentence + silence(1))
        before = most_memory(self.gateway.pid)
        part = self.sentence + silence(1)
        times = 64 * 2**20 // len(part)
        heard, _, summary = self.stream(part * times, size=1 << 20)
        self.assertGreaterEqual(len(heard), times)
        self.assertEqual({segment.status.code for segment in heard}, {0})
        self.assertEqual(summary.duration.seconds, len(part) * times // 2 // RATE)
        self.assertLess(most_memory(self.gateway.pid) - before, 32 << 20)

    def test_what_is_wrong_is_refused(self):
        audio = list(pieces(self.sentence, 10_000))
        for code, requests, part in (
                (grpc.StatusCode.INVALID_ARGUMENT, [], "no message came"),
                (grpc.StatusCode.INVALID_ARGUMENT, audio, "no configuration"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(), config()], "second configuration"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(encoding=0, sample_rate_hertz=0)],
                 "raw samples"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(encoding=77)], "77"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(sample_rate_hertz=1)], "8000"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(sample_rate_hertz=2_000_000_000)],
                 "192000"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(channels=1024)], "1 to 8"),
                (grpc.StatusCode.INVALID_ARGUMENT, [config(interim_interval={"seconds": 1})],
                 "interim_results"),
                (grpc.StatusCode.INVALID_ARGUMENT,
                 [config(interim_results=True, interim_interval={"seconds": 61})], "100 ms to 60 s"),
                (grpc.StatusCode.NOT_FOUND, [config(language="gl"), *audio], "there is en"),
                (grpc.StatusCode.INVALID_ARGUMENT,
                 [config(encoding=speech_pb2.AUDIO_ENCODING_F32LE),
                  *pieces(b"\0\0\xc0\x7f" * 100, 100)], "not a finite number")):
            with self.subTest(part):
                self.assert_fails(code, lambda requests=requests: list(
                    self.speech.StreamTranscribe(iter(requests), timeout=SECONDS)), part)

    def test_an_end_inside_a_sample_is_told_after_the_segments(self):
        dictation = self.dictate()
        dictation.send(self.sentence + b"x")
        dictation.end()
        self.assertTrue(dictation.next().segment.text)
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, dictation.rest, "inside a frame")

    def test_a_silent_caller_gets_what_came_and_the_reason(self):
        self.start_gateway_with("speech { upload_timeout_ms: 500 }")
        dictation = self.dictate()
        dictation.send(self.sentence)
        self.assertTrue(dictation.next().segment.text)
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, dictation.rest, "nothing has come")
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, self.dictate().rest,
                          "nothing has come")

    def test_a_stop_tells_what_came_and_does_not_wait(self):
        dictation = self.dictate()
        dictation.send(self.sentence)
        wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_held_bytes",
                                lane="transcription") > 0, "the audio to come")
        begun = time.monotonic()
        self.gateway.signal(signal.SIGTERM)
        self.assertTrue(dictation.next().segment.text)
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, dictation.rest, "stopping")
        self.assertEqual(self.gateway.wait(), 0)
        self.assertLess(time.monotonic() - begun, 15)  # the drain may take 30 s

    def test_a_caller_who_goes_leaves_nothing(self):
        dictation = self.dictate()
        dictation.send(self.sentence)
        wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_requests",
                                lane="transcription") == 1, "the call to begin")
        dictation.cancel()
        wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_requests",
                                lane="transcription") == 0, "the call to end")
        self.assertEqual(sum_of(self.gateway.metrics, "souvenir_gateway_lane_held_bytes",
                                lane="transcription"), 0)

    def test_a_caller_who_does_not_read_is_not_read_from(self):
        self.start_gateway_with("speech { max_stream_segments: 2 }")
        part = self.sentence + silence(1)
        sent = []

        def requests():
            yield config()
            for request in pieces(part * 200, len(part)):
                sent.append(request)
                yield request
        call = self.speech.StreamTranscribe(requests(), timeout=SECONDS)
        self.addCleanup(call.cancel)
        self.assertTrue(next(call).segment.text)
        wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_requests",
                                lane="transcription") == 1, "the call to go on")
        self.assertLess(sum_of(self.gateway.metrics, "souvenir_gateway_lane_held_bytes",
                               lane="transcription"), 4 << 20)
        self.assertLess(len(sent), 200)
        segments = [event.segment for event in call if event.HasField("segment")]
        self.assertGreaterEqual(len(segments), 199)

    def test_a_full_lane_refuses_a_stream(self):
        self.start_gateway_with("speech { transcription { max_bytes: 100000 } }")
        self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED,
                          lambda: self.stream(self.sentence, size=200_000), "transcription",
                          "the limit is 100000")

    def test_several_dictate_at_once(self):
        recordings = sorted(RECORDINGS.glob("*.wav"))[:3]
        expected = {path: self.transcribe(path.read_bytes()).segments for path in recordings}
        heard = {}

        def run(path):
            heard[path] = self.stream(samples_of(path)[0], size=1_000)[0]
        threads = [threading.Thread(target=run, args=(path,)) for path in recordings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for path in recordings:
            self.assert_same(heard[path], expected[path])


if __name__ == "__main__":
    harness.main()
