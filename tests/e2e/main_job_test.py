"""The main job: the engine translates a text once, and the answer is cached."""

import harness
from clients import DISK, MEMORY, MISS

CHAT = "The house is red. I will see you tomorrow."


class MainJobTest(harness.ServicesTest):

    def test_a_text_is_computed_once_and_then_remembered(self):
        _, gateway, server = self.start_both(data_dir="cache")

        first = server.translate_one(CHAT)
        self.assert_translated(first, MISS, harness.engine_output("eng-spa", CHAT))
        self.assertEqual(first.target_language, "es")
        self.assertEqual(first.provenance.model, "apertium-eng-spa")
        self.assertEqual(list(first.route), ["apertium-eng-spa"])
        self.assertRegex(first.provenance.key, "^[0-9a-f]{64}$")
        self.assertGreater(first.provenance.compute_time.ToNanoseconds(), 0)

        second = server.translate_one(CHAT)
        self.assert_translated(second, MEMORY, first.text)
        self.assertEqual(second.provenance.key, first.provenance.key)
        self.assertEqual(second.provenance.compute_time, first.provenance.compute_time)

        # With a second target, the known one comes from memory and only the other is computed.
        both = server.translate(CHAT, ("es", "gl"))
        self.assertEqual([t.target_language for t in both.translations], ["es", "gl"])
        self.assert_translated(both.translations[0], MEMORY, first.text)
        self.assert_translated(both.translations[1], MISS, harness.engine_output("en-gl", CHAT))
        self.assertNotEqual(both.translations[1].provenance.key, first.provenance.key)

        self.assertEqual(server.lookups(), {MISS: 2, MEMORY: 2})
        stats = server.get_stats()
        by_model = {model.model: {lookup.kind: lookup.rows for lookup in model.lookups}
                    for model in stats.models}
        self.assertEqual(by_model, {"apertium-eng-spa": {MISS: 1, MEMORY: 2},
                                    "apertium-en-gl": {MISS: 1}})
        self.assertEqual(stats.memory.entries, 2)
        self.assertGreater(stats.memory.bytes, len(first.text))
        self.assertEqual(stats.saved_compute_time.ToNanoseconds(),
                         2 * first.provenance.compute_time.ToNanoseconds())

    def test_a_restarted_gateway_answers_from_disk_and_then_from_memory(self):
        compute, gateway, server = self.start_both(data_dir="cache")
        first = server.translate(CHAT, ("es", "gl"))
        server.close()
        self.assertEqual(gateway.terminate(), 0)

        gateway = self.start_gateway(compute, data_dir="cache")
        server = self.connect_when_ready(gateway)
        after = server.translate(CHAT, ("es", "gl"))
        for before, now in zip(first.translations, after.translations, strict=True):
            self.assert_translated(now, DISK, before.text)
            self.assertEqual(now.provenance.key, before.provenance.key)
            self.assertEqual(now.provenance.compute_time, before.provenance.compute_time)
        self.assert_translated(server.translate_one(CHAT), MEMORY, first.translations[0].text)
        self.assertEqual(server.lookups(), {DISK: 2, MEMORY: 1})

    def test_without_a_data_directory_a_restart_forgets(self):
        compute, gateway, server = self.start_both()
        self.assert_translated(server.translate_one(CHAT), MISS)
        self.assertFalse(server.get_stats().HasField("disk"))
        server.close()
        self.assertEqual(gateway.terminate(), 0)
        server = self.connect_when_ready(self.start_gateway(compute))
        self.assert_translated(server.translate_one(CHAT), MISS)

    def test_french_is_translated_too(self):
        _, _, server = self.start_both()
        text = "La maison est rouge."
        self.assert_translated(server.translate_one(text, "es", "fr"), MISS,
                               harness.engine_output("fr-es", text))
        self.assert_translated(server.translate_one(text, "es", "fr"), MEMORY)

    def test_a_stream_gives_what_is_known_first(self):
        _, _, server = self.start_both()
        self.assert_translated(server.translate_one(CHAT, "gl"), MISS)
        stream = server.translation.StreamTranslate(
            harness.clients.translate_request(CHAT, ("es", "gl")), timeout=30)
        answers = list(stream)
        self.assertEqual([t.target_language for t in answers], ["gl", "es"])
        self.assert_translated(answers[0], MEMORY)
        self.assert_translated(answers[1], MISS, harness.engine_output("eng-spa", CHAT))

    def test_languages_are_those_of_the_installed_pairs(self):
        _, _, server = self.start_both()
        languages = server.languages()
        self.assertEqual(languages[("en", "es")], "apertium-eng-spa")
        self.assertEqual(languages[("en", "gl")], "apertium-en-gl")
        self.assertEqual(languages[("fr", "es")], "apertium-fr-es")


if __name__ == "__main__":
    harness.main()
