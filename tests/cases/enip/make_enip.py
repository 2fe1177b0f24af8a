#!/usr/bin/env python3
"""Makes the case folders of EtherNet/IP: policy.txtpb, send.pcap, expect.json. What is expected was thought
out from the policy and the CIP specification, never taken from a run."""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from conversation import CLIENT, SERVER, Conversation, net  # noqa: E402

PORT, IO_PORT = 44818, 2222
POLICY = """policy { name: "case" version: 1 }
zone { id: "a" port: "up" asset { id: "scada" ipv4: "10.0.7.10" } }
zone { id: "b" port: "down" asset { id: "plc" ipv4: "10.0.7.1" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow {
      id: "session" reason: "r" client: "scada" server: "plc" enip { access: SESSION access: DISCOVER }
    }
    allow { id: "read" reason: "r" client: "scada" server: "plc" enip { access: READ tag_prefix: "Line." } }
    allow {
      id: "speed" reason: "r" client: "scada" server: "plc"
      enip { function: WRITE_TAG tag: "Line.Speed" element { first: 0 } value { min: 0 max: 1500 } }
    }
    allow {
      id: "slot" reason: "r" client: "scada" server: "plc"
      enip { function: UNCONNECTED_SEND function: FORWARD_OPEN route: "1/0" }
    }
    allow {
      id: "io" reason: "r" client: "scada" server: "plc"
      enip {
        function: FORWARD_OPEN object: ASSEMBLY connection_point { first: 100 } produced_point { first: 101 }
        interval { first: 10000 last: 100000 }
      }
    }
  }
}
"""


def encapsulated(command, data=b"", context=1, status=0, session=0x11223344):
    return struct.pack("<HHIIQI", command, len(data), session, status, context, 0) + data


def unconnected(message, context=1):
    return encapsulated(0x6F, bytes.fromhex("00000000 0a00 0200 0000 0000 b200") +
                        struct.pack("<H", len(message)) + message, context)


def connected(identifier, count, message):
    return encapsulated(0x70, bytes.fromhex("00000000 0000 0200 a100 0400") +
                        struct.pack("<IHHH", identifier, 0xB1, len(message) + 2, count) + message, 0)


def io(identifier, data=bytes.fromhex("0100 aabb")):
    return struct.pack("<HHHIIHH", 2, 0x8002, 8, identifier, 1, 0xB1, len(data)) + data


def message(service, path, data=b""):
    return bytes([service, len(path) // 2]) + path + data


def reply(service, data=b"", status=0):
    return bytes([service | 0x80, 0, status, 0]) + data


def tag(name):
    out = b""
    for part in name.split("."):
        out += bytes([0x91, len(part)]) + part.encode() + b"\0" * (len(part) % 2)
    return out


def read(name, count=1):
    return message(0x4C, tag(name), struct.pack("<H", count))


def write(name, *values):
    return message(0x4D, tag(name), struct.pack(f"<HH{len(values)}h", 0xC3, len(values), *values))


def packet_data(messages):
    offsets, at = [], 2 + 2 * len(messages)
    for one in messages:
        offsets.append(at)
        at += len(one)
    return struct.pack(f"<H{len(offsets)}H", len(offsets), *offsets) + b"".join(messages)


def packet(*messages):
    return message(0x0A, ROUTER, packet_data(messages))


def routed(inner, route=bytes([1, 0])):
    data = struct.pack("<BBH", 10, 14, len(inner)) + inner + b"\0" * (len(inner) % 2)
    return message(0x52, MANAGER, data + bytes([len(route) // 2, 0]) + route)


def forward_open(path, transport=0x01, interval=20000, parameters=0x4822):
    data = struct.pack("<BBIIHHIB3xIHIHBB", 10, 14, 0, 1, 7, 77, 0x12345678, 2, interval, parameters,
                       interval, parameters, transport, len(path) // 2)
    return message(0x54, MANAGER, data + path)


def opened_reply(sent, received):
    return reply(0x54, struct.pack("<IIHHIIIBB", sent, received, 7, 77, 0x12345678, 20000, 20000, 0, 0))


ROUTER, MANAGER = bytes.fromhex("20022401"), bytes.fromhex("20062401")
REGISTER = encapsulated(0x65, bytes.fromhex("01000000"), session=0)
REGISTERED = encapsulated(0x65, bytes.fromhex("01000000"))
POLL = unconnected(read("Line.Speed"))
POLLED = unconnected(reply(0x4C, bytes.fromhex("c300 e803")))
TOO_FAST = write("Line.Speed", 1501)
ASSEMBLIES = bytes.fromhex("2004 2466 2c64 2c65")
EXPLICIT = bytes.fromhex("0100 2002 2401")


class Case(Conversation):
    def __init__(self, name, register=True):
        super().__init__(HERE / "folders" / name, PORT, POLICY)
        if register:
            self.passes(REGISTER).answered(REGISTERED)

    def datagram(self, up, octets, ports=(IO_PORT, IO_PORT)):
        ends = (CLIENT, SERVER) if up else (SERVER, CLIENT)
        self.add(up, net.udp(*ends, *ports, octets))
        return self

    def answered(self, octets):
        return self.answer(octets).expect("forward")

    def refused(self, message_octets, reason):
        return self.ask(unconnected(message_octets)).expect("refuse", reason)

    def malformed(self, octets):
        return self.ask(octets).expect("reset", "PDU_MALFORMED")


def dialogues():
    Case("poll").passes(POLL).answered(POLLED).end()
    Case("write_within_limits").passes(unconnected(write("Line.Speed", 1500))).answered(
        unconnected(reply(0x4D))).end()
    case = Case("write_too_high").refused(TOO_FAST, "VALUE_NOT_PERMITTED")
    case.passes(unconnected(read("Line.Speed"), 2))
    case.answered(unconnected(reply(0x4C, bytes.fromhex("c300 e803")), 2)).end()
    Case("write_of_a_second_element").refused(write("Line.Speed", 1, 2), "OBJECT_NOT_PERMITTED").end()
    Case("another_tag").refused(write("Line.Mode", 1), "OBJECT_NOT_PERMITTED").end()
    Case("reset_of_the_device").refused(message(5, bytes.fromhex("20012401")),
                                        "FUNCTION_NOT_PERMITTED").end()
    Case("same_code_of_another_class").refused(message(0x4D, bytes.fromhex("20042401")),
                                               "FUNCTION_NOT_PERMITTED").end()
    Case("answer_without_a_question").answer(POLLED).expect("discard", "RESPONSE_UNSOLICITED").end()
    other = unconnected(reply(0x4C, bytes.fromhex("c300 e803")), 2)
    Case("answer_to_another_context").passes(POLL).answer(other).expect(
        "discard", "RESPONSE_UNSOLICITED").end()
    Case("answer_of_another_service").passes(POLL).answer(unconnected(reply(0x4D))).expect(
        "discard", "RESPONSE_MISMATCHED").end()
    Case("another_session").malformed(encapsulated(0x6F, POLL[24:], session=0x55)).end()
    Case("read_without_a_session", register=False).malformed(POLL).end()
    Case("read_before_the_session_is_given", register=False).passes(REGISTER).malformed(POLL).end()
    Case("read_behind_the_session").ask(encapsulated(0x66)).expect("forward", delivered=encapsulated(
        0x66)).malformed(POLL).end()
    Case("unknown_command").ask(encapsulated(0x72)).expect("refuse", "FUNCTION_NOT_PERMITTED").end()
    Case("web_page", register=False).ask(b"GET / HTTP/1.0\r\n\r\n").expect("reset", "PROTOCOL_MISMATCH").end()


def nestings():
    inside = routed(packet(read("Line.Speed"), TOO_FAST, read("Line.Speed")))
    Case("write_in_a_packet_in_an_unconnected_send").refused(inside, "VALUE_NOT_PERMITTED").end()
    good = unconnected(routed(packet(read("Line.Speed"), write("Line.Speed", 5))))
    Case("permitted_packet_in_an_unconnected_send").passes(good).answered(
        unconnected(reply(0x0A, packet_data([reply(0x4C, bytes.fromhex("c300 e803")), reply(0x4D)])))).end()
    twice = packet(packet(read("Line.Speed"), TOO_FAST))
    Case("packet_in_a_packet").refused(twice, "VALUE_NOT_PERMITTED").end()
    Case("nested_too_deep").malformed(unconnected(packet(packet(packet(read("Line.Speed")))))).end()
    Case("another_route").refused(routed(read("Line.Speed"), bytes([1, 3])), "OBJECT_NOT_PERMITTED").end()
    Case("beyond_the_next_device").refused(routed(read("Line.Speed"), bytes([1, 0, 2, 5])),
                                           "OBJECT_NOT_PERMITTED").end()
    Case("send_within_a_send").malformed(unconnected(routed(routed(read("Line.Speed"))))).end()
    # A device that goes by the last class of a path forwards what is inside.
    within = bytes.fromhex("2068 2401") + MANAGER
    hidden = message(0x52, within, routed(TOO_FAST)[6:])
    Case("send_to_an_object_within_another").malformed(unconnected(hidden)).end()
    first, second = read("Line.Speed"), TOO_FAST
    for name, offsets in [("overlapping_offsets", (6, 6 + len(first) - 4)),
                          ("offsets_twice_the_same", (6, 6)),
                          ("offsets_out_of_order", (6 + len(first), 6)),
                          ("gap_before_the_first", (8, 6 + len(first))),
                          ("offset_behind_the_end", (6, 400))]:
        data = struct.pack("<HHH", 2, *offsets) + first + second
        Case(name).malformed(unconnected(message(0x0A, ROUTER, data))).end()
    # The offsets go together, but the first service then has octets that it cannot have.
    data = struct.pack("<HHH", 2, 6, 6 + len(first) + 2) + first + b"\0\0" + second
    Case("gap_between_services").malformed(unconnected(message(0x0A, ROUTER, data))).end()
    whole = unconnected(inside)
    for place in (1, 2, 23, 24, 40, 52, 60, len(whole) - 1):
        Case(f"nested_write_cut_at_{place:02}").ask(whole[:place], whole[place:]).expect(
            "refuse", "VALUE_NOT_PERMITTED").end()


def connections():
    opening = unconnected(forward_open(ASSEMBLIES))
    opened = unconnected(opened_reply(0x500, 0x600))
    case = Case("io_of_a_permitted_connection").passes(opening).answered(opened)
    case.datagram(True, io(0x500)).expect("forward").datagram(False, io(0x600)).expect("forward")
    case.datagram(True, io(0x600)).expect("drop", "ASSOCIATION_UNKNOWN")
    case.datagram(True, io(0x501)).expect("drop", "ASSOCIATION_UNKNOWN").end()
    Case("io_without_a_connection").datagram(True, io(0x500)).expect("drop", "ASSOCIATION_UNKNOWN").end()
    case = Case("io_before_the_answer").passes(opening).datagram(True, io(0x500))
    case.expect("drop", "ASSOCIATION_UNKNOWN").end()
    case = Case("octets_behind_io").passes(opening).answered(opened)
    case.datagram(True, io(0x500) + b"\0").expect("drop", "DATAGRAM_TRAILING_BYTES").end()
    Case("io_of_another_point").refused(forward_open(bytes.fromhex("2004 2466 2c65 2c65")),
                                        "OBJECT_NOT_PERMITTED").end()
    Case("io_too_often").refused(forward_open(ASSEMBLIES, interval=1000), "OBJECT_NOT_PERMITTED").end()
    explicit = unconnected(forward_open(EXPLICIT, transport=0xA3))
    case = Case("connected_messages").passes(explicit).answered(opened)
    case.passes(connected(0x500, 1, read("Line.Speed")))
    case.answered(connected(0x600, 1, reply(0x4C, bytes.fromhex("c300 e803"))))
    case.ask(connected(0x500, 2, packet(read("Line.Speed"), TOO_FAST)))
    case.expect("refuse", "VALUE_NOT_PERMITTED")
    case.passes(connected(0x500, 3, read("Line.Speed"))).end()
    Case("connected_without_a_connection").ask(connected(0x500, 1, read("Line.Speed"))).expect(
        "reset", "ASSOCIATION_UNKNOWN").end()
    Case("opening_in_a_packet").malformed(unconnected(packet(forward_open(ASSEMBLIES)))).end()


dialogues()
nestings()
connections()
