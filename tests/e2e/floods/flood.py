#!/usr/bin/env python3
"""Sends a flood at a steady rate and says what went out, as one JSON object:

  flood.py KIND RATE SECONDS INTERFACE OWN-MAC OWN-IP PEER-MAC PEER-IP

  udp         random ports, from the own address and from addresses that nobody declared
  fragments   first ones that stay alone, overlapping ones, ones without a beginning, pairs that are whole
  tiny        segments of one octet on one connection, with gaps that never fill
  hostile     one connection: wrong checksums, wrong places, RSTs, other octets the second time, denied writes
  flows       connections one after the other, each with one permitted read (RATE is a bound)
  syn         SYNs from ever new ports, never answered
  dying       the same with a time to live of 1: each one is denied
"""

import json
import os
import random
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../support/net"))
import frames  # noqa: E402
import small_tcp  # noqa: E402

READ = bytes.fromhex("000100000006010300000001")
DENIED = bytes.fromhex("000200000006010600282328")  # register 40 := 9000
VARIANTS = 4096


class Ends:
    def __init__(self, words):
        self.interface, self.own_mac, self.own_ip, self.peer_mac, self.peer_ip = words
        self.role, self.rto, self.window = "client", 0.2, 4096
        self.piece, self.in_flight, self.lose = 1000, 8, 0

    def frame(self, packet):
        return frames.ip_frame(self.peer_mac, self.own_mac, packet)


def udp(ends, chance):
    while True:
        source = ends.own_ip if chance.random() < 0.5 else f"10.0.7.{chance.randint(100, 250)}"
        yield ends.frame(frames.udp(source, ends.peer_ip, chance.randint(1024, 65535),
                                    chance.randint(1024, 65535), b"f" * chance.randint(0, 64)))


def fragments(ends, chance):
    while True:
        name = chance.randint(1, 65535)
        whole = frames.udp(ends.own_ip, ends.peer_ip, 40000, 40001, b"w" * 40)[20:]
        for content, place in [(whole[:24], 0x2000), (b"o" * 24, 0x2002), (b"m" * 16, 0x2005),
                               (whole[:8], 0x2000)]:
            yield ends.frame(frames.ipv4(ends.own_ip, ends.peer_ip, 17, content, 64, name, place))
        yield ends.frame(frames.ipv4(ends.own_ip, ends.peer_ip, 17, whole[:24], 64, name ^ 1, 0x2000))
        yield ends.frame(frames.ipv4(ends.own_ip, ends.peer_ip, 17, whole[24:], 64, name ^ 1, 0x0003))


def connected(ends, port):
    """A connection that the kernel knows nothing of."""
    connection = small_tcp.Connection(ends, port, 502)
    connection.next_out = random.getrandbits(32)
    connection.queue("S")
    until = time.monotonic() + 5
    while not connection.open:
        connection.turn(0.1)
        if time.monotonic() > until:
            raise SystemExit("no connection to flood on")
    return connection


def segment(ends, connection, flags, sequence, octets, acknowledgement=None):
    return frames.tcp(ends.own_ip, ends.peer_ip, connection.own_port, 502, flags, sequence & 0xFFFFFFFF,
                      connection.next_in if acknowledgement is None else acknowledgement, octets)


def tiny(ends, chance):
    connection = connected(ends, 45901)
    while True:
        place = 2 * chance.randint(1, 3000)
        yield ends.frame(segment(ends, connection, "A", connection.next_out + place, bytes([place & 255])))


def hostile(ends, chance):
    connection = connected(ends, 45902)
    base, count = connection.next_out, 0
    yield ends.frame(segment(ends, connection, "PA", base, READ))
    while True:
        count += 1
        place = base + len(READ)
        wrong = bytearray(segment(ends, connection, "PA", place, READ))
        wrong[-1] ^= 1
        yield ends.frame(bytes(wrong))
        yield ends.frame(segment(ends, connection, "PA", place + 500_000, DENIED))
        yield ends.frame(segment(ends, connection, "PA", place - 700_000, DENIED))
        yield ends.frame(segment(ends, connection, "RA", place + chance.randint(1, 4000), b""))
        yield ends.frame(segment(ends, connection, "S", place + chance.randint(1, 4000), b""))
        yield ends.frame(segment(ends, connection, "PA", place, READ, connection.next_in + 900_000))
        if count % 200 == 0:  # refused: the stream goes on behind it
            yield ends.frame(segment(ends, connection, "PA", place, DENIED))
            base += len(DENIED)


def syn(ends, chance):
    while True:
        for port in range(1024, 30000):
            yield ends.frame(frames.tcp(ends.own_ip, ends.peer_ip, port, 502, "S", chance.getrandbits(32)))


def dying(ends, chance):
    for frame in syn(ends, chance):
        segment_of = frame[34:54]
        yield ends.frame(frames.ipv4(ends.own_ip, ends.peer_ip, 6, segment_of, ttl=1))


def flows(ends, rate, seconds):
    begin = time.monotonic()
    opened = answered = 0
    while (now := time.monotonic()) < begin + seconds:
        if opened >= (now - begin) * rate:
            time.sleep(0.001)
            continue
        opened += 1
        try:
            with socket.create_connection((ends.peer_ip, 502), 2) as connection:
                connection.sendall(READ)
                answered += len(connection.recv(64)) == 11
        except OSError as why:
            print(why, file=sys.stderr)
    return {"sent": opened, "answered": answered, "begin": begin, "end": time.monotonic()}


def paced(source, packets, rate, seconds):
    begin = time.monotonic()
    sent = full = 0
    while (now := time.monotonic()) < begin + seconds:
        due = int((now - begin) * rate) + 1
        while sent + full < due:
            try:
                packets.send(next(source))
                sent += 1
            except OSError:  # the queue of the own interface
                full += 1
        time.sleep(0.001)
    return {"sent": sent, "full": full, "begin": begin, "end": time.monotonic()}


def prepared(source):
    """Frames made beforehand, in turn: making them costs more than sending them."""
    kept = [next(source) for _ in range(VARIANTS)]
    while True:
        yield from kept


def main():
    kind, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    ends = Ends(sys.argv[4:9])
    if kind == "flows":
        result = flows(ends, rate, seconds)
    else:
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        packets.bind((ends.interface, 0))
        source = globals()[kind](ends, random.Random(1))
        source = source if kind in ("hostile", "syn", "dying") else prepared(source)
        first = next(source)
        packets.send(first)
        result = paced(source, packets, rate, seconds)
        result["sent"] += 1
    print(json.dumps({"kind": kind, **result}))


if __name__ == "__main__":
    main()
