#!/usr/bin/env python3
"""Makes the case folders of S7comm: policy.txtpb, send.pcap, expect.json. What is expected was thought out
from the policy and protocols/s7comm/README.md, never taken from a run."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from conversation import Conversation  # noqa: E402

PORT = 102
POLICY = """policy { name: "case" version: 1 }
zone { id: "a" port: "up" asset { id: "panel" ipv4: "10.0.7.10" } }
zone { id: "b" port: "down" asset { id: "cpu" ipv4: "10.0.7.1" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow {
      id: "session" reason: "r" client: "panel" server: "cpu"
      s7comm { slot { first: 2 } connection_type: PG access: SESSION }
    }
    allow {
      id: "read" reason: "r" client: "panel" server: "cpu"
      s7comm {
        slot { first: 2 } access: READ area: DATA_BLOCKS db { first: 1 last: 9 } byte { first: 0 last: 99 }
      }
    }
    allow {
      id: "write" reason: "r" client: "panel" server: "cpu"
      s7comm {
        slot { first: 2 } function: WRITE_VAR area: DATA_BLOCKS db { first: 10 } byte { first: 0 last: 99 }
        value { max: 100 }
      }
    }
    allow {
      id: "buttons" reason: "r" client: "panel" server: "cpu"
      s7comm { slot { first: 2 } function: WRITE_VAR area: MERKERS bit { first: 800 last: 801 } }
    }
    allow {
      id: "status" reason: "r" client: "panel" server: "cpu"
      s7comm { slot { first: 2 } function: READ_SZL szl_id { first: 0x11 } }
    }
    allow {
      id: "recipe" reason: "r" client: "panel" server: "cpu"
      s7comm { slot { first: 2 } access: PROGRAM db { first: 20 } }
    }
  }
  direction {
    from: "b" to: "a"
    allow {
      id: "values" reason: "r" client: "panel" server: "cpu"
      s7comm { slot { first: 2 } function: CYCLIC_TRANSFER }
    }
  }
}
"""


def octets(text):
    return bytes.fromhex(text)


def tpdus(tsdu, piece=4000):
    """The TPKTs, one DT each, that carry a TSDU."""
    parts = [tsdu[at:at + piece] for at in range(0, len(tsdu), piece)]
    return [b"\x03\x00" + (len(part) + 7).to_bytes(2, "big") + b"\x02\xf0" +
            (b"\x80" if number == len(parts) - 1 else b"\x00") + part for number, part in enumerate(parts)]


def control(text):
    tpdu = octets(text)
    return b"\x03\x00" + (len(tpdu) + 5).to_bytes(2, "big") + bytes([len(tpdu)]) + tpdu


def tsdu(rosctr, parameter, data="", reference=7, error=None):
    parameter, data = octets(parameter), octets(data)
    head = bytes([0x32, rosctr, 0, 0]) + reference.to_bytes(2, "big")
    head += len(parameter).to_bytes(2, "big") + len(data).to_bytes(2, "big")
    return head + (b"" if error is None else error.to_bytes(2, "big")) + parameter + data


def job(*arguments, **options):
    return b"".join(tpdus(tsdu(1, *arguments, **options)))


def done(*arguments, **options):
    return b"".join(tpdus(tsdu(3, *arguments, **options, error=0)))


def userdata(*arguments, **options):
    return b"".join(tpdus(tsdu(7, *arguments, **options)))


def item(db, byte, count=1, size=2, area=0x84, bit=0):
    return f"120a10{size:02x}{count:04x}{db:04x}{area:02x}{byte * 8 + bit:06x}"


def writes(values, db=10):
    """A write of one byte each, from byte 0 on."""
    parameter = f"05{len(values):02x}" + "".join(item(db, byte) for byte in range(len(values)))
    data = "00".join(f"00040008{value:02x}" for value in values)
    return parameter, data


CONNECT = control("e0 0000 0001 00 c0010a c1020100 c2020102")
CONFIRM = control("d0 0001 0003 00 c0010a c1020100 c2020102")
READ = job("0401" + item(1, 0, 4))
READ_ANSWER = done("0401", "ff04002001020304")
FORBIDDEN_READ = job("0401" + item(11, 0, 4))
STOP = job("290000000000 09 505f50524f4752414d")
EMPTY = octets("0300000702f000")
BLOCK_20, BLOCK_21 = "5f3041303030323050", "5f3041303030323150"
LENGTHS = "0d 31303030353030303030343030"


def fetch(function, block=BLOCK_20, reference=1):
    return job(f"{function} 00 0000 00000000 09 {block}", reference=reference)


class Case(Conversation):
    def __init__(self, name, connected=True):
        super().__init__(HERE / "folders" / name, PORT, POLICY)
        if connected:
            self.passes(CONNECT).answer(CONFIRM).expect("forward")

    def told(self, payload, verdict="forward", reason="NONE"):
        return self.answer(payload).expect(verdict, reason)

    def refused(self, *segments, reason="OBJECT_NOT_PERMITTED"):
        return self.ask(*segments).expect("refuse", reason)

    def broken(self, *segments):
        return self.ask(*segments).expect("reset", "PDU_MALFORMED")


def dialogues():
    Case("read").passes(READ).told(READ_ANSWER).passes(EMPTY).passes(READ).end()
    Case("connect_to_another_slot", connected=False).refused(
        control("e0 0000 0001 00 c0010a c1020100 c2020103")).end()
    Case("two_destinations", connected=False).broken(
        control("e0 0000 0001 00 c2020102 c1020100 c2020103")).end()
    # Nothing was opened that could carry it, whatever the rules say of slots.
    Case("read_without_a_connection", connected=False).broken(READ).end()
    Case("read_before_the_confirm", connected=False).passes(CONNECT).broken(READ).end()
    Case("stop").refused(STOP, reason="FUNCTION_NOT_PERMITTED").passes(READ).end()
    burst = Case("middle_of_a_burst").ask(READ + STOP + FORBIDDEN_READ + READ)
    burst.expect("forward", delivered=READ).expect("refuse", "FUNCTION_NOT_PERMITTED")
    burst.expect("refuse", "OBJECT_NOT_PERMITTED").expect("forward", delivered=READ).end()
    parallel = Case("parallel_jobs").passes(job("0401" + item(1, 0), reference=1))
    parallel.passes(job("0401" + item(1, 0, 2), reference=2))
    parallel.told(done("0401", "ff0400100102", reference=2))
    parallel.told(done("0401", "ff04000801", reference=1)).end()
    for name, answer in [("answer_with_another_reference", done("0401", "ff04002001020304", reference=8)),
                         ("answer_longer_than_asked", done("0401", "ff0400280102030405"))]:
        reason = "RESPONSE_UNSOLICITED" if "reference" in name else "RESPONSE_MISMATCHED"
        Case(name).passes(READ).told(answer, "discard", reason).told(READ_ANSWER).end()
    Case("modbus", connected=False).ask(octets("000100000006010300000002")).expect(
        "reset", "PROTOCOL_MISMATCH").end()
    # There is no negative answer to it.
    Case("s7comm_plus").ask(b"".join(tpdus(octets("7201000a31000004bb0000000100" + "72010000")))).expect(
        "reset", "FUNCTION_NOT_PERMITTED").end()


def items():
    good = [1] * 20
    Case("twenty_bytes").passes(job(*writes(good))).told(done("0514", "ff" * 20)).end()
    Case("one_value_of_twenty_too_high").refused(job(*writes(good[:13] + [101] + good[14:])),
                                                 reason="VALUE_NOT_PERMITTED").end()
    parameter, data = writes(good)
    Case("one_item_of_twenty_elsewhere").refused(
        job(parameter.replace(item(10, 19), item(11, 19)), data)).end()
    Case("one_item_of_twenty_symbolic").refused(
        job(parameter.replace(item(10, 7), "120ab2ff0000000112345678"), data),
        reason="FUNCTION_NOT_PERMITTED").end()
    Case("one_value_too_few").broken(job(parameter, data[:-12])).end()
    Case("item_reaches_out_of_the_range").refused(job("0401" + item(1, 98, 3))).end()
    button = "0003000101"
    Case("next_bit").refused(job("0501" + item(0, 100, size=1, area=0x83, bit=2), button)).end()
    # A bit counted in bits: a server that looks at the item to tell octets from bits finds the second value 8
    # octets on, where the third one stands.
    Case("length_that_counts_two_ways").broken(
        job("0503" + item(0, 100, size=1, area=0x83) + item(10, 0) + item(0, 100, size=1, area=0x83, bit=1),
            "00040008010000040008050000040008ff")).end()
    Case("read_in_another_form").refused(job("0401 1207b0010400010010"),
                                         reason="FUNCTION_NOT_PERMITTED").end()


def lengths():
    whole = tsdu(1, "0401" + item(1, 0, 4))
    for name, at, value in [("parameter_length", 7, 13), ("data_length", 9, 1)]:
        changed = bytearray(whole)
        changed[at] = value
        Case(f"wrong_{name}").broken(b"".join(tpdus(bytes(changed)))).end()
    Case("wrong_tpdu_number").broken(READ[:6] + b"\x81" + READ[7:]).end()


def pieces():
    for size in (1, 16):
        parts = tpdus(tsdu(1, "0401" + item(11, 0, 4)), size)
        Case(f"forbidden_in_tpdus_of_{size}").refused(b"".join(parts)).passes(READ).end()
        good = tpdus(tsdu(1, "0401" + item(1, 0, 4)), size)
        if size == 1:
            Case(f"permitted_in_tpdus_of_{size}").passes(*good).told(READ_ANSWER).end()
    parts = tpdus(tsdu(1, "0401" + item(11, 0, 4)), 5)
    Case("forbidden_in_tpdus_apart").refused(*parts).end()
    Case("empty_tpdus_between").refused(parts[0] + EMPTY + b"".join(parts[1:])).end()
    Case("connect_between_tpdus").broken(parts[0] + CONNECT + b"".join(parts[1:])).end()
    for place in (8,):
        Case(f"read_cut_at_{place:02}").passes(READ[:place], READ[place:]).end()
    # Nothing of a cut PDU leaves before it is whole, so that it can be refused at every place.
    for place in (1, 18):
        Case(f"stop_cut_at_{place:02}").refused(STOP[:place], STOP[place:],
                                                reason="FUNCTION_NOT_PERMITTED").end()


def blocks():
    request = job(f"1a 00 0100 00000000 09 {BLOCK_20} {LENGTHS}")
    whole = Case("download").passes(request).told(done("1a")).told(fetch("1b"))
    whole.passes(done("1b01", "000300fb 70700a", reference=1)).told(fetch("1c", reference=3))
    whole.passes(done("1c", reference=3)).passes(
        job("28 000000000000fd 000a 0100 3041303030323050 05 5f494e5345")).end()
    Case("download_of_another_block").refused(job(f"1a 00 0100 00000000 09 {BLOCK_21} {LENGTHS}")).end()
    Case("fetch_of_another_block").passes(request).told(
        fetch("1b", BLOCK_21), "discard", "UNSOLICITED_NOT_PERMITTED").end()
    Case("content_that_nobody_fetched").passes(request).broken(
        done("1b01", "000300fb 70700a", reference=1)).end()
    Case("delete_of_two_blocks").refused(
        job("28 000000000000fd 0012 0200 3041303030323050 3041303030323150 05 5f44454c45")).end()


def told_unasked():
    Case("cyclic_values").told(userdata("00011208120201010000 0000", "ff0900020000", reference=0)).end()
    Case("variables_unasked").told(userdata("00011208120102010000 0000", "ff0900020000", reference=0),
                                   "discard", "UNSOLICITED_NOT_PERMITTED").end()
    szl = userdata("0001120411440100", "ff090004 0011 0000")
    Case("status_list").passes(szl).told(
        userdata("00011208128401010000 0000", "ff090004 0011 0000")).end()
    more = userdata("00011208124401050000 0000", "0a000000", reference=8)
    parts = Case("status_list_in_parts").passes(szl).told(
        userdata("00011208128401 05 d5 01 0000", "ff090004 0011 0000"))
    parts.passes(more).told(userdata("00011208128401 05 d5 00 0000", "ff090002 0000", reference=8)).end()
    Case("part_of_no_status_list").refused(more).end()


dialogues()
items()
lengths()
pieces()
blocks()
told_unasked()
