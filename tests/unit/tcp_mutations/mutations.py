#!/usr/bin/env python3
"""Each mutation of the engine makes some unit test fail; without one, all pass."""

import argparse
import os
import re
import subprocess
import sys

COUNT_MIN = 25


def names_in(header):
    with open(header, encoding="utf-8") as text:
        return re.findall(r"^ *X\((\w+),", text.read(), re.M)


def first_failure(program, mutation):
    """The test that fails first, or nothing."""
    environment = {**os.environ, "CONDUIT_MUTATION": mutation}
    if not mutation:
        del environment["CONDUIT_MUTATION"]
    try:
        run = subprocess.run([program, "--abort-after=1"], env=environment, capture_output=True, text=True,
                             errors="replace", timeout=120)
    except subprocess.TimeoutExpired:
        return "does not end"
    if run.returncode == 0:
        return ""
    found = re.search(r"TEST CASE: +(.*)", run.stdout)
    return found.group(1) if found else f"ends with {run.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--header", required=True)
    parser.add_argument("programs", nargs="+")
    arguments = parser.parse_args()
    names = names_in(arguments.header)
    failures = [] if len(names) >= COUNT_MIN else [f"{len(names)} mutations; at least {COUNT_MIN}"]
    for program in arguments.programs:
        by = first_failure(program, "")
        if by:
            failures.append(f"{program} fails without a mutation: {by}")
    for name in names:
        by = next(filter(None, (first_failure(program, name) for program in arguments.programs)), "")
        print(f"{name}: {by or 'not caught'}", flush=True)
        if not by:
            failures.append(f"{name}: no unit test fails")
    print("\n".join(failures) or f"{len(names)} mutations, all caught")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
