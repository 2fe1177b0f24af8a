#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads of EtherNet/IP captures with what Wireshark's dissector reads.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/enip-cip (default: ../shared/corpus beside the tree). Frame by frame: the services
of requests and answers, classes, instances, attributes and symbols of requests, connections, and whether an
answer refuses. Wireshark names fields and judges little; the room judges. So what the room accepts has to be
the dissector's, and what it does not has to stand in EXPLAINED, with its number and the reason.

Wireshark lists the envelopes (multiple service packet, unconnected send) with the services in them, and, for
messages of a connection that it saw opened, the path of that connection. Both are left out: classes 2 and 6
are not compared.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../support")
import dissector

FIELDS = ("frame.number", "enip.command", "enip.status", "enip.cpf.sai.connid", "enip.cpf.cai.connid",
          "cip.sc", "cip.class", "cip.instance", "cip.attribute", "cip.symbol", "cip.genstat",
          "cip.cm.genstat")
MULTIPLE, UNCONNECTED = 0x0A, 0x52
ENVELOPE_CLASSES = (2, 6)
PCCC_BASE = 0x1000000
COMMANDS = range(0x80, 0x100)
IO_DATA = 255

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("iti-EIP-ControlProtocolChangeAttempt.pcap", "attributes differ"):
        (21, "lists of several attributes to set: where the second begins, only the device knows"),
    ("iti-EIP-RebootorRestart.pcap", "attributes differ"):
        (12, "lists of several attributes to set: where the second begins, only the device knows"),
}


def number(text):
    return int(text, 0)


def value_of(field, text):
    return [cell if field == "cip.symbol" else number(cell) for cell in text.split("|") if cell]


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
    found = []
    for value in unique([dimension(operation, "class") for operation in operations if "class" in operation]):
        found += [part for part in (value >> 32, value >> 16 & 0xFFFF, value & 0xFFFF) if part]
    return found


def nested(operations):
    return any((dimension(operation, "class") or 0) >> 16 for operation in operations)


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
        status = (theirs["cip.genstat"] + theirs["cip.cm.genstat"] + [0])[0]
        refused = any(theirs["enip.status"]) or status != 0
        if refused != ours[0].get("negative", False):
            yield "status"
        return
    classes = unique([code for code in theirs["cip.class"] if code not in ENVELOPE_CLASSES])
    told = unique([code for code in objects(ours) if code not in ENVELOPE_CLASSES])
    if set(classes) != set(told) or (classes != told and not nested(ours)):
        yield "classes"
    instances = {operation["instance"][0] for operation in ours if "instance" in operation}
    more = set(theirs["cip.instance"]) - instances - {1}  # outer instances are not told
    if not instances <= set(theirs["cip.instance"]) or (more and not nested(ours)):
        yield "instances"
    attributes = [operation["attribute"] for operation in ours if isinstance(operation.get("attribute"), int)
                  and operation["function"] < PCCC_BASE]
    if attributes != theirs["cip.attribute"]:
        yield "attributes"
    if unique(theirs["cip.symbol"]) != unique(symbols(ours)):
        yield "symbols"


def compare(name, capture):
    # A client's port that Wireshark takes for something else.
    theirs = dissector.their_frames(capture, "enip || cipio", FIELDS, value_of, "-d", "tcp.port==1102,enip")
    ours = dissector.our_frames(sys.argv[1], "enip", capture)
    return dissector.compare(name, theirs, ours, differences)


def read_names():
    """Numbers of the classes that decode prints by name."""
    inside = False
    with open(os.path.join(dissector.TREE, "protocols/enip/enip.proto"), encoding="utf-8") as lines:
        for line in lines:
            inside = "enum Object" in line or (inside and "}" not in line)
            words = line.split()
            if inside and len(words) == 3 and words[1] == "=":
                NAMES[words[0]] = int(words[2].rstrip(";"), 0)


def main():
    read_names()
    return dissector.run(dissector.corpus("enip-cip"), compare, EXPLAINED, 500)


if __name__ == "__main__":
    sys.exit(main())
