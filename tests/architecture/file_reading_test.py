"""Files are read in one way: common/read_file.h, which throws nothing, waits for no FIFO and has a
limit."""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("common", "storage", "cache", "gateway", "compute-service", "cli")

# Code that opens or reads a file in another way, or that throws if the file system fails:
# std::filesystem's functions for status and iteration without an error_code.
OTHER_WAYS = re.compile(
    r"\bifstream\b|\bfstream\s+\w|\bfilebuf\b|\bistreambuf_iterator\b|\bfopen\(|(?<![\w.>:])open(?:at)?\((?!\))"
    r"|\b(?:fs|filesystem)::(?:exists|is_\w+|status|file_size|last_write_time|canonical|absolute"
    r"|current_path|read_symlink|rename|remove(?:_all)?|create_\w+|copy\w*|space|resize_file)\([^;]*?\)"
    r"|directory_iterator(?: \w+)?\([^;]*?\)")
NO_THROW = re.compile(r"\b(?:error|none|ignored)\)$|iterator\(\)$")

# Files that read in another way, each with the reason.
EXCEPT = {
    "common/read_file.cc": "is that way",
    "common/config/text_proto.cc": "opens for writing",
    "common/grpc/connection_listener.cc": "/dev/null, a descriptor in reserve",
    "common/grpc/run_until_signal.cc": "looks for a terminal",
    "cli/output_file.cc": "looks for a terminal",
    "cache/disk/page_cache_files.cc": "RocksDB's files, which RocksDB names",
    "compute-service/backends/exec/worker/main.cc": "/dev/null",
    "compute-service/workers/worker_program.cc": "/dev/null",
    # The engine's libraries take an open file, which stage.cc has checked before.
    "compute-service/backends/apertium/worker/dictionary_stage.cc": "a library's",
    "compute-service/backends/apertium/worker/lexical_selection_stage.cc": "a library's",
    "compute-service/backends/apertium/worker/tagger_stage.cc": "a library's",
}


def other_ways(text):
    """Returns the numbers of the lines that read in another way. Comments are ignored."""
    code = re.sub(r"//[^\n]*", "", text)
    return [code.count("\n", 0, found.start()) + 1 for found in OTHER_WAYS.finditer(code)
            if not NO_THROW.search(found.group())]


class FileReading(unittest.TestCase):
    def test_files_are_read_in_one_way(self):
        found, read = [], 0
        for folder in FOLDERS:
            for directory, _, names in os.walk(os.path.join(ROOT, folder)):
                for name in names:
                    path = os.path.relpath(os.path.join(directory, name), ROOT)
                    if not path.endswith((".cc", ".h")) or path in EXCEPT:
                        continue
                    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                        found += [f"{path}:{line}" for line in other_ways(file.read())]
                    read += 1
        self.assertGreater(read, 100, "the files were not found")
        self.assertEqual(found, [])

    def test_what_is_excepted_is_there_and_needs_it(self):
        for path in EXCEPT:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                self.assertTrue(other_ways(file.read()), path)

    def test_planted_ways_are_found(self):
        for line in ("std::ifstream in(path);", "FILE* f = fopen(a, b);", "int f = open(p, O_RDONLY);",
                     "std::string t{std::istreambuf_iterator<char>(in), {}};",
                     "if (fs::exists(path)) {", "std::filesystem::file_size(path);",
                     "for (const auto& e : fs::directory_iterator(path)) {",
                     "fs::recursive_directory_iterator it(path);"):
            self.assertEqual(other_ways("one\n" + line), [2], line)
        for line in ("fs::exists(path, error);", "std::istringstream in(text);", "channel.open();",
                     "// std::ifstream throws", "fs::directory_iterator it(path, error);",
                     "it != fs::directory_iterator();", "popen_count(3);"):
            self.assertEqual(other_ways(line), [], line)


if __name__ == "__main__":
    unittest.main()
