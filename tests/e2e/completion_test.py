"""Tests what is made from the description of the command line: completion for shells, the manual
pages, and the page of the documentation that names the same commands."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from services import SOURCE_DIRECTORY, TIME_FACTOR, program

PAGE = (SOURCE_DIRECTORY / "docs" / "command-line.md").read_text(encoding="utf-8")


def output(name, *arguments):
    return subprocess.run([program(name), *arguments], capture_output=True, text=True, check=True,
                          timeout=60 * TIME_FACTOR).stdout


def completed_by_bash(*words):
    """Returns the completions that bash offers for the last of `words`."""
    script = f"""
source <(printf '%s' "$SCRIPT")
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_souvenir
printf '%s\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                          check=True, env={"SCRIPT": output("souvenir", "completion", "bash")},
                          timeout=60 * TIME_FACTOR)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


class CompletionTest(unittest.TestCase):

    def test_bash_offers_commands_and_flags(self):
        self.assertEqual(completed_by_bash("souvenir", "tr"), {"translate", "transcribe"})
        self.assertEqual(completed_by_bash("souvenir", "cache", ""),
                         {"stats", "clear", "export", "import", "entry"})
        self.assertEqual(completed_by_bash("souvenir", "--json", "models", "l"), {"load"})
        self.assertEqual(completed_by_bash("souvenir", "completion", ""), {"bash", "zsh", "fish"})
        self.assertEqual(completed_by_bash("souvenir", "translate", "--f"), {"--from"})
        # Flags that all commands have are offered after any command. A flag's value is not taken
        # for a command.
        self.assertEqual(completed_by_bash("souvenir", "cache", "clear", "--ad"), {"--admin"})
        self.assertEqual(completed_by_bash("souvenir", "--server", "cache", "mo"), {"models"})
        self.assertEqual(completed_by_bash("souvenir", "--timeout", ""), set())

    def test_bash_offers_files_where_one_is_asked_for(self):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "snapshot").touch()
            for words in (("cache", "import"), ("infer", "m", "--data"), ("transcribe",),
                          ("say", "--output")):
                self.assertEqual(completed_by_bash("souvenir", *words, directory + "/sn"),
                                 {directory + "/snapshot"})

    def test_other_shells_can_read_theirs(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                if shutil.which(shell) is None:
                    self.skipTest(f"there is no {shell}")
                subprocess.run([shell, "-n"], input=output("souvenir", "completion", shell),
                               text=True, check=True)


class InstallationTest(unittest.TestCase):

    def test_the_client_is_installed_with_its_descriptions(self):
        build = pathlib.Path(program("souvenir")).parent.parent
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", str(build), "--component", "client", "--prefix",
                            prefix], capture_output=True, check=True, timeout=60 * TIME_FACTOR)
            share = pathlib.Path(prefix, "share")
            for path, arguments in (("bash-completion/completions/souvenir", ["completion", "bash"]),
                                    ("zsh/site-functions/_souvenir", ["completion", "zsh"]),
                                    ("fish/vendor_completions.d/souvenir.fish",
                                     ["completion", "fish"]),
                                    ("man/man1/souvenir.1", ["man"])):
                self.assertEqual((share / path).read_text(), output("souvenir", *arguments), path)
            self.assertTrue(pathlib.Path(prefix, "bin", "souvenir").exists())


class ManualTest(unittest.TestCase):

    def test_pages_are_without_a_warning(self):
        if shutil.which("groff") is None:
            self.skipTest("there is no groff")
        for name, arguments in (("souvenir", ["man"]), ("souvenir-gateway", ["--man"]),
                                ("souvenir-compute", ["--man"])):
            with self.subTest(name):
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-c"],
                                      input=output(name, *arguments), capture_output=True,
                                      text=True, check=True)
                self.assertEqual(done.stderr, "")
                for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "FLAGS", "EXIT STATUS", "SIGNALS"):
                    self.assertIn(title, re.sub(".\b", "", done.stdout))


class PageTest(unittest.TestCase):

    def test_the_page_names_the_commands_there_are(self):
        synopsis = output("souvenir", "man").partition(".SH SYNOPSIS")[2].partition(".SH")[0]
        there = set(re.findall(r"fB(souvenir [a-z ]+)\\fR", synopsis))
        self.assertGreater(len(there), 10)
        table = PAGE.partition("| command | does |")[2].partition("\n\n")[0]
        self.assertEqual(set(re.findall(r"`(souvenir [a-z ]+)`", table)), there)


if __name__ == "__main__":
    unittest.main()
