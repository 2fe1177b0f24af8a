"""Connections that the two ends and a watcher may understand in different ways: opening, ending, windows,
time stamps (evasion list §9.1)."""

import wire
from talk import (COIL, COIL_REFUSED, READ, READ2, READ_ANSWER, Case, drop, forward, opened, refuse,
                  reset, stopped)

PN_STATE = "Ptacek & Newsham 1998, §5.4 (TCP state)"
WINDOW = ("TCP_OUT_OF_WINDOW",)
COIL_DENIED = "FUNCTION_NOT_PERMITTED"


def windows():
    case, flow = opened("acknowledgement_of_what_was_never_sent", "a read that acknowledges octets from the "
                        "future, "
                        "then a write in its place", "RFC 5961 §5")
    first = flow.up("PA", READ, ack=flow.server + 100_000)
    last = flow.ask(COIL)
    case.expect([drop(first, *WINDOW), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("acknowledgement_from_the_past", "a read whose acknowledgement is far too old, then "
                        "a write "
                        "in its place", "RFC 5961 §5")
    first = flow.up("PA", READ, ack=flow.server - 1_000_000)
    last = flow.ask(COIL)
    case.expect([drop(first, *WINDOW), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("left_of_the_window", "a write far before everything that was sent",
                        "RFC 9293 §3.10.7.4")
    first, answer = flow.ask(READ), flow.answer(READ_ANSWER)
    far = flow.up("PA", COIL, at=1001 - 500_000)
    last = flow.ask(READ2)
    rows = [forward(first), forward(answer), forward(last)]
    case.expect(rows, server=READ + READ2, client=READ_ANSWER)  # stripped: nothing is left to judge
    case.expect(rows[:2] + [drop(far, *WINDOW)] + rows[2:], server=READ + READ2, client=READ_ANSWER)

    case, flow = opened("right_of_the_window", "a read behind the window, then a write in order; window "
                        "scaling was "
                        "not agreed", "RFC 9293 §3.10.7.4")
    far = flow.up("PA", READ, at=1001 + 70_000)
    last = flow.ask(COIL)
    case.expect([drop(far, *WINDOW), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case = Case("window_scaling_is_heeded", "a segment that only a scaled window has room for: early, not "
                "outside",
                "RFC 7323 §2")
    flow = case.flow().open(options=wire.mss(1460) + b"\1\3\3\7", server_options=wire.mss(1460) + b"\1\3\3\7")
    flow.acknowledge()
    flow.up("PA", READ2, at=1001 + 70_000)
    last = flow.ask(READ)
    case.expect([forward(last)], server=READ)

    case = Case("window_scaling_is_not_one_sided", "only the client offered scaling: windows are not scaled",
                "RFC 7323 §2.2")
    flow = case.flow().open(options=wire.mss(1460) + b"\1\3\3\7", server_options=wire.mss(1460))
    flow.acknowledge()
    far = flow.up("PA", READ2, at=1001 + 70_000)
    last = flow.ask(READ)
    case.expect([drop(far, *WINDOW), forward(last)], server=READ)

    # RFC 9293 §3.10.7.4: what lies within the window may be taken, so the first read may pass or wait.
    case, flow = opened("across_the_edge_of_the_window", "two PDUs into a window for one of them: the write "
                        "behind "
                        "the edge may be kept by some receivers", "RFC 9293 §3.10.7.4", server_window=12)
    last = flow.ask(READ + COIL)
    case.expect([drop(last, *WINDOW)])
    case.expect([forward(last)], server=READ)
    case.expect([forward(last), refuse(last, COIL_DENIED)], server=READ)
    case.expect([forward(last), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)


def probes():
    case, flow = opened("zero_window_probe_with_data", "the window is full; a probe carries the first octet "
                        "of a "
                        "write; then a read in its place", "RFC 9293 §3.8.6.1", server_window=len(READ))
    first = flow.ask(READ)
    flow.acknowledge(window=0)
    probe = flow.up("A", COIL[:1])
    flow.acknowledge(window=64240)
    last = flow.ask(READ2)
    for rows in ([], [drop(probe, *WINDOW)]):
        case.expect([forward(first)] + rows + [forward(last)], server=READ + READ2)

    case, flow = opened("write_into_a_full_window", "the window is full; a whole read, then a write in its "
                        "place",
                        "RFC 9293 §3.8.6.1", server_window=len(READ))
    first = flow.ask(READ)
    flow.acknowledge(window=0)
    probe = flow.up("PA", READ2)
    flow.acknowledge(window=64240)
    last = flow.ask(COIL)
    for rows in ([], [drop(probe, *WINDOW)]):
        case.expect([forward(first)] + rows + [refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)

    # A window that was promised cannot be taken back: the receiver has to expect what is under way.
    case, flow = opened("window_taken_back", "the window shuts although more was promised; a read in what "
                        "was "
                        "promised, then a write in its place", "RFC 9293 §3.8.6")
    flow.acknowledge(window=0)
    first = flow.up("PA", READ)
    flow.acknowledge(window=64240)
    last = flow.ask(COIL)
    case.expect([forward(first), reset(last, "TCP_RETRANSMISSION_DIFFERS")], server=READ)
    case.expect([drop(first, *WINDOW), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("keep_alive_other_octet", "a keep-alive that repeats the last octet, not yet "
                        "acknowledged, "
                        "with another value", "RFC 9293 §3.8.4")
    first = flow.ask(READ)
    last = flow.up("A", b"\x63", at=flow.client - 1)
    case.expect([forward(first), reset(last, "TCP_RETRANSMISSION_DIFFERS")], server=READ)

    case, flow = opened("keep_alive_other_octet_after_ack", "the same when the octet was acknowledged: it "
                        "goes no "
                        "further", "RFC 9293 §3.8.4")
    first, answer = flow.ask(READ), flow.answer(READ_ANSWER)
    flow.up("A", b"\x63", at=flow.client - 1)
    last = flow.ask(READ2)
    case.expect([forward(first), forward(answer), forward(last)], server=READ + READ2, client=READ_ANSWER)

    case, flow = opened("keep_alive_of_the_syn", "a keep-alive with the octet in front of all data",
                        "RFC 9293 §3.8.4")
    flow.up("A", b"\x63", at=1000)
    last = flow.ask(READ)
    case.expect([forward(last)], server=READ)


def time_stamps():
    case, flow = opened("old_time_stamp", "PAWS: a read that the receiver will drop as old, then a write in "
                        "its "
                        "place", "RFC 7323 §5", stamps=True)
    first = flow.ask(READ)
    flow.acknowledge()
    old = flow.up("PA", READ2, options=wire.timestamps(3, flow.stamps[1]))
    last = flow.ask(COIL)
    case.expect([forward(first), drop(old, "TCP_TIMESTAMP_OLD"), refuse(last, COIL_DENIED)], server=READ,
                client=COIL_REFUSED)

    case, flow = opened("time_stamp_missing", "time stamps were agreed; a read without one, which some "
                        "receivers "
                        "drop, then a write in its place", "RFC 7323 §3.2", stamps=True)
    first = flow.up("PA", READ, options=b"")
    last = flow.up("PA", COIL)
    case.expect([forward(first), reset(last, "TCP_RETRANSMISSION_DIFFERS")], server=READ)
    case.expect([drop(first, "TCP_TIMESTAMP_OLD", "TCP_MALFORMED"), refuse(last, COIL_DENIED)],
                client=COIL_REFUSED)

    case, flow = opened("time_stamp_from_the_future", "a stamp half a circle ahead poisons PAWS: later "
                        "honest "
                        "segments would look old", "RFC 7323 §5; Ptacek & Newsham 1998", stamps=True)
    first = flow.up("PA", READ, options=wire.timestamps(100 + 0x7FFFFFF0, flow.stamps[1]))
    flow.client += len(READ)
    last = flow.ask(COIL)
    case.expect([forward(first), drop(last, "TCP_TIMESTAMP_OLD")], server=READ)
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)
    case.expect([drop(first, "TCP_TIMESTAMP_OLD"), drop(last, *WINDOW)])


def opening():
    case = Case("data_in_syn", "a write in the SYN", "RFC 9293 §3.4; RFC 7413 §2")
    case.expect([drop(case.flow().up("S", COIL), "TCP_SYN_DATA")])

    case = Case("data_in_syn_stripped", "a write in the SYN where the conduit tolerates data there: it goes "
                "no "
                "further; a read follows", "RFC 9293 §3.4", conduit="tolerance { syn_data: true }")
    flow = case.flow()
    flow.up("S", COIL)
    flow.client += 1
    flow.down("SA")
    flow.server += 1
    flow.up("A")
    last = flow.ask(READ)
    case.expect([forward(last)], server=READ)

    case = Case("data_in_syn_ack", "an answer in the SYN-ACK", "RFC 9293 §3.4")
    flow = case.flow()
    flow.up("S")
    flow.client += 1
    last = flow.down("SA", READ_ANSWER)
    case.expect([drop(last, "TCP_SYN_DATA")])

    cookie = b"\x22\x0a" + bytes(range(8))
    case = Case("fast_open_with_data", "TCP Fast Open: cookie and a write in the SYN", "RFC 7413 §4.1.3")
    case.expect([drop(case.flow().up("S", COIL, options=cookie), "TCP_SYN_DATA", "TCP_FAST_OPEN")])
    case = Case("fast_open_cookie", "TCP Fast Open: a cookie without data", "RFC 7413 §4.1.1")
    case.expect([drop(case.flow().up("S", options=cookie), "TCP_FAST_OPEN")])
    case = Case("fast_open_request", "TCP Fast Open: asks for a cookie", "RFC 7413 §4.1.1")
    case.expect([drop(case.flow().up("S", options=b"\x22\2"), "TCP_FAST_OPEN")])
    case = Case("fast_open_experimental", "TCP Fast Open in its experimental option, with data",
                "RFC 7413; RFC 6994")
    case.expect([drop(case.flow().up("S", COIL, options=b"\xfe\x0c\xf9\x89" + bytes(8)), "TCP_SYN_DATA",
                      "TCP_FAST_OPEN")])

    case = Case("data_with_the_third_segment", "a write with the ACK that completes the handshake",
                "RFC 9293 §3.5")
    flow = case.flow()
    flow.up("S")
    flow.client += 1
    flow.down("SA")
    flow.server += 1
    case.expect([refuse(flow.ask(COIL), COIL_DENIED)], client=COIL_REFUSED)

    case = Case("data_before_the_handshake_is_complete", "a read before the server's SYN-ACK",
                "RFC 9293 §3.5")
    flow = case.flow()
    flow.up("S")
    flow.client += 1
    last = flow.up("PA", READ, ack=5001)
    case.expect([drop(last, "TCP_HANDSHAKE_VIOLATED")])

    case = Case("syn_ack_of_another_syn", "a SYN-ACK that acknowledges what was not sent; then the right one "
                "and a "
                "write", "RFC 9293 §3.10.7.3")
    flow = case.flow()
    flow.up("S")
    flow.client += 1
    wrong = flow.down("SA", at=77_000, ack=4711)
    flow.down("SA")
    flow.server += 1
    flow.up("A")
    last = flow.ask(COIL)
    case.expect([drop(wrong, "TCP_HANDSHAKE_VIOLATED"), refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    simultaneous_open()


def simultaneous_open():
    for name, what, allow in [("simultaneous_open", "both sides open at once, where either may",
                               "opened_by: EITHER"),
                              ("simultaneous_open_of_a_client", "the server answers a SYN by a SYN of its "
                               "own, where "
                               "the client opens", "")]:
        case = Case(name, what + "; a read, then a write", "RFC 9293 §3.5 (figure 7)", allow=allow)
        flow = case.flow()
        flow.up("S")
        flow.down("S")
        flow.client += 1
        flow.server += 1
        flow.up("SA", at=1000)
        flow.down("SA", at=5000)
        first, last = flow.ask(READ), flow.ask(COIL)
        case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)

    case = Case("server_opens", "the server opens a connection that only the client may open",
                "policy: opened_by")
    case.expect([drop(case.flow().down("S"), "FLOW_UNDOCUMENTED", "TCP_NO_FLOW")])


def ending():
    case, flow = opened("rst_outside_the_window", "an RST that the server ignores, then a write", PN_STATE)
    first = flow.up("R", at=1001 + 500_000)
    last = flow.ask(COIL)
    case.expect([drop(first, "TCP_RST_NOT_EXACT", *WINDOW), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("rst_in_the_window_not_exact", "an RST that only old stacks take, then a write",
                        "RFC 5961 §3.2")
    first = flow.up("R", at=1001 + 10)
    last = flow.ask(COIL)
    case.expect([drop(first, "TCP_RST_NOT_EXACT"), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("rst_exact", "an RST that every stack takes, then a write", "RFC 5961 §3.2")
    flow.up("R")
    last = flow.up("PA", COIL)
    case.expect([reset(last, "TCP_NO_FLOW")])
    case.expect([drop(last, "TCP_NO_FLOW")])
    case.expect([])

    case, flow = opened("rst_with_wrong_checksum", "an RST whose checksum is wrong, then a write", PN_STATE)
    first = flow.up("R", checksum=1)
    last = flow.ask(COIL)
    case.expect([drop(first, "TCP_CHECKSUM_WRONG"), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("data_behind_fin", "a FIN, then a write behind it", "RFC 9293 §3.10.7.4")
    flow.up("FA")
    last = flow.up("PA", COIL, at=1002)
    case.expect([drop(last, *WINDOW)])

    case, flow = opened("data_in_place_of_fin", "a FIN, then a write that begins where the FIN stood",
                        PN_STATE)
    flow.up("FA")
    last = flow.up("PA", COIL, at=1001)
    case.expect([reset(last, "TCP_RETRANSMISSION_DIFFERS")])
    case.expect([drop(last, *WINDOW)])

    case, flow = opened("early_fin_then_data_behind_it", "a FIN that comes early; the gap fills with more "
                        "than fits "
                        "in front of it", PN_STATE)
    flow.up("FA", at=1001 + len(READ))
    last = flow.up("PA", READ + COIL, at=1001)
    case.expect([reset(last, "TCP_RETRANSMISSION_DIFFERS")])
    case.expect([drop(last, *WINDOW)])
    case.expect([forward(last), refuse(last, COIL_DENIED)], server=READ)  # the early FIN was not kept
    case.expect([forward(last), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)

    # No reply can stand behind the server's FIN.
    case, flow = opened("half_close_then_write", "the server has closed its side; the client writes",
                        "RFC 9293 §3.6")
    flow.down("FA")
    flow.server += 1
    flow.up("A")
    first, last = flow.ask(READ), flow.ask(COIL)
    case.expect([forward(first), reset(last, COIL_DENIED)], server=READ)

    case, flow = opened("half_close_of_the_client", "the client asks and closes its side; the answer comes",
                        "RFC 9293 §3.6")
    first = flow.ask(READ, flags="FPA")
    flow.client += 1
    answer = flow.answer(READ_ANSWER)
    case.expect([forward(first), forward(answer)], server=READ, client=READ_ANSWER)

    case, flow = opened("fin_on_a_write", "a write that carries a FIN", "RFC 9293 §3.6")
    last = flow.ask(COIL, flags="FPA")
    case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    case.expect([reset(last, COIL_DENIED)])


def again():
    case, flow = opened("syn_on_a_living_connection", "a SYN with another number, a write in its numbers, "
                        "then a "
                        "write in the old ones", "RFC 5961 §4")
    syn = flow.up("S", at=900_000)
    far = flow.up("PA", COIL, at=900_001)
    last = flow.ask(READ)
    rows = [drop(far, *WINDOW), forward(last)]
    case.expect(rows, server=READ)  # the receiver is asked to confirm, and does not
    case.expect([drop(syn, "TCP_CHALLENGED")] + rows, server=READ)

    case, flow = opened("syn_confirmed_by_the_server", "the server had forgotten the connection and takes "
                        "the new "
                        "SYN; a write in the new numbers", "RFC 5961 §4; RFC 9293 §3.5.1")
    flow.client, flow.server = 900_000, 800_000
    flow.open()
    last = flow.ask(COIL)
    case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    case.expect([refuse(last,
                        COIL_DENIED)])  # as the first connection is never closed, some models stay with it
    case.expect([drop(4, "TCP_CHALLENGED"), *(drop(number, "TCP_OUT_OF_WINDOW", "TCP_HANDSHAKE_VIOLATED")
                                              for number in (5, 6, 7))])

    case, flow = opened("syn_in_the_window", "a SYN inside the window of a living connection", "RFC 5961 §4")
    syn = flow.up("S", at=1010)
    last = flow.ask(COIL)
    case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    case.expect([drop(syn, "TCP_CHALLENGED"), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("four_tuple_reused", "closed in order, then the same ports again: new numbers, a "
                        "write",
                        "RFC 9293 §3.6.1; RFC 6191")
    first = flow.ask(READ)
    flow.up("FA")
    flow.client += 1
    flow.down("FA")
    flow.server += 1
    flow.up("A")
    case.wait(2)
    flow.client, flow.server = 7_000_000, 9_000_000
    flow.open()
    second, last = flow.ask(READ2), flow.ask(COIL)
    case.expect([forward(first), forward(second), refuse(last, COIL_DENIED)], server=READ + READ2)
    case.expect([forward(first), forward(second), refuse(last, COIL_DENIED)], server=READ + READ2,
                client=COIL_REFUSED)

    case, flow = opened("four_tuple_reused_after_rst", "reset by the client, then the same ports again",
                        "RFC 9293 §3.5.2")
    flow.up("R")
    case.wait(2)
    flow.client, flow.server = 7_000_000, 9_000_000
    flow.open()
    last = flow.ask(COIL)
    case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    mid_stream()
    one_way()


def mid_stream():
    case = Case("mid_stream", "a connection whose beginning was not seen", PN_STATE)
    case.expect([reset(case.flow().up("PA", READ), "TCP_NO_FLOW")])

    resync = "mid_stream: MID_STREAM_RESYNC"
    case = Case("mid_stream_write", "the same, with a write, where connections may be taken over", PN_STATE,
                conduit=resync)
    last = case.flow().up("PA", COIL)
    case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    case.expect([reset(last, COIL_DENIED, "TCP_NO_FLOW")])

    case = Case("mid_stream_inside_a_pdu", "the first segment seen begins inside a PDU: no verified boundary",
                PN_STATE, conduit=resync)
    flow = case.flow()
    first = flow.ask(READ[5:])
    case.expect([reset(first, "TCP_NO_FLOW", "TCP_STREAM_GAP", "PROTOCOL_MISMATCH")])

    # What looks like the value of a long write is a whole request: cut there, the boundary is a lie.
    case = Case("mid_stream_false_boundary", "the first segment seen looks like a read, but was the inside "
                "of a "
                "write; a write follows", PN_STATE, conduit=resync)
    flow = case.flow()
    first, last = flow.ask(READ), flow.ask(COIL)
    case.expect([reset(first, "TCP_NO_FLOW")])
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)
    case.expect([forward(first), reset(last, COIL_DENIED)], server=READ)
    # Nothing leaves before the server has said where it stands.
    case.expect([forward(first), reset(last, COIL_DENIED)])


def one_way():
    case = Case("asymmetric_path", "only the client's direction passes here: nothing of it may be judged as "
                "an open "
                "connection", "evasion list; RFC 9293 §3.5")
    flow = case.flow()
    flow.up("S")
    flow.client, flow.server = 1001, 5001
    ack = flow.up("A")
    last = flow.ask(READ)
    rows = [drop(ack, "TCP_HANDSHAKE_VIOLATED"), drop(last, "TCP_HANDSHAKE_VIOLATED")]
    case.expect(rows)

    case = Case("asymmetric_path_answers", "only the server's direction passes here", "evasion list")
    flow = case.flow()
    first = flow.down("SA", ack=1001)
    last = flow.down("PA", READ_ANSWER, at=5001, ack=1013)
    case.expect([stopped(frame, "TCP_NO_FLOW", "TCP_HANDSHAKE_VIOLATED", "FLOW_UNDOCUMENTED")
                 for frame in (first, last)])


windows()
probes()
time_stamps()
opening()
ending()
again()
