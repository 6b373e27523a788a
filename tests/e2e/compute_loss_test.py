"""While compute is away, cached answers are still served; the rest fails soon and says why."""

import time

import grpc
import harness
from clients import DISK, MEMORY, MISS
from services import TIME_FACTOR, wait_for

KNOWN = "The cat sleeps in the garden."


class ComputeLossTest(harness.ServicesTest):

    def assert_misses_fail_soon(self, server, text, reason=None):
        started = time.monotonic()
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, lambda: server.translate_one(text),
                          reason or "compute cannot be reached")
        self.assertLess(time.monotonic() - started, 2 * TIME_FACTOR)

    def test_hits_are_served_and_misses_fail_soon_until_compute_is_back(self):
        compute, gateway, server = self.start_both(data_dir="cache")
        self.compute_address = compute.listen
        known = server.translate_one(KNOWN)
        self.assert_translated(known, MISS)

        compute.kill()
        self.assert_translated(server.translate_one(KNOWN), MEMORY, known.text)
        self.assert_misses_fail_soon(server, "A text that nobody asked for.")
        # One target is cached and one is not: the call succeeds, and the target that fails says so.
        partial = server.translate(KNOWN, ("es", "gl")).translations
        self.assert_translated(partial[0], MEMORY, known.text)
        self.assertEqual(partial[1].status.code,
                         harness.code_number(grpc.StatusCode.UNAVAILABLE))
        self.assertIn("compute cannot be reached", partial[1].status.message)
        # The address is in the log, and not in the error of a caller.
        self.assertNotIn(self.compute_address, partial[1].status.message)
        self.assertIn(self.compute_address, gateway.log())

        # A gateway that starts while compute is away knows the models of its last run.
        server.close()
        self.assertEqual(gateway.terminate(), 0)
        gateway = self.start_gateway(self.compute_address, data_dir="cache")
        server = self.connect(gateway.listen)
        self.assertIn(("en", "es"), server.languages())
        self.assert_translated(server.translate_one(KNOWN), DISK, known.text)
        self.assert_translated(server.translate_one(KNOWN), MEMORY, known.text)
        self.assert_misses_fail_soon(server, "Another text that nobody asked for.")

        self.start_compute(listen=self.compute_address)
        text = "The dog eats in the kitchen."

        def translated():
            try:
                return server.translate_one(text)
            except grpc.RpcError:
                return None

        answer = wait_for(translated, "misses to work again")
        self.assert_translated(answer, MISS, harness.engine_output("eng-spa", text))
        # Cached answers of the same digest are still valid.
        self.assert_translated(server.translate_one(KNOWN), MEMORY, known.text)

    def test_a_gateway_that_has_never_seen_compute_says_so(self):
        compute = self.start_compute()
        compute.kill()
        server = self.connect(self.start_gateway(compute).listen)
        self.assert_misses_fail_soon(server, "Anything.", "compute")


if __name__ == "__main__":
    harness.main()
