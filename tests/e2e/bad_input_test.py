"""Bad input of clients gets an answer or a clear error, in bounded time."""

import threading
import time

import grpc
import harness
from clients import MEMORY, MISS, text_request, translate_request, translations_of
from services import TIME_FACTOR

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = harness.code_number(grpc.StatusCode.NOT_FOUND)


class LanguagesTest(harness.SharedServicesTest):

    def test_an_unknown_target_fails_alone_and_lists_what_there_is(self):
        answer = self.server.translate("The sea is blue.", ("es", "tlh")).translations
        self.assertEqual([t.target_language for t in answer], ["es", "tlh"])
        self.assert_translated(answer[0], (MISS, MEMORY))
        self.assertEqual(answer[1].status.code, NOT_FOUND)
        for part in ("en", "tlh", "es", "gl"):
            self.assertIn(part, answer[1].status.message)
        self.assertEqual(answer[1].text, "")

    def test_an_unknown_source_is_not_found(self):
        answer = self.server.translate_one("Heghlu'meH QaQ jajvam.", "es", "tlh")
        self.assertEqual(answer.status.code, NOT_FOUND)
        self.assertIn("tlh", answer.status.message)

    def test_a_target_asked_twice_in_any_spelling_is_answered_once(self):
        answer = self.server.translate("The sky is grey.", ("es", "gl", "ES", "es"))
        self.assertEqual([t.target_language for t in answer.translations], ["es", "gl"])

    def test_a_malformed_language_is_named(self):
        for code in ("", "e", "not a language", "en--us", "en_", "123456789", "é", "en\0"):
            with self.subTest(target=code):
                self.assert_fails(INVALID, lambda: self.server.translate("Hello.", (code,)),
                                  *([code] if code.isascii() and code.isprintable() else []))
            with self.subTest(source=code):
                self.assert_fails(INVALID, lambda: self.server.translate("Hello.", source=code))

    def test_no_target_and_too_many_targets(self):
        self.assert_fails(INVALID, lambda: self.server.translate("Hello.", ()), "target")
        targets = [f"q{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(33)]
        self.assert_fails(INVALID, lambda: self.server.translate("Hello.", targets), "33", "32")

    def test_html_and_an_unknown_engine_are_refused_by_name(self):
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED,
                          lambda: self.server.translate("<b>Hello</b>", format=2), "html")
        answer = self.server.translate_one("Hello.", engine="oracle")
        self.assertEqual(answer.status.code, NOT_FOUND)
        self.assertIn("oracle", answer.status.message)


class TextsTest(harness.SharedServicesTest):

    def test_an_empty_text_asks_no_engine(self):
        before = self.server.lookups()
        answer = self.server.translate("", ("es", "gl"))
        self.assertEqual([t.target_language for t in answer.translations], ["es", "gl"])
        for translation in answer.translations:
            self.assertEqual(translation.status.code, 0, translation.status.message)
            self.assertEqual(translation.text, "")
        self.assertEqual(self.server.lookups(), before)

    def test_a_text_above_the_limit_says_how_long_it_may_be(self):
        longest = "word " * 13107 + "."  # 65,536 bytes
        self.assertEqual(len(longest), 65536)
        self.assert_translated(self.server.translate_one(longest), MISS)
        self.assert_fails(INVALID, lambda: self.server.translate_one(longest + "."),
                          "65537", "65536")

    def test_whitespace_alone_stays_what_it_is(self):
        for text in (" ", "\n", "\t \n\n"):
            with self.subTest(text=text):
                answer = self.server.translate_one(text)
                self.assert_translated(answer, (MISS, MEMORY))
                self.assertEqual(answer.text.strip(), "")

    def test_characters_that_mean_something_to_the_engine(self):
        for text in ("[", "]", "^", "$", "/", "\\", "<", ">", "{", "}", "@", "~", "*", "#", "+",
                     "[ ] ^ $ / \\ < > { } @ ~", "^house/house<n><sg>$", "[[t:b:1]]house[[/]]",
                     "the <b>red</b> house", "\\[red\\]", "a@b.example", "~~red~~ ^^house$$",
                     "W", "\u00ad\u200b\u200d\ufeff", "\U0001f600 house", "e\u0301te\u0301"):
            with self.subTest(text=text):
                answer = self.server.translate_one(text)
                self.assert_translated(answer, (MISS, MEMORY))
                self.assertTrue(answer.text)
        self.assert_still_right()

    def test_a_text_of_control_characters_nul_and_noncharacters(self):
        controls = [chr(n) for n in (*range(0, 32), 127, *range(128, 160))]
        for text in (*(f"the red{control}house" for control in controls), "".join(controls),
                     "\0", "the\0house", "\uffff", "the \uffff house", "\ufffe", "\U0010ffff"):
            with self.subTest(text=text):
                self.assert_answered_or_refused(lambda: self.server.translate_one(text))
        self.assert_still_right()

    def test_invalid_utf8_through_both_services(self):
        for text in (b"\xff", b"the red \xff house", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
                     b"\xc0\xaf", b"house\xe2\x82"):
            with self.subTest(text=text, service="Translate"):
                # Field 1, a string, has bytes that no client library would send.
                request = bytes([0x0a, len(text)]) + text + translate_request(
                    "").SerializeToString()
                self.assert_answered_or_refused(
                    lambda: self.server.translate_bytes(request).translations[0])
            for raw in (True, False):
                with self.subTest(text=text, service="ModelInfer", raw=raw):
                    self.assert_answered_or_refused(
                        lambda: translations_of(
                            self.server.infer(text_request([text], raw=raw))[0])[0])
        self.assert_still_right()

    def test_bytes_that_are_no_message_are_refused(self):
        with self.assertRaises(grpc.RpcError) as failure:
            self.server.translate_bytes(b"\x0a\xff\xff\xff\xff\x0f")
        self.assertIn(failure.exception.code(), (INVALID, grpc.StatusCode.INTERNAL))
        self.assert_still_right()

    def assert_answered_or_refused(self, call):
        """Checks for an answer, or INVALID_ARGUMENT with a message, in bounded time."""
        started = time.monotonic()
        try:
            answer = call()
            if hasattr(answer, "status") and answer.status.code:
                self.assertEqual(answer.status.code, harness.code_number(INVALID),
                                 answer.status.message)
                self.assertTrue(answer.status.message)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), INVALID, error.details())
            self.assertTrue(error.details())
        self.assertLess(time.monotonic() - started, 5 * TIME_FACTOR)

    def assert_still_right(self):
        """Checks that earlier inputs have left nothing behind in the engine."""
        text = f"The red house is old, and it has {time.monotonic_ns()} windows."
        self.assert_translated(self.server.translate_one(text), MISS,
                               harness.engine_output("eng-spa", text))


class HugeTokenTest(harness.ServicesTest):
    """Without a limit, the engine takes hours for one token of a million letters."""

    def test_one_token_of_a_megabyte_is_ended_and_others_never_notice(self):
        compute = self.start_compute(config="pool { run_limit_ms: 2000 }")
        gateway = self.start_gateway(compute,
                                     config="translation { max_text_bytes: 2000000 }")
        server = self.connect_when_ready(gateway)
        started = time.monotonic()
        huge = server.translation.Translate.future(translate_request("a" * 1_000_000), timeout=60)
        slowest = self.translate_until(server, huge)
        self.assertLess(time.monotonic() - started, 20 * TIME_FACTOR)
        self.assertLess(slowest, 4 * TIME_FACTOR)
        if huge.exception() is None:
            status = huge.result().translations[0].status
            self.assertTrue(status.code == 0 or status.message)
        else:
            self.assertTrue(huge.details())
        text = "The house is red again."
        self.assert_translated(server.translate_one(text), MISS,
                               harness.engine_output("eng-spa", text))

    def translate_until(self, server, future):
        """Asks for other texts while `future` is under way, and for a few more. Returns the longest
        time that one of them took."""
        over = threading.Event()
        future.add_done_callback(lambda _: over.set())
        slowest, number, more = 0, 0, 5
        while more:
            more -= over.is_set()
            number += 1
            started = time.monotonic()
            self.assert_translated(server.translate_one(f"The garden has {number} trees."), MISS)
            slowest = max(slowest, time.monotonic() - started)
        return slowest


if __name__ == "__main__":
    harness.main()
