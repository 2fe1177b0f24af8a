#!/usr/bin/env python3
"""Makes the case folders of BACnet/IP: policy.txtpb, send.pcap, expect.json. What is expected was thought out
from the policy and ASHRAE 135, never taken from a run."""

import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "support/net"))
import frames as net  # noqa: E402

BMS, AHU, ALL = "10.0.7.10", "10.0.7.1", "10.0.7.255"
MACS = {BMS: "02:00:00:07:00:10", AHU: "02:00:00:07:00:01", ALL: net.BROADCAST}
PORT = 47808
POLICY = """policy { name: "case" version: 1 }
zone {
  id: "a" port: "up"
  asset { id: "bms" ipv4: "10.0.7.10" }
  asset { id: "all-up" ipv4: "10.0.7.255" role: GROUP }
}
zone {
  id: "b" port: "down"
  asset { id: "ahu" ipv4: "10.0.7.1" }
  asset { id: "all-down" ipv4: "10.0.7.255" role: GROUP }
}
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow {
      id: "read" reason: "r" client: "bms" server: "ahu"
      bacnet { function: READ_PROPERTY function: READ_PROPERTY_MULTIPLE }
    }
    allow {
      id: "some" reason: "r" client: "bms" server: "ahu"
      bacnet { function: READ_RANGE property: LOG_BUFFER }
    }
    allow {
      id: "write" reason: "r" client: "bms" server: "ahu"
      bacnet {
        function: WRITE_PROPERTY function: WRITE_PROPERTY_MULTIPLE object_type: ANALOG_VALUE
        instance { first: 1 last: 9 } property: PRESENT_VALUE priority { first: 8 last: 16 }
        value { min: 0 max: 100 }
      }
    }
    allow {
      id: "router" reason: "r" client: "bms" server: "ahu"
      bacnet {
        function: WRITE_PROPERTY object_type: BINARY_OUTPUT
        destination { first: 1407374883553283 }  # network 5, address 3
      }
    }
    allow {
      id: "control" reason: "r" client: "bms" server: "ahu"
      bacnet { function: REINITIALIZE_DEVICE state: WARMSTART function: DEVICE_COMMUNICATION_CONTROL }
    }
    allow {
      id: "find" reason: "r" client: "bms" server: "ahu" server: "all-down"
      bacnet { function: WHO_IS instance { first: 0 last: 99 } }
    }
    allow {
      id: "forward" reason: "r" client: "bms" server: "ahu"
      bacnet { function: FORWARDED_NPDU origin: "10.0.5.2:47808" }
    }
  }
  direction {
    from: "b" to: "a"
    allow {
      id: "announce" reason: "r" client: "ahu" server: "bms" server: "all-up"
      bacnet { function: I_AM instance { first: 7 } }
    }
    allow {
      id: "report" reason: "r" client: "ahu" server: "bms"
      bacnet { function: CONFIRMED_COV_NOTIFICATION object_type: ANALOG_INPUT }
    }
  }
}
"""


def linked(function, text):
    octets = bytes.fromhex(text)
    return struct.pack(">BBH", 0x81, function, len(octets) + 4) + octets


def npdu(text):
    return linked(0x0A, "0104" + text)


def confirmed(service, parameters, invoke=1):
    return npdu(f"0004 {invoke:02x} {service:02x} {parameters}")


def written(instance, real="42c80000", priority="", object_type=2, prop="55"):
    return f"0c {object_type << 22 | instance:08x} 19 {prop} 3e 44 {real} 3f" + priority


def element(prop="55", real="42c80000"):
    return f"09 {prop} 2e 44 {real} 2f "


def segment(sequence, more, octets, invoke=7, service=0x10):
    head = bytes([0x0C if more else 0x08, 4, invoke, sequence, 4, service])
    return npdu((head + octets).hex())


def segments(message, size):
    parts = [message[at:at + size] for at in range(0, len(message), size)]
    return [segment(number, number < len(parts) - 1, part) for number, part in enumerate(parts)]


def error(service, group, code, invoke=1):
    return npdu_reply(f"50 {invoke:02x} {service:02x} 91 {group:02x} 91 {code:02x}")


def npdu_reply(text):
    return linked(0x0A, "0100" + text)


READ = confirmed(12, "0c 00000005 19 55")
READ_ANSWER = npdu_reply("30 01 0c 0c 00000005 19 55 3e 44 42c80000 3f")
SIMPLE_ACK = npdu_reply("20 07 10")
REPORT = confirmed(1, "09 01 1c 02000007 2c 00000005 39 00 4e 09 55 2e 44 42c80000 2f 4f", 9)
DENIED_SERVICE, DENIED_WRITE, DENIED_VALUE = (5, 29), (2, 40), (2, 37)
GOOD_LIST = bytes.fromhex("0c 00800005 1e " + element() + "1f 0c 00800006 1e " + element() + "1f")
# The last property of the last object is not the present value.
BAD_LIST = bytes.fromhex("0c 00800005 1e " + element() + "1f 0c 00800006 1e " + element() +
                         element("51") + "1f")


class Case:
    def __init__(self, name, policy=POLICY):
        self.folder = HERE / "folders" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.capture = net.CaptureFile(self.folder / "send.pcap")
        self.policy, self.count, self.rows, self.left = policy, 0, [], []

    def send(self, source, destination, octets, ports=(PORT, PORT)):
        self.count += 1
        packet = net.udp(source, destination, *ports, octets)
        frame = net.ip_frame(MACS[destination], MACS[source], packet)
        self.capture.add(1_700_000_000 * 10**9 + self.count * 1_000_000, frame)
        return self

    def expect(self, verdict, reason="NONE"):
        self.rows.append({"frame": self.count, "verdict": verdict, "reason": reason, "observed": False})
        return self

    def passes(self, octets, source=BMS, destination=AHU, **options):
        self.left.append([destination, octets.hex()])
        return self.send(source, destination, octets, **options).expect("forward")

    def answers(self, octets, **options):
        return self.passes(octets, AHU, BMS, **options)

    def drops(self, octets, reason, source=BMS, destination=AHU, **options):
        return self.send(source, destination, octets, **options).expect("drop", reason)

    def refuses(self, octets, reason, reply, source=BMS, destination=AHU, **options):
        self.send(source, destination, octets, **options).expect("refuse", reason)
        self.left.append([source, reply.hex()])
        return self

    def end(self):
        self.capture.close()
        (self.folder / "policy.txtpb").write_text(self.policy)
        expected = {"rows": self.rows, "server_received": "", "datagrams_left": self.left}
        (self.folder / "expect.json").write_text(json.dumps(expected, indent=1) + "\n")


def dialogues():
    Case("read").passes(READ).answers(READ_ANSWER).end()
    Case("answer_without_a_question").drops(READ_ANSWER, "RESPONSE_UNSOLICITED", AHU, BMS).end()
    Case("answer_twice").passes(READ).answers(READ_ANSWER).drops(
        READ_ANSWER, "RESPONSE_UNSOLICITED", AHU, BMS).end()
    Case("answer_to_another_service").passes(READ).drops(
        npdu_reply("20 01 0f"), "RESPONSE_MISMATCHED", AHU, BMS).end()
    Case("both_ask").passes(READ).answers(REPORT).passes(npdu_reply("20 09 01")).answers(READ_ANSWER).end()
    Case("device_asks_first").answers(REPORT).passes(READ).answers(READ_ANSWER).passes(
        npdu_reply("20 09 01")).end()
    Case("device_reads").passes(READ).refuses(
        READ, "FUNCTION_NOT_PERMITTED", error(12, *DENIED_SERVICE), AHU, BMS).end()
    other = REPORT[:-29] + REPORT[-29:].replace(bytes.fromhex("2c00000005"), bytes.fromhex("2c00c00005"))
    Case("report_of_another_object").refuses(
        other, "OBJECT_NOT_PERMITTED", error(1, *DENIED_SERVICE, invoke=9), AHU, BMS).end()
    found = Case("who_is").passes(linked(0x0B, "0100 10 08 09 00 19 63"), destination=ALL)
    found.passes(linked(0x0B, "0100 10 00 c4 02000007 22 01e0 91 03 21 63"), AHU, ALL)
    found.answers(npdu_reply("10 00 c4 02000007 22 01e0 91 03 21 63"))
    found.drops(npdu_reply("10 00 c4 02000008 22 01e0 91 03 21 63"), "OBJECT_NOT_PERMITTED", AHU, BMS).end()
    Case("who_is_everybody").drops(linked(0x0B, "0100 10 08"), "OBJECT_NOT_PERMITTED", destination=ALL).end()
    Case("write_to_all").drops(linked(0x0B, "0104 0004 01 0f" + written(5)), "FUNCTION_NOT_PERMITTED",
                               destination=ALL).end()


def writes():
    Case("write").passes(confirmed(15, written(5))).answers(npdu_reply("20 01 0f")).end()
    for name, parameters, reason, pair in [
            ("write_another_object", written(10), "OBJECT_NOT_PERMITTED", DENIED_WRITE),
            ("write_too_high", written(5, "42c80001"), "VALUE_NOT_PERMITTED", DENIED_VALUE),
            ("write_not_a_number", written(5, "7fc00000"), "VALUE_NOT_PERMITTED", DENIED_VALUE),
            ("write_with_priority_1", written(5, priority="49 01"), "OBJECT_NOT_PERMITTED", DENIED_WRITE),
            ("write_one_element", "0c 00800005 19 57 29 01 3e 44 42c80000 3f", "OBJECT_NOT_PERMITTED",
             DENIED_WRITE),
            ("write_null", "0c 00800005 19 55 3e 00 3f", "VALUE_NOT_PERMITTED", DENIED_VALUE)]:
        Case(name).refuses(confirmed(15, parameters), reason, error(15, *pair)).end()
    Case("write_one_of_many").refuses(
        confirmed(16, BAD_LIST.hex()), "OBJECT_NOT_PERMITTED",
        npdu_reply("50 01 10 0e 91 02 91 28 0f 1e 0c 00800005 19 55 1f")).end()
    router = "0c 01000001 19 55 3e 91 01 3f"
    Case("write_behind_a_router").passes(linked(0x0A, "0124 0005 01 03 ff 0004 01 0f" + router)).end()
    Case("write_to_all_behind_a_router").drops(
        linked(0x0A, "0124 0005 00 ff 0004 01 0f" + router), "OBJECT_NOT_PERMITTED").end()
    # The same number in two octets: a router to MS/TP takes the first one, and sends it to station 0.
    Case("write_behind_a_router_in_two_octets").refuses(
        linked(0x0A, "0124 0005 02 0003 ff 0004 01 0f" + router), "OBJECT_NOT_PERMITTED",
        linked(0x0A, "0108 0005 02 0003 50 01 0f 91 02 91 28")).end()
    Case("write_in_the_router").refuses(
        confirmed(15, router), "OBJECT_NOT_PERMITTED", error(15, *DENIED_WRITE)).end()
    Case("restart_cold").refuses(
        confirmed(20, "09 00"), "OBJECT_NOT_PERMITTED", error(20, *DENIED_SERVICE)).end()
    Case("restart_warm").passes(confirmed(20, "09 01")).end()


def envelopes():
    forwarded = "0104 0004 01 0f"
    permitted = Case("forwarded_who_is").passes(linked(4, "0a000502 bac0 0100 10 08 09 00 19 63"))
    permitted.drops(linked(4, "0a000503 bac0 0100 10 08 09 00 19 63"), "OBJECT_NOT_PERMITTED")
    permitted.drops(linked(4, "0a000502 bac1 0100 10 08 09 00 19 63"), "OBJECT_NOT_PERMITTED").end()
    # What the sender may not do itself, it may not forward either.
    Case("forwarded_write").drops(linked(4, "0a000502 bac0" + forwarded + written(10)),
                                  "OBJECT_NOT_PERMITTED").end()
    # Not even in the name of the device that the rules permit, where nobody named the envelope.
    unnamed = POLICY.replace("function: FORWARDED_NPDU origin", "function: WHO_HAS origin")
    Case("forwarded_write_unnamed", unnamed).drops(
        linked(4, "0a00070a bac0" + forwarded + written(5)), "FUNCTION_NOT_PERMITTED").end()
    Case("distributed").drops(linked(9, "0100 10 08 09 00 19 63"), "FUNCTION_NOT_PERMITTED").end()
    Case("foreign_device").refuses(linked(5, "003c"), "FUNCTION_NOT_PERMITTED", linked(0, "0030")).end()
    Case("secured").drops(linked(12, "00010203"), "FUNCTION_NOT_PERMITTED").end()
    Case("route_claimed").drops(linked(0x0A, "0180 01 0005"), "FUNCTION_NOT_PERMITTED").end()
    Case("octets_behind").drops(READ + b"\0", "DATAGRAM_TRAILING_BYTES").end()
    Case("length_too_great").drops(READ[:3] + bytes([READ[3] + 1]) + READ[4:], "PDU_MALFORMED").end()
    Case("modbus").drops(bytes.fromhex("000100000006010300000002"), "PROTOCOL_MISMATCH").end()


def in_segments():
    for size in (1, 4, 9, 20, len(GOOD_LIST) - 1):
        case = Case(f"good_list_in_segments_of_{size}")
        for part in segments(GOOD_LIST, size):
            case.passes(part)
        case.answers(SIMPLE_ACK).end()
    for size in (1, 4, 9, 20, len(BAD_LIST) - 1):
        case, parts = Case(f"bad_list_in_segments_of_{size}"), segments(BAD_LIST, size)
        for part in parts[:-1]:
            case.passes(part)
        case.refuses(parts[-1], "OBJECT_NOT_PERMITTED", npdu_reply("71 07 05")).end()
    first, second, third = segments(GOOD_LIST, 12)
    Case("segment_again_but_other").passes(first).passes(first).drops(
        segment(0, True, GOOD_LIST[1:13]), "PDU_MALFORMED").end()
    Case("segment_left_out").passes(first).drops(third, "PDU_MALFORMED").end()
    Case("segment_alone").drops(second, "PDU_MALFORMED").end()
    Case("segments_of_a_forbidden_service").refuses(
        segment(0, True, b"\x0c", service=10), "FUNCTION_NOT_PERMITTED", npdu_reply("71 07 05")).end()
    # The device still holds the first segment of number 7 when the sender begins it anew.
    again = Case("begun_again_with_other_octets").passes(segment(0, True, bytes.fromhex("0c0080000a1e0955")))
    again.passes(segment(0, True, GOOD_LIST[:8], invoke=8))
    again.drops(segment(0, True, GOOD_LIST[:8]), "PDU_MALFORMED").end()
    # Its answer would seem to say that the device is done with the segments, or be taken for theirs.
    read = confirmed(12, "0c 00000005 19 55", 7)
    Case("begun_number_in_another_request").passes(first).drops(read, "PDU_MALFORMED").end()
    Case("awaited_number_begun_again").passes(read).drops(first, "PDU_MALFORMED").end()
    acked = Case("segment_acks").passes(first).answers(npdu_reply("41 07 00 04"))
    acked.drops(npdu_reply("40 07 00 04"), "FUNCTION_NOT_PERMITTED")
    acked.answers(npdu_reply("71 07 00")).end()
    read = confirmed(14, "0c 02000007 1e 09 08 1f", 3)
    parts = [npdu_reply("3c 03 00 04 0e 0c 02000007 1e 29 4d 4e"), npdu_reply("38 03 01 04 0e 21 01 4f 1f")]
    long = Case("answer_in_segments").passes(read).answers(parts[0]).passes(npdu("40 03 00 04"))
    long.answers(parts[1]).passes(npdu("40 03 01 04")).drops(parts[1], "RESPONSE_UNSOLICITED", AHU, BMS).end()


dialogues()
writes()
envelopes()
in_segments()
