"""Reason numbers are for ever: tests/unit/reason_numbers.txt against protocols/core/reason.hpp."""

import re

HEADER = "protocols/core/reason.hpp"
LIST = "tests/unit/reason_numbers.txt"


ROW = r"\bX\(\s*(\d+)\s*,\s*([A-Z][A-Z0-9_]*)\s*,"
# Where packets go through the engine: what is expected here has been produced.
NAMED_CASES = ("tests/cases/", "tests/unit/engine_", "tests/unit/fragments/", "tests/unit/modbus/",
               "tests/unit/tcp")


def expectations(path, text):
    if path.endswith((".cpp", ".hpp")):
        code = "\n".join(line.split("//")[0] for line in text.splitlines())
        return re.findall(r"\bReason::([A-Z][A-Z0-9_]*)\b", code)
    return re.findall(r'"([A-Z][A-Z0-9_]*)"', text) if path.endswith("expect.json") else []


def reasons_tested(tree):
    """A reason that no test expects is one that nobody has seen produced."""
    expected = set()
    for path in tree.paths:
        if path.startswith(NAMED_CASES):
            expected.update(expectations(path, tree.text(path)))
    for _, name in re.findall(ROW, tree.text(HEADER)):
        if name != "NONE" and name not in expected:
            yield f"{HEADER}: {name}: no test or case that goes through the engine expects this reason"


def reason_numbers(tree):
    declared = {}
    for number, name in re.findall(ROW, tree.text(HEADER)):
        if int(number) in declared:
            yield f"{HEADER}: number {number} is used twice: {declared[int(number)]} and {name}"
        declared[int(number)] = name
    if not declared:
        yield f"{HEADER}: no reasons found"
    listed = {}
    for line_number, line in enumerate(tree.lines(LIST), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        number, name = int(words[0]), words[1]
        if number in listed or name in listed.values():
            yield f"{LIST}:{line_number}: {number} {name} is listed twice"
        listed[number] = name
        retired = words[2:] == ["retired"]
        if retired and number in declared:
            yield f"{HEADER}: {number} is retired and must not be used again"
        elif not retired and number not in declared:
            yield f"{HEADER}: {number} {name} has disappeared; events of old carry it (or mark it 'retired')"
        elif not retired and declared[number] != name:
            yield f"{HEADER}: {number} is now {declared[number]}, but has always been {name}"
    for number, name in sorted(declared.items()):
        if number not in listed:
            yield f"{LIST}: append the new reason: {number} {name}"
