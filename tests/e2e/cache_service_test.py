"""The admin port shows the cache and empties it, also across restarts."""

import grpc
import harness
from clients import DISK, MEMORY, MISS

HOUSE = "The house is red."
RIVER = "The river is long."


class CacheServiceTest(harness.ServicesTest):

    def restart(self, compute, gateway, *connections):
        """Returns (gateway, client of its public port, client of its admin port), on the same
        data."""
        for connection in connections:
            connection.close()
        self.assertEqual(gateway.terminate(), 0)
        gateway = self.start_gateway(compute, data_dir="cache")
        return gateway, self.connect_when_ready(gateway), self.connect(gateway.admin)

    def test_an_entry_can_be_looked_at(self):
        compute, gateway, server = self.start_both(data_dir="cache")
        admin = self.connect(gateway.admin)
        answer = server.translate_one(HOUSE)
        key = answer.provenance.key

        entry = admin.get_entry(key)
        self.assertEqual(entry.key, key)
        self.assertEqual(entry.tier, MEMORY)
        self.assertEqual(entry.model, "apertium-eng-spa")
        self.assertEqual(entry.tenant, "")
        self.assertGreaterEqual(entry.value_bytes, len(answer.text))
        self.assertEqual(entry.compute_time, answer.provenance.compute_time)
        self.assertGreater(entry.created_at.seconds, 1_700_000_000)
        self.assertFalse(entry.HasField("expires_at"))
        self.assertEqual(entry.value, b"")
        self.assertIn(answer.text.encode(), admin.get_entry(key, with_value=True).value)

        gateway, server, admin = self.restart(compute, gateway, server, admin)
        entry = admin.get_entry(key, with_value=True)
        self.assertEqual(entry.tier, DISK)
        self.assertIn(answer.text.encode(), entry.value)

        self.assert_fails(grpc.StatusCode.NOT_FOUND, lambda: admin.get_entry("0" * 64), "0" * 64)
        for wrong in ("", "abc", "g" * 64, "0" * 63, "0" * 66):
            with self.subTest(key=wrong):
                self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                                  lambda: admin.get_entry(wrong), "64")

    def test_invalidation_holds_over_a_restart(self):
        for name, scope, gone in (
                ("key", lambda key: {"key": key}, {("es", HOUSE)}),
                ("model", lambda key: {"model": "apertium-eng-spa"},
                 {("es", HOUSE), ("es", RIVER)}),
                ("all", lambda key: {"all": True},
                 {("es", HOUSE), ("es", RIVER), ("gl", HOUSE)})):
            with self.subTest(scope=name):
                self.check_invalidation(scope, gone)

    def check_invalidation(self, scope, gone):
        compute, gateway, server = self.start_both(data_dir="cache")
        admin = self.connect(gateway.admin)
        asked = [("es", HOUSE), ("es", RIVER), ("gl", HOUSE)]
        answers = {}
        for target, text in asked:
            # After a restart all answers are on disk, and some are in memory again.
            answers[target, text] = server.translate_one(text, target)
        gateway, server, admin = self.restart(compute, gateway, server, admin)
        self.assert_translated(server.translate_one(HOUSE), DISK)

        admin.invalidate(**scope(answers["es", HOUSE].provenance.key))
        gateway, server, admin = self.restart(compute, gateway, server, admin)
        for target, text in asked:
            known = answers[target, text]
            self.assert_translated(server.translate_one(text, target),
                                   MISS if (target, text) in gone else DISK, known.text)
            self.assert_translated(server.translate_one(text, target), MEMORY, known.text)

        server.close()
        admin.close()
        gateway.terminate()
        compute.terminate()
        for file in sorted((self.services.directory / "cache").rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()

    def test_what_was_invalidated_is_not_served_at_once_either(self):
        _, gateway, server = self.start_both(data_dir="cache")
        admin = self.connect(gateway.admin)
        first = server.translate_one(HOUSE)
        self.assert_translated(server.translate_one(HOUSE), MEMORY)
        admin.invalidate(key=first.provenance.key)
        self.assert_fails(grpc.StatusCode.NOT_FOUND,
                          lambda: admin.get_entry(first.provenance.key))
        self.assert_translated(server.translate_one(HOUSE), MISS, first.text)
        self.assert_translated(server.translate_one(HOUSE), MEMORY, first.text)

    def test_a_scope_has_to_be_given(self):
        _, gateway, _ = self.start_both()
        admin = self.connect(gateway.admin)
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        self.assert_fails(invalid, admin.invalidate)
        self.assert_fails(invalid, lambda: admin.invalidate(all=False))
        self.assert_fails(invalid, lambda: admin.invalidate(key="abc"), "64")
        self.assert_fails(invalid, lambda: admin.invalidate(model=""))

    def test_the_public_port_does_not_offer_it(self):
        _, gateway, server = self.start_both()
        key = server.translate_one(HOUSE).provenance.key
        for call in (lambda: server.get_entry(key), lambda: server.invalidate(all=True)):
            with self.assertRaises(grpc.RpcError) as failure:
                call()
            self.assertEqual(failure.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assert_translated(server.translate_one(HOUSE), MEMORY)
        # The admin port serves all that the public port does.
        admin = self.connect(gateway.admin)
        self.assert_translated(admin.translate_one(HOUSE), MEMORY)


if __name__ == "__main__":
    harness.main()
