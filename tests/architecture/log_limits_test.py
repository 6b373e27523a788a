"""Whatever somebody outside can cause to be logged is logged by rate: each line has a LogLimit, or its
message is in the list of lines that the service alone causes."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("common", "cache", "gateway", "compute-service")

# A call that logs a line above the level debug, up to its first argument.
LINE = re.compile(r"""\blog\.(?:Info|Warning|Error|Critical)\(\s*([A-Za-z_]+\b|"[^"]*")""")

# Lines without a limit, and the reason.
OURS = {
    # once in the life of a service, or of a store
    "fewer connections than connections.max_connections: too few open files",
    "requests are cancelled: the drain timeout has passed",
    "stopping",
    "stopped",
    "stopped at once by a second signal",
    "the store is damaged; moving it aside and beginning a new one",
    "a damaged origin is left out",
    "the store has another schema and is emptied",
    "the task store is open",
    "the disk tier may not keep all its files open, and reads are slow: raise the limit ",
    "the catalog was read from its file",
    "the catalog's file cannot be read: starting without it",
    "models found",
    # once for each signal to the process
    "the levels of logging were read again; other settings need a restart",
    "the configuration could not be read again; no setting has changed",
    # has a limit of its own, by model: exec_process.cc
    "a program wrote",
}


def unlimited(text):
    """Returns the messages of the lines in a source that have no limit."""
    return [first.strip('"') for first in LINE.findall(text) if first.startswith('"')]


class LogLimitsTest(unittest.TestCase):

    def test_every_line_has_a_limit_or_is_ours(self):
        found = {}
        for folder in FOLDERS:
            for path in (ROOT / folder).rglob("*.cc"):
                for message in unlimited(path.read_text(encoding="utf-8")):
                    found[message] = path.relative_to(ROOT)
        self.assertGreater(len(found), 5, "the sources were not found")
        wrong = [f"{path}: {message!r} needs a LogLimit" for message, path in found.items()
                 if message not in OURS]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertEqual(OURS - set(found), set(), "lines that are in the list only")

    def test_a_line_without_a_limit_is_noticed(self):
        self.assertEqual(unlimited('log.Info("a line", {{"n", 1}});'), ["a line"])
        self.assertEqual(unlimited('log.Warning(\n      "a long "\n      "line");'), ["a long "])
        self.assertEqual(unlimited('log.Error(a_limit, "a line");'), [])
        self.assertEqual(unlimited('log.Debug("a line");'), [])


if __name__ == "__main__":
    unittest.main()
