#!/usr/bin/env python3
"""The independent judge against examples of the specification, and against what it must not let pass."""

import os
import struct
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support"))
import reference_modbus as modbus  # noqa: E402
from net import frames  # noqa: E402

# Requests printed in the specification (§6.1–§6.20), and what they ask for.
SPECIFICATION = [
    ("0100130013", [("read", "coils", 19, 37, ())]),
    ("0200c40016", [("read", "inputs", 196, 217, ())]),
    ("03006b0003", [("read", "holding", 107, 109, ())]),
    ("0400080001", [("read", "registers", 8, 8, ())]),
    ("0500acff00", [("write", "coils", 172, 172, (1,))]),
    ("0600010003", [("write", "holding", 1, 1, (3,))]),
    ("0f0013000a02cd01", [("write", "coils", 19, 28, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0))]),
    ("100001000204000a0102", [("write", "holding", 1, 2, (10, 258))]),
    ("140e0600040001000206000300090002", [("read", "files", 1, 2, ()), ("read", "files", 9, 10, ())]),
    ("150d0600040007000306af04be100d", [("write", "files", 7, 9, (0x06AF, 0x04BE, 0x100D))]),
    ("16000400f20025", [("write", "holding", 4, 4, ())]),
    ("1700030006000e00030600ff00ff00ff", [("read", "holding", 3, 8, ()),
                                          ("write", "holding", 14, 16, (255, 255, 255))]),
    ("1804de", [("read", "queue", 1246, 1246, ())]),
    ("11", [("other", "", 0, 0, ())]),
    ("2b0e0100", [("other", "", 0, 0, ())]),
]
MALFORMED = ["", "00", "0100130000", "01001307d1", "03006b007e", "03006b000300", "03006b00", "03ffff0002",
             "0500ac0001", "0f0013000a01cd", "0f0013000a02cdff", "100001000203000a01", "100001000204000a01",
             "100001007cf8" + "00" * 248, "1400", "14080600040001000206", "14070700040001000100",
             "150d0600040007000306af04be", "1700030006000e00030700ff00ff00ff00", "63", "83"]


def temperature(value, first=50):
    return struct.pack(">BHHBf", 16, first, 2, 4, value).hex()


JUDGED = [  # unit, PDU, permitted by the packaging line's rules
    (1, "0300000003", True), (2, "0300000003", False), (1, "01000007d0", True), (1, "0600280000", True),
    (1, "06002805dc", True), (1, "06002805dd", False), (1, "0600290001", False), (1, "050003ff00", True),
    (1, "050005ff00", False), (1, "10002800020400010001", False), (1, "1000280001020001", False),
    (1, temperature(80.0), True), (1, temperature(210.5), False), (1, temperature(float("nan")), False),
    (1, temperature(100.0, 51), False), (1, "10003200010242c8", False), (1, "11", False),
    (1, "0800000000", False), (1, "16002800000000", False), (1, "1700000001002800010205dc", False),
    (1, "140706000400010002", True),
]


class Judge(unittest.TestCase):
    def test_specification(self):
        for text, expected in SPECIFICATION:
            found = [(a.kind, a.table, a.first, a.last, a.values) for a in modbus.decode(bytes.fromhex(text))]
            self.assertEqual(found, expected, text)

    def test_malformed(self):
        for text in MALFORMED:
            with self.assertRaises(modbus.Malformed, msg=text):
                modbus.decode(bytes.fromhex(text))

    def test_rules(self):
        for unit, text, expected in JUDGED:
            pdu = bytes.fromhex(text)
            self.assertEqual(modbus.permitted(modbus.PACKAGING_LINE, unit, pdu), expected, (unit, text))

    def test_split(self):
        one = bytes.fromhex("000100000006010300000003")
        adus, rest = modbus.split(one + one + one[:9])
        self.assertEqual(adus, [(1, 1, one[7:])] * 2)
        self.assertEqual(rest, one[:9])
        with self.assertRaises(modbus.Malformed):
            modbus.split(bytes.fromhex("0001000100060103"))

    def test_streams(self):
        """Out of order, repeated with other bytes: the first copy counts; after a gap nothing does."""
        def segment(flags, sequence, content=b""):
            packet = frames.tcp("10.0.7.10", "10.0.7.1", 40000, 502, flags, sequence, 1, content)
            return frames.ip_frame("02:00:00:00:00:02", "02:00:00:00:00:01", packet)
        sent = [segment("S", 0xFFFFFFFE), segment("A", 2, b"de"), segment("A", 0xFFFFFFFF, b"abc"),
                segment("A", 0xFFFFFFFF, b"xyz"), segment("A", 9, b"lost")]
        self.assertEqual(list(modbus.streams(sent).values()), [b"abcde"])


if __name__ == "__main__":
    unittest.main()
