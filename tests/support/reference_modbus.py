#!/usr/bin/env python3
"""A slow, independent judge of Modbus requests, written from the specification alone (MODBUS Application
Protocol V1.1b3, MODBUS Messaging on TCP/IP V1.0b). It shares nothing with the product and is the oracle for
what may have reached a server.

  decode(pdu)             what a request asks for, a list of Access; raises Malformed
  permitted(rules, unit, pdu)   True if some one rule contains every access of the request
  split(stream)           ADUs of one direction of a TCP stream, and what is left
  streams(frames)         payload of each TCP direction of a capture, in sequence order

As a program: reference_modbus.py RULES <LOG   reads the log of modbus_server (one JSON object a line) and
prints every request that the rules do not permit; exit status 1 if there is one.
"""

import json
import struct
import sys
from dataclasses import dataclass

READ, WRITE, OTHER = "read", "write", "other"
COILS, INPUTS, HOLDING, REGISTERS, FILES, QUEUE = "coils", "inputs", "holding", "registers", "files", "queue"


class Malformed(Exception):
    pass


@dataclass(frozen=True)
class Access:
    kind: str
    table: str = ""
    first: int = 0
    last: int = 0
    values: tuple = ()  # of a write: one for each coil or register; a masked write has none that is known
    file: int = 0


def need(condition, what):
    if not condition:
        raise Malformed(what)


def span(kind, table, first, count, values=(), file=0):
    need(first + count <= 65536, "the range runs past address 65535")
    return Access(kind, table, first, first + count - 1, tuple(values), file)


def words(octets):
    return struct.unpack(f">{len(octets) // 2}H", octets)


def bits(octets, count):
    return [octets[index // 8] >> index % 8 & 1 for index in range(count)]


def exact(pdu, size):
    need(len(pdu) == size, f"{len(pdu)} octets instead of {size}")


def read_bits(table):
    def decode_one(pdu):
        exact(pdu, 5)
        first, count = words(pdu[1:5])
        need(1 <= count <= 2000, "quantity")
        return [span(READ, table, first, count)]
    return decode_one


def read_words(table):
    def decode_one(pdu):
        exact(pdu, 5)
        first, count = words(pdu[1:5])
        need(1 <= count <= 125, "quantity")
        return [span(READ, table, first, count)]
    return decode_one


def write_coil(pdu):
    exact(pdu, 5)
    address, value = words(pdu[1:5])
    need(value in (0x0000, 0xFF00), "coil value")
    return [span(WRITE, COILS, address, 1, [int(value == 0xFF00)])]


def write_register(pdu):
    exact(pdu, 5)
    address, value = words(pdu[1:5])
    return [span(WRITE, HOLDING, address, 1, [value])]


def write_coils(pdu):
    need(len(pdu) >= 6, "short")
    first, count = words(pdu[1:5])
    need(1 <= count <= 1968 and pdu[5] == (count + 7) // 8, "quantity or byte count")
    exact(pdu, 6 + pdu[5])
    if count % 8:
        need(pdu[-1] >> count % 8 == 0, "padding bits")
    return [span(WRITE, COILS, first, count, bits(pdu[6:], count))]


def write_registers(pdu):
    need(len(pdu) >= 6, "short")
    first, count = words(pdu[1:5])
    need(1 <= count <= 123 and pdu[5] == 2 * count, "quantity or byte count")
    exact(pdu, 6 + pdu[5])
    return [span(WRITE, HOLDING, first, count, words(pdu[6:]))]


def mask_write(pdu):
    exact(pdu, 7)
    return [span(WRITE, HOLDING, words(pdu[1:3])[0], 1)]


def read_write(pdu):
    need(len(pdu) >= 10, "short")
    read_first, read_count, write_first, write_count = words(pdu[1:9])
    need(1 <= read_count <= 125 and 1 <= write_count <= 121 and pdu[9] == 2 * write_count, "quantity")
    exact(pdu, 10 + pdu[9])
    return [span(READ, HOLDING, read_first, read_count),
            span(WRITE, HOLDING, write_first, write_count, words(pdu[10:]))]


def read_files(pdu):
    need(len(pdu) >= 2 and 7 <= pdu[1] <= 0xF5 and pdu[1] % 7 == 0, "byte count")
    exact(pdu, 2 + pdu[1])
    accesses = []
    for at in range(2, len(pdu), 7):
        file, record, count = words(pdu[at + 1:at + 7])
        need(pdu[at] == 6 and file >= 1 and record <= 9999 and count >= 1, "sub-request")
        accesses.append(span(READ, FILES, record, count, (), file))
    return accesses


def write_files(pdu):
    need(len(pdu) >= 2 and 9 <= pdu[1] <= 0xFB, "byte count")
    exact(pdu, 2 + pdu[1])
    accesses, at = [], 2
    while at < len(pdu):
        need(len(pdu) - at >= 7, "sub-request is short")
        file, record, count = words(pdu[at + 1:at + 7])
        need(pdu[at] == 6 and file >= 1 and record <= 9999 and count >= 1, "sub-request")
        need(len(pdu) - at - 7 >= 2 * count, "record data is short")
        accesses.append(span(WRITE, FILES, record, count, words(pdu[at + 7:at + 7 + 2 * count]), file))
        at += 7 + 2 * count
    return accesses


def read_queue(pdu):
    exact(pdu, 3)
    return [span(READ, QUEUE, words(pdu[1:3])[0], 1)]


def nothing_more(pdu):
    exact(pdu, 1)
    return [Access(OTHER)]


def anything(pdu):
    need(len(pdu) >= 2, "short")
    return [Access(OTHER)]


DECODE = {1: read_bits(COILS), 2: read_bits(INPUTS), 3: read_words(HOLDING), 4: read_words(REGISTERS),
          5: write_coil, 6: write_register, 7: nothing_more, 8: anything, 11: nothing_more, 12: nothing_more,
          15: write_coils, 16: write_registers, 17: nothing_more, 20: read_files, 21: write_files,
          22: mask_write, 23: read_write, 24: read_queue, 43: anything}


def decode(pdu):
    need(1 <= len(pdu) <= 253, "size of the PDU")
    need(pdu[0] in DECODE, f"function {pdu[0]}")
    return DECODE[pdu[0]](pdu)


def typed_values(rule, access):
    """The values of a write as the rule reads them; None if a value is written in part or cannot be read."""
    kind = rule.get("type", "UINT16")
    if access.kind != WRITE or not access.values:
        return None
    if kind == "UINT16":
        return list(access.values)
    base = rule["first"]
    if (access.first - base) % 2 or len(access.values) % 2:
        return None
    pairs = zip(access.values[::2], access.values[1::2])
    step = 1 if rule.get("high_first", True) else -1
    packed = [struct.pack(">HH", *pair[::step]) for pair in pairs]
    letter = {"UINT32": ">I", "INT32": ">i", "FLOAT32": ">f"}[kind]
    return [struct.unpack(letter, octets)[0] for octets in packed]


def contains(rule, unit, function, access):
    """Does the rule permit this one access? A field that the rule lacks does not restrict."""
    if "unit" in rule and unit != rule["unit"]:
        return False
    if rule.get("reading") and access.kind != READ:
        return False
    if "functions" in rule and function not in rule["functions"]:
        return False
    if "first" in rule:
        if not access.table or access.first < rule["first"] or access.last > rule["last"]:
            return False
    if "min" in rule:
        values = typed_values(rule, access)
        return values is not None and all(rule["min"] <= value <= rule["max"] for value in values)
    return True


def permitted(rules, unit, pdu):
    try:
        accesses = decode(pdu)
    except Malformed:
        return False
    return all(any(contains(rule, unit, pdu[0], access) for rule in rules) for access in accesses)


# config/examples/packaging-line.txtpb, conduit scada-cell7, written a second time by hand.
PACKAGING_LINE = [
    {"unit": 1, "reading": True},
    {"unit": 1, "functions": {6}, "first": 40, "last": 40, "min": 0, "max": 1500},
    {"unit": 1, "functions": {5}, "first": 3, "last": 4},
    {"unit": 1, "functions": {16}, "first": 50, "last": 51, "min": 80.0, "max": 210.0, "type": "FLOAT32"},
]
RULES = {"packaging-line": PACKAGING_LINE}


def split(stream):
    """([(transaction, unit, pdu)…], rest) of one direction of a Modbus/TCP stream."""
    adus, at = [], 0
    while len(stream) - at >= 8:
        transaction, protocol, size = words(stream[at:at + 6])
        need(protocol == 0 and 2 <= size <= 254, "MBAP header")
        if len(stream) - at < 6 + size:
            break
        adus.append((transaction, stream[at + 6], stream[at + 7:at + 6 + size]))
        at += 6 + size
    return adus, stream[at:]


def segments(frames):
    """(key, sequence, flags, payload) of every TCP segment over IPv4 without tags."""
    for frame in frames:
        if frame[12:14] != b"\x08\x00" or frame[14] >> 4 != 4 or frame[23] != 6:
            continue
        packet = frame[14:14 + words(frame[16:18])[0]]
        tcp = packet[(packet[0] & 15) * 4:]
        key = (packet[12:16], tcp[0:2], packet[16:20], tcp[2:4])
        yield key, struct.unpack(">I", tcp[4:8])[0], tcp[13], tcp[(tcp[12] >> 4) * 4:]


def streams(frames):
    """{(source, port, destination, port): octets} as a receiver that takes the first copy would read them."""
    begins, pieces = {}, {}
    for key, sequence, flags, payload in segments(frames):
        if flags & 2:
            begins[key] = sequence + 1 & 0xFFFFFFFF
            pieces[key] = {}
        if payload and key in begins:
            for index, octet in enumerate(payload):
                pieces[key].setdefault(sequence + index - begins[key] & 0xFFFFFFFF, octet)
    result = {}
    for key, octets in pieces.items():
        size = 0
        while size in octets:
            size += 1
        result[key] = bytes(octets[index] for index in range(size))
    return result


def main():
    rules = RULES[sys.argv[1]]
    count = denied = 0
    for line in sys.stdin:
        request = json.loads(line)
        count += 1
        if not permitted(rules, request["unit"], bytes.fromhex(request["pdu"])):
            denied += 1
            print(f"the server received what no rule permits: {line.strip()}")
    print(f"{count} requests, {denied} of them not permitted")
    return 1 if denied else 0


if __name__ == "__main__":
    sys.exit(main())
