#!/usr/bin/env python3
"""Makes the case folders of DNP3: policy.txtpb, send.pcap, expect.json. What is expected was thought out from
the policy and IEEE 1815, never taken from a run."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from conversation import Conversation  # noqa: E402

PORT = 20000
POLICY = """policy { name: "case" version: 1 }
zone { id: "a" port: "up" asset { id: "master" ipv4: "10.0.7.10" } }
zone { id: "b" port: "down" asset { id: "rtu" ipv4: "10.0.7.1" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow {
      id: "read" reason: "r" client: "master" server: "rtu"
      dnp3 { outstation { first: 10 } master { first: 1 } access: READ access: SESSION }
    }
    allow {
      id: "breaker" reason: "r" client: "master" server: "rtu"
      dnp3 {
        outstation { first: 10 } master { first: 1 }
        function: SELECT function: OPERATE function: DIRECT_OPERATE_NR
        object: CROB index { first: 4 last: 5 } control: LATCH_ON count { first: 1 }
      }
    }
    allow {
      id: "setpoint" reason: "r" client: "master" server: "rtu"
      dnp3 {
        outstation { first: 10 } master { first: 1 } function: DIRECT_OPERATE
        object: ANALOG_OUTPUT_INT16 index { first: 0 last: 31 } value { min: 0 max: 100 }
      }
    }
  }
  direction {
    from: "b" to: "a"
    allow {
      id: "tell" reason: "r" client: "master" server: "rtu"
      dnp3 {
        outstation { first: 10 } function: UNSOLICITED_RESPONSE group { first: 2 } index { first: 0 last: 7 }
      }
    }
  }
}
"""


def checksum(octets):
    state = 0
    for octet in octets:
        for bit in range(8):
            state = (state >> 1) ^ 0xA6BC if (state ^ octet >> bit) & 1 else state >> 1
    return (~state & 0xFFFF).to_bytes(2, "little")


def frame(control, destination, source, user=b""):
    header = bytes([5, 0x64, 5 + len(user), control])
    header += destination.to_bytes(2, "little") + source.to_bytes(2, "little")
    blocks = [user[at:at + 16] for at in range(0, len(user), 16)]
    return header + checksum(header) + b"".join(block + checksum(block) for block in blocks)


def frames(fragment, up=True, segment=249, station=10, master=1):
    out, parts = [], [fragment[at:at + segment] for at in range(0, len(fragment), segment)]
    for number, part in enumerate(parts):
        transport = (number == 0) << 6 | (number == len(parts) - 1) << 7 | number
        ends = (station, master) if up else (master, station)
        out.append(frame(0xC4 if up else 0x44, *ends, bytes([transport]) + part))
    return out


def ask(text, **options):
    return b"".join(frames(bytes.fromhex(text), **options))


def told(text, **options):
    return b"".join(frames(bytes.fromhex(text), up=False, **options))


def crob(index, control="03", count="01"):
    return f"0c0117 01 {index:02x} {control} {count} 00000000 00000000 00"


POLL = ask("c1 01 3c0206 3c0306 3c0406 3c0106")
POLL_ANSWER = told("c1 81 0000")
RESTART = ask("c2 0d")
OPERATE = "c4 04" + crob(4)


class Case(Conversation):
    def __init__(self, name):
        super().__init__(HERE / "folders" / name, PORT, POLICY)


def dialogues():
    Case("poll").passes(POLL).answer(POLL_ANSWER).expect("forward").end()
    Case("restart").ask(RESTART).expect("refuse", "FUNCTION_NOT_PERMITTED").passes(POLL).end()
    burst = Case("middle_of_a_burst").ask(POLL + RESTART + ask("c3 17") + POLL)
    burst.expect("forward", delivered=POLL).expect("refuse", "FUNCTION_NOT_PERMITTED")
    burst.expect("refuse", "FUNCTION_NOT_PERMITTED").expect("forward", delivered=POLL).end()
    Case("answer_without_a_question").answer(POLL_ANSWER).expect("discard", "RESPONSE_UNSOLICITED").end()
    other = Case("answer_with_another_sequence").passes(POLL)
    other.answer(told("c2 81 0000")).expect("discard", "RESPONSE_UNSOLICITED").end()
    parts = Case("answer_in_fragments").passes(POLL)
    for text in ("a1 81 0000", "22 81 0000", "63 81 0000"):
        parts.answer(told(text)).expect("forward")
        if text.startswith("a"):
            parts.passes(ask("c1 00"))
    parts.answer(told("64 81 0000")).expect("discard", "RESPONSE_UNSOLICITED").end()
    Case("state_of_the_link").passes(frame(0xC9, 10, 1)).answer(frame(0x0B, 1, 10)).expect("forward").end()
    Case("confirmation_of_nothing").ask(ask("c5 00")).expect("discard", "FUNCTION_NOT_PERMITTED").end()
    unsolicited = Case("unsolicited").answer(told("f5 82 0000 020117 01 03 81")).expect("forward")
    unsolicited.passes(ask("d5 00")).end()
    elsewhere = Case("unsolicited_elsewhere").answer(told("f5 82 0000 020117 02 03 81 08 81"))
    elsewhere.expect("discard", "OBJECT_NOT_PERMITTED").end()


def commands():
    Case("select_and_operate").passes(ask("c3 03" + crob(4))).answer(
        told("c3 81 0000" + crob(4))).expect("forward").passes(ask(OPERATE)).end()
    Case("operate_alone").ask(ask(OPERATE)).expect("refuse", "FUNCTION_NOT_PERMITTED").end()
    for name, operate in [("operate_another_point", "c4 04" + crob(5)), ("operate_more", OPERATE + crob(5)),
                          ("operate_twice", "c4 04" + crob(4, count="02")),
                          ("operate_later", "c5 04" + crob(4))]:
        case = Case(name).passes(ask("c3 03" + crob(4)))
        case.ask(ask(operate)).expect("refuse", "FUNCTION_NOT_PERMITTED").end()
    Case("select_forbidden_point").ask(ask("c3 03" + crob(6))).expect("refuse", "OBJECT_NOT_PERMITTED").end()
    Case("without_answer").ask(ask("c3 06" + crob(6))).expect("discard", "OBJECT_NOT_PERMITTED").end()
    Case("broadcast").ask(ask("c3 06" + crob(4), station=0xFFFF)).expect(
        "discard", "OBJECT_NOT_PERMITTED").end()
    Case("another_outstation").ask(ask("c3 06" + crob(4), station=11)).expect(
        "discard", "OBJECT_NOT_PERMITTED").end()
    Case("in_another_masters_name").ask(ask("c3 06" + crob(4), master=2)).expect(
        "discard", "OBJECT_NOT_PERMITTED").end()
    twenty = "c3 05 290217 14" + "".join(f"{index:02x} 6400 00" for index in range(20))
    Case("twenty_set_points").passes(ask(twenty)).end()
    one_of_twenty = twenty.replace("13 6400", "13 6500")
    Case("one_of_twenty_too_high").ask(ask(one_of_twenty)).expect("refuse", "VALUE_NOT_PERMITTED").end()
    second = "c3 05 290217 01 00 0100 00" + crob(4)
    Case("second_header_forbidden").ask(ask(second)).expect("refuse", "OBJECT_NOT_PERMITTED").end()
    one_read = ask("c3 01 3c0206")
    Case("write_behind_a_read").ask(one_read + ask("c4 02 500100 0707 00")).expect(
        "forward", delivered=one_read).expect("refuse", "FUNCTION_NOT_PERMITTED").end()


def segments():
    for size in (1, 5, 16):
        pieces = frames(bytes.fromhex("c3 06" + crob(6)), segment=size)
        Case(f"command_in_segments_of_{size}").ask(b"".join(pieces)).expect(
            "discard", "OBJECT_NOT_PERMITTED").end()
        Case(f"command_in_segments_of_{size}_apart").ask(*pieces).expect(
            "discard", "OBJECT_NOT_PERMITTED").end()
        good = frames(bytes.fromhex("c3 06" + crob(4)), segment=size)
        Case(f"permitted_in_segments_of_{size}").passes(*good).end()
    pieces = frames(bytes.fromhex("c3 06" + crob(4)), segment=9)
    broken = pieces[1][:-1] + bytes([pieces[1][-1] ^ 1])
    Case("wrong_checksum_in_the_second_segment").ask(pieces[0] + broken).expect(
        "reset", "PDU_MALFORMED").end()
    Case("first_segment_twice").ask(pieces[0] + pieces[0] + pieces[1]).expect("reset", "PDU_MALFORMED").end()
    Case("last_segment_alone").ask(pieces[1]).expect("reset", "PDU_MALFORMED").end()
    Case("link_frame_between_segments").ask(pieces[0] + frame(0xC9, 10, 1) + pieces[1]).expect(
        "reset", "PDU_MALFORMED").end()
    Case("wrong_header_checksum").ask(POLL[:8] + bytes([POLL[8] ^ 1]) + POLL[9:]).expect(
        "reset", "PDU_MALFORMED").end()
    Case("direction_of_an_outstation").ask(told("c1 01 3c0206")).expect("reset", "PDU_MALFORMED").end()
    Case("confirmed_user_data").ask(frame(0xF3, 10, 1, bytes.fromhex("c0 c1 01 3c0206"))).expect(
        "reset", "PDU_MALFORMED").end()
    Case("modbus").ask(bytes.fromhex("000100000006010300000002")).expect("reset", "PROTOCOL_MISMATCH").end()
    Case("octets_behind_the_objects").ask(ask("c3 06" + crob(4) + "00")).expect(
        "reset", "PDU_MALFORMED").end()


def cuts():
    for place in range(1, len(POLL)):
        Case(f"poll_cut_at_{place:02}").passes(POLL[:place], POLL[place:]).end()
    # Nothing of a cut PDU leaves before it is whole, so that it can be refused at every place.
    for place in range(1, len(RESTART)):
        Case(f"restart_cut_at_{place:02}").ask(RESTART[:place], RESTART[place:]).expect(
            "refuse", "FUNCTION_NOT_PERMITTED").end()


dialogues()
commands()
segments()
cuts()
