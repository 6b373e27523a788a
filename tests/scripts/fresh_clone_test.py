"""In one clone, from nothing: quickstart, build, bench, test and lint, one after the other as a new user
does. Takes as long as a build from nothing; uses the compiler's cache where there is one."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import sandbox


def free_port_base():
    """Of which the ports that the scripts take are free."""
    for base in range(20000, 60000, 100):
        try:
            for offset in (1, 2, 3, 11, 12, 13):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        return str(base)
    raise RuntimeError("no free ports")


class FreshCloneTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="souvenir-clone-")
        cls.addClassCleanup(folder.cleanup)
        cls.clone = pathlib.Path(folder.name) / "souvenir"
        for path in sandbox.files_of_the_tree():
            target = cls.clone / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(sandbox.SOURCE_DIRECTORY / path, target)
        for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"],
                        ["-c", "user.name=test", "-c", "user.email=test@example.org", "commit",
                         "--quiet", "--message=All"]):
            subprocess.run(["git", *command], cwd=cls.clone, check=True)
        # What this test was told is not for the clone's own.
        cls.environment = {key: value for key, value in os.environ.items()
                           if not key.startswith("SOUVENIR_")}
        cls.environment["SOUVENIR_PORT_BASE"] = free_port_base()

    def run_in_clone(self, *command, **environment):
        print(f"--- {' '.join(command)}", flush=True)
        done = subprocess.run(command, cwd=self.clone, check=False, text=True, timeout=3600,
                              capture_output=True, stdin=subprocess.DEVNULL,
                              env={**self.environment, **environment})
        print(done.stdout[-3000:], done.stderr[-3000:], flush=True)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)} failed")
        return done

    def build_log(self):
        return (self.clone / "build" / "release" / "build.log").read_text(encoding="utf-8")

    def test_one_script_after_the_other(self):
        done = self.run_in_clone("scripts/quickstart", "--once")
        self.assertIn("2 disk", done.stdout)
        # In the order asked, whichever came from disk first.
        self.assertNotRegex(done.stdout, r"(?m)^gl .*\n+es ")
        self.assertNotIn("warning:", self.build_log())
        # The stubs of the README.
        self.run_in_clone(sys.executable, "-c", "from souvenir.v1 import translation_pb2_grpc",
                          PYTHONPATH="build/release/python")
        done = self.run_in_clone("scripts/quickstart", "--once")
        self.assertIn("Building what has changed", done.stdout)

        self.run_in_clone("scripts/build")
        self.assertNotIn("warning:", self.build_log())
        self.assertTrue((self.clone / "build" / "release" / "tests" / "gateway_test").is_file())

        self.run_in_clone("scripts/bench", "hits", "--rounds", "1", "--seconds", "0.5", "--json",
                          "figures.json")
        figures = json.loads((self.clone / "figures.json").read_text(encoding="utf-8"))
        self.assertIn("hits", figures["benchmarks"])

        done = self.run_in_clone("scripts/test", "--fast", "-R", "FlightTable|architecture/")
        self.assertIn("100% tests passed", done.stdout)
        self.run_in_clone("scripts/lint", "--no-tidy")
        # And back to the beginning.
        self.run_in_clone("scripts/quickstart", "--once")


if __name__ == "__main__":
    sandbox.skip_unless_all()
    unittest.main(verbosity=2)
