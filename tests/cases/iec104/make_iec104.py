#!/usr/bin/env python3
"""Makes the case folders of IEC 104: policy.txtpb, send.pcap, expect.json. What is expected was thought out
from the policy and IEC 60870-5-104, never taken from a run."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from conversation import Conversation  # noqa: E402

PORT = 2404
POLICY = """policy { name: "case" version: 1 }
zone { id: "a" port: "up" asset { id: "centre" ipv4: "10.0.7.10" } }
zone { id: "b" port: "down" asset { id: "station" ipv4: "10.0.7.1" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
    allow {
      id: "link" reason: "r" client: "centre" server: "station"
      iec104 { function: STARTDT function: TESTFR }
    }
    allow {
      id: "read" reason: "r" client: "centre" server: "station"
      iec104 { common_address { first: 1 } access: READ }
    }
    allow {
      id: "breaker" reason: "r" client: "centre" server: "station"
      iec104 {
        common_address { first: 1 } function: C_SC_NA_1 object_address { first: 5001 last: 5002 }
        cause: ACTIVATION select: SELECT select: EXECUTE_SELECTED qualifier { first: 0 } test: 0
      }
    }
    allow {
      id: "horn" reason: "r" client: "centre" server: "station"
      iec104 { common_address { first: 1 } function: C_DC_NA_1 object_address { first: 5010 } }
    }
    allow {
      id: "setpoint" reason: "r" client: "centre" server: "station"
      iec104 {
        common_address { first: 1 } function: C_SE_NC_1 object_address { first: 6001 }
        value { min: 0 max: 100 }
      }
    }
  }
  direction {
    from: "b" to: "a"
    allow {
      id: "tell" reason: "r" client: "centre" server: "station"
      iec104 {
        common_address { first: 1 } access: READ object_address { first: 0 last: 99 }
        cause: PERIODIC cause: SPONTANEOUS cause: INITIALIZED
      }
    }
    allow { id: "test" reason: "r" client: "centre" server: "station" iec104 { function: TESTFR } }
  }
}
"""

STARTDT, STARTDT_CON, STOPDT, TESTFR, TESTFR_CON = 0x07, 0x0B, 0x13, 0x43, 0x83

POLL = "64 01 06 00 0100 000000 14"
POLL_CON = "64 01 07 00 0100 000000 14"
POLL_END = "64 01 0a 00 0100 000000 14"
POLL_DATA = "01 83 14 00 0100 0a0000 01 00 01"
SELECT = "2d 01 06 00 0100 891300 81"
EXECUTE = "2d 01 06 00 0100 891300 01"
HORN = "2e 01 06 00 0100 921300 01"
RESET_PROCESS = "69 01 06 00 0100 000000 01"
EVENT = "01 01 03 00 0100 0a0000 01"


def answer(asdu, cause):
    """The mirror of a command with another cause."""
    octets = bytearray(bytes.fromhex(asdu))
    octets[2] = cause
    return octets.hex()


def sequence(number):
    return (number << 1 & 0xFFFF).to_bytes(2, "little")


def i_frame(asdu, send, receive):
    asdu = bytes.fromhex(asdu)
    return bytes([0x68, 4 + len(asdu)]) + sequence(send) + sequence(receive) + asdu


def s_frame(receive):
    return bytes([0x68, 4, 1, 0]) + sequence(receive)


def u_frame(control):
    return bytes([0x68, 4, control, 0, 0, 0])


class Case(Conversation):
    """`sent`, `told`: I-frames of client and server, as each counts its own; `gone` of the client's did not
    pass, and `put` refusals reached it in the server's name. `known`: those of the server's that it knows to
    be acknowledged. What is taken out acknowledges no longer and is not acknowledged by its receiver: an
    S-frame says it to the server, as far as the client has acknowledged all in front of it (5.2)."""

    def __init__(self, name, start=True):
        super().__init__(HERE / "folders" / name, PORT, POLICY)
        self.sent, self.gone, self.told, self.put, self.known = 0, 0, 0, 0, 0
        if start:
            self.raw(u_frame(STARTDT)).expect("forward", delivered=u_frame(STARTDT))
            self.raw(u_frame(STARTDT_CON), up=False).expect("forward")

    def raw(self, *segments, up=True):
        for octets in segments:
            (self.ask if up else self.answer)(octets)
        return self

    def frame(self, asdu):
        """The client's next I-frame, and as the server has to get it."""
        own = i_frame(asdu, self.sent, self.told + self.put)
        arriving = i_frame(asdu, self.sent - self.gone, self.told)
        self.sent += 1
        return own, arriving

    def passes(self, asdu, cut=None):
        own, arriving = self.frame(asdu)
        self.known = self.told
        segments = [own] if cut is None else [own[:cut], own[cut:]]
        return self.raw(*segments).expect("forward", delivered=arriving)

    def catch_up(self):
        """What the server has to be told beside the client's frames."""
        late = self.known != self.told
        self.known = self.told
        return s_frame(self.told) if late else b""

    def refused(self, asdu, reason, cut=None, verdict="refuse"):
        own, _ = self.frame(asdu)
        self.gone += 1
        self.put += verdict == "refuse"
        segments = [own] if cut is None else [own[:cut], own[cut:]]
        return self.raw(*segments).expect(verdict, reason, self.catch_up())

    def malformed(self, asdu):
        return self.raw(self.frame(asdu)[0]).expect("reset", "PDU_MALFORMED")

    def tells(self, asdu, verdict="forward", reason="NONE"):
        self.raw(i_frame(asdu, self.told, self.sent - self.gone), up=False)
        covered = verdict == "discard" and self.known == self.told
        self.told += 1
        return self.expect(verdict, reason, self.catch_up() if covered else b"")


def link():
    Case("data_before_start", start=False).malformed(POLL).end()
    early = Case("data_before_start_is_confirmed", start=False)
    early.raw(u_frame(STARTDT)).expect("forward", delivered=u_frame(STARTDT)).malformed(POLL).end()
    Case("start_without_act", start=False).raw(u_frame(STARTDT_CON), up=False).expect(
        "discard", "UNSOLICITED_NOT_PERMITTED").end()
    Case("stop_is_denied").raw(u_frame(STOPDT)).expect("discard", "FUNCTION_NOT_PERMITTED").passes(POLL).end()
    Case("test").raw(u_frame(TESTFR)).expect("forward", delivered=u_frame(TESTFR)).raw(
        u_frame(TESTFR_CON), up=False).expect("forward").raw(u_frame(TESTFR_CON), up=False).expect(
            "discard", "UNSOLICITED_NOT_PERMITTED").end()
    Case("test_by_the_station").raw(u_frame(TESTFR), up=False).expect("forward").raw(
        u_frame(TESTFR_CON)).expect("forward", delivered=u_frame(TESTFR_CON)).end()
    Case("start_by_the_station").raw(u_frame(STARTDT), up=False).expect("reset", "PDU_MALFORMED").end()
    Case("two_functions_in_one_frame").raw(u_frame(TESTFR | STOPDT)).expect("reset", "PDU_MALFORMED").end()
    Case("command_in_a_test_frame").raw(bytes([0x68, 14, TESTFR, 0, 0, 0]) + bytes.fromhex(HORN)).expect(
        "reset", "PDU_MALFORMED").end()
    Case("modbus", start=False).raw(bytes.fromhex("000100000006010300000002")).expect(
        "reset", "PROTOCOL_MISMATCH").end()


def numbers():
    Case("number_left_out").passes(POLL).raw(i_frame(POLL, 2, 0)).expect("reset", "PDU_MALFORMED").end()
    Case("number_sent_again").passes(POLL).raw(i_frame(POLL, 0, 0)).expect("reset", "PDU_MALFORMED").end()
    Case("acknowledges_what_was_not_sent").raw(s_frame(1)).expect("reset", "PDU_MALFORMED").end()
    Case("acknowledgement").tells(EVENT).tells(EVENT).raw(s_frame(2)).expect(
        "forward", delivered=s_frame(2)).raw(s_frame(1)).expect("reset", "PDU_MALFORMED").end()
    window = Case("window")
    for _ in range(64):
        window.passes(POLL if window.sent % 2 else "66 01 05 00 0100 0a0000")
        # Answered, but never acknowledged.
        asdu = answer(POLL, 0x47) if window.sent % 2 == 0 else "01 01 05 00 0100 0a0000 01"
        window.raw(i_frame(asdu, window.told, 0), up=False).expect("forward")
        window.told += 1
        window.raw(s_frame(window.told)).expect("forward", delivered=s_frame(window.told))
    window.malformed(POLL).end()


def interrogation():
    good = Case("interrogation").passes(POLL).tells(POLL_CON).tells(POLL_DATA).tells(POLL_END)
    good.tells(POLL_DATA, "discard", "RESPONSE_UNSOLICITED").end()
    Case("data_without_interrogation").tells(POLL_DATA, "discard", "RESPONSE_UNSOLICITED").end()
    Case("data_of_another_group").passes(POLL).tells(POLL_DATA.replace(" 14 ", " 15 "), "discard",
                                                     "RESPONSE_UNSOLICITED").end()
    Case("refused_by_the_station").passes(POLL).tells(answer(POLL, 0x47)).tells(
        POLL_DATA, "discard", "RESPONSE_UNSOLICITED").end()
    Case("interrogation_of_all").refused(POLL.replace("0100", "ffff"), "OBJECT_NOT_PERMITTED").passes(
        POLL).end()
    Case("freeze_counters").refused("65 01 06 00 0100 000000 45", "FUNCTION_NOT_PERMITTED").end()
    Case("events").tells(EVENT).tells("0d 01 01 00 0100 0b0000 0000c03f 00").tells(
        "46 01 04 00 0100 000000 00").end()
    Case("event_elsewhere").tells("01 02 03 00 0100 0a0000 01 c80000 01", "discard",
                                  "OBJECT_NOT_PERMITTED").end()
    Case("event_elsewhere_in_sequence").tells("01 83 03 00 0100 620000 01 00 01", "discard",
                                              "OBJECT_NOT_PERMITTED").end()
    Case("event_of_a_cause_without_rule").tells("01 01 02 00 0100 0a0000 01", "discard",
                                                "OBJECT_NOT_PERMITTED").end()
    Case("command_by_the_station").tells(EXECUTE, "discard", "UNSOLICITED_NOT_PERMITTED").end()


def commands():
    Case("select_and_execute").passes(SELECT).tells(answer(SELECT, 7)).passes(EXECUTE).tells(
        answer(EXECUTE, 7)).tells(answer(EXECUTE, 10)).tells(
            answer(EXECUTE, 10), "discard", "UNSOLICITED_NOT_PERMITTED").end()
    Case("execute_alone").refused(EXECUTE, "OBJECT_NOT_PERMITTED").end()
    Case("execute_before_the_confirmation").passes(SELECT).refused(EXECUTE, "OBJECT_NOT_PERMITTED").end()
    for name, asdu in [("execute_another", "2d 01 06 00 0100 8a1300 01"),
                       ("execute_the_opposite", "2d 01 06 00 0100 891300 00"),
                       ("execute_as_a_test", "2d 01 86 00 0100 891300 01")]:
        Case(name).passes(SELECT).tells(answer(SELECT, 7)).refused(asdu, "OBJECT_NOT_PERMITTED").end()
    Case("execute_twice").passes(SELECT).tells(answer(SELECT, 7)).passes(EXECUTE).tells(
        answer(EXECUTE, 7)).refused(EXECUTE, "OBJECT_NOT_PERMITTED").end()
    Case("select_refused_by_the_station").passes(SELECT).tells(answer(SELECT, 0x47)).refused(
        EXECUTE, "OBJECT_NOT_PERMITTED").end()
    Case("direct_command").passes(HORN).tells(answer(HORN, 7)).end()
    Case("confirmation_of_another_state").passes(HORN).tells("2e 01 07 00 0100 921300 02", "discard",
                                                              "RESPONSE_MISMATCHED").end()
    Case("set_point").passes("32 01 06 00 0100 711700 0000c842 00").end()
    Case("set_point_too_high").refused("32 01 06 00 0100 711700 0100c842 00", "VALUE_NOT_PERMITTED").end()
    Case("set_point_not_a_number").refused("32 01 06 00 0100 711700 0000c07f 00", "VALUE_NOT_PERMITTED").end()
    Case("reset_process").refused(RESET_PROCESS, "FUNCTION_NOT_PERMITTED").passes(POLL).end()
    Case("unknown_type").refused("29 01 06 00 0100 0a0000 01", "FUNCTION_NOT_PERMITTED").passes(POLL).end()
    Case("unknown_cause").refused("2e 01 3f 00 0100 921300 01", "FUNCTION_NOT_PERMITTED").passes(POLL).end()
    Case("negative_command").refused("2e 01 46 00 0100 921300 01", "FUNCTION_NOT_PERMITTED").end()
    Case("command_to_all").refused(HORN.replace("0100", "ffff"), "FUNCTION_NOT_PERMITTED").end()
    Case("file_segment").refused("7d 01 0d 00 0100 0a0000 0700 01 01 41", "FUNCTION_NOT_PERMITTED",
                                 verdict="discard").passes(POLL).end()
    for name, asdu in [("two_commands_in_one", "2e 02 06 00 0100 921300 01 931300 01"),
                       ("command_in_sequence", "2e 81 06 00 0100 921300 01"),
                       ("octet_behind_the_command", HORN + "00"),
                       ("common_address_of_one_octet", "2e 01 06 00 01 921300 01"),
                       ("double_command_of_no_state", "2e 01 06 00 0100 921300 00")]:
        Case(name).malformed(asdu).end()


def renumbered():
    """Later frames are numbered as if what was refused had never been."""
    case = Case("refused_and_renumbered").passes(POLL).tells(POLL_CON)
    case.refused(RESET_PROCESS, "FUNCTION_NOT_PERMITTED").passes(HORN).tells(answer(HORN, 7))
    case.refused(RESET_PROCESS, "FUNCTION_NOT_PERMITTED").refused(EXECUTE, "OBJECT_NOT_PERMITTED")
    case.passes(POLL.replace(" 14", " 15")).end()
    many = Case("many_refused")
    for _ in range(8):
        many.refused(RESET_PROCESS, "FUNCTION_NOT_PERMITTED")
    many.passes(POLL).tells(POLL_CON).end()
    gone = Case("event_taken_out").tells("01 01 03 00 0100 c80000 01", "discard", "OBJECT_NOT_PERMITTED")
    gone.told, frame = 0, i_frame(POLL, 0, 0)  # the client has not got it
    gone.raw(frame).expect("forward", delivered=i_frame(POLL, 0, 1)).end()
    burst = Case("middle_of_a_burst")
    octets, arriving = zip(*(burst.frame(asdu) for asdu in (POLL, RESET_PROCESS, HORN)))
    burst.raw(b"".join(octets)).expect("forward", delivered=arriving[0])
    burst.expect("refuse", "FUNCTION_NOT_PERMITTED").expect("forward", delivered=i_frame(HORN, 1, 0)).end()


def cuts():
    size = len(i_frame(POLL, 0, 0))
    case = Case("interrogation_cut_everywhere")
    for place in range(1, size):
        case.passes(POLL, cut=place)
    case.end()
    # Nothing of a cut APDU leaves before it is whole, so that it can be refused at every place.
    for place in range(1, size):
        Case(f"reset_process_cut_at_{place:02}").refused(
            RESET_PROCESS, "FUNCTION_NOT_PERMITTED", cut=place).passes(POLL).end()


link()
numbers()
interrogation()
commands()
renumbered()
cuts()
