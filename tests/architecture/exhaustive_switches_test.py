"""A switch over an enum of ours names every enumerator, so the compiler warns if a new one is
missing."""

import os
import re
import unittest

from own_words_test import ROOT, files

FOLDERS = ("cache/", "cli/", "common/", "compute-service/", "gateway/", "storage/")
# Enums of other projects, which may grow. Their own headers ask for a default.
FOREIGN = re.compile(r"case (absl::StatusCode|grpc::StatusCode|FieldDescriptor)::")
OURS = re.compile(r"case (?:\w+::)+(?:k[A-Z]\w*|[A-Z][A-Z0-9_]*)\s*:")


def switches(text):
    """Yields (line, body) of each switch, including inner ones."""
    for found in re.finditer(r"\bswitch \(.*\) \{", text):
        depth, at = 1, found.end()
        while depth > 0:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield text.count("\n", 0, found.start()) + 1, text[found.end():at]


def open_switches(text):
    return [line for line, body in switches(text)
            if "default:" in body and OURS.search(body) and not FOREIGN.search(body)]


class ExhaustiveSwitches(unittest.TestCase):
    def test_no_switch_over_an_enum_of_ours_has_a_default(self):
        found, seen = [], 0
        for path in files():
            if not path.startswith(FOLDERS) or not path.endswith((".cc", ".h")):
                continue
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = file.read()
            seen += len(list(switches(text)))
            found += [f"{path}:{line}" for line in open_switches(text)]
        self.assertGreater(seen, 10, "the switches were not found")
        self.assertEqual(found, [], "name the enumerators in place of default:")

    def test_lint_refuses_a_switch_that_lacks_one(self):
        with open(os.path.join(ROOT, ".clang-tidy"), encoding="utf-8") as file:
            checks = file.read()
        self.assertIn("  clang-diagnostic-switch,\n", checks)
        self.assertIn("WarningsAsErrors: '*'", checks)

    def test_a_planted_default_is_found(self):
        ours = "switch (kind) {\n  case Kind::kOne:\n    return 1;\n  default:\n    return 2;\n}\n"
        self.assertEqual(open_switches(ours), [1])
        self.assertEqual(open_switches(ours.replace("Kind::kOne", "v1::S3_FIFO")), [1])
        self.assertEqual(open_switches(ours.replace("Kind::kOne", "absl::StatusCode::kOk")), [])
        self.assertEqual(open_switches(ours.replace("Kind::kOne", "'x'")), [])


if __name__ == "__main__":
    unittest.main()
