"""Several compute services behind one gateway come and go, and no request fails because of that."""

import itertools
import threading
import time

import grpc
import harness
from clients import MEMORY, MISS
from metrics import sum_of
from services import TIME_FACTOR, wait_for

CALLERS = 4


class Load:
    """Callers that ask for new texts one after another until they are stopped."""

    def __init__(self, server):
        self.answered = 0
        self.failures = []
        self._server = server
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def wait_for_more(self, more):
        until = self.answered + more
        wait_for(lambda: self.answered >= until or self.failures, f"{more} more answers")

    def stop(self):
        """Idempotent."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _call(self):
        while not self._enough.is_set():
            with self._lock:
                number = next(self._numbers)
            try:
                answer = self._server.translate_one(f"The house number {number} is red.")
                failed = answer.status.message if answer.status.code else None
            except grpc.RpcError as error:
                failed = f"{error.code()}: {error.details()}"
            with self._lock:
                self.answered += 1
                if failed is not None:
                    self.failures.append(failed)


class EndpointsTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        self.computes = [self.start_compute(), self.start_compute()]
        self.addresses = [compute.listen for compute in self.computes]
        self.gateway = self.start_gateway(",".join(self.addresses))
        self.server = self.connect_when_ready(self.gateway)
        self.wait_for_states(ready=2)

    def gauge(self, state, address=None):
        labels = {"state": state} if address is None else {"state": state, "endpoint": address}
        return sum_of(self.gateway.metrics, "souvenir_gateway_upstream_endpoints", **labels)

    def wait_for_states(self, **states):
        wait_for(lambda: all(self.gauge(state) == count for state, count in states.items()),
                 f"endpoints in the states {states}")

    def calls(self, address):
        return sum_of(self.gateway.metrics, "souvenir_gateway_upstream_calls_total",
                      endpoint=address, outcome="ok")

    def start_load(self):
        load = Load(self.server)
        self.addCleanup(load.stop)
        return load

    def replace(self, number, kill):
        """Ends a compute service and starts another in its place."""
        if kill:
            self.computes[number].kill()
        else:
            self.computes[number].terminate()
        self.computes[number] = self.start_compute(listen=self.addresses[number])

    def test_one_is_killed_under_load_and_comes_back(self):
        load = self.start_load()
        load.wait_for_more(40)
        # One service may have its model sooner than the other, and is then asked first.
        wait_for(lambda: all(self.calls(address) for address in self.addresses), "both to work")

        self.computes[0].kill()
        self.wait_for_states(ready=1, away=1)
        self.assertEqual(self.gauge("away", self.addresses[0]), 1)
        load.wait_for_more(40)

        before = self.calls(self.addresses[0])
        self.computes[0] = self.start_compute(listen=self.addresses[0])
        wait_for(lambda: self.calls(self.addresses[0]) > before, "the one that came back to work")
        load.wait_for_more(40)
        load.stop()
        self.assertEqual(load.failures, [])
        self.wait_for_states(ready=2, away=0, ejected=0)
        self.assertEqual(sum_of(self.gateway.metrics, "souvenir_gateway_upstream_outstanding"), 0)

    def test_replicas_are_replaced_one_after_the_other_under_load(self):
        load = self.start_load()
        for number in range(2):
            load.wait_for_more(20)
            self.replace(number, kill=False)
            self.wait_for_states(ready=2)
        load.wait_for_more(20)
        load.stop()
        self.assertEqual(load.failures, [])

    def test_with_all_away_hits_are_served_and_the_log_alone_names_all(self):
        known = "The cat sleeps in the garden."
        self.assert_translated(self.server.translate_one(known), MISS)
        for compute in self.computes:
            compute.kill()
        self.wait_for_states(away=2)
        self.assert_translated(self.server.translate_one(known), MEMORY)
        started = time.monotonic()
        error = self.assert_fails(grpc.StatusCode.UNAVAILABLE,
                                  lambda: self.server.translate_one("The dog eats."),
                                  "none of 2 compute services answers")
        self.assertLess(time.monotonic() - started, 2 * TIME_FACTOR)
        for address in self.addresses:
            self.assertNotIn(address, error.details())
            wait_for(lambda: any('"detail"' in line and address in line
                                 for line in self.gateway.log().splitlines()),
                     f"the log to name {address}")
        self.assertEqual(self.server.health(), "SERVING")
        self.replace(1, kill=True)
        wait_for(lambda: self.gauge("ready") == 1, "one to be back")
        self.assert_translated(self.server.translate_one("The dog eats."), MISS,
                               harness.engine_output("eng-spa", "The dog eats."))

    def test_a_name_stands_for_all_its_addresses(self):
        port = self.addresses[0].rpartition(":")[2]
        gateway = self.start_gateway(f"localhost:{port}")
        server = self.connect_when_ready(gateway)
        self.assert_translated(server.translate_one("The sea is blue."), MISS,
                               harness.engine_output("eng-spa", "The sea is blue."))
        self.assertEqual(sum_of(gateway.metrics, "souvenir_gateway_upstream_calls_total",
                                endpoint=f"localhost:{port}", outcome="ok"), 1)


if __name__ == "__main__":
    harness.main()
