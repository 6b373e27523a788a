"""The Python client while the gateway is killed, or stopped, and started again."""

import asyncio
import threading

from python_client import SECONDS, ClientTest  # finds the package
import harness
import souvenir
from services import wait_for


class GatewayLossTest(ClientTest):

    def setUp(self):
        super().setUp()
        # The port must be known before, because the client keeps it.
        self.listen = self.gateway.listen

    def in_background(self, work):
        """Runs `work`; returns a function that waits for its value. Services must be started on
        the main thread."""
        outcome = {}

        def run():
            try:
                outcome["value"] = work()
            except BaseException as error:  # pylint: disable=broad-except
                outcome["error"] = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def value():
            thread.join(2 * SECONDS)
            if "error" in outcome:
                raise outcome["error"]
            self.assertIn("value", outcome, "it still waits")
            return outcome["value"]

        return value

    def test_a_wait_goes_on_after_the_gateway_was_killed(self):
        parts = self.slow_parts(12)
        job = souvenir.chord(parts, self.squares.s().set(id="body")).delay()
        group = souvenir.group(parts).delay()
        first = threading.Event()

        def completed():
            positions = []
            for member in group.as_completed(SECONDS):
                positions.append(member.position)
                first.set()
            return positions

        total = self.in_background(lambda: job.get(SECONDS).item())
        positions = self.in_background(completed)
        self.assertTrue(first.wait(SECONDS))
        self.gateway.kill()
        self.start_with_store(self.listen)
        counts = [result["COUNT"].item() for result in group.get(SECONDS)]
        self.assertEqual(total(), sum(count * count for count in counts))
        self.assertEqual(sorted(positions()), list(range(12)), "each ends once")

    def test_a_wait_goes_on_after_the_gateway_was_stopped(self):
        job = (self.squares.s(VALUES=[3]).set(countdown=3) | self.squares.s()).delay()
        value = self.in_background(lambda: job.get(SECONDS).item())

        async def awaited():
            async with souvenir.aio.Client(self.listen, timeout=SECONDS) as client:
                return (await client.job(job.id).get(SECONDS)).item()

        other = self.in_background(lambda: asyncio.run(awaited()))
        wait_for(lambda: job.progress().waiting == 2, "the job")
        self.assertEqual(self.gateway.terminate(), 0)
        self.start_with_store(self.listen)
        self.assertEqual((value(), other()), (81, 81))

    def test_a_submission_is_sent_again(self):
        self.squares(VALUES=[1])  # the model is known
        self.gateway.kill()
        submitted = self.in_background(lambda: self.squares.delay(VALUES=[9]))
        self.start_with_store(self.listen)
        self.assertEqual(submitted().get(SECONDS).item(), 81)
        self.assertEqual(len(self.jobs()), 1)

    def test_patience_has_an_end(self):
        client = self.make_client(reconnect=0.3)
        job = client.model("sum_of_squares").s(VALUES=[1]).set(countdown=3600).delay()
        self.gateway.kill()
        with self.assertRaises(souvenir.Unavailable):
            job.get(SECONDS)


if __name__ == "__main__":
    harness.main()
