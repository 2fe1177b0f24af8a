#!/usr/bin/env python3
"""Each mutation of the engine makes some unit test fail; without one, all pass.

Mutations that only longer dialogues can show are listed in left_to_simulation.txt, each with its reason.
"""

import argparse
import os
import re
import subprocess
import sys


def names_in(header):
    with open(header, encoding="utf-8") as text:
        return re.findall(r"^ *X\((\w+), *$|^ *X\((\w+),", text.read(), re.M)


def left_to_simulation(path):
    with open(path, encoding="utf-8") as text:
        return {line.split()[0] for line in text if line.strip() and not line.startswith("#")}


def fails(program, mutation):
    """The first test that fails, "crash", or nothing."""
    environment = dict(os.environ)
    environment.pop("CONDUIT_MUTATION", None)
    if mutation:
        environment["CONDUIT_MUTATION"] = mutation
    try:
        run = subprocess.run([program, "--abort-after=1"], env=environment, capture_output=True, text=True,
                             errors="replace", timeout=120)
    except subprocess.TimeoutExpired:
        return "hangs"
    if run.returncode == 0:
        return ""
    found = re.search(r"TEST CASE: +(.*)", run.stdout)
    return found.group(1) if found else f"ends with {run.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--header", required=True)
    parser.add_argument("programs", nargs="+")
    arguments = parser.parse_args()
    names = [first or second for first, second in names_in(arguments.header)]
    elsewhere = left_to_simulation(os.path.join(os.path.dirname(__file__), "left_to_simulation.txt"))
    failures = [f"{program} fails without a mutation" for program in arguments.programs if fails(program, "")]
    failures += [f"{name} is listed, but there is no such mutation" for name in elsewhere - set(names)]
    for name in names:
        by = next(filter(None, (fails(program, name) for program in arguments.programs)), "")
        print(f"{name}: {by or 'not caught'}", flush=True)
        if not by and name not in elsewhere:
            failures.append(f"{name}: no unit test fails")
        if by and name in elsewhere:
            failures.append(f"{name}: caught, yet listed as left to the simulation")
    print("\n".join(failures) or f"{len(names)} mutations, {len(names) - len(elsewhere)} caught here")
    return 1 if failures or len(names) < 25 else 0


if __name__ == "__main__":
    sys.exit(main())
