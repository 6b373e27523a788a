"""A user without root is told so, at once and on the terminal; sudo is asked once; no log stays behind
that nothing names."""

import os
import unittest

import sandbox

NOBODY = 65534
# Programs that scripts/setup calls before it needs root.
PLAIN = ("awk", "bash", "cat", "dirname", "env", "mktemp", "rm", "sort", "tail", "touch")


class RootTest(sandbox.ScriptsTest):

    def setUp(self):
        super().setUp()
        for program in PLAIN:
            (self.programs / program).symlink_to(self.which(program))
        # A machine where nothing is installed.
        self.replace("dpkg-query", "exit 0")
        self.replace("apt-get", 'echo "$*" >>"$TMPDIR/apt-get.calls"')

    def which(self, program):
        return next(path for folder in os.environ["PATH"].split(":")
                    if os.access(path := os.path.join(folder, program), os.X_OK))

    def run_as_user(self, *command):
        """As a user that is not root, with nothing in PATH but `self.programs`."""
        prefix = () if os.geteuid() != 0 else (
            self.which("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        return self.run_script(*command, prefix=prefix, path=str(self.programs))

    def left_behind(self):
        return sorted(path.name for path in self.temporary.iterdir())

    def test_without_sudo_it_is_said(self):
        for command in (["setup"], ["quickstart", "--once"], ["test", "--fast"], ["lint"], ["fuzz"],
                        ["bench", "hits"]):
            with self.subTest(command[0]):
                done = self.run_as_user(*command)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn("setup: root is needed to install", done.stderr)
                self.assertIn("there is no sudo", done.stderr)
                self.assertIn("libgrpc++-dev", done.stderr)
                self.assertEqual(self.left_behind(), [])

    def test_with_sudo_that_refuses_it_is_said(self):
        self.replace("sudo", 'echo "sudo: a password is required" >&2; exit 1')
        done = self.run_as_user("setup")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a password is required", done.stderr)
        self.assertIn("sudo did not grant it", done.stderr)
        self.assertEqual(self.left_behind(), [])

    def test_sudo_is_asked_before_output_is_redirected(self):
        # What sudo says the first time is what a person has to see.
        self.replace("sudo", 'echo "asked: $1" >&2; [[ $1 == true ]] || exit 0')
        done = self.run_as_user("setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("asked: true", done.stderr)
        self.assertEqual(done.stderr.count("asked: true"), 1)
        self.assertEqual(self.left_behind(), [])

    def test_a_log_stays_only_where_it_is_named(self):
        self.replace("sudo", '[[ $1 == true ]] || { echo "no network" >&2; exit 100; }')
        done = self.run_as_user("setup")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no network", done.stderr)
        (log,) = self.left_behind()
        self.assertIn(log, done.stderr)


class SpeakingTest(sandbox.ScriptsTest):

    def run_lines(self, lines):
        self.replace("script", "set -euo pipefail\n" f"source {self.tree}/scripts/lib/shell.sh\n" +
                     lines, folder="scripts")
        return self.run_script("script")

    def test_what_a_script_dies_of_reaches_the_terminal(self):
        done = self.run_lines('f() { die "the reason" "the way out"; }\nf >/dev/null 2>&1\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn("script: the reason", done.stderr)
        self.assertIn("the way out", done.stderr)

    def test_no_script_ends_without_a_word(self):
        for lines in ("false >/dev/null 2>&1\n", "f() { false; }\nf >/dev/null 2>&1\n",
                      "words=$(false 2>/dev/null)\n", "true | false | true\n"):
            with self.subTest(lines):
                done = self.run_lines(lines)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"script: line \d+: .* \(status 1\)")

    def test_no_script_goes_past_it(self):
        for name in sandbox.SCRIPTS:
            text = (sandbox.SOURCE_DIRECTORY / "scripts" / name).read_text(encoding="utf-8")
            if text.startswith("#!/usr/bin/env bash"):
                self.assertIn("lib/shell.sh", text, name)
                self.assertIn("set -euo pipefail", text, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
