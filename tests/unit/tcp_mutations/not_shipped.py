#!/usr/bin/env python3
"""No shipped program knows of mutations; a program that does shows that this would be seen."""

import argparse
import subprocess
import sys

SYMBOL = "mutation_in_force"


def knows(program):
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    return SYMBOL in symbols


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutable", required=True)
    parser.add_argument("shipped", nargs="+")
    arguments = parser.parse_args()
    failures = [f"{program} can be mutated" for program in arguments.shipped if knows(program)]
    if not knows(arguments.mutable):
        failures.append(f"{arguments.mutable} cannot be mutated: nothing is shown by this test")
    print("\n".join(failures) or f"{len(arguments.shipped)} programs: no mutations")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
