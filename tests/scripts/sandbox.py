"""A tree to run scripts in: the repository's files, in a folder of a test's own, and programs that take
the place of others in PATH."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE_DIRECTORY = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (SOURCE_DIRECTORY / "scripts").iterdir() if path.is_file())
SKIPPED = 77  # what CMakeLists.txt says to ctest


def skip_unless_all(reason=None):
    """Ends a test that takes many minutes, or that this machine cannot run."""
    if "SOUVENIR_ALL_TESTS" not in os.environ:
        reason = "it takes many minutes: scripts/test --all runs it"
    if reason is not None:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)


def files_of_the_tree():
    """Relative paths: what git has, and what is new."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], cwd=SOURCE_DIRECTORY, capture_output=True,
                            check=True, text=True).stdout
    return [path for path in listed.split("\0") if (SOURCE_DIRECTORY / path).is_file()]


class ScriptsTest(unittest.TestCase):
    """`self.tree` is a copy of what scripts need, which any user can read; `self.programs` comes first in PATH."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="souvenir-scripts-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.tree = self.folder / "tree"
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o777)
        # What scripts read before they do anything.
        for path in ("scripts", "tests/bench/suite", "tests/fuzz/corpus"):
            shutil.copytree(SOURCE_DIRECTORY / path, self.tree / path)

    def replace(self, name, text, folder=None):
        """Puts a program of that name into PATH, or into a folder of the tree."""
        path = (self.programs if folder is None else self.tree / folder) / name
        path.write_text("#!/bin/bash\n" + text, encoding="utf-8")
        path.chmod(0o755)

    def run_script(self, *command, prefix=(), path=None, **environment):
        """The finished process, whose script had nobody to ask."""
        path = f"{self.programs}:{os.environ['PATH']}" if path is None else path
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SOUVENIR_")}
        return subprocess.run(
            [*prefix, self.tree / "scripts" / command[0], *command[1:]], check=False, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=200, cwd=self.tree,
            env={**kept, "PATH": path, "TMPDIR": str(self.temporary), **environment})
