"""What docs/operations.md tells to type and to expect is what there is."""

import re
import subprocess
import unittest

from deployment import (AFTER_DRAIN, OVERLAYS, SOURCE_DIRECTORY, documented_defaults, host_and_port,
                        render)
from kubernetes_rules import Cluster
from services import program

PAGE = (SOURCE_DIRECTORY / "docs" / "operations.md").read_text(encoding="utf-8")


class OperationsTest(unittest.TestCase):

    def test_files_are_there(self):
        paths = set(re.findall(r"(?<![\w./-])(?:deploy|scripts|docs)/[\w./*-]+\w", PAGE))
        self.assertGreaterEqual(len(paths), 8)
        for path in paths:
            if "$" not in path:
                self.assertTrue(list(SOURCE_DIRECTORY.glob(path)), path)

    def test_commands_are_commands(self):
        commands = set(re.findall(r"(?:-- |`|^)souvenir ((?:cache )?[a-z]+)", PAGE, re.MULTILINE))
        self.assertGreaterEqual(commands, {"cache export", "cache import", "cache clear", "models"})
        for command in commands:
            done = subprocess.run([program("souvenir"), *command.split(), "--help"], check=False,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, command)
            self.assertIn(f"souvenir {command}", done.stdout)

    def test_sets_of_packages_are_there(self):
        sets = re.findall(r"scripts/setup --only (\S+)", PAGE)
        self.assertEqual(len(sets), 1)
        folder = SOURCE_DIRECTORY / "scripts" / "packages"
        for name in sets[0].split(","):
            self.assertTrue((folder / f"{name}.txt").is_file(), name)

    def test_ports(self):
        table = {int(port): service for port, service in
                 re.findall(r"^\| (80\d\d) \| (\w+) \|", PAGE, re.MULTILINE)}
        expected = {}
        for service in ("gateway", "compute"):
            config = documented_defaults(service)
            for address in (config.listen_address, config.metrics_address, config.admin_address):
                expected[host_and_port(address)[1]] = service
        self.assertEqual(table, expected)

    def test_limits_without_a_setting_are_those_of_the_sources(self):
        for row, source, pattern in (
                ("lines of the log", "common/logging/log_limit.h", r"kDefaultMost = (\d+);"),
                ("files and folders", "compute-service/repository/model_repository.h",
                 r"poll_entries = (\d+);"),
                ("names that an error lists", "common/name_list.h", r"kMostNames = (\d+);"),
                ("models that have gone", "gateway/catalog/catalog.h", r"kMostGone = (\d+);")):
            documented = re.search(rf"^\| {row}[^|]*\| ([\d,]+)", PAGE, re.MULTILINE)[1]
            text = (SOURCE_DIRECTORY / source).read_text(encoding="utf-8")
            self.assertEqual(documented.replace(",", ""), re.search(pattern, text)[1], row)

    def test_the_table_of_a_stop(self):
        rows = [tuple(map(int, row)) for row in
                re.findall(r"^\| .* \| (\d+) s \| (\d+) s \|$", PAGE, re.MULTILINE)]
        for overlay in OVERLAYS:
            cluster = Cluster(render(overlay))
            columns = []
            for service in ("gateway", "compute"):
                workload = cluster.workload(service)
                after = AFTER_DRAIN
                if service == "compute":
                    after += workload.config.pool.run_limit_ms // 1000
                columns.append((
                    int(workload.container["lifecycle"]["preStop"]["exec"]["command"][1]),
                    workload.config.drain_timeout_seconds, after,
                    workload.pod["terminationGracePeriodSeconds"]))
            self.assertEqual(rows, list(zip(*columns)), overlay)


if __name__ == "__main__":
    unittest.main(verbosity=2)
