#!/usr/bin/env python3
"""A BACnet/IP device that takes requests in segments, a stub: node-bacnet acknowledges them to nobody.

  bacnet_segments.py LOG ADDRESS     UDP 47808, until SIGTERM

Writes down every segment and every write that it received, one JSON object a line: {"segment": 5, "last":
true}, {"instance": 1, "value": 20.5}. What is not in that file did not reach it. Takes
WritePropertyMultiple of present values alone.
"""

import json
import struct
import sys

sys.dont_write_bytecode = True
import bacnet  # noqa: E402

WINDOW = 2
FROM_SERVER = 0x01
ELEMENT = len(bacnet.present_value(0, 0.0, 16, multiple=True))


class Device:
    def __init__(self, log, datagrams):
        self.log, self.datagrams = log, datagrams
        self.requests = {}  # sender and invoke id: segments so far

    def write_down(self, **what):
        self.log.write(json.dumps(what) + "\n")
        self.log.flush()

    def answer(self, peer, apdu):
        self.datagrams.sendto(bacnet.datagram(apdu), peer)

    def segment(self, peer, apdu):
        """The whole list of parameters once it is there, else None."""
        invoke, sequence, proposed, service = apdu[2:6]
        last = not apdu[0] & bacnet.MORE_FOLLOWS
        self.write_down(segment=sequence, last=last)
        segments = self.requests.setdefault((peer, invoke), [])
        if sequence != len(segments):
            raise ValueError(f"segment {sequence}, not {len(segments)}")
        segments.append(apdu[6:])
        window = min(WINDOW, proposed)
        if sequence % window == 0 or last:
            self.answer(peer, bytes([bacnet.SEGMENT_ACK << 4 | FROM_SERVER, invoke, sequence, window]))
        if not last:
            return None
        del self.requests[peer, invoke]
        return service, b"".join(segments)

    def request(self, octets, peer):
        apdu = bacnet.apdu_of(octets)
        if apdu[0] >> 4 != bacnet.CONFIRMED:
            return
        whole = self.segment(peer, apdu) if apdu[0] & bacnet.SEGMENTED else (apdu[3], apdu[4:])
        if whole is None:
            return
        service, writes = whole
        if service != bacnet.WRITE_PROPERTY_MULTIPLE or len(writes) % ELEMENT:
            raise ValueError(f"service {service} with {writes.hex()}")
        for at in range(0, len(writes), ELEMENT):
            write = writes[at:at + ELEMENT]
            instance = struct.unpack_from(">I", write, 1)[0] & 0x3FFFFF
            value, priority = struct.unpack_from(">f", write, 10)[0], write[16]
            if write != bacnet.present_value(instance, value, priority, multiple=True):
                raise ValueError(f"write {write.hex()}")
            self.write_down(instance=instance, value=value, priority=priority)
        self.answer(peer, bytes([bacnet.SIMPLE_ACK << 4, apdu[2], service]))


def main():
    path, address = sys.argv[1:]
    with open(path, "a", encoding="ascii") as log:
        device = Device(log, bacnet.bind(address))
        print("listening", flush=True)
        while True:
            octets, peer = device.datagrams.recvfrom(2048)
            try:
                device.request(octets, peer)
            except (ValueError, IndexError, struct.error) as wrong:
                device.write_down(wrong=str(wrong))


if __name__ == "__main__":
    main()
