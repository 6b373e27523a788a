"""On SIGTERM a service finishes its work, refuses new work, and exits with 0."""

import os
import signal
import sys

import grpc
import harness
from clients import MISS, translate_request
from metrics import sum_of
from services import Service, wait_for

# Arguments: the name of a terminal, and a command. Runs the command in a session with that
# terminal.
IN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""

# Keeps the engine busy for about a second.
SLOW = "The old man and the sea are friends, but the wind is strong. " * 900


class ShutdownTest(harness.ServicesTest):

    def begin_slow_request(self, compute, server):
        """Returns a call that an instance of the model is working on."""
        call = server.translation.Translate.future(translate_request(SLOW), timeout=100)
        wait_for(lambda: sum_of(compute.metrics, "souvenir_compute_instances", state="busy") == 1,
                 "the engine to begin")
        self.assertFalse(call.done())
        return call

    def test_the_gateway_finishes_what_is_under_way(self):
        compute, gateway, server = self.start_both(data_dir="cache")
        call = self.begin_slow_request(compute, server)
        gateway.signal(signal.SIGTERM)
        self.assert_translated(call.result().translations[0], MISS)
        self.assertEqual(gateway.wait(), 0)

        # The answer was also kept on disk.
        server = self.connect_when_ready(self.start_gateway(compute, data_dir="cache"))
        self.assert_translated(server.translate_one(SLOW), harness.clients.DISK,
                               call.result().translations[0].text)

    def test_compute_finishes_what_is_under_way(self):
        compute, _, server = self.start_both()
        call = self.begin_slow_request(compute, server)
        compute.signal(signal.SIGTERM)
        self.assert_translated(call.result().translations[0], MISS)
        self.assertEqual(compute.wait(), 0)

    def test_a_drain_that_takes_too_long_is_cut_short(self):
        compute = self.start_compute()
        gateway = self.start_gateway(compute, arguments=["--drain_timeout=0"])
        server = self.connect_when_ready(gateway)
        call = self.begin_slow_request(compute, server)
        gateway.signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(15), 0)
        self.assertIn(call.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))

    def test_closing_the_terminal_ends_what_was_started_in_it(self):
        # The service runs in a session of its own, whose terminal only this test holds open.
        ours, its = os.openpty()
        self.addCleanup(os.close, its)
        service = Service("souvenir-compute", ["--listen=127.0.0.1:0", "--admin=127.0.0.1:0",
                                               "--metrics=127.0.0.1:0"],
                          prefix=[sys.executable, "-c", IN_TERMINAL, os.ttyname(its)])
        self.services.all.append(service)
        service.wait_until_serving()
        os.close(ours)
        self.assertEqual(service.wait(20), 0)

    def test_idle_services_end_at_once_on_either_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                compute, gateway, _ = self.start_both()
                for service in (gateway, compute):
                    service.signal(number)
                    self.assertEqual(service.wait(10), 0)


if __name__ == "__main__":
    harness.main()
