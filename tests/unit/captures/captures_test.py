#!/usr/bin/env python3
"""Every capture is described in tests/captures/README.md, and the independent judge agrees with the number of
permitted requests that stands there."""

import glob
import os
import re
import sys

sys.dont_write_bytecode = True
TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(TESTS, "support"))
import reference_modbus as modbus  # noqa: E402
from net import frames  # noqa: E402

HMI, PLC_1 = frames.ipv4_address("10.0.7.10"), frames.ipv4_address("10.0.7.1")
SIZE_MAX = 100_000


def described():
    """{file: (permitted, all)}"""
    table = {}
    with open(os.path.join(TESTS, "captures/README.md"), encoding="utf-8") as file:
        for name, text in re.findall(r"^\| `(\S+\.pcap)` \|.*\| (.*?) \|$", file.read(), re.M):
            numbers = [int(number) for number in re.findall(r"\b\d+\b", text)]
            numbers = [0] if text == "none" else numbers
            table[name] = (numbers[0], numbers[1] if " of " in text else numbers[0])
    return table


def counted(path):
    requests = []
    streams = modbus.streams(frame for _, frame in frames.read_capture(path))
    for (source, _, destination, port), octets in streams.items():
        if (source, destination) == (HMI, PLC_1) and port in (b"\x01\xf6", b"\x05\xde"):
            requests += [(port == b"\x01\xf6", unit, pdu) for _, unit, pdu in modbus.split(octets)[0]]
    good = [at_502 and modbus.permitted(modbus.PACKAGING_LINE, unit, pdu) for at_502, unit, pdu in requests]
    return sum(good), len(good)


def main():
    wrong = 0
    table = described()
    paths = sorted(glob.glob(os.path.join(TESTS, "captures/*.pcap")))
    if set(table) != {os.path.basename(path) for path in paths} or not paths:
        print(f"README.md describes {sorted(table)}, in the folder lie {paths}")
        return 1
    for path in paths:
        name = os.path.basename(path)
        found = counted(path)
        print(f"{name}: {found[0]} of {found[1]} requests are permitted")
        if found != table[name] or os.path.getsize(path) > SIZE_MAX:
            print(f"  README.md says {table[name]}, at most {SIZE_MAX} octets")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
