"""Writes a compilation database that clang can use from the one that CMake wrote for g++.

    clang_flags.py <build>/compile_commands.json <output folder> [source...]

Leaves out the compiler launcher and what only g++ knows, and keeps the sources named (all of ours,
without any; generated ones never). Prints one line a source: a shell command that checks its
thread-safety annotations and writes nothing.
"""

import json
import os
import shlex
import sys

GCC_ONLY = ("-fno-canonical-system-headers", "-fconcepts", "-fpch-preprocess", "-Winvalid-pch")


def convert(entry, compiler):
    arguments = shlex.split(entry["command"])
    while not os.path.basename(arguments[0]).startswith(("c++", "g++", "clang++")):
        arguments.pop(0)  # ccache and its settings
    arguments[0] = compiler
    output = arguments.index("-o")
    del arguments[output:output + 2]
    if "-include" in arguments:  # headers precompiled by g++, which each file includes by itself too
        include = arguments.index("-include")
        del arguments[include:include + 2]
    return [argument for argument in arguments if argument not in GCC_ONLY]


def main():
    database, output, *wanted = sys.argv[1:]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    compiler = os.environ.get("CLANGXX", "clang++")
    kept = []
    with open(database, encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries:
        source = os.path.relpath(entry["file"], root)
        if source.startswith(("..", "build" + os.sep)) or (wanted and source not in wanted):
            continue
        arguments = convert(entry, compiler)
        kept.append({"directory": entry["directory"], "file": entry["file"],
                     "arguments": arguments})
        check = [a for a in arguments if a != "-c"] + [
            "-fsyntax-only", "-Wno-everything", "-Werror=thread-safety"]
        print(shlex.join(["cd", entry["directory"]]) + " && " + shlex.join(check))
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)


if __name__ == "__main__":
    main()
