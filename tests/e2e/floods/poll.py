#!/usr/bin/env python3
"""A poll over one connection, a read every 5 ms, until SIGTERM: poll.py ADDRESS FILE

A line for each transaction: when it began (CLOCK_MONOTONIC), milliseconds, "ok" or what went wrong. A
transaction without its right answer within two seconds is lost, and so is the poll."""

import signal
import socket
import struct
import sys
import time


def exchange(connection, number):
    connection.sendall(struct.pack(">HHHBBHH", number, 0, 6, 1, 3, 0, 2))
    answer = b""
    while len(answer) < 13:
        part = connection.recv(13 - len(answer))
        if not part:
            return "closed"
        answer += part
    wanted = struct.pack(">HHHBBBHH", number, 0, 7, 1, 3, 4, 1000, 1001)
    return "ok" if answer == wanted else f"wrong {answer.hex()}"


def main():
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    connection = socket.create_connection((sys.argv[1], 502), 5)
    connection.settimeout(2)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    number = 0
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        while going:
            number = number % 65535 + 1
            begin = time.monotonic()
            try:
                outcome = exchange(connection, number)
            except OSError as why:
                outcome = f"lost {why}"
            print(begin, round((time.monotonic() - begin) * 1000, 3), outcome, file=file, flush=True)
            if outcome != "ok":
                return 1
            time.sleep(0.005)
    return 0


if __name__ == "__main__":
    sys.exit(main())
