"""The units of systemd are ones that it takes, are as closed as they say, and fit the programs and
the configuration beside them."""

import configparser
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from deployment import AFTER_DRAIN, DEPLOY, check_config, host_and_port, parse_config
from services import BIN_DIRECTORY, SOURCE_DIRECTORY

FOLDER = DEPLOY / "systemd"
OURS = ("gateway", "compute")
INSTALLED = "/opt/souvenir/bin/"
# Of 100: what `systemd-analyze security` leaves a service that has to be on the network.
EXPOSURE = 20
# Each of the two gRPC ports may have half as many connections as the process may have files.
FILES = 2 * int(re.search(
    r"^\| `max_connections` \| (\d+) \|",
    (SOURCE_DIRECTORY / "docs" / "configuration.md").read_text(encoding="utf-8"),
    re.MULTILINE).group(1))


def text_of(name):
    return (FOLDER / f"souvenir-{name}.service").read_text(encoding="utf-8")


def sections(text):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return parser


def analyze(text, *arguments):
    """(exit code, what it said) of systemd-analyze on a unit whose programs are the built ones."""
    with tempfile.TemporaryDirectory(prefix="souvenir-deploy-") as directory:
        path = pathlib.Path(directory) / "souvenir-test.service"
        path.write_text(text.replace(INSTALLED, f"{BIN_DIRECTORY.resolve()}/"), encoding="utf-8")
        done = subprocess.run(["systemd-analyze", *arguments, str(path)], capture_output=True,
                              text=True, check=False, timeout=60,
                              env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
        return done.returncode, done.stdout + done.stderr


def complaints(name, text, config_text):
    service = sections(text)["Service"]
    command = service["ExecStart"].split()
    files = {f"/etc/souvenir/{name}.textproto": config_text}
    if command[0] != f"{INSTALLED}souvenir-{name}":
        yield f"starts {command[0]}"
    code, complaint = check_config(name, command[1:], files)
    if code != 0:
        yield complaint
        return
    config = parse_config(name, config_text)
    needed = config.drain_timeout_seconds + AFTER_DRAIN
    if name == "compute":
        needed += config.pool.run_limit_ms // 1000
        if not config.model_repository.startswith("/opt/souvenir/"):
            yield f"model_repository is {config.model_repository}"
    elif config.disk.directory != f"/var/lib/{service.get('StateDirectory')}":
        yield f"StateDirectory is not {config.disk.directory}"
    if int(service["TimeoutStopSec"]) < needed:
        yield f"TimeoutStopSec is below {needed}"
    if int(service.get("LimitNOFILE", 0)) < FILES:
        yield f"LimitNOFILE is below {FILES}"
    if service.get("KillMode") != "mixed":
        yield "a stop reaches the workers before the service has drained"
    if service.get("RestartPreventExitStatus") != "2":
        yield "is started again and again with a wrong configuration"
    for address in (config.listen_address, config.metrics_address, config.admin_address):
        if host_and_port(address)[0] != "127.0.0.1":
            yield f"listens on {address}"


class SystemdTest(unittest.TestCase):

    def config_of(self, name):
        return (FOLDER / f"{name}.textproto").read_text(encoding="utf-8")

    def test_systemd_takes_the_units(self):
        for name in OURS:
            with self.subTest(name):
                self.assertEqual(analyze(text_of(name), "verify"), (0, ""))
                wrong = text_of(name).replace("ProtectHome=", "ProtectHouse=")
                self.assertIn("ProtectHouse", analyze(wrong, "verify")[1])
                wrong = text_of(name).replace(f"souvenir-{name} ", "souvenir-other ")
                self.assertNotEqual(analyze(wrong, "verify")[0], 0)

    def test_they_are_closed(self):
        for name in OURS:
            with self.subTest(name):
                check = ("security", "--offline=true", f"--threshold={EXPOSURE}")
                code, said = analyze(text_of(name), *check)
                self.assertEqual(code, 0, said)
                opened = text_of(name).replace("SystemCallFilter=@system-service\n", "")
                self.assertNotEqual(analyze(opened, *check)[0], 0)

    def test_they_fit_the_programs(self):
        for name in OURS:
            self.assertEqual(list(complaints(name, text_of(name), self.config_of(name))), [])

    def test_a_mistake_is_noticed(self):
        for name, old, new, words in (
                ("gateway", "TimeoutStopSec=60", "TimeoutStopSec=39", "below 40"),
                ("compute", "TimeoutStopSec=60", "TimeoutStopSec=49", "below 50"),
                ("compute", "drain_timeout_seconds: 30", "drain_timeout_seconds: 60", "below 80"),
                ("compute", "KillMode=mixed", "KillMode=control-group", "reaches the workers"),
                ("gateway", "LimitNOFILE=65536", "LimitNOFILE=1024", "LimitNOFILE is below 8192"),
                ("compute", "LimitNOFILE=65536\n", "", "LimitNOFILE is below"),
                ("gateway", "RestartPreventExitStatus=2", "", "again and again"),
                ("gateway", "StateDirectory=souvenir\n", "StateDirectory=x\n", "StateDirectory"),
                ("gateway", "--config=", "--configuration=", "configuration"),
                ("gateway", "127.0.0.1:8003", "0.0.0.0:8003", "listens on 0.0.0.0:8003"),
                ("compute", '"/opt/souvenir/models"', '"models"', "model_repository"),
                ("compute", "bin/souvenir-compute", "bin/compute", "starts")):
            with self.subTest(words):
                unit, config = text_of(name), self.config_of(name)
                self.assertIn(old, unit + config)
                found = complaints(name, unit.replace(old, new), config.replace(old, new))
                self.assertIn(words, "\n".join(found))

    def test_the_gateway_stops_first(self):
        after = [line for line in text_of("gateway").splitlines() if line.startswith("After=")]
        self.assertIn("After=souvenir-compute.service", after)


if __name__ == "__main__":
    unittest.main(verbosity=2)
