"""Runs the Python parts of README.md: its command that makes the stubs, and its examples."""

import os
import re
import shutil
import subprocess
import sys
import unittest

import harness
from services import SOURCE_DIRECTORY, STUBS_DIRECTORY

PAGE = (SOURCE_DIRECTORY / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CLIENT = SOURCE_DIRECTORY / "clients" / "python"
STUBS = re.search(r"```\n(protoc .*?)```", PAGE, re.DOTALL)[1]


class ReadmeTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        _, self.gateway, self.server = self.start_both()
        self.stubs = self.services.directory / "stubs"
        self.stubs.mkdir()
        shutil.copytree(SOURCE_DIRECTORY / "protos", self.stubs / "protos")
        subprocess.run(["bash", "-ec", STUBS], cwd=self.stubs, check=True)

    def run_example(self, text, path=None):
        self.assertIn("127.0.0.1:8001", text)
        done = subprocess.run([sys.executable, "-B", "-"], check=False, capture_output=True, text=True,
                              input=text.replace("127.0.0.1:8001", self.gateway.listen),
                              env={**os.environ, "PYTHONPATH": path or str(self.stubs)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_examples(self):
        client, typed, protocol = EXAMPLES
        path = f"{CLIENT}:{STUBS_DIRECTORY}"
        self.assertEqual(self.run_example(client, path), "es miss Hola\ngl miss Ola\n")
        self.assertEqual(self.run_example(client, path), "es memory Hola\ngl memory Ola\n")
        said = self.run_example(typed)
        self.assertIn("es ", said)
        self.assertIn("MEMORY", said)
        self.assertIn("miss=2", self.run_example(protocol))
        self.assertIn("memory=2", self.run_example(protocol))

    def test_as_many_rows_as_it_says_and_no_more(self):
        most = int(re.search(r"\[n, 1\], where n is (\d+) at most", PAGE)[1])
        example = EXAMPLES[2].replace("shape=[2, 1]", "shape=[len(rows), 1]").replace(
            '[b"Good morning", b"Good night"]', "rows")
        rows = "rows = [b'Row %d' % number for number in range({})]\n"
        self.assertIn("miss=", self.run_example(rows.format(most) + example))
        with self.assertRaisesRegex(AssertionError, "INVALID_ARGUMENT"):
            self.run_example(rows.format(most + 1) + example)


if __name__ == "__main__":
    harness.main()
