#!/usr/bin/env python3
"""Sends what BACnet/IP clients at hand cannot, a stub, driven by lines; each is answered by one line.

  bacnet_sender.py OWN-ADDRESS       UDP 47808, invoke ids from 200 on

  forwarded-who-is ADDRESS     in a Forwarded-NPDU, as a BBMD would pass it on, for device 1234: "ok", no
                               answer is waited for
  forwarded-write ADDRESS INSTANCE VALUE     likewise: "ok"
  several ADDRESS COUNT VALUE AT OTHER       writes VALUE to the analog values 1 to COUNT, OTHER to number
                               AT, by one WritePropertyMultiple in segments: "ok 7 segments"

What was denied: "denied: abort 5", "denied: silence" in two seconds.
"""

import struct
import sys

sys.dont_write_bytecode = True
import bacnet  # noqa: E402

FORWARDED_FROM, SOUGHT = "10.0.5.2", 1234
SEGMENT_MAX = 120   # octets of parameters
PROPOSED_WINDOW = 4
SIZES = 0x05        # no segments in answers, 1476 octets
PRIORITY = 8
SILENCE_S = 2


class Denied(Exception):
    pass


class Sender:
    def __init__(self, own):
        self.datagrams = bacnet.bind(own)
        self.datagrams.settimeout(SILENCE_S)
        self.invoke = 199

    def answer(self):
        """The next answer to the last request: its kind and what stands behind the invoke id."""
        while True:
            try:
                apdu = bacnet.apdu_of(self.datagrams.recv(2048))
            except TimeoutError as silence:
                raise Denied("silence") from silence
            kind = apdu[0] >> 4
            if kind == bacnet.CONFIRMED or apdu[1] != self.invoke:
                continue
            if kind in (bacnet.ABORT, bacnet.REJECT):
                raise Denied(f"{'abort' if kind == bacnet.ABORT else 'reject'} {apdu[2]}")
            if kind == bacnet.ERROR:
                raise Denied(f"error {apdu[3:].hex()}")
            return kind, apdu[2:]

    def expect(self, expected):
        kind, rest = self.answer()
        if kind != expected:
            raise ValueError(f"answer of kind {kind}: {rest.hex()}")
        return rest

    def forwarded_who_is(self, address):
        device = struct.pack(">H", SOUGHT)
        apdu = bytes([bacnet.UNCONFIRMED << 4, bacnet.WHO_IS]) + b"\x0a" + device + b"\x1a" + device
        self.datagrams.sendto(bacnet.datagram(apdu, False, FORWARDED_FROM), (address, bacnet.PORT))
        return "ok"

    def forwarded_write(self, address, instance, value):
        self.invoke += 1
        write = bacnet.present_value(int(instance), float(value), PRIORITY, multiple=False)
        apdu = bytes([bacnet.CONFIRMED, SIZES, self.invoke, bacnet.WRITE_PROPERTY]) + write
        self.datagrams.sendto(bacnet.datagram(apdu, True, FORWARDED_FROM), (address, bacnet.PORT))
        self.expect(bacnet.SIMPLE_ACK)
        return "ok"

    def several(self, address, count, value, at, other):
        self.invoke += 1
        values = [float(other if number == int(at) else value) for number in range(1, int(count) + 1)]
        writes = b"".join(bacnet.present_value(number, one, PRIORITY, multiple=True)
                          for number, one in enumerate(values, 1))
        segments = [writes[from_:from_ + SEGMENT_MAX] for from_ in range(0, len(writes), SEGMENT_MAX)]
        window = 1  # until the device has told its own
        for sequence, segment in enumerate(segments):
            last = sequence == len(segments) - 1
            kind = bacnet.SEGMENTED | (0 if last else bacnet.MORE_FOLLOWS)
            apdu = bytes([kind, SIZES, self.invoke, sequence, PROPOSED_WINDOW,
                          bacnet.WRITE_PROPERTY_MULTIPLE]) + segment
            self.datagrams.sendto(bacnet.datagram(apdu, True), (address, bacnet.PORT))
            if sequence % window == 0 or last:
                acknowledged, window = self.expect(bacnet.SEGMENT_ACK)
                if acknowledged != sequence:
                    raise ValueError(f"segment {acknowledged} acknowledged, not {sequence}")
        self.expect(bacnet.SIMPLE_ACK)
        return f"ok {len(segments)} segments"


def main():
    sender = Sender(*sys.argv[1:])
    verbs = {"forwarded-who-is": sender.forwarded_who_is, "forwarded-write": sender.forwarded_write,
             "several": sender.several}
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            print(verbs[verb](*words), flush=True)
        except Denied as denied:
            print(f"denied: {denied}", flush=True)
        except (OSError, ValueError, struct.error) as wrong:
            print(f"wrong: {wrong or type(wrong).__name__}", flush=True)


if __name__ == "__main__":
    main()
