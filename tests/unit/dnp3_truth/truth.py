#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same DNP3 captures.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/dnp3 (default: ../shared/corpus beside the tree). Frame by frame: functions,
objects, the indexes of points, and of commands count and times. Wireshark names fields and judges little; the
room judges. So what the room accepts has to be the dissector's, and what it does not has to stand in
EXPLAINED, with its number and the reason.
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77
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


def their_frames(capture):
    """{frame: {field: [values]}}"""
    options = [option for field in FIELDS for option in ("-e", field)]
    text = subprocess.run(["tshark", "-n", "-r", capture, "-o", "tcp.desegment_tcp_streams:TRUE",
                           "-Y", "dnp3", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|",
                           *options],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    frames = {}
    for line in text.splitlines():
        cells = dict(zip(FIELDS, line.split("\t")))
        frames[int(cells["frame.number"])] = {
            name: [int(cell, 0) for cell in text.split("|") if cell] if not name.startswith("_") else text
            for name, text in cells.items()}
    return frames


def our_frames(conduitctl, capture):
    """{frame: [operation as decode --json prints it]}"""
    run = subprocess.run([conduitctl, "decode", "--json", capture], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, check=False)
    frames = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        operation = json.loads(line)
        if operation["protocol"] == "dnp3":
            frames[operation["frame"]].append(operation)
    return frames


def unique(numbers):
    """Neighbours that are equal count once: a header and its objects."""
    return [number for place, number in enumerate(numbers) if place == 0 or numbers[place - 1] != number]


NAMES = {}


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


def compare(name, conduitctl, capture):
    """(frames compared, Counter of what differs or is malformed)"""
    theirs, ours = their_frames(capture), our_frames(conduitctl, capture)
    found, compared = collections.Counter(), 0
    for frame in sorted(set(theirs) | set(ours)):
        if frame not in ours:
            # A frame of a fragment that is not whole yet says nothing here.
            if theirs[frame]["dnp3.al.func"]:
                found["not decoded"] += 1
            continue
        malformed = [operation["malformed"] for operation in ours[frame] if "malformed" in operation]
        if malformed:
            found["malformed " + malformed[0]] += 1
            if os.environ.get("VERBOSE"):
                print(name, frame, malformed, theirs.get(frame))
            continue
        if frame not in theirs:
            found["not dissected"] += 1
            continue
        compared += 1
        for what in differences(theirs[frame], ours[frame]):
            found[what + " differ"] += 1
            if os.environ.get("VERBOSE"):
                print(name, frame, what, "\n  theirs:", theirs[frame], "\n  ours:", ours[frame])
    return compared, found


def read_names(tree):
    """Numbers of the objects that decode prints by name."""
    text = open(os.path.join(tree, "protocols/dnp3/dnp3.proto"), encoding="utf-8").read()
    for name, number in re.findall(r"^    (\w+) = (0x\w{4}|0);$", text, re.M):
        NAMES[name] = int(number, 0)


def main():
    conduitctl = sys.argv[1]
    tree = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
    corpus = os.path.join(os.environ.get("CONDUIT_CORPUS", os.path.join(tree, "../shared/corpus")), "dnp3")
    if shutil.which("tshark") is None or not os.path.isdir(corpus):
        print("tshark or the captures are not here")
        return SKIPPED
    read_names(tree)
    good, total, seen = True, 0, {}
    for name in sorted(os.listdir(corpus)):
        compared, found = compare(name, conduitctl, os.path.join(corpus, name))
        total += compared
        seen.update({(name, what): count for what, count in found.items()})
    present = {key for key in EXPLAINED if os.path.exists(os.path.join(corpus, key[0]))}
    for key in sorted(set(seen) | present):
        expected, why = EXPLAINED.get(key, (0, "no explanation"))
        if seen.get(key, 0) != expected:
            good = False
            print(f"{key[0]}: '{key[1]}' {seen.get(key, 0)} times, expected {expected} ({why})")
    print(f"{total} frames compared, {sum(seen.values())} explained or not")
    return 0 if good and total > 500 else 1


if __name__ == "__main__":
    sys.exit(main())
