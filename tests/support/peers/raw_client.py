#!/usr/bin/env python3
"""A Modbus/TCP client that decides how its bytes are cut. Prints one JSON object for each request.

  raw_client.py [OPTIONS] ADDRESS[:PORT] PDU…        PDUs in hex, function code first

Ways to send (--cut):
  whole    one write a request
  header   MBAP header and body in two writes, Nagle's algorithm on, as many simple clients do
  bytes    octet by octet, Nagle off, --pause between them
  acked    pieces of --piece octets, each one only when everything before it was acknowledged: a stack with
           one segment in flight
  together all requests in one write, then all answers
"""

import argparse
import fcntl
import json
import os
import socket
import struct
import sys
import time

import termios

SIOCOUTQ = termios.TIOCOUTQ  # octets not yet acknowledged by the peer


def adu(transaction, unit, pdu):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def unacknowledged(connection):
    return struct.unpack("i", fcntl.ioctl(connection, SIOCOUTQ, b"\0\0\0\0"))[0]


def wait_acknowledged(connection, timeout):
    until = time.monotonic() + timeout
    while unacknowledged(connection):
        if wrong := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(wrong, os.strerror(wrong))
        if time.monotonic() > until:
            raise TimeoutError("not acknowledged")
        time.sleep(0.0002)


def send(connection, octets, options):
    if options.cut in ("whole", "together"):
        connection.sendall(octets)
    elif options.cut == "header":
        connection.sendall(octets[:7])
        connection.sendall(octets[7:])
    elif options.cut == "bytes":
        for octet in octets:
            connection.sendall(bytes([octet]))
            time.sleep(options.pause)
    else:
        for at in range(0, len(octets), options.piece):
            connection.sendall(octets[at:at + options.piece])
            wait_acknowledged(connection, options.timeout)


class Answers:
    """The answers of a connection, one ADU after the other."""

    def __init__(self, connection):
        self.connection = connection
        self.kept = b""

    def next(self):
        while len(self.kept) < 7 or len(self.kept) < 6 + int.from_bytes(self.kept[4:6], "big"):
            octets = self.connection.recv(4096)
            if not octets:
                raise ConnectionError("closed by the server")
            self.kept += octets
        size = 6 + int.from_bytes(self.kept[4:6], "big")
        one, self.kept = self.kept[:size], self.kept[size:]
        return int.from_bytes(one[:2], "big"), one[6], one[7:]


def report(pdu, begun, answer=None, error=None, transaction=None):
    result = {"pdu": pdu.hex(), "ms": round((time.monotonic() - begun) * 1000, 3)}
    if answer is not None:
        number, unit, content = answer
        result["answer"] = content.hex()
        result["unit"] = unit
        if content and content[0] & 0x80:
            result["exception"] = content[1]
        if number != transaction:
            result["error"] = f"transaction {number} answers {transaction}"
    if error is not None:
        result["error"] = error
    print(json.dumps(result), flush=True)
    return "error" not in result


def together(connection, options, pdus):
    """Answers may come in another order: the transaction identifier says which request they belong to."""
    answers = Answers(connection)
    begun = time.monotonic()
    send(connection, b"".join(adu(number, options.unit, pdu) for number, pdu in enumerate(pdus, 1)), options)
    found = {}
    try:
        while len(found) < len(pdus):
            answer = answers.next()
            found[answer[0]] = answer
    except OSError as wrong:
        report(b"", begun, None, str(wrong) or type(wrong).__name__)
    good = [report(pdu, begun, found[number], None, number) for number, pdu in enumerate(pdus, 1)
            if number in found]
    return len(good) == len(pdus) and all(good)


def one_by_one(connection, options, pdus):
    """True if every request was answered, by whatever answer."""
    answers = Answers(connection)
    good = True
    for number, pdu in enumerate(pdus, 1):
        begun = time.monotonic()
        try:
            send(connection, adu(number, options.unit, pdu), options)
            good = report(pdu, begun, answers.next(), None, number) and good
        except OSError as wrong:
            report(pdu, begun, None, str(wrong) or type(wrong).__name__)
            return False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("pdus", nargs="+", metavar="PDU")
    parser.add_argument("--cut", default="whole", choices=["whole", "header", "bytes", "acked", "together"])
    parser.add_argument("--piece", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.002, help="seconds")
    parser.add_argument("--unit", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=1, help="the whole list of requests, so often")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds")
    parser.add_argument("--from", dest="source", help="own address")
    options = parser.parse_args()
    address, _, port = options.server.partition(":")
    try:
        connection = socket.create_connection((address, int(port or 502)), options.timeout,
                                              (options.source, 0) if options.source else None)
    except OSError as wrong:
        print(json.dumps({"error": f"connect: {wrong}"}))
        return 1
    with connection:
        connection.settimeout(options.timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, options.cut != "header")
        pdus = [bytes.fromhex(text) for text in options.pdus] * options.repeat
        talk = together if options.cut == "together" else one_by_one
        return 0 if talk(connection, options, pdus) else 1


if __name__ == "__main__":
    sys.exit(main())
