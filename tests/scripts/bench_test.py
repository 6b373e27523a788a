"""scripts/bench leaves out, by name, what a machine cannot measure, and keeps the figures of what it has
measured, whatever comes later."""

import json
import os
import subprocess
import sys
import unittest

import sandbox

LINE = '{"capacity": "1%%", "bytes": 1, "policy": "%s", "miss_ratio": 0.5, "cost_miss_ratio": 0.5}'
POLICIES = ("s3-fifo", "lru", "gdsf", "plain-s3-fifo")
PLAYER = "".join(f"echo '{LINE % policy}'\n" for policy in POLICIES)


class BenchTest(sandbox.ScriptsTest):

    def setUp(self):
        super().setUp()
        for program in ("h2load", "redis-server", "redis-benchmark", "apertium-apy"):
            self.replace(program, "exit 1")
        self.built = self.folder / "built"
        self.built.mkdir()
        self.report = self.folder / "figures.json"

    def bench(self, *arguments, player=PLAYER):
        self.replace("bench-traces", player, folder=self.built)
        return subprocess.run(
            [sys.executable, sandbox.SOURCE_DIRECTORY / "scripts" / "bench", "--no-build",
             "--rounds=1", "--seconds=0.1", f"--json={self.report}",
             f"--traces={self.folder / 'traces'}", *arguments],
            check=False, capture_output=True, text=True, timeout=100, cwd=self.folder,
            env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}",
                 "SOUVENIR_BIN": str(self.built)})

    def figures(self):
        return json.loads(self.report.read_text(encoding="utf-8"))

    def test_traces_that_are_not_there_are_left_out_by_name(self):
        done = self.bench("traces")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn(f"there is no {self.folder / 'traces' / 'web12.trace.xz'}", done.stderr)
        report = self.figures()
        self.assertEqual({row["trace"] for row in report["benchmarks"]["traces"]}, {"scan", "loop"})
        self.assertEqual(report["left_out"], ["traces, web12", "traces, orm-night",
                                              "traces, adaptsize", "traces, adaptsize, real sizes"])

    def test_a_trace_that_is_there_is_played(self):
        (self.folder / "traces").mkdir()
        (self.folder / "traces" / "web12.trace.xz").touch()
        self.bench("traces")
        self.assertIn("web12", {row["trace"] for row in self.figures()["benchmarks"]["traces"]})

    def test_figures_stay_when_a_later_benchmark_fails(self):
        done = self.bench("traces", "growth")  # of which there is no program
        self.assertEqual(done.returncode, 1)
        self.assertIn("bench: failed: growth", done.stderr)
        report = self.figures()
        self.assertEqual(list(report["benchmarks"]), ["traces"])
        self.assertEqual(list(report["failed"]), ["growth"])

    def test_later_benchmarks_run_when_one_fails(self):
        self.report.write_text("older", encoding="utf-8")
        done = self.bench("growth", "traces")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(list(self.figures()["benchmarks"]), ["traces"])
        self.assertIn("traces:", done.stdout)

    def test_figures_that_cannot_be_written_are_refused_at_once(self):
        self.report.mkdir()
        done = self.bench("traces")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--json", done.stderr)
        self.assertNotIn("scan", done.stderr)


class HelpTest(unittest.TestCase):

    def test_a_benchmarks_program_lists_its_flags(self):
        listed = 0
        for path in sorted(sandbox.SOURCE_DIRECTORY.glob("tests/bench/*.cc")):
            text = path.read_text(encoding="utf-8")
            if "ABSL_FLAG" in text:
                listed += 1
                self.assertTrue("souvenir::bench::ParseCommandLine(" in text, path.name)
        self.assertGreater(listed, 5)
        program = os.path.join(os.environ["SOUVENIR_BIN"], "bench-traces")
        if not os.path.exists(program):
            self.skipTest("the benchmarks were not built")
        done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
        for flag in ("file", "format", "sizes", "costs", "seed", "capacity", "policy", "json"):
            self.assertIn(f"--{flag} (", done.stdout)
        done = subprocess.run([program, "scan"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown argument 'scan'", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
