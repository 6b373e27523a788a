"""The services take the configurations in the documentation's examples, its tables name the fields
that exist, and its links lead to something."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from services import SOURCE_DIRECTORY, TIME_FACTOR, program

TEXT = (SOURCE_DIRECTORY / "docs" / "configuration.md").read_text(encoding="utf-8")
PAGES = [*SOURCE_DIRECTORY.glob("*.md"), *(SOURCE_DIRECTORY / "docs").rglob("*.md")]
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")
SECTION_LINK = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")
EXAMPLE = re.compile(r"^```textproto (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(?:optional|repeated) \w+ (\w+) = |^\s*(?:map<[^>]*>) (\w+) = ", re.MULTILINE)


def check(service, text):
    """Returns (exit code, standard error) of `souvenir-<service> --check_config` on a file with
    `text`."""
    with tempfile.TemporaryDirectory(prefix="souvenir-e2e-") as directory:
        path = pathlib.Path(directory) / "example.textproto"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([program("souvenir-" + service), "--config", str(path),
                               "--check_config"], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=60 * TIME_FACTOR)
        return done.returncode, done.stderr


def sections(page):
    """Returns the titles as links have them: lower case, dashes, no other punctuation."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


class ConfigurationPageTest(unittest.TestCase):

    def test_an_example_with_a_mistake_would_be_noticed(self):
        for service, text in EXAMPLE.findall(TEXT):
            with self.subTest(service):
                code, complaint = check(service, text + "listen_adress: \"\"\n")
                self.assertEqual(code, 2)
                self.assertIn("listen_adress", complaint)

    def test_every_field_is_named(self):
        folder = SOURCE_DIRECTORY / "protos" / "souvenir" / "config" / "v1"
        for path in sorted(folder.glob("*.proto")):
            fields = [a or b for a, b in FIELD.findall(path.read_text(encoding="utf-8"))]
            self.assertTrue(fields, path)
            for field in fields:
                self.assertRegex(TEXT, rf"`(\w+\.)*{field}`", path)


class PagesTest(unittest.TestCase):

    def test_every_example_is_accepted(self):
        examples = [(page, service, text) for page in PAGES
                    for service, text in EXAMPLE.findall(page.read_text(encoding="utf-8"))
                    if service != "model"]  # models_test.py tests these
        self.assertGreater(len(examples), 2)
        for page, service, text in examples:
            with self.subTest(page=page.name, service=service):
                code, complaint = check(service, text)
                self.assertEqual(code, 0, complaint)

    def test_the_modules_of_the_log_are_those_there_are(self):
        page = (SOURCE_DIRECTORY / "docs" / "logs.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ",
                          page.partition("| module |")[2].partition("\n\n")[0], re.MULTILINE)
        told = re.findall(r"`(\w+)`", " ".join(rows))
        code, complaint = check(
            "gateway", 'logging { levels { key: "nobody" value: "info" } }')
        self.assertEqual(code, 2)
        there = complaint.strip().rpartition("one of ")[2].split(", ")
        self.assertEqual(sorted(told), sorted(there))

    def test_links_lead_somewhere(self):
        seen = 0
        for page in PAGES:
            for link in LINK.findall(page.read_text(encoding="utf-8")):
                seen += 1
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")
        self.assertGreater(seen, 20)

    def test_links_to_sections_lead_to_one(self):
        seen = 0
        for page in PAGES:
            for link, section in SECTION_LINK.findall(page.read_text(encoding="utf-8")):
                seen += 1
                target = (page.parent / link) if link else page
                self.assertIn(section, sections(target), f"{page.name}: {link}#{section}")
        self.assertGreater(seen, 20)


if __name__ == "__main__":
    unittest.main()
