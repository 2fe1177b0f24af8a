#!/usr/bin/env python3
"""A Modbus/TCP peer with a TCP of its own, as small as those of old devices: a few segments in flight,
segments repeated exactly as they were cut, never merged, a receive window smaller than a PDU.

  small_tcp.py client [OPTIONS] INTERFACE OWN-MAC OWN-IP PEER-MAC PEER-IP PDU…    one JSON object a request
  small_tcp.py server [OPTIONS] INTERFACE OWN-MAC OWN-IP PEER-MAC PEER-IP LOG     until SIGTERM

The kernel must not see its segments (an nftables rule on the ports 45000 to 45999, or 502 of the server)."""

import argparse
import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames  # noqa: E402

EVERYTHING, OUTGOING = 3, 4  # ETH_P_ALL, PACKET_OUTGOING
FIN, SYN, RST, ACK = 1, 2, 4, 16


class Ended(Exception):
    pass


class Connection:
    """Whatever it reads it has read at once: the window that it announces is always the same."""

    def __init__(self, options, own_port, peer_port):
        self.options, self.own_port, self.peer_port = options, own_port, peer_port
        self.packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        self.packets.bind((options.interface, EVERYTHING))
        self.forget()

    def forget(self):
        self.next_out, self.next_in, self.open = 0, 0, False
        self.waiting, self.received, self.sent_count = [], b"", 0  # segments: [sequence, flags, octets, due]
        self.wait = self.options.rto

    def send(self, flags, sequence, octets=b""):
        packet = frames.tcp(self.options.own_ip, self.options.peer_ip, self.own_port, self.peer_port, flags,
                            sequence & 0xFFFFFFFF, self.next_in if "A" in flags else 0, octets,
                            self.options.window)
        self.packets.send(frames.ip_frame(self.options.peer_mac, self.options.own_mac, packet))

    def acknowledge(self):
        self.send("A", self.next_out)

    def queue(self, flags, octets=b""):
        self.waiting.append([self.next_out, flags, octets, None])
        self.next_out = (self.next_out + max(len(octets), "S" in flags or "F" in flags)) & 0xFFFFFFFF

    def write(self, octets):
        for at in range(0, len(octets), self.options.piece):
            self.queue("PA", octets[at:at + self.options.piece])

    def transmit(self):
        """What may go for the first time; and the oldest one once more when its time is over."""
        now = time.monotonic()
        for number, segment in enumerate(self.waiting[:self.options.in_flight]):
            sequence, flags, octets, due = segment
            if due is not None and (number or now < due):
                continue
            if due is None:
                self.sent_count += bool(octets)
                lost = octets and self.options.lose and self.sent_count % self.options.lose == 0
            else:
                lost, self.wait = False, min(self.wait * 2, 5)
            segment[3] = now + self.wait
            if not lost:
                self.send(flags, sequence, octets)

    def take(self, segment):
        sequence, acknowledged = struct.unpack(">II", segment[4:12])
        flags, content = segment[13], segment[(segment[12] >> 4) * 4:]
        if flags & RST:
            raise Ended("reset by peer")
        if flags & SYN:
            self.next_in = (sequence + 1) & 0xFFFFFFFF
            self.on_syn(flags)
        elif flags & ACK:
            self.open = True
        while flags & ACK and self.waiting and self.is_acknowledged(self.waiting[0], acknowledged):
            self.waiting.pop(0)
            self.wait = self.options.rto
        if content:
            if sequence == self.next_in:
                content = content[:self.options.window]
                self.received += content
                self.next_in = (self.next_in + len(content)) & 0xFFFFFFFF
            self.acknowledge()
        if flags & FIN and self.open and (sequence + len(content)) & 0xFFFFFFFF == self.next_in:
            self.next_in = (self.next_in + 1) & 0xFFFFFFFF
            self.acknowledge()
            raise Ended("closed by peer")

    def on_syn(self, flags):
        if flags & ACK:
            self.open = True
            self.waiting.pop(0) if self.waiting and "S" in self.waiting[0][1] else None
            self.acknowledge()
        elif not self.waiting:
            self.queue("SA")

    @staticmethod
    def is_acknowledged(segment, acknowledged):
        end = segment[0] + max(len(segment[2]), "S" in segment[1] or "F" in segment[1])
        return (acknowledged - end) & 0xFFFFFFFF < 0x80000000

    def turn(self, seconds):
        """Sends what is due, takes what comes within the time, at most one frame."""
        self.transmit()
        dues = [segment[3] for segment in self.waiting[:1] if segment[3] is not None]
        left = min([seconds] + [due - time.monotonic() for due in dues])
        self.packets.settimeout(max(left, 0.0005))
        try:
            frame, address = self.packets.recvfrom(65536)
        except TimeoutError:
            return
        if address[2] == OUTGOING or frame[12:14] != b"\x08\0" or frame[23] != 6:
            return
        if frame[26:30] != frames.ipv4_address(self.options.peer_ip):
            return
        if frame[30:34] != frames.ipv4_address(self.options.own_ip):
            return
        segment = frame[34:14 + struct.unpack(">H", frame[16:18])[0]]
        source, destination = struct.unpack(">HH", segment[:4])
        if destination != self.own_port or (self.peer_port and source != self.peer_port):
            if destination != self.own_port or not segment[13] & SYN or not self.is_server():
                return
            self.forget()
        if self.is_server() and segment[13] & SYN and source != self.peer_port:
            self.peer_port, self.next_out = source, 700_000
        self.take(segment)

    def is_server(self):
        return self.options.role == "server"

    def adu(self):
        """The next whole ADU that came, or nothing."""
        size = 6 + int.from_bytes(self.received[4:6], "big") if len(self.received) >= 7 else 7
        if len(self.received) < size:
            return None
        one, self.received = self.received[:size], self.received[size:]
        return one


def adu(transaction, unit, pdu):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def ask(connection, transaction, pdu, timeout):
    begun = time.monotonic()
    result = {"pdu": pdu.hex()}
    try:
        connection.write(adu(transaction, 1, pdu))
        answer = None
        while answer is None:
            if time.monotonic() > begun + timeout:
                raise Ended("no answer")
            connection.turn(0.1)
            answer = connection.adu()
        result["answer"] = answer[7:].hex()
        if answer[7] & 0x80:
            result["exception"] = answer[8]
    except Ended as why:
        result["error"] = str(why)
    result["ms"] = round((time.monotonic() - begun) * 1000, 3)
    print(json.dumps(result), flush=True)
    return "error" not in result


def client(options):
    connection = Connection(options, options.port, 502)
    connection.next_out = int.from_bytes(os.urandom(4), "big")
    connection.queue("S")
    until = time.monotonic() + options.timeout
    try:
        while not connection.open and time.monotonic() < until:
            connection.turn(0.1)
    except Ended as why:
        print(json.dumps({"error": f"connect: {why}"}))
        return 1
    good = connection.open
    for number, text in enumerate(options.rest * options.repeat, 1):
        good = good and ask(connection, number, bytes.fromhex(text), options.timeout)
    connection.send("RA", connection.next_out)
    return 0 if good else 1


def reply(request):
    """Registers hold 1000 and their address; a write of one register is echoed."""
    pdu = request[7:]
    if pdu[0] == 3 and len(pdu) == 5:
        first, count = struct.unpack(">HH", pdu[1:])
        words = b"".join(struct.pack(">H", 1000 + first + index) for index in range(count))
        return request[:4] + struct.pack(">HBBB", len(words) + 3, request[6], 3, len(words)) + words
    if pdu[0] == 6:
        return request
    return request[:4] + struct.pack(">HBBB", 3, request[6], pdu[0] | 0x80, 1)


def server(options):
    """One connection at a time; the next SYN ends the one before."""
    connection = Connection(options, 502, 0)
    with open(options.rest[0], "a", encoding="utf-8") as log:
        print("listening", flush=True)
        while True:
            try:
                connection.turn(0.5)
                while (request := connection.adu()) is not None:
                    log.write(json.dumps({"connection": connection.peer_port, "unit": request[6],
                                          "function": request[7], "pdu": request[7:].hex()},
                                         separators=(",", ":")) + "\n")
                    log.flush()
                    connection.write(reply(request))
            except Ended:
                connection.forget()
                connection.peer_port = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("--piece", type=int, default=1000, help="octets of a segment")
    parser.add_argument("--in-flight", type=int, default=1, help="segments")
    parser.add_argument("--window", type=int, default=4096, help="that it announces")
    parser.add_argument("--rto", type=float, default=0.1, help="seconds to the first repetition")
    parser.add_argument("--lose", type=int, default=0, help="each so manieth data segment, the first time")
    parser.add_argument("--port", type=int, default=45000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=10)
    for name in ("interface", "own_mac", "own_ip", "peer_mac", "peer_ip"):
        parser.add_argument(name)
    parser.add_argument("rest", nargs="+")
    options = parser.parse_args()
    return client(options) if options.role == "client" else server(options)


if __name__ == "__main__":
    sys.exit(main())
