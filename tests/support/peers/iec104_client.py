#!/usr/bin/python3
"""A controlling station of IEC 60870-5-104, driven by lines; each is answered by one line. What it sends and
what it receives is made and read by scapy's layers for the protocol; the order of things and the sequence
numbers are looked after here.

  iec104_client.py ADDRESS [PORT]       common address 1

  start                  STARTDT: "ok"
  test                   TESTFR: "ok"
  interrogate            general interrogation: "ok 0 1 1 20.5", the points and the measured value
  command ADDRESS ON     single command, 1 or 0: "ok" when it is confirmed and terminated
  select ADDRESS STATE   selects for a double command, 1 off, 2 on: "ok" when it is confirmed
  execute ADDRESS STATE  the double command: "ok" when it is confirmed and terminated
  setpoint ADDRESS X     set point, short floating point: "ok"
  clock                  clock synchronisation: "ok"
  reports                "ok 1=1 …": objects that came as return information so far

What was denied: "denied: negative activation confirmed (actcon)", the sign and the cause of what came back.
Every number of a frame that comes in is checked: "wrong: N(S) 4, not 3".
"""

import socket
import sys

from scapy.contrib.scada.iec104 import (CAUSE_OF_TRANSMISSIONS, IEC104_APDU, IEC104_COT_ACT,
                                        IEC104_COT_ACTCON, IEC104_COT_ACTTERM, IEC104_COT_INROGEN,
                                        IEC104_COT_RETREM,
                                        IEC104_I_Message, IEC104_I_Message_SingleIOA,
                                        IEC104_IO_C_CS_NA_1_IOA, IEC104_IO_C_DC_NA_1_IOA,
                                        IEC104_IO_C_IC_NA_1_IOA,
                                        IEC104_IO_C_SC_NA_1_IOA, IEC104_IO_C_SE_NC_1_IOA, IEC104_S_Message,
                                        IEC104_U_Message)

POINTS = 1  # type


class Denied(Exception):
    pass


class Wrong(Exception):
    pass


class Client:
    def __init__(self, address, port):
        self.connection = socket.create_connection((address, port), 5)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        self.sent = self.received = self.acknowledged = 0
        self.reported = []

    def take(self, size):
        while len(self.kept) < size:
            octets = self.connection.recv(4096)
            if not octets:
                raise Wrong("closed by the station")
            self.kept += octets
        taken, self.kept = self.kept[:size], self.kept[size:]
        return taken

    def apdu(self):
        head = self.take(2)
        apdu = IEC104_APDU(head + self.take(head[1]))
        if isinstance(apdu, IEC104_U_Message):
            return apdu
        if (apdu.rx_seq_num - self.acknowledged) % 32768 > (self.sent - self.acknowledged) % 32768:
            raise Wrong(f"N(R) {apdu.rx_seq_num}, with {self.acknowledged} to {self.sent} outstanding")
        self.acknowledged = apdu.rx_seq_num
        if isinstance(apdu, IEC104_I_Message):
            if apdu.tx_seq_num != self.received:
                raise Wrong(f"N(S) {apdu.tx_seq_num}, not {self.received}")
            self.received = (self.received + 1) % 32768
        return apdu

    def ask(self, io, last=IEC104_COT_ACTTERM):
        """Sends an activation; gives what came until its termination, or another cause that ends it."""
        request = IEC104_I_Message_SingleIOA(tx_seq_num=self.sent, rx_seq_num=self.received,
                                             cot=IEC104_COT_ACT, common_asdu_address=1, io=io)
        self.sent = (self.sent + 1) % 32768
        self.connection.sendall(bytes(request))
        answers = []
        while True:
            apdu = self.apdu()
            if not isinstance(apdu, IEC104_I_Message):
                continue
            if apdu.cot == IEC104_COT_RETREM:
                self.reported += [f"{io.information_object_address}={io.spi_value}" for io in apdu.io]
                continue
            if apdu.type_id == request.type_id and apdu.ack:
                raise Denied(f"negative {CAUSE_OF_TRANSMISSIONS[apdu.cot]}")
            answers.append(apdu)
            if (apdu.type_id, apdu.cot) == (request.type_id, last):
                return answers

    def acknowledge(self):
        self.connection.sendall(bytes(IEC104_S_Message(rx_seq_num=self.received)))

    def link(self, act, con):
        self.connection.sendall(bytes(IEC104_U_Message(**{act: 1})))
        while not isinstance(apdu := self.apdu(), IEC104_U_Message):
            pass
        return "ok" if getattr(apdu, con) else f"wrong: {apdu.summary()}"

    def interrogate(self):
        values = []
        for apdu in self.ask(IEC104_IO_C_IC_NA_1_IOA(information_object_address=0, qoi=20)):
            if apdu.cot == IEC104_COT_INROGEN:
                values += [io.spi_value if apdu.type_id == POINTS else io.scaled_value for io in apdu.io]
        self.acknowledge()
        return "ok " + " ".join(map(str, values))

    def command(self, verb, words):
        if verb == "start":
            return self.link("startdt_act", "startdt_con")
        if verb == "test":
            return self.link("testfr_act", "testfr_con")
        if verb == "interrogate":
            return self.interrogate()
        if verb == "reports":
            return " ".join(["ok"] + self.reported)
        last = IEC104_COT_ACTTERM
        if verb == "command":
            io = IEC104_IO_C_SC_NA_1_IOA(scs=int(words[1]))
        elif verb in ("select", "execute"):
            io = IEC104_IO_C_DC_NA_1_IOA(s_or_e=int(verb == "select"), dcs=int(words[1]))
            last = IEC104_COT_ACTCON if verb == "select" else last
        elif verb == "setpoint":
            io = IEC104_IO_C_SE_NC_1_IOA(scaled_value=float(words[1]))
        else:
            last = IEC104_COT_ACTCON
            io = IEC104_IO_C_CS_NA_1_IOA(hours=12, day_of_month=28, month=11, year=26)
        io.information_object_address = int(words[0]) if words else 0
        self.ask(io, last)
        return "ok"


def main():
    address, *port = sys.argv[1:]
    client = Client(address, int(port[0]) if port else 2404)
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            print(client.command(verb, words), flush=True)
        except Denied as denied:
            print(f"denied: {denied}", flush=True)
        except (OSError, Wrong) as wrong:
            print(f"wrong: {wrong or type(wrong).__name__}", flush=True)


if __name__ == "__main__":
    main()
