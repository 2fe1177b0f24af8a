#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same S7comm captures.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/s7comm and s7comm-plus (default: ../shared/corpus beside the tree). Frame by frame:
functions, items with area, DB, address, transport size and extent, number of results, TSAPs, PI services,
blocks, SZL ids. Of S7comm-plus, which Wireshark does not dissect, the octets of its COTP payload are held
against what the room says of them. What the room does not accept, or reads otherwise, has to stand in
EXPLAINED, with its number and the reason.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../support")
import dissector

ITEM = "s7comm.param.item."
FIELDS = ("frame.number", "tcp.dstport", "cotp.type", "cotp.src-tsap-bytes", "cotp.dst-tsap-bytes",
          "s7comm.header.rosctr", "s7comm.param.func", ITEM + "area", ITEM + "db", ITEM + "address",
          ITEM + "transp_size", ITEM + "length", "s7comm.param.userdata.type",
          "s7comm.param.userdata.funcgroup", "s7comm.param.userdata.subfunc", "s7comm.data.returncode",
          "s7comm.param.pistart.servicename", "s7comm.data.blockcontrol.block_type",
          "s7comm.data.blockcontrol.block_number", "s7comm.data.userdata.szl_id", "data.data",
          "_ws.malformed")
TEXT = {"cotp.src-tsap-bytes", "cotp.dst-tsap-bytes", "s7comm.param.pistart.servicename",
        "s7comm.data.blockcontrol.block_type", "s7comm.data.blockcontrol.block_number", "data.data",
        "_ws.malformed"}
READ, WRITE, USERDATA, PLUS, NOTIFICATION = 4, 5, 0x2000, 0x7000, 0x7033
BLOCK_TYPES = {"08": "OB", "0A": "DB", "0B": "SDB", "0C": "FC", "0D": "SFC", "0E": "FB", "0F": "SFB"}
BITS = {1: 1, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 32, 8: 32, 9: 16, 10: 32, 11: 32, 12: 16, 15: 64}
NUMBERED = (0x1C, 0x1D, 0x1E, 0x1F)

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("iti-step7_s300_download.pcap", "malformed pdu_reference"):
        (2, "empty TPDUs are not in the capture, so that its two directions are read out of step"),
    ("iti-tia_s300_downloadHwConfig.pcap", "malformed pdu_reference"):
        (20, "empty TPDUs are not in the capture, so that its two directions are read out of step"),
    ("iti-wincc_s300_setup-alarm-read_2.pcap", "not decoded"):
        (1, "read from its repetition, where the octets before it are not missing"),
    ("iti-wincc_s300_setup-alarm-read_2.pcap", "not dissected"):
        (1, "that repetition"),
}


def value_of(field, text):
    return [cell if field in TEXT else int(cell, 0) for cell in text.split("|") if cell]


def unique(numbers):
    """Neighbours that are equal count once: items of one PDU."""
    return [number for place, number in enumerate(numbers) if place == 0 or numbers[place - 1] != number]


NAMES = dissector.names_of("s7comm", r"^    (\w+) = (\w+);")


def number_of(value):
    return NAMES[value] if isinstance(value, str) else value


def their_items(theirs):
    for area, address, size, length in zip(theirs[ITEM + "area"], theirs[ITEM + "address"],
                                           theirs[ITEM + "transp_size"], theirs[ITEM + "length"]):
        extent = length if area in NUMBERED else length * BITS.get(size, 0)
        yield area, address, address + extent - 1, size


def our_items(ours):
    for operation in ours:
        if "area" in operation and operation["role"] != "response":
            first, last = operation["bit"]
            yield number_of(operation["area"]), first, last, number_of(operation["transport_size"])


def their_functions(theirs):
    groups, subs = theirs["s7comm.param.userdata.funcgroup"], theirs["s7comm.param.userdata.subfunc"]
    userdata = [USERDATA + (group << 8) + (subs[place] if place < len(subs) and group else 0)
                for place, group in enumerate(groups)]
    return unique(theirs["s7comm.param.func"] + userdata)


def block_names(theirs):
    for kind, number in zip(theirs["s7comm.data.blockcontrol.block_type"],
                            theirs["s7comm.data.blockcontrol.block_number"]):
        yield BLOCK_TYPES.get(kind, kind) + str(int(number))


def plus_functions(theirs):
    """What S7comm-plus says in its first octets, read without the room; None: a piece of a message."""
    for text in theirs["data.data"]:
        octets = bytes.fromhex(text.replace(":", ""))
        if octets[:1] != b"\x72" or octets[1] not in (1, 2, 3):
            continue
        body = octets[4:] if octets[1] != 3 else octets[5 + octets[4]:]
        if body[0] == 0x33:
            yield NOTIFICATION
        elif body[0] in (0x31, 0x32, 0x02) and body[1:3] == b"\0\0":
            yield PLUS + int.from_bytes(body[3:5], "big")
        else:
            yield None


def tsaps(theirs):
    """(source, destination) of a CR as numbers, None where they are of other than two octets."""
    def number(texts):
        octets = bytes.fromhex(texts[0].replace(":", "")) if texts else b""
        return int.from_bytes(octets, "big") if len(octets) == 2 else None
    return number(theirs["cotp.src-tsap-bytes"]), number(theirs["cotp.dst-tsap-bytes"])


def our_tsaps(operation):
    destination = None
    if "slot" in operation:
        destination = number_of(operation["connection_type"]) << 8 | operation["slot"]
    return operation.get("source_tsap"), destination


def differences(theirs, ours):
    """Names of what differs in a frame that we found well-formed."""
    jobs = [operation for operation in ours if operation["function"] < 0x1000 and operation["function"] != 0
            or USERDATA <= operation["function"] < PLUS]
    if their_functions(theirs) != unique([operation["function"] for operation in jobs]):
        acknowledged = theirs["s7comm.header.rosctr"] == [2] and not jobs
        if not acknowledged:
            yield "functions"
    if list(their_items(theirs)) != list(our_items(ours)):
        yield "items"
    in_blocks = [operation["db"] for operation in ours if number_of(operation.get("area", 0)) == 0x84]
    if theirs[ITEM + "db"] and [db for db, area in zip(theirs[ITEM + "db"], theirs[ITEM + "area"])
                                if area == 0x84] != in_blocks:
        yield "db"
    if 3 in theirs["s7comm.header.rosctr"]:
        results = [operation for operation in ours
                   if operation["function"] in (READ, WRITE) and operation["role"] == "response"]
        if results and len(results) != len(theirs["s7comm.data.returncode"]):
            yield "results"
    if theirs["cotp.type"] == [0xE] and tsaps(theirs) != our_tsaps(ours[0]):
        yield "tsaps"
    names = theirs["s7comm.param.pistart.servicename"]
    if unique(names) != unique([operation["pi_service"] for operation in ours
                                if operation["function"] in (0x28, 0x29) and operation["role"] == "request"]):
        yield "pi_service"
    blocks = list(block_names(theirs))
    if blocks and blocks != [operation["block"] for operation in ours if "block" in operation]:
        yield "block"
    szl = theirs["s7comm.data.userdata.szl_id"]
    if szl and ours[0]["role"] == "request" and szl != [operation.get("szl_id") for operation in ours]:
        yield "szl_id"
    plus = [operation["function"] for operation in ours if operation["function"] >= PLUS]
    if [wanted for wanted in plus_functions(theirs)] != \
            [function if wanted is not None else None
             for function, wanted in zip(plus, plus_functions(theirs))] or \
            len(plus) != len(list(plus_functions(theirs))):
        yield "plus"


def compare(name, capture):
    theirs = dissector.their_frames(capture, "tpkt", FIELDS, value_of)
    ours = dissector.our_frames(sys.argv[1], "s7comm", capture)
    return dissector.compare(name, theirs, ours, differences)


def main():
    captures = dissector.corpus("s7comm") + dissector.corpus("s7comm-plus")
    return dissector.run(captures, compare, EXPLAINED, 10000)


if __name__ == "__main__":
    sys.exit(main())
