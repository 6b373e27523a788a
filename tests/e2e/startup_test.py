"""An error at the start is one line, with an exit code that scripts can tell apart."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import harness
from services import TIME_FACTOR, program, wait_for

USAGE = 2
FAILED = 1
ANYWHERE = ("--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--metrics=127.0.0.1:0")
BOTH = ("souvenir-gateway", "souvenir-compute")


def run(name, *arguments):
    """Runs a program to its end. Returns (exit code, output)."""
    done = subprocess.run([program(name), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=30 * TIME_FACTOR, text=True,
                          cwd=tempfile.gettempdir())
    return done.returncode, done.stdout + done.stderr


class StartupTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.services.directory)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def test_a_wrong_configuration_is_shown_its_place(self):
        for name in BOTH:
            for wrong, place, parts in (
                    ('listen_address: "127.0.0.1:0"\nno_such_field: 1\n', ":2:",
                     ("no_such_field",)),
                    ('listen_address: 5\n', ":1:", ()),
                    ('logging { level: "info"\n', ":2:", ()),
                    ('\n\nlisten_address: "a"\nlisten_address: "b"\n', ":4:",
                     ("listen_address",))):
                with self.subTest(program=name, wrong=wrong):
                    path = self.write("wrong.textproto", wrong)
                    code, said = run(name, f"--config={path}")
                    self.assertEqual(code, USAGE, said)
                    self.assertRegex(said, f"{path}{place}[0-9]+: ")
                    for part in parts:
                        self.assertIn(part, said)

    def test_a_setting_out_of_range_is_named(self):
        for name, config, parts in (
                ("souvenir-gateway", "memory { shards: 3 }", ("shards", "3")),
                ("souvenir-gateway", 'listen_address: "nowhere"', ("nowhere",)),
                ("souvenir-gateway", 'logging { level: "loud" }', ("loud",)),
                ("souvenir-compute", "model_nice: 99", ("99",)),
                ("souvenir-compute", 'logging { format: "xml" }', ("xml",))):
            with self.subTest(config=config):
                path = self.write("range.textproto", config)
                code, said = run(name, f"--config={path}", "--check_config")
                self.assertEqual(code, USAGE, said)
                for part in parts:
                    self.assertIn(part, said)

    def test_a_configuration_that_is_not_there(self):
        for name in BOTH:
            path = str(self.directory / "absent.textproto")
            code, said = run(name, f"--config={path}")
            self.assertEqual(code, USAGE, said)
            self.assertIn(path, said)

    def test_what_is_no_file_is_named_and_not_waited_for(self):
        fifo = self.directory / "fifo"
        os.mkfifo(fifo)
        for name in BOTH:
            for path, kind in ((self.directory, "a directory"), (fifo, "a pipe"),
                               ("/dev/zero", "a device")):
                with self.subTest(program=name, path=path):
                    code, said = run(name, f"--config={path}")
                    self.assertEqual(code, USAGE, said)
                    self.assertIn(f"cannot read {path}: it is {kind}", said)
            # This file can be opened, but every read fails.
            code, said = run(name, "--config=/proc/self/mem")
            self.assertEqual(code, USAGE, said)
            self.assertIn("Input/output error", said)

    def test_a_configuration_that_becomes_a_directory_ends_nothing(self):
        compute = self.start_compute()
        gateway = self.start_gateway(compute, config="")
        server = self.connect_when_ready(gateway)
        for service, name in ((compute, "compute"), (gateway, "gateway")):
            path = self.directory / f"{name}.textproto"
            path.unlink()
            path.mkdir()
            service.signal(signal.SIGHUP)
            wait_for(lambda: "it is a directory" in service.log(), "the refusal in the log")
        self.assert_translated(server.translate_one("The house is red."), harness.clients.MISS)

    def test_check_config_starts_nothing(self):
        good = self.write("good.textproto", 'listen_address: "127.0.0.1:0"\n')
        for name in BOTH:
            with self.subTest(program=name):
                code, said = run(name, f"--config={good}", "--check_config")
                self.assertEqual(code, 0, said)
                self.assertNotIn("serving", said)
                self.assertEqual(run(name, "--check_config")[0], 0)

    def test_an_unknown_flag(self):
        for name in BOTH:
            code, said = run(name, "--no_such_flag=1")
            self.assertNotEqual(code, 0)
            self.assertIn("no_such_flag", said)

    def test_a_port_in_use_is_named_in_one_line(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for name in BOTH:
                for flag in ("--listen", "--admin", "--metrics"):
                    with self.subTest(program=name, flag=flag):
                        others = [other for other in ANYWHERE if not other.startswith(flag)]
                        code, said = run(name, f"{flag}={address}", *others)
                        self.assertEqual(code, FAILED, said)
                        lines = [line for line in said.splitlines() if address in line]
                        self.assertEqual(len(lines), 1, said)
                        self.assertIn(flag, lines[0])

    def test_a_data_directory_that_cannot_be_written(self):
        file = self.write("file", "not a directory")
        for path in (file, f"{file}/below", "/proc/souvenir"):
            with self.subTest(path=path):
                code, said = run("souvenir-gateway", *ANYWHERE, f"--data-dir={path}")
                self.assertEqual(code, FAILED, said)
                self.assertEqual(len([line for line in said.splitlines() if path in line]), 1,
                                 said)

    def test_a_data_directory_without_permission(self):
        path = self.directory / "locked"
        path.mkdir(mode=0o555)
        if os.access(path, os.W_OK):
            self.skipTest("root may write everywhere")
        code, said = run("souvenir-gateway", *ANYWHERE, f"--data-dir={path / 'cache'}")
        self.assertEqual(code, FAILED, said)
        self.assertIn(str(path), said)

    def test_a_second_gateway_on_the_same_data_is_refused(self):
        _, _, server = self.start_both(data_dir="cache")
        path = str(self.directory / "cache")
        code, said = run("souvenir-gateway", *ANYWHERE, f"--data-dir={path}")
        self.assertEqual(code, FAILED, said)
        self.assertIn(path, said)
        self.assertIn("another", said.lower())
        # The first gateway goes on.
        self.assert_translated(server.translate_one("The house is red."), harness.clients.MISS)


if __name__ == "__main__":
    harness.main()
