"""A script refuses, by name, an argument that it does not know, wherever it stands, and does nothing."""

import unittest

import sandbox

# Arguments that are right, after which one that is not must be noticed still.
BEFORE = {
    "bench": (["--list"], ["hits", "--rounds", "2"]),
    "build": (["release"], ["dev", "souvenir"]),
    "format": (["--check"],),
    "fuzz": (["--list"], ["--seconds", "0"]),
    "lint": (["--all", "--no-tidy"],),
    "quickstart": (["--once"], ["--data-dir", "x"]),
    "serve": (["--data-dir", "x"],),
    "setup": (["--list"], ["--with", "test"], ["--only", "runtime"]),
    "test": (["--fast"], ["--all"], ["-R", "FlightTable"], ["-V"]),
}
# An option without what it needs.
HALVES = (("bench", "--rounds"), ("bench", "--json"), ("fuzz", "--seconds"),
          ("quickstart", "--data-dir"), ("serve", "--data-dir"), ("setup", "--with"),
          ("setup", "--only"), ("test", "-R"), ("test", "-LE"), ("test", "-j"),
          ("test", "--timeout"), ("test", "--repeat"))


class OptionsTest(sandbox.ScriptsTest):

    def setUp(self):
        super().setUp()
        for program in ("apt-get", "cmake", "ninja", "ctest", "sudo"):
            self.replace(program, f"echo {program} >>{self.folder}/ran")

    def refuse(self, arguments, word):
        with self.subTest(" ".join(arguments)):
            done = self.run_script(*arguments)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn(word, done.stderr)
            self.assertIn(arguments[0], done.stderr)
            self.assertFalse((self.folder / "ran").exists(), "something was done all the same")

    def test_an_argument_that_is_not_known(self):
        self.assertEqual(set(BEFORE), set(sandbox.SCRIPTS))
        for script, all_before in BEFORE.items():
            for before in ([], *all_before):
                for word in ("--no-such-thing", "-Z"):
                    self.refuse([script, *before, word], word)

    def test_an_option_without_what_it_needs(self):
        for script, option in HALVES:
            self.refuse([script, option], option)
        for script, option in (("test", "-R"), ("setup", "--with"), ("quickstart", "--data-dir")):
            self.refuse([script, option, ""], option)

    def test_every_script_explains_itself(self):
        for script in sandbox.SCRIPTS:
            done = self.run_script(script, "--help")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"scripts/{script}", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
