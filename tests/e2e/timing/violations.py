#!/usr/bin/env python3
"""From the violation on the wire to the record in the SOC's file: violations.py SERVER EVENTS FIRST

Sends denied writes, each with a value of its own from FIRST on, and watches the file for the record that
names it. Status 1 if one of them never comes, 3 if fewer than 99 % come within 50 ms."""

import json
import os
import socket
import struct
import sys
import threading
import time

COUNT = 200
BOUND = 0.050
PAUSE = 0.015


def watch(path, seen, done):
    """Notes when the record of each value can be read."""
    with open(path, encoding="utf-8") as file:
        file.seek(0, os.SEEK_END)
        rest = ""
        while not done.is_set():
            rest += file.read()
            now = time.monotonic()
            *lines, rest = rest.split("\n")
            for line in lines:
                event = json.loads(line)
                if event.get("reason") == "VALUE_NOT_PERMITTED":
                    seen.setdefault(event["operation"]["value"], now)
            time.sleep(0.0005)


def receive(connection, count):
    octets = b""
    while len(octets) < count:
        part = connection.recv(count - len(octets))
        if not part:
            raise ConnectionError("closed")
        octets += part
    return octets


def violate(server, first):
    sent = {}
    with socket.create_connection((server, 502), 5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        for number in range(COUNT):
            value = first + number
            sent[value] = time.monotonic()
            connection.sendall(struct.pack(">HHHBBHH", number, 0, 6, 1, 6, 40, value))
            answer = receive(connection, 9)
            if answer[7:9] != b"\x86\x03":
                raise ValueError(f"answered {answer.hex()}")
            time.sleep(PAUSE)
    return sent


def main():
    server, path, first = sys.argv[1:]
    seen, done = {}, threading.Event()
    watcher = threading.Thread(target=watch, args=(path, seen, done))
    watcher.start()
    try:
        sent = violate(server, int(first))
        until = time.monotonic() + 3
        while len(seen) < COUNT and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        done.set()
        watcher.join()
    missing = [value for value in sent if value not in seen]
    if missing:
        print(f"{len(missing)} of {COUNT} violations were never reported: {missing[:5]}")
        return 1
    took = sorted(seen[value] - sent[value] for value in sent)
    half, most = took[COUNT // 2], took[COUNT * 99 // 100 - 1]
    print(f"violation to record at the SOC, {COUNT} of them: median {half * 1000:.1f} ms, "
          f"99 % within {most * 1000:.1f} ms, longest {took[-1] * 1000:.1f} ms")
    return 0 if most <= BOUND else 3


if __name__ == "__main__":
    sys.exit(main())
