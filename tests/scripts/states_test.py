"""Each script configures what it needs, whatever state of the build tree another has left. Nothing is
compiled here: fresh_clone_test.py does that."""

import subprocess
import unittest

import sandbox

PROGRAMS = ("souvenir", "souvenir-gateway", "souvenir-compute", "souvenir-worker-apertium",
            "python_stubs")
# What a build has besides, where the machine has what tests and benchmarks need.
MORE = ("gateway_test", "bench-traces")


class StatesTest(sandbox.ScriptsTest):

    def setUp(self):
        super().setUp()
        # All of the tree but what is copied already.
        for path in sandbox.SOURCE_DIRECTORY.iterdir():
            if path.name not in ("build", ".git", "scripts", "tests"):
                (self.tree / path.name).symlink_to(path)
        for path in (sandbox.SOURCE_DIRECTORY / "tests").iterdir():
            copied = self.tree / "tests" / path.name
            if not copied.exists():
                copied.symlink_to(path)
            elif path.name == "bench":
                for file in path.iterdir():
                    if file.name != "suite":
                        (copied / file.name).symlink_to(file)
            else:  # fuzz
                for file in path.iterdir():
                    if file.name != "corpus":
                        (copied / file.name).symlink_to(file)
        self.replace("setup", "exit 0", folder="scripts")
        # A build is asked for with -j; all else (cmake's own checks, queries) is real.
        self.replace("ninja", f'[[ " $* " != *" -j "* ]] || {{ echo "$*" >>{self.folder}/asked; '
                              'exit 0; }\nPATH=${PATH#*:} exec ninja "$@"\n')

    def configure(self, *options):
        done = subprocess.run(["cmake", "--preset", "release", *options], cwd=self.tree, check=False,
                              capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)

    def asked(self, done):
        """The targets of the last build, which `done` asked for."""
        self.assertTrue((self.folder / "asked").exists(), done.stdout + done.stderr)
        words = (self.folder / "asked").read_text(encoding="utf-8").splitlines()[-1].split()
        return words[words.index("-j") + 2:]

    def knows(self, *targets):
        for target in targets:
            done = subprocess.run(["ninja", "-C", self.tree / "build" / "release", "-t", "query",
                                   target], check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_from_any_state(self):
        # Nothing was configured; the programs are built, and so are stubs.
        done = self.run_script("quickstart", "--once", SOUVENIR_PORT_BASE="1x")
        self.assertIn("SOUVENIR_PORT_BASE", done.stderr)
        # There are no programs, so the tour ends after the build.
        done = self.run_script("quickstart", "--once", SOUVENIR_PORT_BASE="39000")
        self.assertEqual(self.asked(done), list(PROGRAMS))
        self.knows(*PROGRAMS)
        self.assertIn("first time", done.stdout)

        # As a quickstart of older sources, or `cmake -D...`, has left it.
        self.configure("-DSOUVENIR_TESTS=OFF", "-DSOUVENIR_BENCH=OFF",
                       "-DSOUVENIR_BACKEND_PYTORCH=OFF")
        self.knows(*PROGRAMS)
        done = self.run_script("build")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.asked(done), [])
        self.knows(*PROGRAMS, *MORE)

        done = self.run_script("build", "release", *MORE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.asked(done), list(MORE))
        done = self.run_script("build", "release", "no-such-target")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no target 'no-such-target'", done.stderr)

        # Interrupted while it was configured; and without the translation engine.
        (self.tree / "build" / "release" / "build.ninja").unlink()
        self.run_script("quickstart", "--once", SOUVENIR_PORT_BASE="39000")
        self.knows(*PROGRAMS)
        self.configure("-DSOUVENIR_BACKEND_APERTIUM=OFF")
        self.run_script("quickstart", "--once", SOUVENIR_PORT_BASE="39000")
        self.knows(*PROGRAMS)

    def test_the_build_is_announced_as_long_only_where_it_is(self):
        built = self.tree / "build" / "release" / "bin"
        built.mkdir(parents=True)
        for program in ("souvenir", "souvenir-gateway", "souvenir-compute"):
            self.replace(program, "exit 1", folder=built)
        (self.tree / "build" / "release" / "build.ninja").touch()
        (self.tree / "build" / "release" / "CMakeCache.txt").write_text(
            "SOUVENIR_BACKEND_APERTIUM:BOOL=ON\n", encoding="utf-8")
        self.replace("ninja", "exit 0")
        done = self.run_script("quickstart", "--once", SOUVENIR_PORT_BASE="39000")
        self.assertIn("Building what has changed", done.stdout)
        self.assertNotIn("minutes", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
