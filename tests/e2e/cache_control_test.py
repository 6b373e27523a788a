"""`cache-control` steers the cache, with the meaning it has in HTTP."""

import grpc
import harness
from clients import BYPASS, MEMORY, MISS, kinds_of, text_request
from metrics import sum_of

COMPUTED = (MISS, BYPASS)


class CacheControlTest(harness.SharedServicesTest):

    def test_no_cache_computes_anew_and_refreshes(self):
        text = "The window is open."
        first = self.server.translate_one(text)
        self.assert_translated(first, MISS)
        again = self.server.translate_one(text, cache_control="no-cache")
        self.assert_translated(again, COMPUTED, first.text)
        known = self.server.translate_one(text)
        self.assert_translated(known, MEMORY, first.text)
        # The answer that is served is the one that was computed last.
        self.assertEqual(known.provenance.compute_time, again.provenance.compute_time)

    def test_no_store_leaves_nothing_behind(self):
        text = "The door is closed."
        for _ in range(2):
            answer = self.server.translate_one(text, cache_control="no-store")
            self.assert_translated(answer, COMPUTED, harness.engine_output("eng-spa", text))
        self.assert_translated(self.server.translate_one(text), MISS)

    def test_only_if_cached_never_computes(self):
        text = "The roof is new."
        before = self.computed_rows()
        self.assert_not_cached(lambda: self.server.translate(text, cache_control="only-if-cached"))
        self.assert_fails(
            grpc.StatusCode.FAILED_PRECONDITION,
            lambda: self.server.infer(text_request([text]), cache_control="only-if-cached"))
        self.assertEqual(self.computed_rows(), before)
        first = self.server.translate_one(text)
        self.assert_translated(self.server.translate_one(text, cache_control="only-if-cached"),
                               MEMORY, first.text)
        _, metadata = self.server.infer(text_request([text]), cache_control="only-if-cached")
        self.assertEqual(kinds_of(metadata), {"memory": 1})

    def test_max_age_zero_wants_a_new_answer(self):
        text = "The floor is wet."
        self.assert_translated(self.server.translate_one(text), MISS)
        self.assert_translated(self.server.translate_one(text, cache_control="max-age=3600"),
                               MEMORY)
        self.assert_translated(self.server.translate_one(text, cache_control="max-age=0"),
                               COMPUTED)

    def test_what_cannot_be_understood_is_named(self):
        for header in ("max-age=soon", "max-age=-1", "max-age", "no-cache=yes", "no-such-thing",
                       "max-age=99999999999999999999"):
            for call in (lambda: self.server.translate("Hello.", cache_control=header),
                         lambda: self.server.infer(text_request(["Hello."]),
                                                   cache_control=header)):
                with self.subTest(header=header):
                    self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, call, "cache-control",
                                      header)

    def computed_rows(self):
        return sum_of(self.compute.metrics, "souvenir_compute_rows_total")

    def assert_not_cached(self, call):
        """Checks that the call or its target fails with FAILED_PRECONDITION."""
        try:
            status = call().translations[0].status
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.FAILED_PRECONDITION)
            return
        self.assertEqual(status.code, harness.code_number(grpc.StatusCode.FAILED_PRECONDITION))


if __name__ == "__main__":
    harness.main()
