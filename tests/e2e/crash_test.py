"""Kills the gateway again and again while it writes as fast as it can. Each time it comes back with
the answers that were on disk, without those that were invalidated, and with no wrong byte.

SOUVENIR_CRASH_ROUNDS is the number of kills; SOUVENIR_CRASH_SEED repeats a run that failed.
"""

import os
import random

from clients import DISK
import harness
import metrics
import value_load
from services import wait_for

ROUNDS = int(os.environ.get("SOUVENIR_CRASH_ROUNDS", "12"))
SEED = int(os.environ.get("SOUVENIR_CRASH_SEED", random.randrange(10**6)))
ROWS = 16  # rows of a request
SAFE_ROWS = 1600  # rows that are on disk when the load begins
MOST_LOAD_ROWS = 16_000  # most rows looked up when the gateway is killed
IN_FLIGHT = 32
# Small, so that segments come and go, but several times as large as what one round writes.
CONFIG = "memory { limit_bytes: 8388608 } disk { limit_bytes: 67108864 }"


class CrashTest(harness.ServicesTest):

    def test_killed_again_and_again(self):
        chance = random.Random(SEED)
        models = self.services.start("bench-model-server", value_load.VALUE_FLAGS)
        first = 0
        for number in range(ROUNDS):
            is_invalidating = number % 3 == 2
            with self.subTest(round=number, invalidating=is_invalidating, seed=SEED):
                first = self.kill_under_load(models, first, chance, is_invalidating)

    def kill_under_load(self, models, first, chance, is_invalidating):
        """Runs one round on new inputs from `first` on. Returns the first input of the next
        round."""
        gateway, server = self.start(models)
        self.ask(gateway, first, SAFE_ROWS)
        wait_for(lambda: server.get_stats().disk.pending_writes == 0, "the disk")
        load = value_load.Load(gateway.listen, first=first + SAFE_ROWS, count=10**9, rows=ROWS,
                               in_flight=IN_FLIGHT, seconds=600, exact=True)
        self.addCleanup(load.stop)
        until = SAFE_ROWS + chance.randrange(ROWS, MOST_LOAD_ROWS)
        seen = wait_for(lambda: rows if (rows := sum(server.lookups().values())) >= until else 0,
                        "the load")
        if is_invalidating:
            self.connect(gateway.admin).invalidate(model="zero")
        gateway.kill()
        load.stop()

        gateway, server = self.start(models)
        self.assertEqual(metrics.sum_of(gateway.metrics, "souvenir_gateway_disk_moved_aside_total"),
                         0, gateway.log())
        self.ask(gateway, first, SAFE_ROWS)
        self.assertEqual(server.lookups().get(DISK, 0), 0 if is_invalidating else SAFE_ROWS,
                         "answers from disk of those that had reached it before the kill")
        # Asks for more rows than were asked before the kill, so that every record is read.
        end = first + 2 * seen // ROWS * ROWS
        self.ask(gateway, first + SAFE_ROWS, end - first - SAFE_ROWS)
        self.assertEqual(metrics.sum_of(gateway.metrics, "souvenir_gateway_disk_read_errors_total"),
                         0, gateway.log())
        gateway.kill()
        return end

    def start(self, models):
        gateway = self.start_gateway(models, data_dir="cache", config=CONFIG)
        server = self.connect(gateway.listen)
        wait_for(server.ready, "the gateway to learn its models")
        return gateway, server

    def ask(self, gateway, first, rows):
        """Fails unless every byte of every answer is right."""
        return value_load.Load(gateway.listen, first=first, count=rows, rows=ROWS,
                               requests=rows // ROWS, exact=True).finish()


if __name__ == "__main__":
    harness.main()
