"""Many callers ask the same question at once, and it is computed once."""

import harness
from clients import COALESCED, MEMORY, MISS, translate_request

CALLERS = 200


class CoalescingTest(harness.ServicesTest):

    def test_two_hundred_identical_requests_are_one_computation(self):
        _, _, server = self.start_both()
        # The engine takes a while for this text, so most calls arrive while it is under way.
        text = "The old man and the sea are friends, but the wind is strong. " * 300
        request = translate_request(text)
        futures = [server.translation.Translate.future(request, timeout=120)
                   for _ in range(CALLERS)]
        answers = [future.result().translations[0] for future in futures]
        self.assertEqual(len({answer.text for answer in answers}), 1)
        self.assertTrue(answers[0].text)
        for answer in answers:
            self.assert_translated(answer, (MISS, COALESCED, MEMORY))

        lookups = server.lookups()
        self.assertEqual(lookups[MISS], 1)
        self.assertGreater(lookups[COALESCED], 0)
        self.assertEqual(sum(lookups.values()), CALLERS)
        told = {}
        for answer in answers:
            told[answer.provenance.kind] = told.get(answer.provenance.kind, 0) + 1
        self.assertEqual(told, lookups)
        flights = server.get_stats().flights
        self.assertEqual((flights.in_progress, flights.started), (0, 1))
        self.assertEqual(flights.joined, lookups[COALESCED])


if __name__ == "__main__":
    harness.main()
