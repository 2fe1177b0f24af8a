"""A case: the frames of a technique, and which outcomes are right. See the README of this folder."""

import json
import pathlib

import frames as net
import wire

HMI, PLC = "10.0.7.10", "10.0.7.1"
HMI6, PLC6 = "fd00:7::10", "fd00:7::1"
HMI_MAC, PLC_MAC = "02:00:00:07:00:10", "02:00:00:07:00:01"
POLICY = """policy { name: "evasion" version: 1 }
zone {
  id: "a" port: "up"
  asset { id: "hmi" ipv4: "10.0.7.10" ipv6: "fd00:7::10" }
}
zone {
  id: "b" port: "down"
  asset { id: "plc" ipv4: "10.0.7.1" ipv6: "fd00:7::1" }
}
conduit {
  id: "c" zones: "a" zones: "b" owner: "o" %(conduit)s
  direction {
    from: "a" to: "b"
    allow {
      id: "read" reason: "r" client: "hmi" server: "plc" %(allow)s
      modbus { unit: 1 access: READ address { first: 0 last: 9 } }
    }
    allow {
      id: "write" reason: "r" client: "hmi" server: "plc" %(allow)s
      modbus {
        unit: 1 function: WRITE_SINGLE_REGISTER function: WRITE_MULTIPLE_REGISTERS
        function: MASK_WRITE_REGISTER function: READ_WRITE_MULTIPLE_REGISTERS
        address { first: 4 last: 5 } value { min: 0 max: 100 }
      }
    }
    allow {
      id: "recipe" reason: "r" client: "hmi" server: "plc" %(allow)s
      modbus { unit: 1 function: WRITE_FILE_RECORD file { first: 4 } address { first: 0 last: 9 } }
    }
    allow {
      id: "who" reason: "r" client: "hmi" server: "plc" %(allow)s
      modbus {
        unit: 1 function: ENCAPSULATED_INTERFACE_TRANSPORT sub_function: 14 object { first: 0 last: 2 }
      }
    }
  }
}
"""
CASES = []
SETTINGS = {"ports apart": False}  # for replay: each case has client ports of its own


def adu(pdu, transaction=1, unit=1, length=None, protocol=0):
    size = len(pdu) + 1 if length is None else length
    return b"".join(number.to_bytes(2, "big") for number in (transaction, protocol,
                                                             size)) + bytes([unit]) + pdu


def pdu(text):
    return bytes.fromhex(text.replace(" ", ""))


def exception(request, code):
    return request[:4] + b"\0\3" + request[6:7] + bytes([request[7] | 0x80, code])


READ = adu(pdu("03 0000 0002"), 1)
READ_ANSWER = adu(pdu("03 04 0001 0002"), 1)
READ2 = adu(pdu("03 0002 0003"), 2)
READ2_ANSWER = adu(pdu("03 06 0001 0002 0003"), 2)
WRITE = adu(pdu("10 0004 0001 02 0032"), 2)  # register 4 := 50, permitted
COIL = adu(pdu("05 0001 ff00"), 3)  # no rule permits it; as long as READ
COIL_REFUSED = exception(COIL, 1)


def row(verdict):
    return lambda frame, *reasons: {"frame": frame, "verdict": [verdict], "reason": list(reasons) or ["NONE"]}


forward, refuse, discard, reset, drop = map(row, ("forward", "refuse", "discard", "reset", "drop"))


def stopped(frame, *reasons):
    """Of a segment without a connection: silence or a reset."""
    return {"frame": frame, "verdict": ["drop", "reset"], "reason": list(reasons)}


class Flow:
    """One TCP connection of the HMI with the PLC, both ends played by this script."""

    def __init__(self, case, port=40000, client=1000, server=5000, v6=False, stamps=False,
                 server_window=64240):
        self.case, self.port, self.client, self.server = case, port + case.port_shift, client, server
        self.ends = (HMI6, PLC6) if v6 else (HMI, PLC)
        self.stamps = [100, 900] if stamps else None
        self.server_window = server_window

    def _split(self, fields):
        ip = {name: fields.pop(name) for name in list(fields) if name in
              ("ttl", "identification", "fragment", "ip_options", "total", "version", "ihl", "ip_checksum",
               "tos",
               "extensions", "protocol")}
        link = {name: fields.pop(name) for name in list(fields) if name in ("tags", "trailer")}
        return ip, link

    def _options(self, side, fields):
        if self.stamps and "options" not in fields:
            self.stamps[side] += 1
            fields["options"] = wire.timestamps(self.stamps[side], self.stamps[1 - side])

    def up_segment(self, flags, content=b"", at=None, ack=None, **fields):
        return wire.segment(*self.ends, (self.port, 502), flags, self.client if at is None else at,
                            (self.server if "A" in flags else 0) if ack is None else ack, content, **fields)

    def up(self, flags, content=b"", at=None, ack=None, **fields):
        """Any segment of the client; its frame's number."""
        self._options(0, fields)
        ip, link = self._split(fields)
        octets = self.up_segment(flags, content, at, ack, **fields)
        return self.case.up(wire.packet(*self.ends, octets, **ip), **link)

    def down(self, flags, content=b"", at=None, ack=None, **fields):
        self._options(1, fields)
        ip, link = self._split(fields)
        fields.setdefault("window", self.server_window)
        octets = wire.segment(*reversed(self.ends), (502, self.port), flags,
                              self.server if at is None else at,
                              (self.client if "A" in flags else 0) if ack is None else ack, content, **fields)
        return self.case.down(wire.packet(*reversed(self.ends), octets, **ip), **link)

    def open(self, options=b"", server_options=b""):
        stamp = wire.timestamps(100) if self.stamps else b""
        self.up("S", options=options + stamp)
        self.client += 1
        self.down("SA", options=server_options + stamp)
        self.server += 1
        self.up("A")
        return self

    def ask(self, content, **fields):
        """Data in order."""
        frame = self.up(fields.pop("flags", "PA"), content, **fields)
        self.client += len(content)
        return frame

    def answer(self, content, **fields):
        frame = self.down(fields.pop("flags", "PA"), content, **fields)
        self.server += len(content)
        return frame

    def thank(self, refusal):
        """The client acknowledges the gateway's own reply."""
        return self.up("A", ack=self.server + len(refusal))

    def acknowledge(self, **fields):
        return self.down("A", **fields)


class Case:
    def __init__(self, name, what, reference, conduit="", allow=""):
        self.name, self.what, self.reference = name, what, reference
        self.policy = POLICY % {"conduit": conduit, "allow": allow}
        self.sent, self.outcomes, self.time = [], [], 1_700_000_000 * 10**9
        self.port_shift = 20 * len(CASES) if SETTINGS["ports apart"] else 0
        CASES.append(self)

    def raw(self, octets):
        self.time += 1_000_000
        self.sent.append((self.time, octets))
        return len(self.sent)

    def up(self, octets, tags=(), trailer=b""):
        return self.raw(wire.frame(PLC_MAC, HMI_MAC, octets + trailer, tags))

    def down(self, octets, tags=(), trailer=b""):
        return self.raw(wire.frame(HMI_MAC, PLC_MAC, octets + trailer, tags))

    def wait(self, seconds):
        self.time += int(seconds * 10**9)

    def flow(self, **options):
        return Flow(self, **options)

    def expect(self, rows, server=b"", client=b""):
        """One outcome that is right. `server`, `client`: what the two ends receive, by client port."""
        def streams(octets):
            named = octets if isinstance(octets, dict) else {40000 + self.port_shift: octets}
            return {str(port): content.hex() for port, content in named.items() if content}
        self.outcomes.append({"rows": [row for row in rows if row], "server_received": streams(server),
                              "client_received": streams(client)})

    def write(self, root):
        folder = pathlib.Path(root) / self.name
        folder.mkdir(parents=True, exist_ok=True)
        capture = net.CaptureFile(folder / "send.pcap")
        for time, octets in self.sent:
            capture.add(time, octets)
        capture.close()
        (folder / "policy.txtpb").write_text(self.policy)
        expected = {"technique": self.what, "reference": self.reference, "outcomes": self.outcomes}
        (folder / "expect.json").write_text(json.dumps(expected, indent=1) + "\n")


def opened(name, what, reference, conduit="", allow="", **options):
    case = Case(name, what, reference, conduit, allow)
    return case, case.flow(**options).open()
