#!/usr/bin/env python3
"""House rules. Prints every violation; exit status 1 if there is one."""

import argparse
import os
import sys

sys.dont_write_bytecode = True

import dependencies  # noqa: E402
import layout  # noqa: E402
import programs  # noqa: E402
import reasons  # noqa: E402
import tree as trees  # noqa: E402
import words  # noqa: E402

TREE_RULES = {
    "line_length": layout.line_length,
    "file_length": layout.file_length,
    "function_length": layout.function_length,
    "formatted": layout.formatted,
    "banned_words": words.banned_words,
    "unfinished": words.unfinished,
    "includes": dependencies.includes,
    "reason_numbers": reasons.reason_numbers,
    "reasons_tested": reasons.reasons_tested,
}
PROGRAM_RULES = {
    "libraries": programs.libraries,
    "hardening": programs.hardening,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", nargs="+", choices=[*TREE_RULES, *PROGRAM_RULES], metavar="RULE",
                        help=", ".join([*TREE_RULES, *PROGRAM_RULES]))
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), "../../.."))
    parser.add_argument("--bin", help="folder of the built programs")
    arguments = parser.parse_args()
    tree = trees.tracked(os.path.normpath(arguments.root))
    found = []
    for rule in arguments.rules:
        if rule in TREE_RULES:
            found += list(TREE_RULES[rule](tree))
        else:
            found += list(PROGRAM_RULES[rule](arguments.bin))
    print("\n".join(found) or f"{len(tree.paths)} files: {', '.join(arguments.rules)}: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
