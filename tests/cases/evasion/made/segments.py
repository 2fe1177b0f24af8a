"""Streams that can be read in two ways: retransmission, overlap, order, cuts (evasion list §9.1)."""

from talk import (COIL, COIL_REFUSED, READ, READ2, READ2_ANSWER, READ_ANSWER, WRITE, Case, adu, exception,
                  forward, opened, pdu, refuse, reset)

PN = "Ptacek & Newsham 1998, §5.3 (TCP reassembly)"
DIFFERS = "TCP_RETRANSMISSION_DIFFERS"
CUTS = "Ptacek & Newsham 1998, §5.3; RFC 9293 §3.8: TCP keeps no boundaries"


def repeated():
    case, flow = opened("retransmission_differs_before_ack", "a read, then a write in its place, not yet "
                        "acknowledged", PN)
    first = flow.ask(READ)
    case.expect([forward(first), reset(flow.up("PA", COIL, at=1001), DIFFERS)], server=READ)

    case, flow = opened("retransmission_differs_after_ack", "a write in the place of a read that was "
                        "answered", PN)
    first, answer = flow.ask(READ), flow.answer(READ_ANSWER)
    flow.up("PA", COIL, at=1001)
    last = flow.ask(READ2)
    case.expect([forward(first), forward(answer), forward(last)], server=READ + READ2, client=READ_ANSWER)

    case, flow = opened("retransmission_same", "an honest retransmission", "RFC 9293 §3.8.1")
    first = flow.ask(READ)
    flow.up("PA", READ, at=1001)
    last = flow.ask(READ2)
    case.expect([forward(first), forward(last)], server=READ + READ2)

    case, flow = opened("retransmission_other_boundaries", "two segments sent again as one, new data behind",
                        "RFC 9293 §3.8.1")
    first, second = flow.ask(READ), flow.ask(WRITE)
    last = flow.up("PA", READ + WRITE + READ2, at=1001)
    case.expect([forward(first), forward(second), forward(last)], server=READ + WRITE + READ2)

    case, flow = opened("retransmission_other_boundaries_differs", "the same, one octet of a value is "
                        "another", PN)
    first, second = flow.ask(READ), flow.ask(WRITE)
    last = flow.up("PA", READ[6:] + WRITE[:-1] + b"\x33" + READ2, at=1007)
    case.expect([forward(first), forward(second), reset(last, DIFFERS)], server=READ + WRITE)

    case, flow = opened("retransmission_differs_behind_partial_ack", "half is acknowledged, the other half "
                        "comes "
                        "again with another value", PN)
    burst = flow.ask(READ + WRITE)
    flow.acknowledge(ack=1001 + len(READ))
    last = flow.up("PA", WRITE[:-1] + b"\x63", at=1001 + len(READ))
    case.expect([forward(burst), forward(burst), reset(last, DIFFERS)], server=READ + WRITE)

    case, flow = opened("retransmission_differs_in_acknowledged_part",
                        "a retransmission that reaches back into "
                        "acknowledged octets with other ones: those go no further", PN)
    first = flow.ask(READ)
    flow.acknowledge()
    last = flow.up("PA", COIL[6:] + READ2, at=1007)
    case.expect([forward(first), forward(last)], server=READ + READ2)

    case, flow = opened("retransmission_of_a_refused_request", "a refused write is sent again, as a write "
                        "and as "
                        "a read", PN)
    first = flow.ask(COIL)
    flow.up("PA", COIL, at=1001)
    last = flow.up("PA", READ, at=1001)
    case.expect([refuse(first, "FUNCTION_NOT_PERMITTED"), reset(last, DIFFERS)], client=COIL_REFUSED)
    case.expect([refuse(first, "FUNCTION_NOT_PERMITTED")], client=COIL_REFUSED)

    case, flow = opened("answer_differs_the_second_time", "the server's answer comes again with another "
                        "value", PN)
    first, answer = flow.ask(READ), flow.answer(READ_ANSWER)
    last = flow.down("PA", READ_ANSWER[:-1] + b"\x63", at=5001)
    case.expect([forward(first), forward(answer), reset(last, DIFFERS)], server=READ, client=READ_ANSWER)


def overlapping():
    case, flow = opened("overlap_forward", "the second segment begins inside the first with other octets", PN)
    first = flow.ask(READ)
    last = flow.up("PA", COIL[6:] + READ2, at=1007)
    case.expect([forward(first), reset(last, DIFFERS)], server=READ)

    case, flow = opened("overlap_backward", "a segment came early; the one that fills the gap covers it with "
                        "other octets", PN)
    flow.up("PA", COIL[6:], at=1007)
    last = flow.up("PA", READ, at=1001)
    case.expect([reset(last, DIFFERS)])

    case, flow = opened("overlap_inside", "teardrop of segments: wholly inside an earlier one, other octets",
                        PN)
    first = flow.ask(READ)
    last = flow.up("PA", COIL[7:10], at=1008)
    case.expect([forward(first), reset(last, DIFFERS)], server=READ)

    case, flow = opened("overlap_around", "an early piece is swallowed by a later, larger one that differs",
                        PN)
    flow.up("PA", READ[7:8], at=1008)
    last = flow.up("PA", COIL[2:] + READ2, at=1003)
    case.expect([reset(last, DIFFERS)])

    case, flow = opened("early_copies_conflict", "two early copies of the same place that differ", PN)
    flow.up("PA", COIL[6:], at=1007)
    last = flow.up("PA", READ[6:], at=1007)
    case.expect([reset(last, DIFFERS)])

    case, flow = opened("early_copies_agree", "two early copies that agree, then the gap fills",
                        "RFC 9293 §3.8")
    flow.up("PA", READ[6:], at=1007)
    flow.up("PA", READ[6:], at=1007)
    last = flow.up("PA", READ[:6], at=1001)
    case.expect([forward(last)], server=READ)

    case, flow = opened("early_write", "a write that comes early, its beginning last", PN)
    flow.up("PA", COIL[6:], at=1007)
    last = flow.up("PA", COIL[:6], at=1001)
    case.expect([refuse(last, "FUNCTION_NOT_PERMITTED")], client=COIL_REFUSED)

    case, flow = opened("out_of_order_backwards", "every octet of a permitted write, the last one first "
                        "(bounded: what finds no room comes again)", PN)
    for place in range(5, 0, -1):
        flow.up("A", WRITE[place * 3:place * 3 + 3], at=1001 + place * 3)
    last = flow.up("PA", WRITE[:3], at=1001)
    case.expect([forward(last)], server=WRITE)

    case, flow = opened("overlap_at_the_completing_octet", "all of a read but its last octet, then the same "
                        "place "
                        "as a write, whole", PN)
    flow.up("A", READ[:11], at=1001)
    last = flow.up("PA", COIL, at=1001)
    case.expect([reset(last, DIFFERS)])

    case, flow = opened("overlap_in_the_framing_prefix", "a header has left; header and body come again with "
                        "another unit", PN)
    flow.up("A", READ[:7], at=1001)
    other = adu(READ[7:], 1, unit=0)
    last = flow.up("PA", other, at=1001)
    case.expect([reset(last, DIFFERS)], server=READ[:7])


def in_pieces():
    case, flow = opened("octet_by_octet", "a permitted read, one octet in a segment", CUTS)
    frames = [flow.ask(READ[place:place + 1]) for place in range(len(READ))]
    case.expect([forward(frames[-1])], server=READ)

    # Framing (7 octets) may have left; then no reply fits any more.
    case, flow = opened("octet_by_octet_write", "a write, one octet in a segment", CUTS)
    frames = [flow.ask(COIL[place:place + 1]) for place in range(len(COIL))]
    case.expect([reset(frames[-1], "FUNCTION_NOT_PERMITTED")], server=COIL[:7])

    case, flow = opened("many_segments", "a permitted write in pieces of three octets, in no order", CUTS)
    for place in (4, 2, 3, 1):
        flow.up("A", WRITE[place * 3:place * 3 + 3], at=1001 + place * 3)
    last = flow.up("PA", WRITE[:3], at=1001)
    case.expect([forward(last)], server=WRITE)

    write = adu(pdu("10 0004 0002 04 0032 0065"), 2)
    case, flow = opened("many_segments_write", "a write whose second value is forbidden, in pieces of eight",
                        CUTS)
    frames = [flow.ask(write[place:place + 8]) for place in range(0, len(write), 8)]
    case.expect([refuse(frames[-1], "VALUE_NOT_PERMITTED")], client=exception(write, 3))

    case, flow = opened("many_pdus", "twenty reads in one segment", CUTS)
    reads = [adu(pdu("03 0000 0002"), number) for number in range(1, 21)]
    burst = flow.ask(b"".join(reads))
    case.expect([forward(burst)] * 20, server=b"".join(reads))

    case, flow = opened("last_of_many_pdus", "nineteen reads and a write in one segment", CUTS)
    burst = flow.ask(b"".join(reads[:19]) + COIL)
    case.expect([forward(burst)] * 19 + [refuse(burst, "FUNCTION_NOT_PERMITTED")],
                server=b"".join(reads[:19]))
    case.outcomes[0]["client_received"] = {}  # the reply waits for the nineteen answers or goes at once:
    case.expect(case.outcomes[0]["rows"], server=b"".join(reads[:19]), client=COIL_REFUSED)

    case, flow = opened("cut_inside_the_second_pdu", "a read and the header of a write; then the rest", CUTS)
    first = flow.ask(READ + COIL[:7])
    last = flow.ask(COIL[7:])
    case.expect([forward(first), reset(last, "FUNCTION_NOT_PERMITTED")], server=READ + COIL[:7])

    case, flow = opened("cut_behind_the_function_code", "a read and a write as far as its function code; the "
                        "rest",
                        CUTS)
    first = flow.ask(READ + COIL[:8])
    last = flow.ask(COIL[8:])
    case.expect([forward(first), refuse(last, "FUNCTION_NOT_PERMITTED")], server=READ, client=COIL_REFUSED)

    case, flow = opened("completing_octet_never_comes", "all of a write but its last octet, twice", CUTS)
    flow.up("A", COIL[:11], at=1001)
    case.wait(0.3)
    flow.up("A", COIL[:11], at=1001)
    case.wait(0.6)
    last = flow.up("A", COIL[:11], at=1001)
    # Released on its repetition, but for the octet that completes it; given up when that does not come.
    case.expect([reset(last, "TCP_HOLD_TIMEOUT")], server=COIL[:11])


def given_up():
    """A server that gives up a part of a request reads the rest as another one: the rest does not follow."""
    record = adu(pdu("15 13 06 0004 0000 0006") + COIL)
    files = adu(pdu("14 0e 06 0004 0000 0001 06 0004 0005 0001"))
    words = ("a permitted record of a file whose words are a write; what stands in front of them, twice; the "
             "words")
    code = ("a permitted read of two records, its function code alone, twice; the rest holds what reads as a "
            "write")
    for name, text, request, cut in (("part_given_up", words, record, len(record) - len(COIL)),
                                     ("part_taken_for_the_whole", code, files, 8)):
        case, flow = opened(name, text, CUTS)
        flow.up("A", request[:cut], at=1001)
        case.wait(0.3)
        flow.up("A", request[:cut], at=1001)
        case.wait(0.6)
        last = flow.up("PA", request[cut:], at=1001 + cut)
        case.expect([reset(last, "PDU_MALFORMED")], server=request[:cut])


def cut_everywhere():
    """A connection for each place; far apart, so that no pair of addresses is held off for its resets."""
    case = Case("read_cut_at_each_offset", "a read cut in two, each place a connection", CUTS)
    rows, server = [], {}
    for place in range(1, len(READ)):
        flow = case.flow(port=40000 + place).open()
        flow.ask(READ[:place])
        rows.append(forward(flow.ask(READ[place:])))
        server[flow.port] = READ
    case.expect(rows, server=server)

    case = Case("write_cut_at_each_offset", "a write cut in two, each place a connection", CUTS)
    rows, server, client = [], {}, {}
    for place in range(1, len(COIL)):
        case.wait(300)
        flow = case.flow(port=40000 + place).open()
        flow.ask(COIL[:place])
        gone = place == 7  # the header, and nothing but it, goes ahead
        rows.append((reset if gone else refuse)(flow.ask(COIL[place:]), "FUNCTION_NOT_PERMITTED"))
        if not gone:
            flow.thank(COIL_REFUSED)
        server[flow.port] = COIL[:place] if gone else b""
        client[flow.port] = b"" if gone else COIL_REFUSED
    case.expect(rows, server=server, client=client)

    case = Case("three_pieces_in_every_order", "a write in three pieces, in all six orders", CUTS)
    rows, client = [], {}
    pieces = [(0, COIL[:8]), (8, COIL[8:10]), (10, COIL[10:])]
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for number, order in enumerate(orders):
        case.wait(300)
        flow = case.flow(port=40000 + number).open()
        last = [flow.up("PA", pieces[piece][1], at=1001 + pieces[piece][0]) for piece in order][-1]
        rows.append(refuse(last, "FUNCTION_NOT_PERMITTED"))
        flow.client += len(COIL)
        flow.thank(COIL_REFUSED)
        client[flow.port] = COIL_REFUSED
    case.expect(rows, client=client)


def sequence_space():
    case, flow = opened("sequence_wraps", "sequence numbers run over 2^32 inside a write", "RFC 9293 §3.4",
                        client=0xFFFFFFF0, server=0xFFFFFFF8)
    first, answer = flow.ask(READ), flow.answer(READ_ANSWER)
    last = flow.ask(COIL)
    case.expect([forward(first), forward(answer), refuse(last, "FUNCTION_NOT_PERMITTED")], server=READ,
                client=READ_ANSWER + COIL_REFUSED)

    case, flow = opened("sequence_wraps_in_pieces", "the same, in pieces, the second one first",
                        "RFC 9293 §3.4",
                        client=0xFFFFFFF8)
    flow.up("PA", READ[8:], at=0xFFFFFFF9 + 8)
    last = flow.up("PA", READ[:8], at=0xFFFFFFF9)
    case.expect([forward(last)], server=READ)

    case, flow = opened("answers_and_requests_cross", "a request before the answer to the one before", CUTS)
    first, second = flow.ask(READ), flow.ask(READ2)
    frames = [flow.answer(READ_ANSWER), flow.answer(READ2_ANSWER)]
    case.expect([forward(frame) for frame in (first, second, *frames)], server=READ + READ2,
                client=READ_ANSWER + READ2_ANSWER)


repeated()
overlapping()
in_pieces()
given_up()
cut_everywhere()
sequence_space()
