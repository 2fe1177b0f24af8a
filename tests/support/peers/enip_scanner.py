#!/usr/bin/env python3
"""Opens I/O connections of EtherNet/IP and uses them, a stub, driven by lines; each is answered by one line.

  enip_scanner.py OWN-ADDRESS ADDRESS       TCP 44818, I/O on UDP 2222

  open OUT IN        Forward Open, transport class 1, of these connection points of the assembly object: "ok"
  exchange VALUE     outputs over the connection, whether it is open or not; "ok 10": the inputs that came
  stray VALUE        the same with an identifier that nobody has opened
  inputs             inputs that come without outputs: "ok 99"
  close              Forward Close: "ok"

What was denied: "denied: status 1 279", general and extended status; "denied: no inputs" within a second.
"""

import random
import socket
import struct
import sys

sys.dont_write_bytecode = True
import enip_adapter as enip  # noqa: E402

PORT = 44818
VENDOR, SERIAL = 0x1337, 0xC0FFEE
CONFIGURATION = 0x97  # instance of the assembly object
CYCLIC_CLASS_1, INTERVAL_US = 0x01, 20000
POINT_TO_POINT_SCHEDULED = 0x4800
RUN = 1
SILENCE_S = 1


class Denied(Exception):
    pass


class Scanner:
    def __init__(self, own, address):
        self.address = address
        self.connection = socket.create_connection((address, PORT), 5)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((own, enip.IO_PORT))
        self.datagrams.settimeout(SILENCE_S)
        self.handle = self.asked = self.sent = 0
        self.target = random.randrange(1, 1 << 32)  # any, while none is open
        self.originator = self.path = None
        self.handle, _ = self.ask(enip.REGISTER_SESSION, struct.pack("<HH", 1, 0))

    def take(self, size):
        octets = self.connection.recv(size, socket.MSG_WAITALL)
        if len(octets) < size:
            raise ConnectionError("closed by the adapter")
        return octets

    def ask(self, command, data):
        self.asked += 1
        context = struct.pack("<Q", self.asked)
        head = struct.pack("<HHII8sI", command, len(data), self.handle, 0, context, 0)
        self.connection.sendall(head + data)
        answered, size, handle, status, theirs, _ = struct.unpack("<HHII8sI", self.take(24))
        if (answered, status, theirs) != (command, 0, context):
            raise ValueError(f"answer {answered:#x} with status {status} to {command:#x}")
        return handle, self.take(size)

    def manage(self, service, data):
        """A request to the connection manager."""
        message = bytes([service, 2]) + enip.CONNECTION_MANAGER + data
        head = struct.pack("<IHHHHHH", 0, 5, 2, enip.NULL_ADDRESS, 0, enip.UNCONNECTED_DATA, len(message))
        _, (_, answer) = enip.Session.items(self.ask(enip.SEND_RR_DATA, head + message)[1])
        words = answer[3]
        if answer[2]:
            extended = struct.unpack_from(f"<{words}H", answer, 4)
            raise Denied(" ".join(map(str, ["status", answer[2], *extended])))
        return answer[4 + 2 * words:]

    def open(self, outputs, inputs):
        self.originator, serial = random.randrange(1, 1 << 32), random.randrange(1, 1 << 16)
        path = bytes([0x20, 0x04, 0x24, CONFIGURATION, 0x2C, int(outputs), 0x2C, int(inputs)])
        self.path = struct.pack("<HHI", serial, VENDOR, SERIAL), bytes([len(path) // 2]), path
        # Sequence count, run/idle header and value; sequence count and value.
        answer = self.manage(enip.FORWARD_OPEN, struct.pack(
            "<BBII8sB3xIHIHB", 10, 14, 0, self.originator, self.path[0], 3,
            INTERVAL_US, POINT_TO_POINT_SCHEDULED | 10, INTERVAL_US, POINT_TO_POINT_SCHEDULED | 6,
            CYCLIC_CLASS_1) + self.path[1] + path)
        self.target = struct.unpack_from("<I", answer)[0]

    def close(self):
        name, words, path = self.path
        self.manage(enip.FORWARD_CLOSE, bytes([10, 14]) + name + words + b"\0" + path)

    def inputs(self, *identifiers):
        try:
            identifier, content = enip.read_io(self.datagrams.recv(2048))
        except socket.timeout as silence:
            raise Denied("no inputs") from silence
        if identifier not in identifiers:
            raise ValueError(f"inputs of {identifier:#x}")
        return f"ok {struct.unpack('<i', content)[0]}"

    def exchange(self, value, identifier):
        self.sent += 1
        outputs = struct.pack("<Ii", RUN, int(value))
        self.datagrams.sendto(enip.io_datagram(identifier, self.sent, outputs), (self.address, enip.IO_PORT))
        return self.inputs(self.originator, identifier)

    def command(self, verb, words):
        if verb == "open":
            self.open(*words)
        elif verb == "close":
            self.close()
        elif verb == "inputs":
            return self.inputs(self.originator)
        else:
            return self.exchange(words[0], self.target ^ (verb == "stray"))
        return "ok"


def main():
    scanner = Scanner(*sys.argv[1:])
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            print(scanner.command(verb, words), flush=True)
        except Denied as denied:
            print(f"denied: {denied}", flush=True)
        except (OSError, ValueError, struct.error) as wrong:
            print(f"wrong: {wrong or type(wrong).__name__}", flush=True)


if __name__ == "__main__":
    main()
