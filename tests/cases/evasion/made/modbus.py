"""Requests and answers that Modbus readers may understand in different ways (evasion list §9.2)."""

from talk import (COIL, COIL_REFUSED, READ, READ2, READ2_ANSWER, READ_ANSWER, WRITE, adu, discard,
                  exception, forward, opened, pdu, refuse, reset)

AP = "MODBUS Application Protocol V1.1b3 "
IG = "MODBUS Messaging on TCP/IP V1.0b "
BAD = "PDU_MALFORMED"


def one(name, what, reference, request, outcome, *reasons, code=1):
    """One request on a connection of its own."""
    case, flow = opened(name, what, reference)
    frame = flow.ask(request)
    if outcome is forward:
        case.expect([forward(frame)], server=request)
    elif outcome is refuse:
        case.expect([refuse(frame, *reasons)], client=exception(request, code))
    else:
        case.expect([outcome(frame, *reasons)])
    return case, frame


def malformed(name, what, reference, request):
    """Not well formed: kept away by a reset, or by the exception that a server would send."""
    case, frame = one(name, what, reference, request, reset, BAD, "PROTOCOL_MISMATCH")
    for code in (3, 1, 2):
        case.expect([refuse(frame, BAD)], client=exception(request, code))


def headers():
    mbap = IG + "§3.1.3"
    malformed("mbap_length_too_short", "the header's length ends inside a read", mbap,
              adu(pdu("03 0000 0002"), length=5))
    malformed("mbap_length_one_more", "the header's length holds an octet more than the read",
              mbap, adu(pdu("03 0000 0002 00")))
    malformed("mbap_length_hides_a_write", "the header's length swallows a second request", mbap,
              adu(pdu("03 0000 0002") + COIL))
    malformed("mbap_length_zero", "length 0: not even a unit", mbap, adu(pdu("03 0000 0002"), length=0))
    malformed("mbap_length_one", "length 1: no function", mbap, adu(pdu("03 0000 0002"), length=1))
    malformed("mbap_length_65535", "length 65535", mbap, adu(pdu("03 0000 0002"), length=65535))
    malformed("adu_over_260", "a request of 261 octets", IG + "§3.1.2",
              adu(pdu("10 0004 0001 02 0032") + bytes(254 - 8)))
    one("protocol_identifier", "protocol identifier 1", mbap, adu(pdu("03 0000 0002"), protocol=1), reset,
        "PROTOCOL_MISMATCH", BAD)
    case, flow = opened("protocol_identifier_later", "the second request of a connection has protocol "
                        "identifier 1",
                        mbap)
    first = flow.ask(READ)
    last = flow.ask(adu(COIL[7:], 3, protocol=1))
    case.expect([forward(first), reset(last, "PROTOCOL_MISMATCH", BAD)], server=READ)

    case, flow = opened("second_adu_forbidden", "a read and a write in one segment", IG + "§4.2")
    burst = flow.ask(READ + COIL)
    for client in (b"", COIL_REFUSED):
        case.expect([forward(burst), refuse(burst, "FUNCTION_NOT_PERMITTED")], server=READ, client=client)
    case, flow = opened("first_adu_forbidden", "a write and a read in one segment", IG + "§4.2")
    burst = flow.ask(COIL + READ)
    case.expect([refuse(burst, "FUNCTION_NOT_PERMITTED"), forward(burst)], server=READ, client=COIL_REFUSED)


def counts():
    fc16 = AP + "§6.12"
    for name, what, body in [
            ("byte_count_too_small", "two registers, a byte count of two, four octets",
             "10 0004 0002 02 00320032"),
            ("byte_count_too_large", "one register, a byte count of four", "10 0004 0001 04 00320065"),
            ("byte_count_unlike_octets", "two registers, a byte count of four, two octets",
             "10 0004 0002 04 0032"),
            ("octets_behind_the_values", "one register, two octets more", "10 0004 0001 02 0032 0065"),
            ("byte_count_odd", "a byte count of three", "10 0004 0001 03 003200"),
            ("quantity_zero", "no register at all", "10 0004 0000 00"),
            ("quantity_124", "one register more than the limit", "10 0004 007c f8" + "0032" * 124)]:
        malformed("write_" + name, what, fc16, adu(pdu(body)))
    fc15 = AP + "§6.11"
    malformed("coils_byte_count", "nine coils in one octet", fc15, adu(pdu("0f 0000 0009 01 ff")))
    malformed("coils_behind_the_last", "bits set behind the last coil", fc15, adu(pdu("0f 0000 0001 01 ff")))
    malformed("coil_value_between", "a coil value that is neither on nor off", AP + "§6.5",
              adu(pdu("05 0001 ff01")))
    malformed("read_quantity_zero", "a read of nothing", AP + "§6.3", adu(pdu("03 0000 0000")))
    malformed("read_quantity_126", "a read of more than fits an answer", AP + "§6.3",
              adu(pdu("03 0000 007e")))


def wraps():
    wrap = AP + "§6.12, §4.4 (addresses end at 65535)"
    malformed("write_wraps", "two registers from 65535: the second one may be register 0", wrap,
              adu(pdu("10 ffff 0002 04 0032 0032")))
    malformed("read_wraps", "two registers from 65535", wrap, adu(pdu("03 ffff 0002")))
    malformed("coils_wrap", "sixteen coils from 65530", wrap, adu(pdu("0f fffa 0010 02 ffff")))
    malformed("exchange_write_wraps", "function 23 whose write runs over 65535", wrap,
              adu(pdu("17 0000 0001 ffff 0002 04 0032 0032")))
    malformed("file_record_wraps", "a file record read that runs over the last record", AP + "§6.14",
              adu(pdu("14 07 06 0004 270f 0002 00")))


def units():
    for number, what in [(0, "broadcast on a serial line, the device itself on TCP"),
                         (255, "the device itself"),
                         (2, "another unit behind the same address")]:
        one(f"unit_{number}", f"a permitted write, but to unit {number}: {what}", IG + "§4.4.2.2",
            adu(WRITE[7:], unit=number), refuse, "OBJECT_NOT_PERMITTED", code=2)


def functions():
    fc23 = AP + "§6.17"
    one("exchange_permitted", "function 23, both ranges permitted", fc23,
        adu(pdu("17 0000 0002 0004 0001 02 0032")), forward)
    one("exchange_reads_too_much", "function 23, the read range runs out", fc23,
        adu(pdu("17 0009 0002 0004 0001 02 0032")), refuse, "OBJECT_NOT_PERMITTED", code=2)
    one("exchange_writes_elsewhere", "function 23, the write range runs out", fc23,
        adu(pdu("17 0000 0002 0005 0002 04 0032 0032")), refuse, "OBJECT_NOT_PERMITTED", code=2)
    one("exchange_writes_too_much", "function 23, the value is too large", fc23,
        adu(pdu("17 0000 0002 0004 0001 02 0065")), refuse, "VALUE_NOT_PERMITTED", code=3)
    malformed("exchange_byte_count", "function 23, byte count unlike the quantity", fc23,
              adu(pdu("17 0000 0002 0004 0001 04 0032")))

    fc22 = AP + "§6.16"
    one("mask_write", "a masked write: what it leaves depends on what was there", fc22,
        adu(pdu("16 0004 00f2 0025")), refuse, "VALUE_NOT_PERMITTED", code=3)
    one("mask_write_too_much", "a masked write that sets 500 whatever was there", fc22,
        adu(pdu("16 0004 0000 01f4")), refuse, "VALUE_NOT_PERMITTED", code=3)
    one("mask_write_elsewhere", "a masked write of another register", fc22, adu(pdu("16 0006 0000 0032")),
        refuse, "OBJECT_NOT_PERMITTED", code=2)

    fc20, fc21 = AP + "§6.14", AP + "§6.15"
    one("file_read_permitted", "two sub-requests, both permitted", fc20,
        adu(pdu("14 0e 06 0004 0001 0002 06 0003 0009 0001")), forward)
    one("file_read_second_elsewhere", "two sub-requests, the second one out of range", fc20,
        adu(pdu("14 0e 06 0004 0001 0002 06 0003 0009 0002")), refuse, "OBJECT_NOT_PERMITTED", code=2)
    one("file_write_permitted", "one record of the permitted file", fc21,
        adu(pdu("15 09 06 0004 0007 0001 06af")), forward)
    one("file_write_second_file", "two sub-requests, the second one into another file", fc21,
        adu(pdu("15 12 06 0004 0007 0001 06af 06 0005 0007 0001 06af")), refuse, "OBJECT_NOT_PERMITTED",
        code=2)
    malformed("file_write_hides_a_record", "the record's length hides a second sub-request from the byte "
              "count",
              fc21, adu(pdu("15 09 06 0004 0007 0001 06af 06 0005 0007 0001 06af")))
    malformed("file_write_record_too_long", "the record's length runs out of the request", fc21,
              adu(pdu("15 09 06 0004 0007 0002 06af")))
    malformed("file_read_reference_type", "a reference type other than 6", fc20,
              adu(pdu("14 07 05 0004 0001 0002")))

    fc43 = AP + "§6.19 to 6.21"
    one("identification_permitted", "device identification, basic", fc43, adu(pdu("2b 0e 01 00")), forward)
    one("identification_extended", "device identification, everything", fc43, adu(pdu("2b 0e 03 00")), refuse,
        "OBJECT_NOT_PERMITTED", code=2)
    one("canopen", "CANopen through function 43/13", fc43, adu(pdu("2b 0d 40 0000 0a 00 00")), refuse,
        "OBJECT_NOT_PERMITTED", "FUNCTION_NOT_PERMITTED", code=2)
    one("umas", "function 90, a vendor's programming: stop", "Schneider UMAS 0x41", adu(pdu(
        "5a 00 41 ff 00")), refuse, "FUNCTION_NOT_PERMITTED")
    one("diagnostics_listen_only", "force listen only mode: nobody answers any more", AP + "§6.8",
        adu(pdu("08 0004 0000")), discard, "FUNCTION_NOT_PERMITTED")  # a server would not answer it either
    for number in (0, 0x83, 0x90, 0xFF):
        # A refusal of it would be no exception, or another function's.
        one(f"function_{number}", f"a request with function {number}", AP + "§4.1",
            adu(bytes([number]) + pdu("0000 0002")), reset, BAD, "PROTOCOL_MISMATCH")


def answers():
    tid = IG + "§4.4.1.3 (transaction identifier)"
    unsolicited, mismatched = "RESPONSE_UNSOLICITED", "RESPONSE_MISMATCHED"
    later = adu(READ2[7:], 1)
    case, flow = opened("transaction_reused", "two requests under one identifier, answers in order", tid)
    frames = [flow.ask(READ), flow.ask(later), flow.answer(READ_ANSWER), flow.answer(adu(READ2_ANSWER[7:],
                                                                                         1))]
    case.expect([forward(frame) for frame in frames], server=READ + later,
                client=READ_ANSWER + adu(READ2_ANSWER[7:], 1))

    case, flow = opened("transaction_reused_answers_swapped", "the answers to the two come in the other "
                        "order: which "
                        "registers are these?", tid)
    first, second = flow.ask(READ), flow.ask(later)
    wrong, right = flow.answer(adu(READ2_ANSWER[7:], 1)), flow.answer(READ_ANSWER)
    case.expect([forward(first), forward(second), discard(wrong, mismatched), forward(right)],
                server=READ + later, client=READ_ANSWER)
    case.expect([forward(first), forward(second), discard(wrong, mismatched), discard(right, mismatched)],
                server=READ + later)

    case, flow = opened("answered_twice", "a second answer to one request", tid)
    first, answer, again = flow.ask(READ), flow.answer(READ_ANSWER), flow.answer(READ_ANSWER[:-1] + b"\x63")
    case.expect([forward(first), forward(answer), discard(again, unsolicited)], server=READ,
                client=READ_ANSWER)

    case, flow = opened("answer_to_nothing", "an answer that nobody asked for", tid)
    case.expect([discard(flow.answer(READ_ANSWER), unsolicited)])
    case, flow = opened("exception_to_nothing", "an exception that nobody asked for", tid)
    case.expect([discard(flow.answer(adu(pdu("83 02"))), unsolicited)])

    for name, what, answer, reasons in [
            ("answer_of_another_function", "input registers for holding registers",
             adu(pdu("04 04 0001 0002")),
             [mismatched]),
            ("exception_of_another_function", "the exception of a write", adu(pdu("90 02")), [mismatched]),
            ("answer_of_another_unit", "another unit answers", adu(READ_ANSWER[7:], unit=2),
             [mismatched, unsolicited]),
            ("answer_of_another_transaction", "another transaction is answered", adu(READ_ANSWER[7:], 7),
             [unsolicited]),
            ("answer_longer_than_asked", "three registers for two", adu(pdu("03 06 0001 0002 0003")),
             [mismatched]),
            ("answer_shorter_than_asked", "one register for two", adu(pdu("03 02 0001")), [mismatched])]:
        case, flow = opened(name, what, tid)
        first = flow.ask(READ)
        case.expect([forward(first), discard(flow.answer(answer), *reasons)], server=READ)

    case, flow = opened("write_answer_of_another_register", "a write of register 4, the answer says 5",
                        AP + "§6.12")
    first = flow.ask(WRITE)
    case.expect([forward(first), discard(flow.answer(adu(pdu("10 0005 0001"), 2)), mismatched)], server=WRITE)

    case, flow = opened("answer_byte_count", "an answer whose byte count is not what follows", AP + "§6.3")
    first = flow.ask(READ)
    wrong = {"verdict": ["discard", "reset"], "reason": [BAD, mismatched, "PROTOCOL_MISMATCH"]}
    case.expect([forward(first), {"frame": flow.answer(adu(pdu("03 03 0001 0002"))), **wrong}], server=READ)

    case, flow = opened("server_asks", "a request that travels from the server to the client", IG + "§4.2")
    wrong = {"verdict": ["discard", "reset"],
             "reason": [BAD, unsolicited, "UNSOLICITED_NOT_PERMITTED", "WRONG_DIRECTION",
                        "PROTOCOL_MISMATCH"]}
    case.expect([{"frame": flow.answer(COIL), **wrong}])


headers()
counts()
wraps()
units()
functions()
answers()
