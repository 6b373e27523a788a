"""The compute service survives the death of its worker processes."""

import os
import signal

import grpc
import harness
from clients import MISS
from services import descendants, wait_for

TEXT = "The river is long and the night is cold, number {}."


class WorkerLossTest(harness.ServicesTest):

    def test_the_requests_after_a_worker_died_are_answered(self):
        compute, _, server = self.start_both()
        self.assert_translated(server.translate_one(TEXT.format(0)), MISS)
        first = set(wait_for(lambda: descendants(compute.pid), "workers"))

        for pid in first:
            self.kill_process(pid)
        # The first request may find its worker gone, and then fails with UNAVAILABLE.
        outcome = self.outcome(server, TEXT.format(1))
        self.assertIn(outcome, ("OK", grpc.StatusCode.UNAVAILABLE))
        for number in range(2, 12):
            text = TEXT.format(number)
            self.assert_translated(server.translate_one(text), MISS,
                                   harness.engine_output("eng-spa", text))
        self.assertTrue(set(descendants(compute.pid)) - first, "no worker was started anew")
        self.assertTrue(compute.running())

    def test_a_worker_that_dies_at_work_hurts_no_other_request(self):
        compute, _, server = self.start_both()
        self.assert_translated(server.translate_one(TEXT.format(0)), MISS)
        # The texts are long, so the workers are busy when they die.
        slow = [server.translation.Translate.future(
                    harness.clients.translate_request((TEXT.format(n) + " ") * 300), timeout=60)
                for n in range(4)]
        other = server.translation.Translate.future(
            harness.clients.translate_request(TEXT.format(0), ("gl",)), timeout=60)
        for pid in wait_for(lambda: descendants(compute.pid), "workers")[-1:]:
            self.kill_process(pid)
        for future in [*slow, other]:
            if future.exception() is not None:
                self.assertEqual(future.code(), grpc.StatusCode.UNAVAILABLE, future.details())
                continue
            status = future.result().translations[0].status
            self.assertIn(status.code, (0, harness.code_number(grpc.StatusCode.UNAVAILABLE)),
                          status.message)
        text = TEXT.format(100)
        self.assert_translated(server.translate_one(text), MISS,
                               harness.engine_output("eng-spa", text))

    def test_workers_end_with_the_service_even_where_it_is_killed(self):
        compute, _, server = self.start_both()
        self.assert_translated(server.translate_one(TEXT.format(0)), MISS)
        workers = wait_for(lambda: descendants(compute.pid), "workers")
        compute.kill()
        wait_for(lambda: not any(_alive(pid) for pid in workers), "the workers to end")

    def kill_process(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended together with its parent

    def outcome(self, server, text):
        try:
            translation = server.translate_one(text)
        except grpc.RpcError as error:
            return error.code()
        if translation.status.code == 0:
            return "OK"
        return next(code for code in grpc.StatusCode
                    if harness.code_number(code) == translation.status.code)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


if __name__ == "__main__":
    harness.main()
