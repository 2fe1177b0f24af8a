"""The files that the house rules look at, and C++ text without its comments and strings."""

import os
import re
import subprocess
from dataclasses import dataclass, field

CXX = (".cpp", ".hpp")


@dataclass
class Tree:
    root: str
    paths: list = field(default_factory=list)
    cache: dict = field(default_factory=dict)

    def text(self, path):
        if path not in self.cache:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self.cache[path] = file.read()
        return self.cache[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def code(self, path):
        """C++ text with comments and the contents of strings blanked; lines stay where they are."""
        key = "code:" + path
        if key not in self.cache:
            self.cache[key] = blank(self.text(path))
        return self.cache[key]

    def cxx(self):
        return [path for path in self.paths if path.endswith(CXX)]


def tracked(root):
    """Every file that is or may become tracked; without git (an archive), every file outside build/."""
    try:
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z",
             "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
            listed += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    paths = [path for path in listed if path and os.path.isfile(os.path.join(root, path))]
    return Tree(root, sorted(paths))


TOKENS = re.compile(
    r"""//(?:\\\n|[^\n])*            # line comment
      | /\*.*?\*/                    # block comment
      | (?:u8|[uUL])?R"([^(\s]*)\(.*?\)\1"   # raw string
      | "(?:\\.|[^"\\\n])*"          # string
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'  # character, but no digit separator
    """, re.S | re.X)


def blank(text):
    def empty(match):
        token = match.group(0)
        newlines = "\n" * token.count("\n")
        if token.startswith("/"):
            return " " + newlines
        line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        if re.match(r"\s*#\s*include\s*$", line):
            return token
        return '""' + newlines if '"' in token else "' '"
    return TOKENS.sub(empty, text)
