"""Converts the compilation database that CMake wrote for g++ into one for clang.

    clang_flags.py <build>/compile_commands.json <output folder> [source...]

Removes the compiler launcher and options that only g++ has. Keeps the named sources, or all of the
project's if none is named; never generated ones. Prints a line for each source: a shell command that
checks its thread-safety annotations and writes nothing.
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
    if "-include" in arguments:  # precompiled headers; each file includes their content itself
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
