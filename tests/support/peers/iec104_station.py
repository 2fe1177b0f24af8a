#!/usr/bin/env python3
"""A controlled station of IEC 60870-5-104, a stub: there is no server to be had that nobody here wrote.

  iec104_station.py LOG ADDRESS [PORT]     until SIGTERM; common address 1

Writes down every ASDU that it received, one JSON object a line: {"type": 45, "cause": 6, "body":
"891300…"}. What is not in that file did not reach it, whatever the client was told. Answers interrogations
with single points (SQ = 1) and a measured value (SQ = 0), carries out single commands (return information
follows), double commands (selected before or not) and set points, and insists on the sequence numbers of
its client: {"wrong": "N(S) 7, not 6"} is written down, and the connection closed.
"""

import json
import socket
import struct
import sys
import threading

U_ANSWERS = {0x07: 0x0B, 0x13: 0x23, 0x43: 0x83}  # STARTDT, STOPDT, TESTFR: act, con
ACTIVATION, ACTIVATION_CON, ACTIVATION_TERMINATION = 6, 7, 10
RETURN_OF_REMOTE_COMMAND, INTERROGATED = 11, 20
NEGATIVE = 0x40
UNKNOWN_TYPE = 44
M_SP_NA_1, M_ME_NC_1 = 1, 13
C_SC_NA_1, C_DC_NA_1, C_SE_NC_1, C_IC_NA_1, C_CS_NA_1 = 45, 46, 50, 100, 103
SELECT = 0x80  # of the octet of a single or double command


class Plant:
    def __init__(self, log):
        self.log, self.lock = log, threading.Lock()
        self.points = [0, 1, 1]
        self.measured = 20.5

    def write_down(self, **what):
        with self.lock:
            self.log.write(json.dumps(what) + "\n")
            self.log.flush()


class Session:
    def __init__(self, plant, connection):
        self.plant, self.connection = plant, connection
        self.sent = self.received = self.acknowledged = 0
        self.started = False

    def take(self, size):
        octets = b""
        while len(octets) < size:
            part = self.connection.recv(size - len(octets))
            if not part:
                raise ConnectionError("closed")
            octets += part
        return octets

    def send(self, kind, cause, request, body, objects=1):
        """One ASDU; originator and common address are those of the request."""
        asdu = bytes([kind, objects, cause]) + request[3:6] + body
        numbers = struct.pack("<HH", self.sent << 1, self.received << 1)
        self.connection.sendall(bytes([0x68, 4 + len(asdu)]) + numbers + asdu)
        self.sent = (self.sent + 1) % 32768

    def interrogation(self, asdu):
        self.send(C_IC_NA_1, ACTIVATION_CON, asdu, asdu[6:])
        points = (1).to_bytes(3, "little") + bytes(self.plant.points)
        self.send(M_SP_NA_1, INTERROGATED, asdu, points, 0x80 | len(self.plant.points))
        measured = (4001).to_bytes(3, "little") + struct.pack("<fB", self.plant.measured, 0)
        self.send(M_ME_NC_1, INTERROGATED, asdu, measured)
        self.send(C_IC_NA_1, ACTIVATION_TERMINATION, asdu, asdu[6:])

    def command(self, asdu):
        kind, address = asdu[0], int.from_bytes(asdu[6:9], "little")
        self.send(kind, ACTIVATION_CON, asdu, asdu[6:])
        if kind == C_DC_NA_1 and asdu[9] & SELECT:
            self.plant.write_down(selected=address, value=asdu[9] & 3)
            return
        if kind == C_DC_NA_1:
            self.plant.write_down(executed=address, value=asdu[9] & 3)
        elif kind == C_SC_NA_1:
            self.plant.write_down(executed=address, value=asdu[9] & 1)
            state = (1).to_bytes(3, "little") + bytes([asdu[9] & 1])
            self.send(M_SP_NA_1, RETURN_OF_REMOTE_COMMAND, asdu, state)
        else:
            self.plant.measured = struct.unpack("<f", asdu[9:13])[0]
            self.plant.write_down(executed=address, value=self.plant.measured)
        self.send(kind, ACTIVATION_TERMINATION, asdu, asdu[6:])

    def asdu(self, asdu):
        kind, cause = asdu[0], asdu[2]
        self.plant.write_down(type=kind, cause=cause, body=asdu[6:].hex())
        if kind == C_IC_NA_1 and cause == ACTIVATION:
            self.interrogation(asdu)
        elif kind in (C_SC_NA_1, C_DC_NA_1, C_SE_NC_1) and cause == ACTIVATION and asdu[1] == 1:
            self.command(asdu)
        elif kind == C_CS_NA_1 and cause == ACTIVATION:
            self.send(kind, ACTIVATION_CON, asdu, asdu[6:])
        else:
            self.send(kind, NEGATIVE | UNKNOWN_TYPE, asdu, asdu[6:])

    def acknowledge(self, number):
        """What the client has received must lie between what it had said before and what was sent."""
        if (number - self.acknowledged) % 32768 > (self.sent - self.acknowledged) % 32768:
            raise ValueError(f"N(R) {number}, with {self.acknowledged} to {self.sent} outstanding")
        self.acknowledged = number

    def apdu(self):
        start, size = self.take(2)
        if start != 0x68 or not 4 <= size <= 253:
            raise ValueError(f"start {start:#x}, length {size}")
        octets = self.take(size)
        if octets[0] & 3 == 3:
            self.started = octets[0] != 0x13 and (self.started or octets[0] == 0x07)
            self.connection.sendall(bytes([0x68, 4, U_ANSWERS[octets[0]], 0, 0, 0]))
            return
        self.acknowledge(int.from_bytes(octets[2:4], "little") >> 1)
        if octets[0] & 1:
            self.plant.write_down(acknowledged=self.acknowledged)
            return
        number = int.from_bytes(octets[:2], "little") >> 1
        if number != self.received or not self.started:
            raise ValueError(f"N(S) {number}, not {self.received}; started: {self.started}")
        self.received = (self.received + 1) % 32768
        self.asdu(octets[4:])

    def run(self):
        try:
            while True:
                self.apdu()
        except OSError:
            pass
        except (ValueError, KeyError, IndexError) as wrong:
            self.plant.write_down(wrong=str(wrong))
            self.connection.close()


def main():
    path, address, *port = sys.argv[1:]
    with open(path, "a", encoding="ascii") as log:
        plant = Plant(log)
        listener = socket.create_server((address, int(port[0]) if port else 2404))
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Session(plant, connection).run, daemon=True).start()


if __name__ == "__main__":
    main()
