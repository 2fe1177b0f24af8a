#!/usr/bin/env python3
"""A DNP3 master on TCP or UDP, a stub, driven by lines on its standard input; each is answered by one line.

  dnp3_master.py tcp|udp ADDRESS [PORT]       link address 1, its outstation is 10

  poll                     class 0 data:         "ok 1000 1001 … (100 analog inputs)"
  restart-seen             clears IIN1.7:        "ok"
  link-status              of the link layer:    "ok"
  select I CONTROL COUNT   selects and operates, by one relay output block: "ok", or what was answered instead
  direct I CONTROL COUNT   a direct operate of it
  analog I VALUE           a direct operate of an analog output of 16 bits
  cold-restart             "ok 5000": milliseconds until the outstation is there again
  events                   indexes of the events that the outstation has reported so far (and were confirmed)

What was denied is said in the words of the outstation: "IIN2.0 function not supported" … or "status 4".
"""

import select
import struct
import sys

sys.dont_write_bytecode = True
import dnp3  # noqa: E402

LINK_ADDRESS, OUTSTATION = 1, 10
IIN2 = ["IIN2.0 function not supported", "IIN2.1 object unknown", "IIN2.2 parameter error",
        "IIN2.3 event buffer overflow", "IIN2.4 already executing", "IIN2.5 configuration corrupt"]


class Denied(Exception):
    pass


class Master:
    def __init__(self, transport, address, port):
        self.connection = dnp3.connect(address, port, 5, datagrams=transport == "udp")
        self.station = dnp3.Station(self.connection, LINK_ADDRESS, OUTSTATION, master=True)
        self.sequence = 0
        self.reported = []

    def send(self, control, function, objects=b""):
        head = bytes([dnp3.APPLICATION_FIR | dnp3.APPLICATION_FIN | control, function])
        self.station.send(head + objects)

    def unsolicited(self, fragment):
        if fragment[0] & dnp3.CON:
            self.send(dnp3.UNS | fragment[0] & 0x0F, dnp3.CONFIRM)
        self.reported += [fragment[8]] if fragment[4:8] == b"\x02\x01\x17\x01" else []

    def fragment(self):
        """The next fragment that is not a report of the outstation's own."""
        while True:
            fragment, control = self.station.receive()
            if fragment is None:
                raise dnp3.Malformed(f"link control {control:#x}")
            if fragment[1] != dnp3.UNSOLICITED_RESPONSE:
                return fragment
            self.unsolicited(fragment)

    def ask(self, function, objects=b""):
        sequence, self.sequence = self.sequence, (self.sequence + 1) % 16
        self.send(sequence, function, objects)
        fragment = self.fragment()
        if fragment[0] & 0x0F != sequence or fragment[1] != dnp3.RESPONSE:
            raise dnp3.Malformed(f"not the answer to {sequence}: {fragment.hex()}")
        if denied := [text for bit, text in enumerate(IIN2) if fragment[3] >> bit & 1]:
            raise Denied(", ".join(denied))
        return fragment[4:]

    def poll(self):
        content = self.ask(dnp3.READ, bytes([60, 1, 0x06]))
        at = 5 + 8 + 5  # behind the binary inputs and the head of the analog ones
        values = [struct.unpack_from("<i", content, at + 5 * index + 1)[0] for index in range(100)]
        return f"ok {' '.join(map(str, values[:3]))} ({len(values)} analog inputs)"

    def control(self, function, words):
        index, control, *count = (int(word, 0) for word in words)
        objects = dnp3.crob(index, control, *count) if count else dnp3.analog_output(index, control)
        answer = self.ask(function, objects)
        if answer[:-1] != objects[:-1]:
            raise dnp3.Malformed(f"answer to an operate: {answer.hex()}")
        if answer[-1]:
            raise Denied(f"status {answer[-1]}")
        return "ok"

    def link_status(self):
        self.station.send_link(dnp3.LINK_STATUS_REQUEST)
        fragment, control = self.station.receive()
        return "ok" if fragment is None and control == dnp3.LINK_STATUS else "another answer"

    def events(self):
        while self.station.kept or select.select([self.connection], [], [], 0.3)[0]:
            fragment, _ = self.station.receive()
            self.unsolicited(fragment)
        return "ok " + " ".join(map(str, self.reported))

    def command(self, verb, words):
        if verb == "select":
            self.control(dnp3.SELECT, words)
            return self.control(dnp3.OPERATE, words)
        if verb in ("direct", "analog"):
            return self.control(dnp3.DIRECT_OPERATE, words)
        if verb == "restart-seen":
            self.ask(dnp3.WRITE, bytes([80, 1, 0x00, 7, 7, 0]))
            return "ok"
        if verb == "cold-restart":
            return f"ok {struct.unpack('<H', self.ask(dnp3.COLD_RESTART)[4:6])[0]}"
        return {"poll": self.poll, "link-status": self.link_status, "events": self.events}[verb]()


def main():
    transport, address, *port = sys.argv[1:]
    master = Master(transport, address, int(port[0]) if port else 20000)
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            print(master.command(verb, words), flush=True)
        except Denied as denied:
            print(f"denied: {denied}", flush=True)
        except (OSError, dnp3.Malformed) as wrong:
            print(f"wrong: {wrong or type(wrong).__name__}", flush=True)


if __name__ == "__main__":
    main()
