"""The base of the end-to-end tests. Starts services for a test, stops them after it, and shows
their logs if it fails."""

import os
import subprocess
import tempfile
import unittest

from services import Services, wait_for
import clients
import grpc

CHECKED_PAIR = ("en", "es")


class ServicesTest(unittest.TestCase):
    """A test with services of its own. Times are in seconds."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="souvenir-e2e-")
        self.addCleanup(directory.cleanup)
        self.services = Services(directory.name)
        self.addCleanup(self.services.stop)

    def start_compute(self, **options):
        return self.services.start_compute(**options)

    def start_gateway(self, compute, **options):
        """`compute` is a service or an address."""
        return self.services.start_gateway(getattr(compute, "listen", compute), **options)

    def start_both(self, **options):
        """Returns (compute, gateway, a client of the gateway) once the gateway knows its
        languages."""
        compute = self.start_compute()
        gateway = self.start_gateway(compute, **options)
        return compute, gateway, self.connect_when_ready(gateway)

    def connect(self, address):
        server = clients.Server(address)
        self.addCleanup(server.close)
        return server

    def connect_when_ready(self, gateway):
        """Returns a client of the gateway's public port, once the gateway knows compute's
        models."""
        server = self.connect(gateway.listen)
        wait_for(lambda: CHECKED_PAIR in server.languages(), "the gateway to learn its models")
        return server

    def assert_fails(self, code, call, *parts):
        """Checks that `call` fails with `code` and a message with all of `parts`, in any letter
        case."""
        with self.assertRaises(grpc.RpcError) as failure:
            call()
        error = failure.exception
        self.assertEqual(error.code(), code, error.details())
        self.assertTrue(error.details(), "an error without a message")
        for part in parts:
            self.assertIn(part.lower(), error.details().lower())
        return error

    def assert_translated(self, translation, kind, text=None):
        """Checks that it succeeded, by `kind` (one, or any of a tuple)."""
        self.assertEqual(translation.status.code, 0, translation.status.message)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        self.assertIn(translation.provenance.kind, kinds)
        if text is not None:
            self.assertEqual(translation.text, text)


class SharedServicesTest(ServicesTest):
    """Tests that do not disturb the services, and share a pair that is started for the class."""

    gateway_options = {}
    compute_options = {}

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="souvenir-e2e-")
        cls.addClassCleanup(directory.cleanup)
        cls.services = Services(directory.name)
        cls.addClassCleanup(cls.services.stop)
        cls.compute = cls.services.start_compute(**cls.compute_options)
        cls.gateway = cls.services.start_gateway(cls.compute.listen, **cls.gateway_options)

    def setUp(self):
        self.server = self.connect_when_ready(self.gateway)


def engine_output(mode, text):
    """Returns the output of Apertium itself, run once, for a text."""
    done = subprocess.run(["apertium", "-u", mode], input=text.encode(), capture_output=True,
                          check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return done.stdout.decode().rstrip("\n")


def code_number(code):
    """Returns the number of a grpc.StatusCode."""
    return code.value[0]


class _ResultWithLogs(unittest.TextTestResult):
    """Adds the logs of the services to each failure."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._attach(self.failures, test)

    def addError(self, test, err):
        super().addError(test, err)
        self._attach(self.errors, test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            broken = issubclass(err[0], test.failureException)
            self._attach(self.failures if broken else self.errors, test)

    def _attach(self, problems, test):
        services = getattr(test, "services", None)
        if services is not None:
            name, traceback = problems[-1]
            problems[-1] = (name, f"{traceback}\n{services.logs()}")


def main():
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=_ResultWithLogs, verbosity=2))
