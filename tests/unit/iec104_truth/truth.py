#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same IEC 104 captures.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/iec104 (default: ../shared/corpus beside the tree). Frame by frame: S- and U-frames;
of each information object type, cause, test bit, originator, both addresses; values, qualifiers, select bits,
the time that a clock is set to. Wireshark names fields and judges little; the room judges. So what the room
accepts has to be the dissector's, and what it does not has to stand in EXPLAINED, with its number and the
reason.
"""

import calendar
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../support")
import dissector

ASDU = "iec60870_asdu."
# Their field: the types that have it, and which of our fields it is.
VALUES = {
    "siq.spi": ((1, 2, 30), "value"), "diq.dpi": ((3, 4, 31), "value"), "vti.v": ((5, 6, 32), "value"),
    "bitstring": ((7, 8, 33, 51, 64), "value"), "normval": ((9, 10, 21, 34, 48, 61, 110), "value"),
    "scalval": ((11, 12, 35, 49, 62, 111), "value"), "float": ((13, 14, 36, 50, 63, 112), "value"),
    "bcr.count": ((15, 16, 37), "value"),
    "sco.on": ((45, 58), "value"), "sco.qu": ((45, 58), "qualifier"), "sco.se": ((45, 58), "select"),
    "dco.on": ((46, 59), "value"), "dco.qu": ((46, 59), "qualifier"), "dco.se": ((46, 59), "select"),
    "rco.up": ((47, 60), "value"), "rco.qu": ((47, 60), "qualifier"), "rco.se": ((47, 60), "select"),
    "qos.ql": ((48, 49, 50, 61, 62, 63), "qualifier"), "qos.se": ((48, 49, 50, 61, 62, 63), "select"),
    "qoi": ((100,), "qualifier"), "qcc": ((101,), "qualifier"), "qrp": ((105,), "qualifier"),
    "coi": ((70,), "qualifier"),
}
HEAD = ("typeid", "numix", "causetx", "nega", "test", "oa", "addr", "ioa")
CLOCK = tuple("cp56time." + part for part in ("year", "month", "day", "hour", "min", "ms"))
FIELDS = ("frame.number", "iec60870_104.type", "iec60870_104.utype",
          *(ASDU + name for name in (*HEAD, *CLOCK, *VALUES)), "_ws.malformed")
MISPLACED = 512

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("iti-TestDissectIec104.pcap", "malformed not this protocol"):
        (17, "octets in front of, behind and between APDUs, which Wireshark skips"),
    ("iti-TestDissectIec104.pcap", "negative differ"): (1, "a request with P/N: reported as misplaced"),
}


def number(text):
    plain = text.startswith("0x") or not set(text) & set(".en")
    return int(text, 0) if plain else float(text)


def value_of(field, text):
    return text if field.startswith("_") else [number(cell) for cell in text.split("|") if cell]


NAMES = dissector.names_of("iec104", r"^    (\w+) = (\d+);")


def plain(operation, name):
    value = operation.get(name)
    return NAMES.get(value, value) if isinstance(value, str) else value


def type_of(operation):
    return operation["function"] % MISPLACED


def bits_of(numbers):
    """Wireshark shows the octets of bit strings in their order; bit 1 stands in the first (101 §7.2.6.13)."""
    return [int.from_bytes(number.to_bytes(4, "big"), "little") for number in numbers]


def clock_of(theirs):
    return [calendar.timegm((2000 + year, month, day, hour, minute, ms // 1000)) * 1000 + ms % 1000
            for year, month, day, hour, minute, ms in zip(*(theirs[name] for name in CLOCK))]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        abs(one - other) <= 1e-4 * max(1, abs(other)) for one, other in zip(ours, theirs))


def differences(theirs, ours):
    """Names of what differs in a frame that we found well-formed."""
    data = [operation for operation in ours if not 256 <= operation["function"] < MISPLACED]
    link = [operation["function"] - 256 for operation in ours if 256 <= operation["function"] < MISPLACED]
    if [code for code in link if code != 1] != [code << 2 | 3 for code in theirs["iec60870_104.utype"]]:
        yield "U-frames"
    if link.count(1) != theirs["iec60870_104.type"].count(1):
        yield "S-frames"
    counts = theirs["numix"]
    for name, mine in (("typeid", None), ("causetx", "cause"), ("test", "test"), ("oa", "originator"),
                       ("addr", "common_address")):
        wanted = [value for value, count in zip(theirs[name], counts) for _ in range(count)]
        if [plain(operation, mine) if mine else type_of(operation) for operation in data] != wanted:
            yield name
    negative = sum(count for value, count in zip(theirs["nega"], counts) if value)
    if sum(1 for operation in data if operation.get("negative")) != negative:
        yield "negative"
    if [operation.get("object_address", [None])[0] for operation in data] != theirs["ioa"]:
        yield "ioa"
    for name, (types, mine) in VALUES.items():
        values = [plain(operation, mine) for operation in data if type_of(operation) in types]
        values = [int(value == 1) if mine == "select" else value for value in values]
        if not same(values, bits_of(theirs[name]) if name == "bitstring" else theirs[name]):
            yield name
    if data and all(type_of(operation) == 103 for operation in data):
        if [operation["value"] for operation in data] != clock_of(theirs):
            yield "clock"


def compare(name, capture):
    theirs = dissector.their_frames(capture, "iec60870_104", FIELDS, value_of)
    theirs = {number: {field.removeprefix(ASDU): value for field, value in frame.items()}
              for number, frame in theirs.items()}
    ours = dissector.our_frames(sys.argv[1], "iec104", capture)
    return dissector.compare(name, theirs, ours, differences)


def main():
    return dissector.run(dissector.corpus("iec104"), compare, EXPLAINED, 300)


if __name__ == "__main__":
    sys.exit(main())
