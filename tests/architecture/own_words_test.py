"""No file of the project names a path of somebody's machine."""

import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The patterns are put together here, because otherwise the test would find this file.
PLACES = re.compile("|".join(("/" + "work/", "/" + "root/", "/" + r"home/\w+/", "/" + r"Users/\w+/",
                              "/" + r"tmp/build-\w")))


def files():
    """Returns the files that git tracks. Without git, all files except those of builds and
    caches."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return listed.stdout.decode().split("\0")[:-1]
    found = []
    for directory, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(directory, name), ROOT) for name in names]
    return found


def places_in(text):
    return [number for number, line in enumerate(text.splitlines(), 1) if PLACES.search(line)]


class OwnWords(unittest.TestCase):
    def test_no_file_names_a_place_of_a_machine(self):
        found, read = [], 0
        for path in files():
            try:
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    text = file.read()
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue  # not text, or not here any more
            read += 1
            found += [f"{path}:{number}" for number in places_in(text)]
        self.assertGreater(read, 100, "the files were not found")
        self.assertEqual(found, [])

    def test_a_planted_place_is_found(self):
        self.assertEqual(places_in("one\ntwo /" + "root/x\n"), [2])
        self.assertEqual(places_in("see /" + "home/somebody/notes"), [1])
        self.assertEqual(places_in("a path/to/work and homework/2, /usr/share"), [])


if __name__ == "__main__":
    unittest.main()
