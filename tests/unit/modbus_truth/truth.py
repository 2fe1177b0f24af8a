#!/usr/bin/env python3
"""Compares what the Modbus room reads with what Wireshark's dissector reads of the same PDUs.

usage: truth.py generated|captures MODBUS_LINES

generated: the unit tests' PDUs and seeded changes of them, written to a capture of our own making.
captures:  every capture in $CONDUIT_CORPUS/modbus (default: ../shared/corpus/modbus beside the tree).

Wireshark names fields and judges little; the room judges. So every field of a PDU that the room accepts has
to be the dissector's, and every PDU that the room refuses has to stand in EXPLAINED, with its number and the
reason.
"""

import collections
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
SEED = 20120426

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("iti-modbus_test_data_part1.pcap", "malformed length"):
        (12, "43/14 with a trailing octet; exceptions with a trailing octet"),
    ("iti-modbus_test_data_part2.pcap", "malformed function"): (2, "function 0, asked and answered"),
    ("iti-modbus_test_data_part2.pcap", "malformed quantity"): (6, "quantity 0 in functions 1-4, 15, 16"),
    ("iti-modbus_test_data_part2.pcap", "malformed length"):
        (5, "functions 6, 11, 12, 17, 24 with octets that they do not have"),
    ("iti-modbus_test_data_part2.pcap", "malformed byte_count"): (2, "functions 20, 21 without sub-request"),
    ("iti-modbus_test_data_part2.pcap", "malformed or_mask"): (1, "function 22 without its second mask"),
    ("iti-modbus_test_data_part2.pcap", "malformed read_range"): (1, "function 23 with quantity 0"),
    ("iti-modicon_test.pcap", "malformed length"): (2, "261 octets: one more than the specification allows"),
    ("snort3-modbus_w_pafs.pcap", "malformed length"):
        (1, "function 17 asked with octets that it does not have"),
    ("zeek-modbus-eit.pcap", "malformed length"): (1, "43/14 answer with octets behind its last object"),
}


def tshark(capture, *options):
    command = ["tshark", "-n", "-r", capture, *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Layers(list):
    """Pairs of a JSON object, in order, doubles kept: a frame may hold several PDUs."""

    def all(self, name):
        return [value for key, value in self if key == name]

    def first(self, name):
        found = self.all(name)
        return found[0] if found else None


def flatten(layers):
    for key, value in layers:
        if isinstance(value, Layers):
            yield from flatten(value)
        else:
            yield key, value


def read_pdus(capture):
    """(sender, hex of the ADU, {field: [values]}) of every Modbus PDU as the dissector sees it."""
    layers = "tcp mbtcp modbus _ws.malformed"
    text = tshark(capture, "-T", "json", "-x", "-j", layers, "-Y", "modbus && mbtcp")
    for packet in json.loads(text, object_pairs_hook=Layers):
        layers = packet.first("_source").first("layers")
        sender = "C" if layers.first("tcp").first("tcp.dstport") == "502" else "S"
        headers = layers.all("mbtcp")
        bodies = layers.all("modbus")
        raws = layers.all("mbtcp_raw")
        if not len(headers) == len(bodies) == len(raws):
            continue  # a PDU that the dissector gave up: no truth
        for header, body, raw in zip(headers, bodies, raws):
            fields = collections.defaultdict(list)
            for key, value in [*flatten(header), *flatten(body)]:
                if not key.endswith("_raw") and isinstance(value, str):
                    fields[key].append(value)
            fields["malformed"] = layers.all("_ws.malformed")
            yield sender, raw[0], fields


def ask(modbus_lines, pdus):
    text = "".join(f"{sender} {hex_text}\n" for sender, hex_text, _ in pdus)
    output = subprocess.run([modbus_lines], input=text, check=True, capture_output=True, text=True).stdout
    answers = output.split("\n")[:-1]
    assert len(answers) == len(pdus), "one line of answer for each PDU"
    return answers


def numbers(fields, name):
    return [int(value, 0) for value in fields.get("modbus." + name, [])]


def parse(text):
    """[{function, unit, address…: (first, last), value: [int] | None}]"""
    operations = []
    for part in text.split(" | "):
        head, _, value = part.partition(" = ")
        operation = {"function": int(head.split()[0]), "value": None}
        for name, first, last in re.findall(r"(\w+):(\d+)(?:-(\d+))?", head):
            operation[name] = (int(first), int(last or first))
        if value.startswith("words"):
            operation["value"] = [int(word) for word in value.split()[1:]]
        elif value.startswith("bits"):
            operation["bits"] = value.split()[1]
        elif value.isdigit():
            operation["value"] = [int(value)]
        operations.append(operation)
    return operations


def span(first, count):
    return (first, first + count - 1)


def expected_ranges(function, fields):
    """Address ranges that the dissector names, in the order of our operations; None: it names none."""
    reference = numbers(fields, "reference_num")
    if function in (1, 2, 15) and reference and numbers(fields, "bit_cnt"):
        return [span(reference[0], numbers(fields, "bit_cnt")[0])]
    if function in (3, 4, 16) and reference and numbers(fields, "word_cnt"):
        return [span(reference[0], numbers(fields, "word_cnt")[0])]
    if function in (5, 6, 22, 24) and reference:
        return [span(reference[0], 1)]
    if function == 23 and numbers(fields, "read_reference_num"):
        return [span(numbers(fields, part + "_reference_num")[0], numbers(fields, part + "_word_cnt")[0])
                for part in ("read", "write")]
    if function in (20, 21) and numbers(fields, "reference_num_32"):
        return [span(both & 0xFFFF, count)
                for both, count in zip(numbers(fields, "reference_num_32"), numbers(fields, "word_cnt"))]
    return None


def differences(sender, hex_text, fields, operations, negative):
    """Names of what differs."""
    if fields["malformed"]:
        yield "well-formedness"
    first = operations[0]
    function = numbers(fields, "func_code")[0]
    if any(operation["function"] != function for operation in operations):
        yield "function"
    unit = int(fields["mbtcp.unit_id"][0])
    if any(operation["unit"] != (unit, unit) for operation in operations):
        yield "unit"
    if negative != (int(hex_text[14:16], 16) >= 128):
        yield "exception"
    if negative:
        if numbers(fields, "exception_code") and first["value"] != numbers(fields, "exception_code"):
            yield "exception code"
        return
    ranges = expected_ranges(function, fields)
    if ranges is not None and [operation.get("address") for operation in operations] != ranges:
        yield "address"
    if function in (20, 21) and ranges is not None:
        files = [both >> 16 for both in numbers(fields, "reference_num_32")]
        if [operation["file"][0] for operation in operations] != files:
            yield "file"
    for name, ours in (("and_mask", "and_mask"), ("or_mask", "or_mask"),
                       ("diagnostic_code", "sub_function"), ("mei", "sub_function")):
        if numbers(fields, name) and first[ours][0] != numbers(fields, name)[0]:
            yield name
    data = bytes.fromhex((fields.get("modbus.data") or [""])[0].replace(":", ""))
    if function in (5, 6):
        value = data[0] & 1 if function == 5 else int.from_bytes(data, "big")
        if first["value"] != [value]:
            yield "value"
    if function == 15 and sender == "C":
        bits = "".join(str(octet >> bit & 1) for octet in data for bit in range(8))
        if first["bits"] != bits[: len(first["bits"])] or "1" in bits[len(first["bits"]) :]:
            yield "bits"
    registers = numbers(fields, "regval_uint16")
    if registers and [word for operation in operations for word in operation["value"] or []] != registers:
        yield "registers"
    if sender == "S" and function == 43 and numbers(fields, "object_id"):
        objects = [operation["object"][0] for operation in operations if "object" in operation]
        if objects != numbers(fields, "object_id"):
            yield "objects"


def compare(name, modbus_lines, capture):
    """Prints what differs; (number of PDUs compared, Counter of refusals, number of differences)."""
    pdus = list(read_pdus(capture))
    refused = collections.Counter()
    compared = 0
    different = 0
    for (sender, hex_text, fields), answer in zip(pdus, ask(modbus_lines, pdus)):
        if answer.startswith("malformed"):
            refused[answer] += 1
            continue
        compared += 1
        negative = answer.endswith(" exception")
        operations = parse(answer.removesuffix(" exception"))
        for what in differences(sender, hex_text, fields, operations, negative):
            different += 1
            print(f"{name}: {what} differs: {sender} {hex_text}\n  ours: {answer}\n  theirs: {dict(fields)}")
    return compared, refused, different


def write_capture(path, pdus):
    """One TCP segment a PDU, each in a connection of its own."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for index, (sender, hex_text) in enumerate(pdus):
            payload = bytes.fromhex(hex_text)
            ports = (1024 + index, 502) if sender == "C" else (502, 1024 + index)
            tcp = struct.pack(">HHIIBBHHH", *ports, 1, 1, 0x50, 0x18, 65535, 0, 0) + payload
            addresses = (0x0A000001, 0x0A000002)
            ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, *addresses)
            frame = bytes(12) + b"\x08\x00" + ip + tcp
            file.write(struct.pack("<IIII", index, 0, len(frame), len(frame)) + frame)


def generate(modbus_lines):
    """The unit tests' PDUs, and each with random octets in its body."""
    listed = subprocess.run([modbus_lines, "--vectors"], check=True, capture_output=True, text=True).stdout
    pdus = [tuple(line.split()) for line in listed.splitlines()]
    chance = random.Random(SEED)
    changed = []
    for sender, hex_text in pdus * 100:
        octets = bytearray.fromhex(hex_text)
        for _ in range(chance.randint(1, 3)):
            octets[chance.randrange(6, len(octets))] = chance.choice((0, 1, 2, 4, 255, chance.randrange(256)))
        changed.append((sender, octets.hex()))
    return pdus, changed


def check_generated(modbus_lines):
    pdus, changed = generate(modbus_lines)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "vectors.pcap")
        write_capture(path, pdus)
        compared, refused, different = compare("vectors", modbus_lines, path)
        print(f"vectors: {compared} of {len(pdus)} PDUs compared, {different} differences")
        good = different == 0 and not refused and compared == len(pdus)
        write_capture(path, changed)
        compared, refused, different = compare("changed vectors", modbus_lines, path)
        print(f"changed: {compared} PDUs compared, {refused.total()} malformed, {different} differences")
        return good and different == 0 and compared > 1000


def check_captures(modbus_lines, corpus):
    good = True
    refusals = {}
    for name in sorted(os.listdir(corpus)):
        compared, refused, different = compare(name, modbus_lines, os.path.join(corpus, name))
        print(f"{name}: {compared} PDUs compared, {refused.total()} malformed, {different} differences")
        good = good and different == 0
        refusals.update({(name, answer): count for answer, count in refused.items()})
    present = {key for key in EXPLAINED if os.path.exists(os.path.join(corpus, key[0]))}
    for name, answer in sorted(set(refusals) | present):
        found = refusals.get((name, answer), 0)
        expected, why = EXPLAINED.get((name, answer), (0, "no explanation"))
        if found != expected:
            good = False
            print(f"{name}: '{answer}' {found} times, expected {expected} ({why})")
    return good


def main():
    source, modbus_lines = sys.argv[1:3]
    if shutil.which("tshark") is None:
        print("tshark is not installed")
        return SKIPPED
    if source == "generated":
        return 0 if check_generated(modbus_lines) else 1
    tree = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
    corpus = os.path.join(os.environ.get("CONDUIT_CORPUS", os.path.join(tree, "../shared/corpus")), "modbus")
    if not os.path.isdir(corpus):
        print(f"no captures in {os.path.normpath(corpus)}")
        return SKIPPED
    return 0 if check_captures(modbus_lines, corpus) else 1


if __name__ == "__main__":
    sys.exit(main())
