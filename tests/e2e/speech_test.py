"""Speech, from recordings to text and from text to recordings, on the real engines."""

import array
import signal
import subprocess
import threading
import time

import grpc
import harness
import speech_harness
from clients import DISK, MEMORY, MISS
from metrics import sum_of
from services import wait_for
from souvenir.v1 import speech_pb2
from speech_harness import SECONDS, SENTENCE, as_flac, kinds, samples_of


class SpeechTest(speech_harness.SpeechServicesTest):

    def begin_upload(self, more):
        """Begins a TranslateSpeech that sends no audio until `more` is set."""
        def requests():
            yield speech_pb2.TranslateSpeechRequest(config=speech_pb2.TranslateSpeechConfig(
                source_language="en", target_languages=["es"]))
            more.wait(SECONDS)
        return self.speech.TranslateSpeech(requests(), timeout=SECONDS)

    def synthesize(self, text, language="es", **fields):
        return self.speech.Synthesize(
            speech_pb2.SynthesizeRequest(text=text, language=language, **fields), timeout=SECONDS)

    def test_a_recording_is_written_down_and_then_remembered(self):
        audio = SENTENCE.read_bytes()
        heard = self.transcribe(audio)
        text = " ".join(segment.text for segment in heard.segments)
        for word in ("john", "leisure", "power"):
            self.assertIn(word, text)
        self.assertEqual(set(kinds(heard.segments)), {MISS})
        end = 0
        for segment in heard.segments:
            self.assertGreaterEqual(segment.start.ToNanoseconds(), end)
            end = segment.end.ToNanoseconds()
            for word in segment.words:
                self.assertGreaterEqual(word.start.ToNanoseconds(),
                                        segment.start.ToNanoseconds())
                self.assertLessEqual(word.end.ToNanoseconds(), end + 50_000_000)
        self.assertLessEqual(end, heard.duration.ToNanoseconds())

        again = self.transcribe(audio)
        self.assertEqual(set(kinds(again.segments)), {MEMORY})
        self.assertEqual([segment.text for segment in again.segments],
                         [segment.text for segment in heard.segments])

    def test_the_same_recording_in_another_container_is_known(self):
        heard = self.transcribe(SENTENCE.read_bytes())
        again = self.transcribe(as_flac(SENTENCE, self.services.directory))
        self.assertEqual(set(kinds(again.segments)), {MEMORY})
        self.assertEqual(again.segmentation.kind, MISS)
        raw, rate = samples_of(SENTENCE)
        same = self.transcribe(raw, encoding=speech_pb2.AUDIO_ENCODING_S16LE,
                               sample_rate_hertz=rate, channels=1)
        self.assertEqual(set(kinds(same.segments)), {MEMORY})
        self.assertEqual([s.text for s in same.segments], [s.text for s in heard.segments])

    def test_a_transcript_survives_a_restart(self):
        audio = SENTENCE.read_bytes()
        heard = self.transcribe(audio)
        self.gateway.terminate()
        server = self.connect_when_ready(self.start_gateway(self.compute, data_dir="cache"))
        self.speech = self.speech_of(server)
        again = self.transcribe(audio)
        self.assertEqual(set(kinds(again.segments)), {DISK})
        self.assertEqual([s.text for s in again.segments], [s.text for s in heard.segments])

    def test_silence_has_no_segments(self):
        heard = self.transcribe(bytes(2 * 16_000 * 3), encoding=speech_pb2.AUDIO_ENCODING_S16LE,
                                sample_rate_hertz=16_000)
        self.assertEqual(len(heard.segments), 0)
        self.assertEqual(heard.duration.ToTimedelta().total_seconds(), 3)

    def test_what_is_no_recording_is_refused(self):
        for audio, parts in ((b"", ["no audio came"]), (b"this is no recording", ["WAV"]),
                             (SENTENCE.read_bytes()[:30], [])):
            with self.subTest(audio[:10]):
                self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                                  lambda audio=audio: self.transcribe(audio), *parts)
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          lambda: self.transcribe(b"ab", encoding=1, sample_rate_hertz=1),
                          "sample_rate_hertz", "8000")
        self.assert_fails(
            grpc.StatusCode.NOT_FOUND,
            lambda: self.speech.Transcribe(
                speech_pb2.TranscribeRequest(audio=b"ab", language="gl"), timeout=SECONDS),
            "gl", "there is en")
        self.transcribe(SENTENCE.read_bytes())

    def test_a_text_is_spoken_and_then_remembered(self):
        spoken = self.synthesize("La casa es roja. El perro es blanco.")
        path = self.services.directory / "spoken.wav"
        path.write_bytes(spoken.audio)
        samples, rate = samples_of(path)
        self.assertEqual(rate, spoken.sample_rate_hertz)
        self.assertGreater(len(samples) / 2 / rate, 1.5)
        self.assertAlmostEqual(spoken.duration.ToTimedelta().total_seconds(),
                               len(samples) / 2 / rate, 5)
        self.assertGreater(max(array.array("h", samples)), 3_000)
        again = self.synthesize("La casa es roja. El perro es blanco.")
        self.assertEqual(again.audio, spoken.audio)
        self.assertEqual([p.kind for p in again.sentences], [MEMORY, MEMORY])
        # A sentence is known in another text.
        other = self.synthesize("El gato es negro. La casa es roja.")
        self.assertEqual([p.kind for p in other.sentences], [MISS, MEMORY])

    def test_the_same_text_is_spoken_the_same_over_restarts(self):
        first = self.synthesize("La casa es roja.").audio
        self.compute.terminate()
        self.gateway.terminate()
        _, _, server = self.start_both()
        self.speech = self.speech_of(server)
        self.assertEqual(self.synthesize("La casa es roja.").audio, first)

    def test_files_of_other_containers_have_the_same_sound(self):
        wav = self.synthesize("La casa es roja.")
        flac = self.synthesize("La casa es roja.", container=speech_pb2.AUDIO_CONTAINER_FLAC)
        self.assertEqual(flac.audio[:4], b"fLaC")
        folder = self.services.directory
        (folder / "a.flac").write_bytes(flac.audio)
        subprocess.run(["sndfile-convert", folder / "a.flac", folder / "a.wav"], check=True,
                       capture_output=True)
        (folder / "b.wav").write_bytes(wav.audio)
        self.assertEqual(samples_of(folder / "a.wav"), samples_of(folder / "b.wav"))
        ogg = self.synthesize("La casa es roja.", container=speech_pb2.AUDIO_CONTAINER_OGG)
        self.assertEqual(ogg.audio[:4], b"OggS")
        raw = self.synthesize("La casa es roja.", container=speech_pb2.AUDIO_CONTAINER_RAW)
        self.assertEqual(raw.audio, wav.audio[44:])

    def test_sentences_are_streamed_in_order(self):
        texts = ["Uno y dos.", "Tres y cuatro.", "Cinco y seis."]
        events = list(self.speech.StreamSynthesize(
            speech_pb2.SynthesizeRequest(text=" ".join(texts), language="es"), timeout=SECONDS))
        self.assertEqual([event.text for event in events], texts)
        joined = b"".join(event.audio[44:] for event in events)
        self.assertEqual(self.synthesize(" ".join(texts)).audio[44:], joined)

    def test_who_does_not_listen_may_go_and_leaves_nothing(self):
        text = "Uno. " * 2_000
        for _ in range(3):
            call = self.speech.StreamSynthesize(
                speech_pb2.SynthesizeRequest(text=text, language="es"), timeout=SECONDS)
            wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_held_bytes",
                                            lane="synthesis") > 0, "sentences to wait for their reader")
            call.cancel()
        wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_requests",
                                        lane="synthesis") == 0, "the requests to end")
        self.assertEqual(sum_of(self.gateway.metrics, "souvenir_gateway_lane_held_bytes",
                                        lane="synthesis"), 0)

    def test_a_text_that_fits_into_no_answer_is_refused_and_takes_no_room(self):
        self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED,
                          lambda: self.synthesize("Uno. " * 10_000), "StreamSynthesize")
        self.assertEqual(sum_of(self.gateway.metrics, "souvenir_gateway_lane_refused_total",
                                        lane="synthesis"), 0)

    def test_a_voice_that_there_is_not_is_refused(self):
        self.assert_fails(grpc.StatusCode.NOT_FOUND, lambda: self.synthesize("Ola", language="gl"),
                          "no voice speaks 'gl'", "there is", "es")
        self.assert_fails(grpc.StatusCode.NOT_FOUND,
                          lambda: self.synthesize("Hola", language="", voice="nobody"), "nobody")
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          lambda: self.synthesize("Hola", rate=100), "100")

    def translate_speech(self, audio, piece=10_000, **config):
        """Returns the events of each kind."""
        def requests():
            yield speech_pb2.TranslateSpeechRequest(config=speech_pb2.TranslateSpeechConfig(
                **{"source_language": "en", "target_languages": ["es"], **config}))
            for begin in range(0, len(audio), piece):
                yield speech_pb2.TranslateSpeechRequest(audio=audio[begin:begin + piece])
        events = list(self.speech.TranslateSpeech(requests(), timeout=SECONDS))
        return {kind: [getattr(event, kind) for event in events if event.HasField(kind)]
                for kind in ("segment", "translation", "speech", "summary")}

    def test_a_recording_is_translated_into_a_recording(self):
        audio = SENTENCE.read_bytes()
        events = self.translate_speech(audio, target_languages=["es", "gl"])
        heard = self.transcribe(audio)
        self.assertEqual(set(kinds(heard.segments)), {MEMORY})
        texts = {e.segment: e.transcript.text for e in events["segment"]}
        self.assertEqual([texts[i] for i in range(len(texts))],
                         [segment.text for segment in heard.segments])
        (summary,) = events["summary"]
        self.assertEqual(summary.segments, len(texts))
        translations = {(e.segment, e.translation.target_language): e.translation.text
                        for e in events["translation"]}
        self.assertEqual(len(translations), 2 * len(texts))
        for speech in events["speech"]:
            if speech.target_language == "gl":  # nobody speaks it
                self.assertEqual(speech.status.code, grpc.StatusCode.NOT_FOUND.value[0])
                continue
            text = translations[speech.segment, "es"]
            # Each step is shared with the call for it alone.
            self.assertEqual(self.server.translate_one(texts[speech.segment]).provenance.kind,
                             MEMORY)
            spoken = self.synthesize(text)
            self.assertEqual(spoken.audio, speech.audio)
            self.assertEqual({p.kind for p in spoken.sentences}, {MEMORY})

    def test_raw_samples_are_translated_while_they_come(self):
        samples, rate = samples_of(SENTENCE)
        heard_first = threading.Event()

        def requests():
            yield speech_pb2.TranslateSpeechRequest(config=speech_pb2.TranslateSpeechConfig(
                source_language="en", target_languages=["es"],
                encoding=speech_pb2.AUDIO_ENCODING_S16LE, sample_rate_hertz=rate))
            said = samples + bytes(2 * rate)
            for begin in range(0, len(said), 9_999):
                yield speech_pb2.TranslateSpeechRequest(audio=said[begin:begin + 9_999])
            heard_first.wait(SECONDS)  # the caller has not ended
            yield speech_pb2.TranslateSpeechRequest(audio=samples)

        self.addCleanup(heard_first.set)
        events = []
        for event in self.speech.TranslateSpeech(requests(), timeout=SECONDS):
            events.append(event)
            if event.HasField("speech"):
                heard_first.set()
        self.assertTrue(heard_first.is_set())
        self.assertEqual(events[-1].summary.segments, 2)
        self.assertEqual(sorted(event.segment.segment for event in events
                                if event.HasField("segment")), [0, 1])
        whole = self.translate_speech(samples + bytes(2 * rate) + samples,
                                      encoding=speech_pb2.AUDIO_ENCODING_S16LE,
                                      sample_rate_hertz=rate)
        self.assertEqual({event.speech.segment: event.speech.audio for event in events
                          if event.HasField("speech")},
                         {event.segment: event.audio for event in whole["speech"]})
        self.assertEqual(set(kinds([event.transcript for event in whole["segment"]])), {MEMORY})

    def test_raw_samples_that_do_not_come_are_given_up(self):
        self.start_gateway_with("speech { upload_timeout_ms: 300 }")
        more = threading.Event()
        self.addCleanup(more.set)

        def requests():
            yield speech_pb2.TranslateSpeechRequest(config=speech_pb2.TranslateSpeechConfig(
                source_language="en", target_languages=["es"],
                encoding=speech_pb2.AUDIO_ENCODING_S16LE, sample_rate_hertz=16_000))
            more.wait(SECONDS)
        self.assert_fails(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            lambda: list(self.speech.TranslateSpeech(requests(), timeout=SECONDS)),
            "nothing has come for 300ms")

    def test_speech_that_cannot_be_translated_is_refused(self):
        audio = SENTENCE.read_bytes()
        for code, config, part in (
                (grpc.StatusCode.NOT_FOUND, {"source_language": "gl"}, "'gl'"),
                (grpc.StatusCode.INVALID_ARGUMENT, {"target_languages": []}, "target language"),
                (grpc.StatusCode.INVALID_ARGUMENT, {"encoding": 1}, "sample_rate_hertz"),
                (grpc.StatusCode.INVALID_ARGUMENT, {"container": 77}, "77")):
            with self.subTest(config):
                self.assert_fails(
                    code, lambda config=config: self.translate_speech(audio, **config), part)
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          lambda: list(self.speech.TranslateSpeech(iter(()), timeout=SECONDS)),
                          "no message came")
        request = speech_pb2.TranslateSpeechRequest(audio=audio)
        self.assert_fails(
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: list(self.speech.TranslateSpeech(iter([request]), timeout=SECONDS)),
            "no configuration")

    def test_a_recording_that_does_not_come_is_given_up(self):
        self.start_gateway_with("speech { upload_timeout_ms: 200 }")
        more = threading.Event()
        self.addCleanup(more.set)
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(self.begin_upload(more)),
                          "the recording has not come within 200ms")

    def test_a_stop_does_not_wait_for_a_recording(self):
        more = threading.Event()
        self.addCleanup(more.set)
        upload = self.begin_upload(more)
        wait_for(lambda: sum_of(self.gateway.metrics, "souvenir_gateway_lane_requests",
                                lane="speech") == 1, "the call to begin")
        begun = time.monotonic()
        self.gateway.signal(signal.SIGTERM)
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, lambda: list(upload), "stopping")
        self.assertEqual(self.gateway.wait(), 0)
        self.assertLess(time.monotonic() - begun, 15)  # the drain may take 30 s

    def test_a_full_lane_refuses_and_the_others_go_on(self):
        self.start_gateway_with("speech { transcription { max_bytes: 1000 } }")
        self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED,
                          lambda: self.transcribe(SENTENCE.read_bytes()),
                          "transcription", "the limit is 1000")
        self.assertEqual(sum_of(self.gateway.metrics, "souvenir_gateway_lane_refused_total",
                                lane="transcription"), 1)
        self.assertEqual([p.kind for p in self.synthesize("La casa es roja.").sentences], [MISS])
        self.assert_translated(self.server.translate_one("The house is red."), MISS)

    def test_a_language_is_spoken_as_in_its_likely_region(self):
        self.assertEqual(self.synthesize("Hello", language="en").language, "en-US")
        self.assertEqual(self.synthesize("Bonjour", language="fr").language, "fr-FR")

    def test_voices_and_recognisers_are_listed(self):
        voices = self.speech.ListVoices(speech_pb2.ListVoicesRequest(language="es"),
                                        timeout=SECONDS).voices
        self.assertIn("es", [voice.language for voice in voices])
        self.assertTrue(all(voice.language.split("-")[0] == "es" for voice in voices))
        recognizers = self.speech.ListRecognizers(speech_pb2.ListRecognizersRequest(),
                                                  timeout=SECONDS).recognizers
        self.assertEqual([(r.language, r.model) for r in recognizers],
                         [("en", "pocketsphinx-en-us")])


if __name__ == "__main__":
    harness.main()
