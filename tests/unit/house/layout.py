"""Length of lines, files and functions; the formatter."""

import ast
import os
import re
import subprocess

LINE_MAX = 110
PROSE_MAX = 130
FILE_MAX = 600
FUNCTION_MAX = 70  # a table of values within it counts as one line

CODE = (".cpp", ".hpp", ".py", ".sh", ".proto", ".cmake", "CMakeLists.txt")
TEXT = CODE + (".md", ".txtpb", ".service", ".socket", ".conf", ".yml")
DATA = ("tests/fuzz/corpus/",)


def is_script(tree, path):
    return "." not in os.path.basename(path) and tree.text(path).startswith("#!")


def is_code(tree, path):
    return path.endswith(CODE) or is_script(tree, path) or path.startswith("tools/lib/")


def line_length(tree):
    for path in tree.paths:
        if path.startswith(DATA) or not (path.endswith(TEXT) or is_code(tree, path)):
            continue
        prose = path.endswith((".md", ".proto"))  # a schema is read as the reference of the policy language
        limit = PROSE_MAX if prose else LINE_MAX
        for number, line in enumerate(tree.lines(path), 1):
            if len(line) > limit and not (prose and (line.startswith("|") or "](http" in line)):
                yield f"{path}:{number}: {len(line)} columns; at most {limit}"


def file_length(tree):
    for path in tree.paths:
        if path.startswith(DATA) or not is_code(tree, path):
            continue
        size = len(tree.lines(path)) - 1
        if size > FILE_MAX:
            yield f"{path}:{FILE_MAX}: {size} lines; at most {FILE_MAX}: split it by what belongs together"


SCOPE = re.compile(r'^(?:template\s*<.*>\s*)?(?:\[\[.*?\]\]\s*)?(?:inline\s+|export\s+|typedef\s+)*'
                   r'(?:namespace|class|struct|union|enum|extern\s*"")\b', re.S)


def initialises(code, at):
    """Is the brace at `at` that of a value (`= {`, `{{`, `Row{`) and not that of a block?"""
    if code[at - 1].isalnum() or code[at - 1] in "_>]":
        return True
    return code[:at].rstrip()[-1:] in ("=", "{", ",", "(")


def functions_of(code):
    """(first line, lines) of each function body, by its braces; of a table within it, one line counts.

    `code` is without comments and strings.
    """
    code = re.sub(r"(?m)^[ \t]*#(?:\\\n|[^\n])*", lambda m: "\n" * m.group(0).count("\n"), code)
    stack = []  # of (kind, line of the head's beginning, line of the brace)
    tables = 0  # lines of the tables in the present function
    inside = 0  # depth of braces within a function
    head, head_line, line, parens = "", None, 1, 0
    for at, char in enumerate(code):
        if char == "\n":
            line += 1
        if char == "{":
            text = head.strip()
            kind = "other"
            if stack and stack[-1][0] == "table" or inside and initialises(code, at):
                kind = "table"
            elif inside:
                kind = "inner"
            elif SCOPE.match(text):
                kind = "scope"
            elif ")" in text and parens == 0 and (not stack or stack[-1][0] == "scope"):
                # `f() {`; without the space it is `a_{1}` among a constructor's initialisers
                kind = "function" if head[-1:].isspace() else "other"
            inside += kind in ("function", "inner")
            stack.append((kind, head_line or line, line))
            if kind in ("other", "table"):
                continue  # an initialiser: what precedes it still belongs to the same head
            head, head_line, parens = "", None, 0
        elif char == "}":
            kind, begun, opened = stack.pop() if stack else ("other", line, line)
            inside -= kind in ("function", "inner")
            if kind == "table" and stack[-1][0] != "table":
                tables += line - opened
            if kind == "function":
                yield begun, line - begun + 1 - tables
                tables = 0
            if kind not in ("other", "table"):
                head, head_line, parens = "", None, 0
        elif (char == ";" and parens == 0) or head + char in ("public:", "private:", "protected:"):
            head, head_line = "", None
        else:
            parens += (char == "(") - (char == ")")
            if head_line is None and not char.isspace():
                head, head_line = "", line
            head += char


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def shell_functions(lines):
    begun = None
    for number, line in enumerate(lines, 1):
        if re.match(r"(function\s+)?[\w-]+\s*(\(\))?\s*\{\s*$", line):
            begun = number
        elif line.startswith("}") and begun:
            yield begun, number - begun + 1
            begun = None


def function_length(tree):
    for path in tree.paths:
        if path.endswith((".cpp", ".hpp")):
            found = functions_of(tree.code(path))
        elif path.endswith(".py") or (is_script(tree, path) and "python" in tree.lines(path)[0]):
            found = python_functions(tree.text(path))
        elif path.endswith(".sh") or path.startswith("tools/lib/") or is_script(tree, path):
            found = shell_functions(tree.lines(path))
        else:
            continue
        for first, size in found:
            if size > FUNCTION_MAX:
                yield (f"{path}:{first}: function of {size} lines; at most {FUNCTION_MAX}: "
                       "decisions stay in the parent, loops go to the leaf")


def formatted(tree):
    """clang-format with the tree's own .clang-format has nothing to change."""
    paths = tree.cxx()
    if not paths:
        return
    run = subprocess.run(["clang-format", "--dry-run", "--style=file", *paths], cwd=tree.root,
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        yield f"clang-format: {run.stderr.strip()}"
    seen = set()
    for path, number in re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error):", run.stderr, re.M):
        if path not in seen:
            seen.add(path)
            yield f"{path}:{number}: not as the formatter writes it: clang-format -i {path}"
