#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same DNP3 captures.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/dnp3 (default: ../shared/corpus beside the tree). Frame by frame: functions,
objects, the indexes of points, and of commands count and times. Wireshark names fields and judges little; the
room judges. So what the room accepts has to be the dissector's, and what it does not has to stand in
EXPLAINED, with its number and the reason.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../support")
import dissector

FIELDS = ("frame.number", "dnp3.al.func", "dnp3.al.obj", "dnp3.al.range.start", "dnp3.al.range.stop",
          "dnp3.al.index", "dnp3.al.count", "dnp3.al.on_time", "dnp3.al.off_time", "_ws.malformed")
LINK_BASE = 512
ALL = 0xFFFFFFFF

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("iti-DNP3-Malformed.pcap", "malformed length"):
        (1, "length 2, less than the rest of the header"),
    ("iti-DNP3-Malformed.pcap", "malformed operation"): (197, "commands cut within or behind their objects"),
    ("iti-assign_class.pcap", "objects differ"): (1, "Wireshark does not dissect this function"),
    ("iti-auth_control_challenge_response.pcap", "objects differ"):
        (2, "Wireshark does not dissect functions 32, 131"),
    ("zeek-auth_change_session_keys.pcap", "objects differ"):
        (4, "Wireshark does not dissect functions 32, 131"),
    ("iti-operate_aggressive_mode.pcap", "count differ"): (1, "Wireshark stops at group 120"),
    ("iti-operate_aggressive_mode.pcap", "indexes differ"): (1, "Wireshark stops at group 120"),
    ("iti-operate_aggressive_mode.pcap", "objects differ"): (1, "Wireshark stops at group 120"),
    ("iti-operate_aggressive_mode.pcap", "off_time differ"): (1, "Wireshark stops at group 120"),
    ("iti-operate_aggressive_mode.pcap", "on_time differ"): (1, "Wireshark stops at group 120"),
    ("iti-conformance_6.1.2.pcap", "malformed control"): (12, "confirmed user data"),
    ("iti-conformance_6.3.2.pcap", "malformed control"): (1, "FCB without FCV"),
    ("iti-conformance_6.6.2.1.pcap", "malformed control"): (1, "confirmed user data"),
    ("iti-conformance_6.6.2.1.pcap", "malformed not this protocol"): (4, "other start octets"),
    ("iti-conformance_6.6.2.2.pcap", "malformed control"):
        (3, "confirmed user data; functions 5 and 10 of the link layer"),
    ("iti-conformance_6.6.2.3.pcap", "malformed length"): (2, "user data behind a length of 5"),
    ("iti-conformance_6.6.2.4.pcap", "malformed checksum"): (2, "checksums that are wrong on purpose"),
    ("iti-conformance_6.6.2.4.pcap", "malformed length"): (2, "user data behind a length of 5"),
    ("iti-conformance_6.6.2.5.pcap", "malformed control"): (5, "FCV where it does not belong, or missing"),
    ("iti-conformance_8.2.4.2.pcap", "malformed operation"): (1, "a status other than 0 in a command"),
    ("iti-conformance_8.4.4.2.pcap", "malformed operation"): (1, "a status other than 0 in a command"),
    ("iti-conformance_8.6.5.2.pcap", "malformed control"): (1, "confirmed user data"),
    ("iti-conformance_8.6.5.4.pcap", "malformed control"): (2, "confirmed user data"),
    ("iti-direct_operate_crob_malform_but_good_crc.pcap", "malformed operation"):
        (1, "a command cut within its object"),
    ("iti-dnp3_test_data_part1.pcap", "malformed not this protocol"): (2, "start octets 05 05"),
    ("iti-dnp3_test_data_part1.pcap", "malformed operation"):
        (6, "the last object header lacks its qualifier"),
    ("zeek-dnp3.pcap", "malformed not this protocol"): (2, "start octets 05 05"),
    ("zeek-dnp3.pcap", "malformed operation"): (6, "the last object header lacks its qualifier"),
    ("iti-write_vto_empty_string.pcap", "malformed operation"): (1, "a string of variation 0 has no size"),
    ("zeek-dnp3-flowbuffer-overflow-assert.pcap", "malformed fragment_size"):
        (1, "more segments than a fragment can have"),
    ("zeek-dnp3-flowbuffer-overflow-assert.pcap", "malformed transport"):
        (1, "goes on with a fragment that was given up"),
    ("zeek-dnp3_udp_read.pcap", "malformed length"): (2, "a fragment in several datagrams: its first"),
    ("zeek-dnp3_udp_read.pcap", "malformed transport"): (14, "a fragment in several datagrams: the others"),
    ("zeek-dnp3_udp_select_operate.pcap", "malformed length"):
        (1, "a fragment in several datagrams: its first"),
    ("zeek-dnp3_udp_select_operate.pcap", "malformed transport"):
        (2, "a fragment in several datagrams: the others"),
}


def value_of(field, text):
    return text if field.startswith("_") else [int(cell, 0) for cell in text.split("|") if cell]


def unique(numbers):
    """Neighbours that are equal count once: a header and its objects."""
    return [number for place, number in enumerate(numbers) if place == 0 or numbers[place - 1] != number]


NAMES = dissector.names_of("dnp3", r"^    (\w+) = (0x\w{4}|0);$")


def object_number(operation):
    value = operation.get("object")
    return NAMES[value] if isinstance(value, str) else value


def index_sets(operations):
    """Indexes that we name one by one or by range, without those of "all"."""
    found = set()
    for operation in operations:
        first, last = operation.get("index", (0, ALL))
        if last != ALL:
            found.update(range(first, min(last, first + 70000) + 1))
    return found


def differences(theirs, ours):
    """Names of what differs in a frame that we found well-formed."""
    functions = [4 if operation["function"] == 260 else operation["function"] for operation in ours]
    if unique(theirs["dnp3.al.func"]) != unique([code for code in functions if code < LINK_BASE]):
        yield "functions"
    objects = [object_number(operation) for operation in ours if "object" in operation]
    if unique(theirs["dnp3.al.obj"]) != unique(objects):
        yield "objects"
    indexes = set(theirs["dnp3.al.index"])  # in front of objects
    for first, last in zip(theirs["dnp3.al.range.start"], theirs["dnp3.al.range.stop"]):
        indexes.update(range(first, last + 1))
    if indexes != index_sets(ours):
        yield "indexes"
    for name in ("count", "on_time", "off_time"):
        if [operation[name] for operation in ours if name in operation] != theirs["dnp3.al." + name] and \
                ours[0]["role"] == "request":
            yield name


def compare(name, capture):
    theirs = dissector.their_frames(capture, "dnp3", FIELDS, value_of)
    ours = dissector.our_frames(sys.argv[1], "dnp3", capture)
    # A frame of a fragment that is not whole yet says nothing here.
    return dissector.compare(name, theirs, ours, differences, lambda frame: frame["dnp3.al.func"])


def main():
    return dissector.run(dissector.corpus("dnp3"), compare, EXPLAINED, 500)


if __name__ == "__main__":
    sys.exit(main())
