#!/usr/bin/env python3
"""Makes the case folders: policy.txtpb, send.pcap, expect.json. What is expected was thought out from the
policy and the laws of the engine, never taken from a run."""

import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support/net"))
import frames as net  # noqa: E402

HMI, PLC = "10.0.7.10", "10.0.7.1"
HMI_MAC, PLC_MAC = "02:00:00:07:00:10", "02:00:00:07:00:01"
POLICY = """policy { name: "case" version: 1 }
zone { id: "a" port: "up" asset { id: "hmi" ipv4: "10.0.7.10" } }
zone { id: "b" port: "down" asset { id: "plc" ipv4: "10.0.7.1" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o" %s
  direction {
    from: "a" to: "b"
    allow {
      id: "read" reason: "r" client: "hmi" server: "plc"
      modbus { unit: 1 access: READ address { first: 0 last: 9 } }
    }
    allow {
      id: "write" reason: "r" client: "hmi" server: "plc"
      modbus {
        unit: 1 function: WRITE_MULTIPLE_REGISTERS
        address { first: 4 last: 5 } value { min: 0 max: 100 }
      }
    }
  }
}
"""
READ = bytes.fromhex("000100000006010300000002")
READ_ANSWER = bytes.fromhex("00010000000701030400010002")
WRITE = bytes.fromhex("000200000009011000040001020032")  # one register, 4 := 50
WRITE_TWO = bytes.fromhex("00020000000b0110000400020400320065")  # 4 := 50, 5 := 101
WRITE_PARTLY = bytes.fromhex("00020000000b0110000500020400320032")  # registers 5 and 6
COIL = bytes.fromhex("00030000000601050001ff00")
DIAGNOSTIC = bytes.fromhex("000400000006010800010000")


class Case:
    def __init__(self, name, conduit="", vlans=()):
        self.name, self.conduit, self.vlans = name, conduit, vlans
        self.folder = HERE / "folders" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.capture = net.CaptureFile(self.folder / "send.pcap")
        self.count, self.rows, self.delivered = 0, [], b""
        self.client, self.server = 1000, 5000

    def raw(self, frame):
        self.count += 1
        self.capture.add(1_700_000_000 * 10**9 + self.count * 1_000_000, frame)

    def up(self, packet):
        self.raw(net.ip_frame(PLC_MAC, HMI_MAC, packet, self.vlans))

    def down(self, packet):
        self.raw(net.ip_frame(HMI_MAC, PLC_MAC, packet, self.vlans))

    def handshake(self):
        self.up(net.tcp(HMI, PLC, 40000, 502, "S", self.client))
        self.client += 1
        self.down(net.tcp(PLC, HMI, 502, 40000, "SA", self.server, self.client))
        self.server += 1
        self.up(net.tcp(HMI, PLC, 40000, 502, "A", self.client, self.server))
        return self

    def ask(self, octets, at=None, flags="PA"):
        sequence = self.client if at is None else at
        self.up(net.tcp(HMI, PLC, 40000, 502, flags, sequence, self.server, octets))
        if at is None:
            self.client += len(octets)
        return self

    def answer(self, octets):
        self.down(net.tcp(PLC, HMI, 502, 40000, "PA", self.server, self.client, octets))
        self.server += len(octets)
        return self

    def expect(self, verdict, reason="NONE", delivered=b"", observed=False):
        """Of the PDU or frame that was sent last."""
        self.rows.append({"frame": self.count, "verdict": verdict, "reason": reason, "observed": observed})
        self.delivered += delivered
        return self

    def end(self):
        self.capture.close()
        (self.folder / "policy.txtpb").write_text(POLICY % self.conduit)
        expected = {"rows": self.rows, "server_received": self.delivered.hex()}
        (self.folder / "expect.json").write_text(json.dumps(expected, indent=1) + "\n")


def opened(name, **options):
    return Case(name, **options).handshake()


def dialogues():
    read = opened("permitted_read").ask(READ).expect("forward", delivered=READ)
    read.answer(READ_ANSWER).expect("forward").end()
    opened("write_within_limits").ask(WRITE).expect("forward", delivered=WRITE).end()
    opened("second_register_over_limit").ask(WRITE_TWO).expect("refuse", "VALUE_NOT_PERMITTED").end()
    opened("write_reaches_beyond_range").ask(WRITE_PARTLY).expect("refuse", "OBJECT_NOT_PERMITTED").end()
    opened("forbidden_function").ask(COIL).expect("refuse", "FUNCTION_NOT_PERMITTED").end()
    opened("restart_communications").ask(DIAGNOSTIC).expect("refuse", "FUNCTION_NOT_PERMITTED").end()
    opened("observed_write", conduit="mode: OBSERVE").ask(COIL).expect(
        "refuse", "FUNCTION_NOT_PERMITTED", COIL, observed=True).end()
    opened("denied_by_reset", conduit="on_deny: RESET").ask(COIL).expect(
        "reset", "FUNCTION_NOT_PERMITTED").end()
    opened("denied_by_drop", conduit="on_deny: DROP").ask(COIL).expect("drop", "FUNCTION_NOT_PERMITTED").end()
    session = opened("session_goes_on_after_refusal").ask(COIL).expect("refuse", "FUNCTION_NOT_PERMITTED")
    session.ask(READ).expect("forward", delivered=READ).end()
    burst = opened("middle_of_a_burst_refused").ask(READ + COIL + WRITE)
    burst.expect("forward", delivered=READ).expect("refuse", "FUNCTION_NOT_PERMITTED")
    burst.expect("forward", delivered=WRITE).end()
    opened("answer_without_a_question").answer(READ_ANSWER).expect("discard", "RESPONSE_UNSOLICITED").end()
    opened("wrong_protocol").ask(b"GET / HTTP/1.0\r\n\r\n").expect("reset", "PROTOCOL_MISMATCH").end()
    malformed = READ[:5] + b"\x07" + READ[6:] + b"\0"
    opened("length_disagrees").ask(malformed).expect("reset", "PDU_MALFORMED").end()


def cuts():
    for place in range(1, len(READ)):
        case = opened(f"read_cut_at_{place:02}").ask(READ[:place]).ask(READ[place:])
        case.expect("forward", delivered=READ).end()
    # The header (MBAP and unit, 7 octets) may have left already, whole: then a refusal is no longer possible.
    for place in range(1, len(COIL)):
        verdict = "reset" if place == 7 else "refuse"
        case = opened(f"coil_cut_at_{place:02}").ask(COIL[:place]).ask(COIL[place:])
        case.expect(verdict, "FUNCTION_NOT_PERMITTED", COIL[:place] if place == 7 else b"").end()
    case = opened("early_segment").ask(READ[6:], at=1001 + 6)
    case.ask(READ[:6], at=1001).expect("forward", delivered=READ).end()


def lies():
    case = opened("other_bytes_the_second_time").ask(READ).expect("forward", delivered=READ)
    case.ask(COIL, at=1001).expect("reset", "TCP_RETRANSMISSION_DIFFERS").end()
    case = opened("same_bytes_the_second_time").ask(READ).expect("forward", delivered=READ)
    case.ask(READ, at=1001).end()
    opened("urgent_data").ask(READ, flags="PAU").expect("drop", "TCP_URGENT").end()
    case = Case("data_in_a_syn")
    case.up(net.tcp(HMI, PLC, 40000, 502, "S", 1000, 0, COIL))
    case.expect("drop", "TCP_SYN_DATA").end()
    case = Case("beginning_not_seen")
    case.up(net.tcp(HMI, PLC, 40000, 502, "PA", 1000, 5000, READ))
    case.expect("reset", "TCP_NO_FLOW").end()
    case = Case("fragment")
    case.up(net.ipv4(HMI, PLC, 6, b"\0" * 24, fragment=0x2000))
    case.expect("drop", "IP_FRAGMENT_NOT_PERMITTED").end()
    case = opened("wrong_checksum")
    packet = bytearray(net.tcp(HMI, PLC, 40000, 502, "PA", 1001, 5001, COIL))
    packet[-1] ^= 1
    case.up(bytes(packet))
    case.expect("drop", "TCP_CHECKSUM_WRONG").end()
    case = Case("low_ttl")
    segment = net.tcp(HMI, PLC, 40000, 502, "S", 1000)[20:]
    case.up(net.ipv4(HMI, PLC, 6, segment, ttl=1))
    case.expect("drop", "TTL_TOO_LOW").end()


def others():
    for name, source, packet, reason in [
            ("undocumented_port", HMI_MAC, net.tcp(HMI, PLC, 40000, 80, "S", 1), "FLOW_UNDOCUMENTED"),
            ("unknown_source", HMI_MAC, net.tcp("10.0.7.66", PLC, 40000, 502, "S", 1), "SOURCE_UNKNOWN"),
            ("unknown_destination", HMI_MAC, net.tcp(HMI, "10.0.7.99", 40000, 502, "S", 1),
             "DESTINATION_UNKNOWN"),
            ("ping_without_rule", HMI_MAC, net.echo_request(HMI, PLC), "ICMP_NOT_PERMITTED"),
            ("udp_without_rule", HMI_MAC, net.udp(HMI, PLC, 40000, 502, READ), "FLOW_UNDOCUMENTED")]:
        case = Case(name)
        case.raw(net.ip_frame(PLC_MAC, source, packet))
        case.expect("drop", reason).end()
    for name, frame, reason in [("lldp", net.lldp(HMI_MAC), "LLDP_NOT_PERMITTED"),
                                ("spanning_tree", net.spanning_tree(HMI_MAC), "STP_NOT_PERMITTED"),
                                ("profinet", net.ethernet(PLC_MAC, HMI_MAC, 0x8892, b"\0" * 46),
                                 "PROFINET_NOT_PERMITTED"),
                                ("stranger_asks_by_arp",
                                 net.arp_request("02:00:00:07:00:66", "10.0.7.66", PLC), "SOURCE_UNKNOWN")]:
        case = Case(name)
        case.raw(frame)
        case.expect("drop", reason).end()


dialogues()
cuts()
lies()
others()
