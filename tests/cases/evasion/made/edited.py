"""What is left for an attacker around a refusal: the stream that was edited, repetitions, windows,
clocks, ICMP;
and resources (evasion list §9.1)."""

import struct

import frames as net
import wire
from talk import (COIL, COIL_REFUSED, HMI, HMI6, HMI_MAC, PLC, PLC6, READ, READ2, READ_ANSWER,
                  Case, drop, forward, opened, refuse, reset)

COIL_DENIED = "FUNCTION_NOT_PERMITTED"
SACK = "RFC 2018"
QUOTES = "RFC 5927; RFC 792"
HALF_OPEN_OF_A_SOURCE = 512  # a quarter of the 2048 places that a worker has (config/abi/limits.hpp)


def sack(*edges):
    return struct.pack(f">BBBB{len(edges)}I", 1, 1, 5, 2 + 4 * len(edges), *(edge & 0xFFFFFFFF
                                                                            for edge in edges))


def around_a_refusal():
    case, flow = opened("refusal_and_other_boundaries", "a refused write between two reads; all "
                        "three again as "
                        "one segment that begins inside the first", "RFC 9293 §3.8.1")
    first, second = flow.ask(READ), flow.ask(COIL)
    last = flow.up("PA", READ[6:] + COIL + READ2, at=1007)
    case.expect([forward(first), refuse(second, COIL_DENIED), forward(last)], server=READ + READ2,
                client=COIL_REFUSED)
    # The exception may wait for the answer to the read, which never comes.
    case.expect([forward(first), refuse(second, COIL_DENIED), forward(last)], server=READ + READ2)

    case, flow = opened("refusal_and_other_octets", "a refused write; the segment comes again with "
                        "a permitted "
                        "request in its place and a read behind", "Ptacek & Newsham 1998, §5.3")
    first = flow.ask(COIL)
    last = flow.up("PA", READ + READ2, at=1001)
    case.expect([refuse(first, COIL_DENIED), reset(last, "TCP_RETRANSMISSION_DIFFERS")], client=COIL_REFUSED)
    # Its octets are acknowledged: what lies in front of the new ones goes nowhere.
    case.expect([refuse(first, COIL_DENIED), forward(last)], server=READ2, client=COIL_REFUSED)

    case = Case("refusal_where_numbers_wrap", "sequence numbers run over 2^32 inside a refused "
                        "write; it comes "
                "again in two pieces, a keep-alive, then a read", "RFC 9293 §3.4")
    flow = case.flow(client=2**32 - 7).open()
    first = flow.ask(COIL)
    flow.thank(COIL_REFUSED)
    flow.up("A", COIL[:5], at=2**32 - 6, ack=flow.server + len(COIL_REFUSED))
    flow.up("A", COIL[5:], at=2**32 - 1, ack=flow.server + len(COIL_REFUSED))
    flow.up("A", COIL[-1:], at=flow.client - 1, ack=flow.server + len(COIL_REFUSED))
    last = flow.ask(READ, ack=flow.server + len(COIL_REFUSED))
    case.expect([refuse(first, COIL_DENIED), forward(last)], server=READ, client=COIL_REFUSED)

    case, flow = opened("refusal_and_everything_else", "a refused write; then SACK inside the exception, an "
                        "acknowledgement of a part of it, a closed window, a keep-alive, an old "
                        "segment, a read "
                        "with a FIN", SACK + "; RFC 9293 §3.8")
    first = flow.ask(COIL)
    flow.up("A", options=sack(flow.server + 3, flow.server + 6))
    flow.up("A", ack=flow.server + 4)
    flow.up("A", window=0, ack=flow.server + len(COIL_REFUSED))
    flow.up("A", COIL[-1:], at=flow.client - 1, ack=flow.server + len(COIL_REFUSED))
    flow.up("PA", COIL[3:9], at=1004, ack=flow.server)
    last = flow.ask(READ, flags="FPA", ack=flow.server + len(COIL_REFUSED))
    case.expect([refuse(first, COIL_DENIED), forward(last)], server=READ, client=COIL_REFUSED)

    case, flow = opened("refusal_then_a_write_in_the_gap", "a refused write; a read whose numbers "
                        "leave out the "
                        "write, as the server counts", "Ptacek & Newsham 1998, §5.3")
    first = flow.ask(COIL)
    flow.thank(COIL_REFUSED)
    again = flow.up("PA", READ, at=1001, ack=flow.server + len(COIL_REFUSED))  # where the server stands
    last = flow.ask(READ2, ack=flow.server + len(COIL_REFUSED))
    case.expect([refuse(first, COIL_DENIED), forward(last)], server=READ2, client=COIL_REFUSED)
    case.expect([refuse(first, COIL_DENIED), reset(again, "TCP_RETRANSMISSION_DIFFERS")], client=COIL_REFUSED)


def clocks():
    case = Case("time_stamps_wrap", "time stamps run over 2^32: one behind the wrap is new, one "
                        "before it old",
                "RFC 7323 §5")
    flow = case.flow()
    flow.up("S", options=wire.timestamps(0xFFFFFFF0))
    flow.client += 1
    flow.down("SA", options=wire.timestamps(900, 0xFFFFFFF0))
    flow.server += 1
    flow.up("A", options=wire.timestamps(0xFFFFFFF1, 900))
    first = flow.ask(READ, options=wire.timestamps(0xFFFFFFFA, 900))
    second = flow.ask(READ2, options=wire.timestamps(3, 900))
    old = flow.up("PA", READ, options=wire.timestamps(0xFFFFFFFC, 900))
    last = flow.ask(COIL, options=wire.timestamps(4, 900))
    case.expect([forward(first), forward(second), drop(old, "TCP_TIMESTAMP_OLD"), refuse(last, COIL_DENIED)],
                server=READ + READ2)
    case.expect([forward(first), forward(second), drop(old, "TCP_TIMESTAMP_OLD"), refuse(last, COIL_DENIED)],
                server=READ + READ2, client=COIL_REFUSED)


def ends():
    case, flow = opened("fin_outside_the_window", "a FIN that the server ignores, then a write",
                        "Ptacek & Newsham 1998, §5.4 (TCP state)")
    far = flow.up("FA", at=1001 + 500_000)
    last = flow.ask(COIL)
    case.expect([drop(far, "TCP_OUT_OF_WINDOW"), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    case, flow = opened("four_tuple_reused_at_once", "reset for a contradiction; the same ports "
                        "again at once, "
                        "with numbers close to the old ones", "RFC 6191; RFC 9293 §3.4.3")
    first = flow.ask(READ)
    second = flow.up("PA", COIL, at=1001)
    flow.client, flow.server = 1001, 7_000_000
    flow.open()
    third, last = flow.ask(READ2), flow.ask(COIL)
    rows = [forward(first), reset(second, "TCP_RETRANSMISSION_DIFFERS"), forward(third),
            refuse(last, COIL_DENIED)]
    case.expect(rows, server=READ + READ2)
    case.expect(rows, server=READ + READ2, client=COIL_REFUSED)

    case = Case("simultaneous_open_with_data", "both sides open at once; the client's SYN-ACK "
                        "carries a write, "
                "then a read in its place", "RFC 9293 §3.5 (figure 7)", allow="opened_by: EITHER")
    flow = case.flow()
    flow.up("S")
    flow.down("S")
    flow.client += 1
    flow.server += 1
    data = flow.up("SPA", COIL, at=1000)
    flow.up("SA", at=1000)
    flow.down("SA", at=5000)
    last = flow.ask(READ)
    case.expect([drop(data, "TCP_SYN_DATA"), forward(last)], server=READ)

    case = Case("multipath", "Multipath TCP: data of another subflow's place in a connection that "
                        "offered it; "
                "the option goes no further", "RFC 8684 §3.1, §3.3")
    capable = b"\x1e\x0c\1\1" + bytes(range(8))
    flow = case.flow().open(options=capable, server_options=capable)
    mapping = b"\x1e\x14\x20\5" + struct.pack(">IIIHH", 7, 1, 1, len(READ), 0)
    first, last = flow.ask(READ, options=mapping), flow.ask(COIL, options=mapping)
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ)
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)


def error(quoted, kind=3, code=1):
    head = struct.pack(">BBHI", kind, code, 0, 0) + quoted
    return head[:2] + struct.pack(">H", net.checksum(head)) + head[4:]


def quotes():
    def told(case, content, source=PLC):
        return case.down(wire.packet(source, HMI, content, protocol=1, fragment=0))

    def quote(flow, at, ports=None):
        return wire.packet(HMI, PLC, wire.segment(HMI, PLC, ports or (flow.port, 502), "PA", at, flow.server,
                                                  READ))

    case, flow = opened("error_about_no_connection", "an ICMP error that quotes ports between which nothing "
                        "passes", QUOTES)
    first = flow.ask(READ)
    lie = told(case, error(quote(flow, 1001, (flow.port + 7, 502))))
    case.expect([forward(first), drop(lie, "ICMP_QUOTE_UNKNOWN")], server=READ)

    case, flow = opened("error_of_a_stranger", "an ICMP error of one whom the policy does not name", QUOTES)
    first = flow.ask(READ)
    lie = told(case, error(quote(flow, 1001)), "10.0.7.77")
    case.expect([forward(first), drop(lie, "SOURCE_UNKNOWN")], server=READ)

    case, flow = opened("error_with_its_quote_turned", "an ICMP error to the client that quotes "
                        "what the server "
                        "has sent", QUOTES)
    first, answer = flow.ask(READ), flow.answer(READ_ANSWER)
    turned = wire.packet(PLC, HMI, wire.segment(PLC, HMI, (502, flow.port), "PA", 5001, 1013, READ_ANSWER))
    lie = told(case, error(turned))
    case.expect([forward(first), forward(answer), drop(lie, "ICMP_QUOTE_UNKNOWN")], server=READ,
                client=READ_ANSWER)

    case, flow = opened("redirect_about_a_connection", "an ICMP redirect that quotes a living connection: "
                        "another way for what the client sends", QUOTES)
    first = flow.ask(READ)
    lie = told(case, error(quote(flow, 1001), kind=5))
    last = flow.ask(READ2)
    case.expect([forward(first), drop(lie, "ICMP_NOT_PERMITTED", "FLOW_UNDOCUMENTED"), forward(last)],
                server=READ + READ2)


def neighbours():  # ARP names no port: a capture cannot say from which side it came
    case = Case("ndp_claims_the_server", "the client's side says that the PLC's address is its own: "
                        "a neighbour advertisement with the override flag",
                "RFC 4861 §4.4; RFC 6583")
    body = struct.pack(">BBHI", 136, 0, 0, 0x20000000) + wire.socket.inet_pton(wire.socket.AF_INET6, PLC6)
    body += b"\2\1" + net.mac(HMI_MAC)
    total = net.checksum(wire.pseudo(HMI6, PLC6, 58, len(body)) + body)
    body = body[:2] + struct.pack(">H", total) + body[4:]
    lie = case.up(wire.packet(HMI6, PLC6, body, protocol=58, ttl=255))
    case.expect([drop(lie, "ARP_BINDING_VIOLATED", "NDP_MALFORMED")])


def resources():
    case, flow = opened("flow_table_fill", "as many half-open connections as one source may have, "
                        "and some more; "
                        "then a read and a write on the one that was there", "RFC 4987")
    over = []
    for number in range(HALF_OPEN_OF_A_SOURCE + 4):
        frame = case.up(wire.packet(HMI, PLC, wire.segment(HMI, PLC, (50_000 + number, 502), "S", 9000, 0)))
        over += [drop(frame, "SOURCE_FLOWS_FULL")] if number >= HALF_OPEN_OF_A_SOURCE else []
    case.wait(3)  # too long for a replay: there the places would be missing for ten seconds
    first, last = flow.ask(READ), flow.ask(COIL)
    case.expect(over + [forward(first), refuse(last, COIL_DENIED)], server=READ)
    case.expect(over + [forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)


around_a_refusal()
clocks()
ends()
quotes()
neighbours()
resources()
