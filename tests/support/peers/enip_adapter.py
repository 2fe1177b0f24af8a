#!/usr/bin/env python3
"""A controller with tags on EtherNet/IP, a stub: there is no server to be had that nobody here wrote.

  enip_adapter.py LOG ADDRESS [PORT]     until SIGTERM; tags LineSpeed, Recipe (DINT), identity, port 1 slot 0

Takes explicit messages unconnected (SendRRData, with and without Unconnected Send) and connected (Forward
Open, transport class 3, SendUnitData). Writes down every service that it was asked for, one JSON object a
line, those inside of others as well: {"service": 77, "path": "9109…", "data": "c400…"}. What is not in that
file did not reach it.

I/O connections (Forward Open, transport class 0 or 1) are used on UDP 2222. Outputs are written down,
{"outputs": 10, "connected": true}, and answered by inputs of the same value, be there a connection or not.
After a Forward Close the inputs 99 are sent once more.
"""

import json
import random
import socket
import struct
import sys
import threading

NULL_ADDRESS, CONNECTED_ADDRESS, CONNECTED_DATA, UNCONNECTED_DATA = 0, 0xA1, 0xB1, 0xB2
SEQUENCED_ADDRESS = 0x8002
IO_PORT, IO_CLASSES, LATE_INPUTS, LATE_S = 2222, (0, 1), 99, 0.1
REGISTER_SESSION, UNREGISTER_SESSION, SEND_RR_DATA, SEND_UNIT_DATA = 0x65, 0x66, 0x6F, 0x70
LIST_SERVICES = 0x04
GET_ATTRIBUTES_ALL, MULTIPLE_SERVICE_PACKET, SET_ATTRIBUTE_SINGLE = 0x01, 0x0A, 0x10
READ_TAG, WRITE_TAG = 0x4C, 0x4D
UNCONNECTED_SEND, FORWARD_OPEN, FORWARD_CLOSE = 0x52, 0x54, 0x4E
PATH_UNKNOWN, SERVICE_NOT_SUPPORTED, EMBEDDED_ERROR = 0x05, 0x08, 0x1E
CONNECTION_MANAGER = bytes([0x20, 0x06, 0x24, 0x01])
IDENTITY = bytes([0x20, 0x01, 0x24, 0x01])
IDENTITY_VALUES = struct.pack("<HHHBBHI", 1, 14, 54, 20, 11, 0x60, 0xC0FFEE) + b"\x05plant"
DINT = 0xC4


class Plant:
    def __init__(self, log):
        self.log, self.lock = log, threading.Lock()
        self.tags = {"LineSpeed": 100, "Recipe": 7}

    def write_down(self, **what):
        with self.lock:
            self.log.write(json.dumps(what) + "\n")
            self.log.flush()


def reply(service, status=0, data=b""):
    return bytes([service | 0x80, 0, status, 0]) + data


def io_datagram(identifier, sequence, content):
    """Of transport class 1: a sequence count stands before the content."""
    return struct.pack("<HHHIIHHH", 2, SEQUENCED_ADDRESS, 8, identifier, sequence, CONNECTED_DATA,
                       2 + len(content), sequence & 0xFFFF) + content


def read_io(datagram):
    """Identifier of the connection, and the content."""
    count, address, size, identifier, _, data, length = struct.unpack_from("<HHHIIHH", datagram)
    if (count, address, size, data, length) != (2, SEQUENCED_ADDRESS, 8, CONNECTED_DATA, len(datagram) - 18):
        raise ValueError(f"datagram {datagram.hex()}")
    return identifier, datagram[20:]


class Io:
    def __init__(self, plant, address):
        self.plant = plant
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((address, IO_PORT))
        self.connections = {}  # our identifier: the originator's
        self.names = {}        # serial numbers of the connection: our identifier
        self.sent = 0

    def produce(self, identifier, peer, value):
        self.sent += 1
        self.datagrams.sendto(io_datagram(identifier, self.sent, struct.pack("<i", value)), peer)

    def close(self, name, peer):
        originator = self.connections.pop(self.names.pop(name))
        threading.Timer(LATE_S, self.produce, (originator, (peer, IO_PORT), LATE_INPUTS)).start()

    def run(self):
        while True:
            datagram, peer = self.datagrams.recvfrom(2048)
            identifier, content = read_io(datagram)
            _, value = struct.unpack("<Ii", content)  # behind the run/idle header
            self.plant.write_down(outputs=value, connected=identifier in self.connections)
            self.produce(self.connections.get(identifier, identifier), peer, value)


class Session:
    def __init__(self, plant, io, connection):
        self.plant, self.io, self.connection = plant, io, connection
        self.handle = random.randrange(1, 1 << 32)
        self.registered = False
        self.connections = {}  # our identifier: the originator's

    def take(self, size):
        octets = b""
        while len(octets) < size:
            part = self.connection.recv(size - len(octets))
            if not part:
                raise ConnectionError("closed")
            octets += part
        return octets

    def tag(self, path):
        """Name of the tag that a path of one symbolic segment names."""
        if len(path) < 2 or path[0] != 0x91 or len(path) != 2 + path[1] + path[1] % 2:
            return None
        return path[2:2 + path[1]].decode("ascii")

    def multiple(self, data):
        count = struct.unpack_from("<H", data)[0]
        offsets = list(struct.unpack_from(f"<{count}H", data, 2)) + [len(data)]
        replies = [self.service(data[at:end]) for at, end in zip(offsets, offsets[1:])]
        place, places = 2 + 2 * count, []
        for one in replies:
            places.append(place)
            place += len(one)
        status = EMBEDDED_ERROR if any(one[2] for one in replies) else 0
        head = struct.pack(f"<H{count}H", count, *places)
        return reply(MULTIPLE_SERVICE_PACKET, status, head + b"".join(replies))

    def forward_open(self, data):
        """Connected messages or I/O from here on; both intervals are granted as asked for."""
        originator, serial, vendor, number = struct.unpack_from("<IHHI", data, 6)
        to_target, _, to_originator = struct.unpack_from("<IHI", data, 22)
        own = random.randrange(1, 1 << 32)
        if data[34] & 0x0F in IO_CLASSES:
            self.io.connections[own], self.io.names[data[10:18]] = originator, own
        else:
            self.connections[own] = originator
        answer = struct.pack("<IIHHI", own, originator, serial, vendor, number)
        return reply(FORWARD_OPEN, 0, answer + struct.pack("<IIBB", to_target, to_originator, 0, 0))

    def service(self, message):
        service, size = message[0], 2 * message[1]
        path, data = message[2:2 + size], message[2 + size:]
        self.plant.write_down(service=service, path=path.hex(), data=data.hex())
        if path == CONNECTION_MANAGER and service == UNCONNECTED_SEND:
            return self.service(data[4:4 + struct.unpack_from("<H", data, 2)[0]])
        if path == CONNECTION_MANAGER and service == FORWARD_OPEN:
            return self.forward_open(data)
        if path == CONNECTION_MANAGER and service == FORWARD_CLOSE:
            if data[2:10] in self.io.names:
                self.io.close(data[2:10], self.connection.getpeername()[0])
            return reply(service, 0, data[2:10] + b"\0\0")
        if service == MULTIPLE_SERVICE_PACKET:
            return self.multiple(data)
        if path == IDENTITY and service == GET_ATTRIBUTES_ALL:
            return reply(service, 0, IDENTITY_VALUES)
        if service == SET_ATTRIBUTE_SINGLE:
            return reply(service)
        if service not in (READ_TAG, WRITE_TAG):
            return reply(service, SERVICE_NOT_SUPPORTED)
        name = self.tag(path)
        if name not in self.plant.tags:
            return reply(service, PATH_UNKNOWN)
        if service == READ_TAG:
            return reply(service, 0, struct.pack("<Hi", DINT, self.plant.tags[name]))
        self.plant.tags[name] = struct.unpack("<HHi", data)[2]
        return reply(service)

    def send(self, command, context, data, status=0):
        head = struct.pack("<HHII8sI", command, len(data), self.handle, status, context, 0)
        self.connection.sendall(head + data)

    def unconnected(self, items):
        (address, _), (kind, message) = items
        if (address, kind) != (NULL_ADDRESS, UNCONNECTED_DATA):
            raise ValueError(f"items {items}")
        answer = self.service(message)
        return struct.pack("<IHHHHHH", 0, 0, 2, NULL_ADDRESS, 0, UNCONNECTED_DATA, len(answer)) + answer

    def connected(self, items):
        (address, identifier), (kind, message) = items
        originator = self.connections.get(struct.unpack("<I", identifier)[0])
        if (address, kind) != (CONNECTED_ADDRESS, CONNECTED_DATA) or originator is None:
            raise ValueError(f"items {items}")
        answer = message[:2] + self.service(message[2:])
        return struct.pack("<IHHHHIHH", 0, 0, 2, CONNECTED_ADDRESS, 4, originator, CONNECTED_DATA,
                           len(answer)) + answer

    @staticmethod
    def items(data):
        found, at = [], 8
        for _ in range(struct.unpack_from("<H", data, 6)[0]):
            kind, size = struct.unpack_from("<HH", data, at)
            found.append((kind, data[at + 4:at + 4 + size]))
            at += 4 + size
        return found

    def command(self):
        """False when the session is over."""
        command, size, handle, _, context, _ = struct.unpack("<HHII8sI", self.take(24))
        data = self.take(size)
        if command == REGISTER_SESSION:
            self.registered = True
            self.send(command, context, data)
            return True
        if not self.registered or handle != self.handle:
            raise ValueError(f"command {command:#x} with the handle {handle}")
        if command == SEND_RR_DATA:
            self.send(command, context, self.unconnected(self.items(data)))
        elif command == SEND_UNIT_DATA:
            self.send(command, context, self.connected(self.items(data)))
        return command != UNREGISTER_SESSION

    def run(self):
        try:
            while self.command():
                pass
        except OSError:
            pass
        except (ValueError, IndexError, struct.error) as wrong:
            self.plant.write_down(wrong=str(wrong))
        self.connection.close()


def main():
    path, address, *port = sys.argv[1:]
    with open(path, "a", encoding="ascii") as log:
        plant = Plant(log)
        io = Io(plant, address)
        threading.Thread(target=io.run, daemon=True).start()
        listener = socket.create_server((address, int(port[0]) if port else 44818))
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Session(plant, io, connection).run, daemon=True).start()


if __name__ == "__main__":
    main()
