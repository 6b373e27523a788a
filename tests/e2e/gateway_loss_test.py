"""A gateway that is killed while it writes comes back, and never gives a wrong answer."""

import threading

import grpc
import harness
from clients import DISK, MEMORY

ROUNDS = 3
CALLS_BEFORE_KILL = 400
OUTSTANDING = 16


class Writers:
    """Keeps new texts going through a gateway and remembers each answer that came back."""

    def __init__(self, server, prefix):
        self._server = server
        self._prefix = prefix
        self._lock = threading.Lock()
        self._next = 0
        self.answers = {}
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(OUTSTANDING)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while True:
            with self._lock:
                number = self._next
                self._next += 1
            text = f"The {self._prefix} house number {number} is red."
            try:
                answer = self._server.translate_one(text)
            except grpc.RpcError:
                return  # the gateway was killed
            with self._lock:
                if answer.status.code == 0:
                    self.answers[text] = answer.text
                if len(self.answers) >= CALLS_BEFORE_KILL:
                    self.enough.set()

    def join(self):
        for thread in self._threads:
            thread.join()


class GatewayLossTest(harness.ServicesTest):

    def test_killed_under_write_load_it_keeps_most_and_corrupts_nothing(self):
        compute = self.start_compute()
        gateway = self.start_gateway(compute, data_dir="cache")
        server = self.connect_when_ready(gateway)
        answers = {}
        for prefix in ("old", "new", "big")[:ROUNDS]:
            writers = Writers(server, prefix)
            self.assertTrue(writers.enough.wait(120), "the load did not get going")
            gateway.kill()
            writers.join()
            server.close()
            answers |= writers.answers

            gateway = self.start_gateway(compute, data_dir="cache")
            server = self.connect_when_ready(gateway)
            kept = self.count_kept(server, answers)
            self.assertGreater(kept, 0.8 * len(answers),
                               f"{kept} of {len(answers)} entries are left")

    def count_kept(self, server, answers):
        kept = 0
        for text, expected in answers.items():
            found = server.translate(text, cache_control="only-if-cached").translations[0]
            if found.status.code == harness.code_number(grpc.StatusCode.FAILED_PRECONDITION):
                continue
            self.assert_translated(found, (DISK, MEMORY), expected)
            kept += 1
        return kept


if __name__ == "__main__":
    harness.main()
