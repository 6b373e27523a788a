"""Reads include_rules.txt and checks #include lines against it."""

import os
import re

FOLDERS = ("common", "storage", "cache", "gateway", "compute-service", "cli", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class RulesError(Exception):
    """The rules themselves are wrong. The message has the line."""


def pattern(text, whole):
    """Returns a regular expression for a path in which * is anything but a slash. Without `whole`
    it also matches the files inside a folder of that name."""
    body = "[^/]*".join(re.escape(part) for part in text.rstrip("/").split("*"))
    return re.compile(body + ("$" if whole else "(/|$)"))


class Rules:
    def __init__(self, text):
        self.families = []  # (name, [pattern])
        self.rules = []     # (files, pattern, allowed, refused)
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#", 1)[0].strip()
            if not line:
                continue
            if line.startswith("family "):
                name, found, headers = line[len("family "):].partition("=")
                if not found or not headers.split():
                    raise RulesError(f"line {number}: expected `family <name> = <headers>`")
                self.families.append((name.strip(), [self._header(h) for h in headers.split()]))
                continue
            files, found, allowed = line.partition(":")
            if not found:
                raise RulesError(f"line {number}: expected `<files>: <what they may include>`")
            if any(files == rule[0] for rule in self.rules):
                raise RulesError(f"line {number}: a second rule for {files}")
            words = allowed.split()
            for word in words:
                if word.startswith("@") and word[1:] not in [name for name, _ in self.families]:
                    raise RulesError(f"line {number}: no family {word}")
            self.rules.append((files, pattern(files, whole=False),
                               [w for w in words if not w.startswith("!")],
                               [w[1:] for w in words if w.startswith("!")]))
        self.rules.sort(key=lambda rule: len(rule[0]), reverse=True)

    @staticmethod
    def _header(text):
        """Returns a regular expression for a family's header, in which * is anything, slashes
        too."""
        return re.compile(".*".join(re.escape(part) for part in text.split("*")) + "$")

    def family(self, header):
        for name, headers in self.families:
            if any(each.match(header) for each in headers):
                return name
        return None

    def verdict(self, path, header, quoted):
        """Returns why the file `path` may not include `header`, or None if it may."""
        rule = next((rule for rule in self.rules if rule[1].match(path)), None)
        if rule is None:
            return "no rule has this file"
        files, _, allowed, refused = rule
        ours = header.split("/")[0] in FOLDERS
        if ours:
            if any(pattern(word, whole=False).match(header) for word in refused):
                return f"`{files}` refuses it"
            inside = "*" not in files and header.startswith(files.rstrip("/") + "/")
            if inside or os.path.dirname(header) == os.path.dirname(path) or any(
                    pattern(word, whole=False).match(header)
                    for word in allowed if not word.startswith("@")):
                return None
            return f"`{files}` does not allow it"
        family = self.family(header)
        if family == "system" or (family is None and not quoted and "/" not in header):
            return None
        if family is None:
            return ("it is quoted, but is no path from the top" if quoted
                    else "it is in no family; give its library one in include_rules.txt")
        if "@" + family in allowed:
            return None
        return f"`{files}` does not allow @{family}"


def violations(root, rules):
    """Returns `path:line: header: reason` for each violation, and the number of includes read."""
    found, looked_at = [], 0
    for folder in FOLDERS:
        for directory, _, names in sorted(os.walk(os.path.join(root, folder))):
            for name in sorted(names):
                if not name.endswith((".h", ".cc")):
                    continue
                path = os.path.relpath(os.path.join(directory, name), root)
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    for number, line in enumerate(file, 1):
                        match = INCLUDE.match(line)
                        if not match:
                            continue
                        looked_at += 1
                        reason = rules.verdict(path, match[2], match[1] == '"')
                        if reason:
                            found.append(f"{path}:{number}: {match[2]}: {reason}")
    return found, looked_at
