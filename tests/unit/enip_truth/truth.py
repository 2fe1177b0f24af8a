#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same EtherNet/IP captures.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/enip-cip (default: ../shared/corpus beside the tree). Frame by frame: the services of
requests and answers, classes, instances, attributes and symbols of requests, connections, and whether an answer
refuses. Wireshark names fields and judges little; the room judges. So what the room accepts has to be the
dissector's, and what it does not has to stand in EXPLAINED, with its number and the reason.

Wireshark lists the envelopes (multiple service packet, unconnected send) with the services in them, and, for
messages of a connection that it saw opened, the path of that connection. Both are left out: classes 2 and 6 are
not compared.
"""

import collections
import json
import os
import shutil
import subprocess
import sys

SKIPPED = 77
FIELDS = ("frame.number", "enip.command", "enip.status", "enip.cpf.sai.connid", "enip.cpf.cai.connid", "cip.rr",
          "cip.sc", "cip.class", "cip.instance", "cip.attribute", "cip.symbol", "cip.genstat", "cip.cm.genstat")
MULTIPLE, UNCONNECTED = 0x0A, 0x52
ENVELOPE_CLASSES = (2, 6)
PCCC_BASE = 0x1000000
COMMANDS = range(0x80, 0x100)
IO_DATA = 255

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
}


def number(text):
    return int(text, 0)


def their_frames(capture):
    """{frame: {field: [values]}}"""
    options = [option for field in FIELDS for option in ("-e", field)]
    text = subprocess.run(["tshark", "-n", "-r", capture, "-o", "tcp.desegment_tcp_streams:TRUE",
                           "-Y", "enip || cipio", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|",
                           *options],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    frames = {}
    for line in text.splitlines():
        cells = dict(zip(FIELDS, line.split("\t")))
        frames[int(cells["frame.number"])] = {
            name: [cell if name == "cip.symbol" else number(cell) for cell in cells.get(name, "").split("|") if cell]
            for name in FIELDS}
    return frames


def our_frames(conduitctl, capture):
    """{frame: [operation as decode --json prints it]}"""
    run = subprocess.run([conduitctl, "decode", "--json", capture], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, check=False)
    frames = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        operation = json.loads(line)
        if operation["protocol"] == "enip":
            frames[operation["frame"]].append(operation)
    return frames


def unique(numbers):
    """Neighbours that are equal count once: elements and attributes of one service."""
    return [number for place, number in enumerate(numbers) if place == 0 or numbers[place - 1] != number]


def service(operation):
    """The code on the wire, or None for what is no service."""
    code = operation["function"]
    if code in COMMANDS or code == IO_DATA:
        return None
    return 0x4B if code >= PCCC_BASE else code & 0xFF


NAMES = {}


def dimension(operation, name):
    value = operation.get(name)
    if isinstance(value, str):
        return NAMES[value]
    return value


def objects(operations):
    """Classes, an object within another as two."""
    for operation in operations:
        value = dimension(operation, "class")
        if value is None:
            continue
        if value >> 16:
            yield value >> 16
        yield value & 0xFFFF


def symbols(operations):
    found = []
    for operation in operations:
        if "tag" in operation and operation["function"] < PCCC_BASE:
            found += [part.split("[")[0] for part in operation["tag"].split(".")]
    return found


def differences(theirs, ours):
    """Names of what differs in a frame that we found well-formed."""
    services = [code for code in theirs["cip.sc"] if code not in (MULTIPLE, UNCONNECTED)]
    codes = [service(operation) for operation in ours]
    if unique(services) != unique([code for code in codes if code is not None and code != UNCONNECTED]):
        yield "services"
    connections = theirs["enip.cpf.sai.connid"] + theirs["enip.cpf.cai.connid"]
    if set(connections) != {operation["association"] & 0xFFFFFFFF for operation in ours
                            if "association" in operation}:
        yield "connections"
    if ours[0]["role"] == "response":
        refused = any(theirs["enip.status"]) or (theirs["cip.genstat"] + theirs["cip.cm.genstat"] + [0])[0] != 0
        if refused != ours[0].get("negative", False):
            yield "status"
        return
    classes = [code for code in theirs["cip.class"] if code not in ENVELOPE_CLASSES]
    if unique(classes) != unique([code for code in objects(ours) if code not in ENVELOPE_CLASSES]):
        yield "classes"
    instances = {operation["instance"][0] for operation in ours if "instance" in operation}
    if not instances <= set(theirs["cip.instance"]) or set(theirs["cip.instance"]) - instances - {1}:
        yield "instances"
    attributes = [operation["attribute"] for operation in ours if isinstance(operation.get("attribute"), int)
                  and operation["function"] < PCCC_BASE]
    if attributes != theirs["cip.attribute"]:
        yield "attributes"
    if unique(theirs["cip.symbol"]) != unique(symbols(ours)):
        yield "symbols"


def compare(name, conduitctl, capture):
    """(frames compared, Counter of what differs or is malformed)"""
    theirs, ours = their_frames(capture), our_frames(conduitctl, capture)
    found, compared = collections.Counter(), 0
    for frame in sorted(set(theirs) | set(ours)):
        if frame not in ours:
            found["not decoded"] += 1
            if os.environ.get("VERBOSE"):
                print(name, frame, "not decoded", theirs[frame])
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
    """Numbers of the classes that decode prints by name."""
    inside = False
    with open(os.path.join(tree, "protocols/enip/enip.proto"), encoding="utf-8") as lines:
        for line in lines:
            inside = "enum Object" in line or (inside and "}" not in line)
            words = line.split()
            if inside and len(words) == 3 and words[1] == "=":
                NAMES[words[0]] = int(words[2].rstrip(";"), 0)


def main():
    conduitctl = sys.argv[1]
    tree = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
    corpus = os.path.join(os.environ.get("CONDUIT_CORPUS", os.path.join(tree, "../shared/corpus")), "enip-cip")
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
