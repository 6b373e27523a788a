"""scripts/test fails where no test is chosen, refuses what is no regular expression, and the examples of
its help and of the documents choose some."""

import os
import pathlib
import re
import subprocess
import unittest

import sandbox

# What a build leaves for ctest, in each preset.
SUITES = {"release": {"unit/FlightTableTest.Joins": "unit", "e2e/main_job": "e2e",
                      "slow/EveryMode": "slow"},
          "asan": {"unit/FlightTableTest.Joins": "unit", "unit/OnlyUnderAsan": "unit"}}


class ChoosingTestsTest(sandbox.ScriptsTest):

    def setUp(self):
        super().setUp()
        self.replace("setup", "exit 0", folder="scripts")
        self.replace("cmake", "exit 0")
        self.replace("ninja", "exit 0")
        self.make_suites(SUITES)

    def make_suites(self, suites):
        for preset, tests in suites.items():
            folder = self.tree / "build" / preset
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "CTestTestfile.cmake").write_text("".join(
                f'add_test("{name}" true)\nset_tests_properties("{name}" PROPERTIES LABELS {label})\n'
                for name, label in tests.items()), encoding="utf-8")

    def ran(self, done):
        return re.findall(r"Test +#\d+: (\S+) ", done.stdout)

    def test_where_nothing_is_chosen_it_fails(self):
        for arguments in (["-R", "Flights"], ["-L", "no-label"], ["-E", "."], ["-LE", "."]):
            done = self.run_script("test", *arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn("no test is chosen by: " + " ".join(arguments),
                          re.sub(" +", " ", done.stderr))
            self.assertEqual(self.ran(done), [])

    def test_one_suite_may_be_without(self):
        for name in ("OnlyUnderAsan", "main_job"):
            done = self.run_script("test", "-R", name)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(self.ran(done)), 1)

    def test_what_is_no_expression_is_refused(self):
        for option in ("-R", "-E", "-L", "-LE", "--tests-regex"):
            done = self.run_script("test", "--fast", option, "a(b")
            self.assertEqual(done.returncode, 2, option)
            self.assertIn("'a(b' is no regular expression", done.stderr)

    def test_what_is_left_out_is_left_out_beside_what_sanitizers_leave_out(self):
        self.make_suites({"asan": {**SUITES["asan"], "slow/Long": "slow"}})
        done = self.run_script("test", "-LE", "unit")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(self.ran(done)), ["e2e/main_job", "slow/EveryMode"])

    @staticmethod
    def examples_of_ctest(text):
        """Returns (option, words) of each `ctest` in a line of text or of an example."""
        return re.findall(r"(?:`|^    |^)ctest [^`\n]*?(-[RL]) ([\w/|()]+)", text, re.MULTILINE)

    def test_examples_of_ctest_are_found(self):
        self.assertEqual(self.examples_of_ctest(
            "with `ctest -L deploy` or\n\n"
            "    ctest --test-dir build/release -R Translation     # with the engine\n"
            "```\nctest -j2 -R e2e/main\n```\n"),
                         [("-L", "deploy"), ("-R", "Translation"), ("-R", "e2e/main")])
        page = (sandbox.SOURCE_DIRECTORY / "docs" / "translation-engine.md").read_text("utf-8")
        self.assertEqual(self.examples_of_ctest(page), [("-R", "Translation"), ("-L", "slow")])

    def test_the_examples_choose_tests(self):
        # The unit tests may be in the tree of a sanitizer alone.
        trees = [path.parent for path in
                 pathlib.Path(os.environ["SOUVENIR_BUILD"]).parent.glob("*/CTestTestfile.cmake")]

        def listed(*chosen):
            return "".join(subprocess.run(["ctest", "--test-dir", tree, "-N", *chosen],
                                          capture_output=True, text=True, check=True).stdout
                           for tree in trees)

        names = sorted(set(re.findall(r"Test +#\d+: (\S+)", listed())))
        self.make_suites({"release": {name: "unit" for name in names}})
        root = sandbox.SOURCE_DIRECTORY
        found = 0
        for path in (root / "scripts" / "test", root / "README.md", root / "CONTRIBUTING.md",
                     *sorted((root / "docs").rglob("*.md"))):
            for line in re.findall(r"scripts/test( [^`\n]*-R [^`\n]*)", path.read_text("utf-8")):
                with self.subTest(f"{path.relative_to(root)}: scripts/test{line}"):
                    found += 1
                    done = self.run_script("test", *line.split())
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertGreater(len(self.ran(done)), 0)
        self.assertGreaterEqual(found, 2)
        for path in (*sorted((root / "docs").rglob("*.md")), root / "CONTRIBUTING.md"):
            for option, word in self.examples_of_ctest(path.read_text("utf-8")):
                self.assertRegex(listed(option, word), r"Test +#\d+", f"{path}: {option} {word}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
