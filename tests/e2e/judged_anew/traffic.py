#!/usr/bin/env python3
"""Reads, and writes of an ever changing value to register 60, on one connection, as fast as they are
answered, until SIGTERM: traffic.py ADDRESS. One JSON object a line; a wrong or missing answer ends it."""

import json
import signal
import socket
import struct
import sys
import time


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # as /proc/uptime counts


class Talker:
    def __init__(self, address):
        self.running = True
        self.number = 0
        self.connection = socket.create_connection((address, 502), 5)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def end(self, *_):
        self.running = False

    def ask(self, pdu):
        self.number = self.number % 65535 + 1
        self.connection.sendall(struct.pack(">HHHB", self.number, 0, len(pdu) + 1, 1) + pdu)
        answered, _, size, _ = struct.unpack(">HHHB", self.connection.recv(7, socket.MSG_WAITALL))
        content = self.connection.recv(size - 1, socket.MSG_WAITALL)
        if answered != self.number:
            raise ValueError(f"{answered} answers {self.number}")
        return content

    def talk(self):
        while self.running:
            for pdu in (bytes.fromhex("0300000003"), struct.pack(">BHH", 6, 60, self.number % 1000)):
                begun = now()
                content = self.ask(pdu)
                print(json.dumps({"function": pdu[0], "exception": content[1] if content[0] & 0x80 else 0,
                                  "begun": begun, "ended": now()}), flush=True)


def main():
    talker = Talker(sys.argv[1])
    signal.signal(signal.SIGTERM, talker.end)
    talker.talk()


if __name__ == "__main__":
    main()
