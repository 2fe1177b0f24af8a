#!/usr/bin/env python3
"""A DNP3 outstation on TCP and UDP, a stub: there is none to be had that nobody here wrote.

  dnp3_outstation.py LOG ADDRESS [PORT]     until SIGTERM; link address 10, its master is 1

Writes down every fragment that it received, one JSON object a line: {"function": 5, "objects": "0c0117…"}.
What is not in that file did not reach it, whatever the master was told. Answers reads of class data with 8
binary and 100 analog inputs (three link frames), executes operates of outputs 0 to 9 that were selected
before and direct operates, reports each as an event (unsolicited), restarts when told to.
"""

import json
import socket
import struct
import sys
import threading

sys.dont_write_bytecode = True
import dnp3  # noqa: E402

LINK_ADDRESS, MASTER = 10, 1
IIN_RESTART = 0x80                    # of the first octet
IIN_NO_FUNCTION, IIN_PARAMETER = 1, 4  # of the second one
STATUS_NO_SELECT, STATUS_NOT_SUPPORTED = 2, 4
HEADERS = {b"\x0c\x01\x17\x01": 16, b"\x29\x02\x17\x01": 8}  # of commands: how long they are
OUTPUTS = range(10)


class Plant:
    def __init__(self, log):
        self.log, self.lock = log, threading.Lock()
        self.restarted = True

    def write_down(self, **what):
        with self.lock:
            self.log.write(json.dumps(what) + "\n")
            self.log.flush()


class Session:
    def __init__(self, plant, connection):
        self.plant = plant
        self.station = dnp3.Station(connection, LINK_ADDRESS, MASTER, master=False)
        self.selected = None  # (sequence that an operate must have, objects)
        self.unsolicited = 0

    def indications(self, second=0):
        return bytes([IIN_RESTART if self.plant.restarted else 0, second])

    def respond(self, sequence, content=b"", second=0):
        head = bytes([dnp3.APPLICATION_FIR | dnp3.APPLICATION_FIN | sequence, dnp3.RESPONSE])
        self.station.send(head + self.indications(second) + content)

    def report(self, index):
        """An output has changed: binary input event with the same index, to be confirmed."""
        control = dnp3.APPLICATION_FIR | dnp3.APPLICATION_FIN | dnp3.CON | dnp3.UNS | self.unsolicited
        self.unsolicited = (self.unsolicited + 1) % 16
        event = bytes([2, 1, 0x17, 1, index, 0x81])
        self.station.send(bytes([control, dnp3.UNSOLICITED_RESPONSE]) + self.indications() + event)

    def class_data(self):
        binary = bytes([1, 2, 0x00, 0, 7]) + b"\x01" * 8
        analog = bytes([30, 1, 0x00, 0, 99])
        return binary + analog + b"".join(struct.pack("<Bi", 1, 1000 + index) for index in range(100))

    def control(self, function, sequence, objects):
        """Select, operate and direct operate of one relay output block or analog output."""
        if HEADERS.get(objects[:4]) != len(objects):
            return self.respond(sequence, second=IIN_PARAMETER)
        index, status = objects[4], 0
        if index not in OUTPUTS:
            status = STATUS_NOT_SUPPORTED
        elif function == dnp3.OPERATE and self.selected != (sequence, objects):
            status = STATUS_NO_SELECT
        self.selected = ((sequence + 1) % 16, objects) if function == dnp3.SELECT and not status else None
        self.respond(sequence, objects[:-1] + bytes([status]))
        if function != dnp3.SELECT and not status:
            value = objects[5] if objects[0] == 12 else struct.unpack_from("<h", objects, 5)[0]
            self.plant.write_down(executed=index, value=value)
            self.report(index)
        return None

    def request(self, fragment):
        sequence, function, objects = fragment[0] & 0x0F, fragment[1], fragment[2:]
        if function == dnp3.CONFIRM:
            return self.plant.write_down(function=function, uns=bool(fragment[0] & dnp3.UNS))
        self.plant.write_down(function=function, objects=objects.hex())
        if function == dnp3.READ:
            return self.respond(sequence, self.class_data() if objects[:2] == b"\x3c\x01" else b"")
        if function == dnp3.WRITE and objects == bytes([80, 1, 0x00, 7, 7, 0]):
            self.plant.restarted = False
            return self.respond(sequence)
        if function in (dnp3.SELECT, dnp3.OPERATE, dnp3.DIRECT_OPERATE):
            return self.control(function, sequence, objects)
        if function == dnp3.COLD_RESTART and not objects:
            self.plant.restarted = True
            return self.respond(sequence, bytes([52, 2, 0x07, 1]) + struct.pack("<H", 5000))
        return self.respond(sequence, second=IIN_NO_FUNCTION)

    def run(self):
        try:
            while True:
                fragment, control = self.station.receive()
                if fragment is not None:
                    self.request(fragment)
                    continue
                self.plant.write_down(link=control)
                if control == dnp3.PRIMARY | dnp3.LINK_STATUS_REQUEST:
                    self.station.send_link(dnp3.LINK_STATUS, primary=False)
        except OSError:
            pass
        except (dnp3.Malformed, IndexError) as wrong:
            self.plant.write_down(malformed=str(wrong))


def datagrams(plant, address, port):
    """A session on UDP, with the master that asks first."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection.bind((address, port))
    connection.connect(connection.recvfrom(1, socket.MSG_PEEK)[1])
    Session(plant, connection).run()


def main():
    path, address, *port = sys.argv[1:]
    with open(path, "a", encoding="ascii") as log:
        plant = Plant(log)
        port = int(port[0]) if port else 20000
        threading.Thread(target=datagrams, args=(plant, address, port), daemon=True).start()
        listener = socket.create_server((address, port))
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Session(plant, connection).run, daemon=True).start()


if __name__ == "__main__":
    main()
