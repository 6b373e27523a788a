"""Each setting that a comment of the public messages names exists in the configuration."""

import glob
import os
import re
import unittest

from own_words_test import ROOT

NAME = re.compile(r"(?<![\w./])([a-z_]+)\.([a-z_]+)(?![\w.])")
# The first parts of dotted names that are not settings.
OTHERS = {"grpc", "google", "souvenir", "cache"}


def settings():
    """Returns group.field for every message in the services' configurations."""
    fields, groups = {}, {}
    for path in glob.glob(os.path.join(ROOT, "protos/souvenir/config/v1/*.proto")):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"//.*", "", file.read())
        for message, body in re.findall(r"message (\w+) \{(.*?)\n\}", text, re.DOTALL):
            for kind, name in re.findall(r"(?:optional |repeated )?([\w.]+) (\w+) = \d+", body):
                fields.setdefault(message, []).append(name)
                groups.setdefault(name, []).append(kind)
    return {f"{group}.{field}" for group, kinds in groups.items() for kind in kinds
            for field in fields.get(kind, [])}


def named(text):
    comments = " ".join(re.findall(r"//(.*)", text))
    return {f"{a}.{b}" for a, b in NAME.findall(comments) if a not in OTHERS and "_" in b}


class NamedSettings(unittest.TestCase):
    def test_comments_of_the_public_messages_name_settings_that_there_are(self):
        known = settings()
        self.assertIn("translation.max_text_bytes", known)
        found = set()
        for path in glob.glob(os.path.join(ROOT, "protos/souvenir/v1/*.proto")):
            with open(path, encoding="utf-8") as file:
                found |= named(file.read())
        self.assertIn("translation.max_text_bytes", found)
        self.assertEqual(found - known, set())

    def test_a_planted_name_is_found(self):
        self.assertEqual(named("string a = 1;  // at most limits.max_text_bytes\n"),
                         {"limits.max_text_bytes"})


if __name__ == "__main__":
    unittest.main()
