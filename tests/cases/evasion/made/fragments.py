"""IP fragments in a conduit that tolerates them: they are put together, the whole packet is judged and is
what leaves. What is wrong about fragments condemns the packet that they are part of (RFC 5722)."""

import wire
from talk import (COIL, COIL_REFUSED, HMI, PLC, READ, READ2, READ_ANSWER, WRITE, drop, forward, opened,
                  refuse, reset)

TOLERANT = "tolerance { fragments: true }"
PLAIN = "RFC 791 §3.2; RFC 815"
TORN = "Ptacek & Newsham 1998, §5.2; RFC 5722"
MALFORMED = "IP_HEADER_MALFORMED"
FORBIDDEN = "IP_FRAGMENT_NOT_PERMITTED"
OVERLAP = "IP_FRAGMENT_OVERLAP"
TINY = "IP_FRAGMENT_TINY"
LARGE = "IP_FRAGMENT_TOO_LARGE"
INCOMPLETE = "IP_FRAGMENT_INCOMPLETE"
COIL_DENIED = "FUNCTION_NOT_PERMITTED"
HEAD = 24  # a TCP header and four octets
GIVEN_UP = 3  # seconds, after which no gateway waits any longer


def tolerant(name, what, reference, **options):
    return opened("tolerant_" + name, what, reference, conduit=TOLERANT, **options)


def cut(octets, *places):
    """(offset, octets, more) of each piece between these places."""
    edges = [0, *places, len(octets)]
    return [(begin, octets[begin:end], end < len(octets)) for begin, end in zip(edges, edges[1:])]


def send(case, piece, v6=False, name=77, **fields):
    offset, octets, more = piece
    name += case.port_shift
    if v6:
        chain = [(44, wire.fragment_header(offset, more, name))]
        return case.up(wire.packet_v6("fd00:7::10", "fd00:7::1", octets, extensions=chain, **fields))
    place = (0x2000 if more else 0) | offset // 8
    return case.up(wire.packet_v4(HMI, PLC, octets, identification=name, fragment=place, **fields))


def whole(name, what, reference, content, order=None, places=(HEAD,), rows=(forward,), v6=False,
          server=b"", client=b""):
    """Pieces of one segment, in this order: judged with the one that completes it."""
    case, flow = tolerant(name, what, reference, v6=v6)
    pieces = cut(flow.up_segment("PA", content), *places)
    last = [send(case, pieces[number], v6) for number in order or range(len(pieces))][-1]
    case.expect([row(last) for row in rows], server=server, client=client)


def trick(name, what, reference, steps, *, v6=False, left=0, goes_on=()):
    """Pieces, each with the reasons for which it may be denied (none: it is kept), then a write in the place
    of what never arrived. `left`: so many packets are given up; `goes_on`: the permitted requests that the
    last piece completes."""
    case, flow = tolerant(name, what + "; then a write in its place", reference, v6=v6)
    rows, number = [], 0
    for piece, *reasons in steps(flow):
        fields = reasons.pop() if reasons and isinstance(reasons[-1], dict) else {}
        number = send(case, piece, v6, **fields)
        rows += [drop(number, *reasons)] if reasons else []
    rows += [forward(number) for _ in goes_on]
    flow.client += sum(map(len, goes_on))
    gone = [drop(number, INCOMPLETE)] * left
    case.wait(GIVEN_UP)
    last = flow.ask(COIL)
    arrived = b"".join(goes_on)
    case.expect(rows + gone + [refuse(last, COIL_DENIED)], server=arrived, client=COIL_REFUSED)
    return case


def together():
    whole("read", "a read in two fragments", PLAIN, READ, server=READ)
    whole("write", "a permitted write in three fragments", PLAIN, WRITE, places=(24, 32), server=WRITE)
    whole("write_reversed", "a permitted write, the last fragment first", PLAIN, WRITE, (2, 1, 0), (24, 32),
          server=WRITE)
    whole("three_requests_shuffled", "three requests in one segment, fragments of eight octets in any order",
          PLAIN, READ + READ2 + WRITE, (3, 0, 4, 1, 2), (24, 32, 40, 48), rows=[forward] * 3,
          server=READ + READ2 + WRITE)
    refused = lambda frame: refuse(frame, COIL_DENIED)  # noqa: E731
    whole("denied", "a denied write in two fragments", PLAIN, COIL, rows=[refused], client=COIL_REFUSED)
    whole("denied_reversed", "the same, the last fragment first", PLAIN, COIL, (1, 0), rows=[refused],
          client=COIL_REFUSED)
    whole("denied_behind_a_read", "a denied write that begins in the second fragment", PLAIN, READ + COIL,
          places=(32,), rows=[forward, refused], server=READ, client=COIL_REFUSED)
    whole("v6", "a read in two fragments over IPv6", "RFC 8200 §4.5", READ, v6=True, server=READ)
    whole("v6_denied", "a denied write in two fragments over IPv6, the last first", "RFC 8200 §4.5", COIL,
          (1, 0), rows=[refused], v6=True, client=COIL_REFUSED)
    whole("v6_atomic", "a read in an atomic fragment", "RFC 6946", READ, places=(), v6=True, server=READ)
    whole("v6_atomic_denied", "a denied write in an atomic fragment", "RFC 6946", COIL, places=(), v6=True,
          rows=[refused], client=COIL_REFUSED)

    case, flow = tolerant("segments_in_fragments", "a write in two segments, each in two fragments", PLAIN)
    for piece, name in (WRITE[:8], 77), (WRITE[8:], 78):
        for part in cut(flow.up_segment("PA", piece), 24):
            last = send(case, part, name=name)
        flow.client += len(piece)
    case.expect([forward(last)], server=WRITE)

    case, flow = tolerant("interleaved", "two packets whose fragments take turns", PLAIN)
    first = cut(flow.up_segment("PA", READ), HEAD)
    second = cut(flow.up_segment("PA", COIL, at=flow.client + len(READ)), HEAD)
    numbers = [send(case, piece, name=name) for pair in zip(first, second)
               for piece, name in zip(pair, (77, 78))]
    case.expect([forward(numbers[2]), refuse(numbers[3], COIL_DENIED)], server=READ, client=COIL_REFUSED)

    case, flow = tolerant("answer", "the server's answer in two fragments, the last first", PLAIN)
    request = flow.ask(READ)
    octets = wire.segment(PLC, HMI, (502, flow.port), "PA", flow.server, flow.client, READ_ANSWER)
    for fragment, part in (3, octets[24:]), (0x2000, octets[:24]):
        last = case.down(wire.packet_v4(PLC, HMI, part, fragment=fragment,
                                        identification=9 + case.port_shift))
    case.expect([forward(request), forward(last)], server=READ, client=READ_ANSWER)

    case, flow = tolerant("dont_fragment", "fragments that say they may not be fragments, as some hosts send "
                          "them", "RFC 791 §3.1")
    octets = flow.up_segment("PA", READ)
    numbers = [case.up(wire.packet_v4(HMI, PLC, part, fragment=place, identification=9 + case.port_shift))
               for place, part in ((0x6000, octets[:24]), (0x4003, octets[24:]))]
    case.expect([forward(numbers[1])], server=READ)
    case.expect([drop(number, FORBIDDEN, MALFORMED) for number in numbers])

    case, flow = tolerant("other_octets_in_fragments", "a read, then a write in its place, in fragments",
                          "RFC 9293 §3.10.7.4")
    first = flow.up("PA", READ)
    last = [send(case, piece) for piece in cut(flow.up_segment("PA", COIL), HEAD)][-1]
    case.expect([forward(first), reset(last, "TCP_RETRANSMISSION_DIFFERS")], server=READ)


def two(flow, first=READ, second=COIL):
    """Two segments in the same place that differ in their first request alone; both checksums are right."""
    return (cut(flow.up_segment("PA", first + READ2), 24, 32, 40),
            cut(flow.up_segment("PA", second + READ2), 24, 32, 40))


def part(octets, begin, end):
    return begin, octets[begin:end], end < len(octets)


def overlaps():
    def same_place(flow):
        good, evil = two(flow)
        return [(good[0], ), (good[1], ), (evil[0], OVERLAP), (evil[1], OVERLAP), (good[2], OVERLAP),
                (good[3], OVERLAP)]
    trick("overlap_newer", "two reads in fragments, a write over the first of them, then the rest", TORN,
          same_place)

    def backwards(flow):
        good, evil = two(flow)
        return [(good[3], ), (good[2], ), (evil[1], ), (good[1], OVERLAP), (evil[0], OVERLAP),
                (good[0], OVERLAP)]
    trick("overlap_older", "the same from the end: the write's fragments come first", TORN, backwards)

    def reshaped(name, what, first, second):
        def steps(flow):
            octets = [flow.up_segment("PA", request + READ2) for request in (READ, COIL)]
            rest = part(octets[0], max(first[1], second[1]), 44)
            before = part(octets[0], 0, min(first[0], second[0]))
            between = [((before), OVERLAP)] if before[1] else []
            return [(part(octets[0], *first), ), (part(octets[1], *second), OVERLAP), *between,
                    *([(rest, OVERLAP)] if rest[1] else [])]
        trick("overlap_" + name, what, TORN, steps)
    reshaped("reaches_back", "a fragment of a write that begins inside one of the reads", (0, 32), (24, 40))
    reshaped("reaches_on", "a fragment of a write that ends inside one of the reads", (24, 40), (0, 32))
    reshaped("inside", "a fragment of a write inside one of the reads (teardrop)", (0, 40), (24, 32))
    reshaped("around", "a fragment of a write around one of the reads", (24, 32), (0, 40))
    reshaped("longer", "a fragment of a write that begins where one of the reads does, longer", (24, 32),
             (24, 40))
    reshaped("shorter", "a fragment of a write that begins where one of the reads does, shorter", (0, 32),
             (0, 24))

    def two_ends(flow):
        octets = flow.up_segment("PA", READ + READ2)
        return [(part(octets, 32, 44), ), ((24, octets[24:32], False), OVERLAP),
                (part(octets, 0, 24), OVERLAP), (part(octets, 24, 32), OVERLAP)]
    trick("two_ends", "two last fragments", TORN, two_ends)

    def behind(flow):
        octets = flow.up_segment("PA", READ + READ2)
        return [((24, octets[24:32], False), ), (part(octets, 32, 44), OVERLAP),
                (part(octets, 0, 24), OVERLAP)]
    trick("behind_the_end", "a fragment behind the last one", TORN, behind)

    def goes_on(flow):
        octets = flow.up_segment("PA", READ + READ2)
        return [(part(octets, 40, 44), ), ((40, octets[40:44] + bytes(4), True), OVERLAP),
                (part(octets, 0, 40), OVERLAP)]
    trick("end_taken_back", "a last fragment that comes again as one in the middle", TORN, goes_on)

    def repeated(flow):
        pieces = cut(flow.up_segment("PA", READ + READ2), 24, 32)
        return [(pieces[0], ), (pieces[2], ), (pieces[0], ), (pieces[2], ), (pieces[1], )]
    trick("exact_copies", "fragments that come twice, octet by octet the same", "RFC 5722; RFC 8200 §4.5",
          repeated, goes_on=(READ, READ2))

    def v6(flow):
        good, evil = two(flow)
        return [(good[0], ), (good[1], ), (evil[1], OVERLAP), (good[2], OVERLAP), (good[3], OVERLAP)]
    trick("v6_overlap", "two reads in fragments over IPv6, a write over them", "RFC 5722; RFC 8200 §4.5",
          v6, v6=True)


def beginnings():
    case = trick("tiny_first", "the first fragment ends in front of TCP's flags", "RFC 1858 §3; RFC 3128",
                 lambda flow: [((pieces := cut(flow.up_segment("PA", READ), 8))[0], TINY), (pieces[1], )],
                 left=1)
    sent = [row["frame"] for row in case.outcomes[0]["rows"]]
    case.expect([drop(sent[0], TINY), drop(sent[1], TINY, OVERLAP), refuse(sent[2], COIL_DENIED)],
                client=COIL_REFUSED)

    def options(flow):
        pieces = cut(flow.up_segment("PA", READ, options=wire.timestamps(1)), 24, 40)
        return [(pieces[2], ), (pieces[0], TINY)]
    trick("options_cut", "the first fragment ends inside TCP's options", "RFC 1858 §3", options, left=1)

    def second_header(flow):
        octets = flow.up_segment("PA", READ)
        over = flow.up_segment("PA", COIL)
        return [(part(octets, 0, 24), ), ((8, over[8:24], True), OVERLAP), (part(octets, 24, 32), OVERLAP)]
    trick("header_over_header", "a fragment at offset 1 that puts other flags over TCP's", "RFC 3128",
          second_header)

    trick("only_the_end", "a last fragment alone", PLAIN,
          lambda flow: [(cut(flow.up_segment("PA", READ), 24)[1], )], left=1)
    trick("only_the_beginning", "a first fragment that holds a whole read, more to come", PLAIN,
          lambda flow: [((0, flow.up_segment("PA", READ), True), )], left=1)

    def late(flow):
        return [(cut(flow.up_segment("PA", READ + READ2), 24, 32)[number], ) for number in (0, 2)]
    trick("gap_stays", "a gap that is never filled", PLAIN, late, left=1)
    gap_filled_late()

    def v6_chain(flow):
        chained = bytes([6, 0, 1, 4, 0, 0, 0, 0]) + flow.up_segment("PA", READ)
        return [((0, chained[:32], True), FORBIDDEN, "IPV6_EXTENSION_NOT_PERMITTED", {"protocol": 60}),
                ((32, chained[32:], False), FORBIDDEN, "IPV6_EXTENSION_NOT_PERMITTED", {"protocol": 60})]
    trick("v6_chain_in_fragments", "an extension header behind the fragment header", "RFC 7112", v6_chain,
          v6=True)
    trick("v6_tiny_first", "a first fragment over IPv6 without the whole TCP header", "RFC 7112",
          lambda flow: [(cut(flow.up_segment("PA", READ), 16)[0], TINY)], v6=True)


def gap_filled_late():
    """The rest comes when the first part has been given up: the beginning of another packet."""
    case, flow = tolerant("gap_filled_late", "a gap filled too late; then a write in its place", PLAIN)
    pieces = cut(flow.up_segment("PA", READ + READ2), 24, 32)
    send(case, pieces[0])
    first = send(case, pieces[2])
    case.wait(GIVEN_UP)
    second = send(case, pieces[1])
    case.wait(GIVEN_UP)
    last = flow.ask(COIL)
    case.expect([drop(first, INCOMPLETE), drop(second, INCOMPLETE), refuse(last, COIL_DENIED)],
                client=COIL_REFUSED)


def sizes():
    trick("larger_than_a_frame", "a packet of 3000 octets", "RFC 791 §3.2",
          lambda flow: [((0, (octets := flow.up_segment("PA", READ * 300))[:1480], True), ),
                        ((1480, octets[1480:2960], True), LARGE), ((2960, octets[2960:], False), LARGE)],
          left=1)
    sent = lambda flow: flow.up_segment("PA", READ * 15)  # noqa: E731
    trick("too_many_pieces", "a packet in more than sixteen fragments", "RFC 791 §3.2",
          lambda flow: [(piece, *([LARGE] if count >= 16 else [])) for count, piece in
                        enumerate(cut(sent(flow), *range(24, 200, 8)))])
    trick("not_by_eight", "a fragment in the middle of 17 octets", "RFC 791 §3.1",
          lambda flow: [((24, b"\1" * 17, True), MALFORMED)])
    trick("empty", "a fragment of nothing", "RFC 791 §3.1", lambda flow: [((24, b"", True), MALFORMED)])
    trick("behind_64k", "a fragment that ends behind octet 65535 (ping of death)", "CVE-1999-0128",
          lambda flow: [((65528, b"\1" * 16, False), MALFORMED, LARGE)])


def mixtures():
    def between(flow):
        good, evil = two(flow)
        return [(good[0], ), (evil[1], {"name": 78}), (good[1], ), (good[2], ), (good[3], )]
    trick("other_identification", "a piece of another packet among two reads", PLAIN, between, left=1,
          goes_on=(READ, READ2))

    def datagram(flow):
        good, evil = two(flow)
        return [(good[0], ), (evil[1], {"protocol": 17}), (good[1], ), (good[2], ), (good[3], )]
    trick("other_protocol", "a piece of a datagram of the same identification among two reads", PLAIN,
          datagram, left=1, goes_on=(READ, READ2))

    def dying(flow):
        good, evil = two(flow)
        return [(good[0], ), (evil[1], "TTL_TOO_LOW", {"ttl": 1}), (good[1], ), (good[2], ), (good[3], )]
    trick("dying_piece", "a piece of a write that dies on its way, among those of two reads", TORN, dying,
          goes_on=(READ, READ2))

    def wrong_sum(flow):
        good, evil = two(flow)
        return [(good[0], ), (evil[1], "IP_CHECKSUM_WRONG", {"ip_checksum": 1}), (good[1], ), (good[2], ),
                (good[3], )]
    trick("piece_with_wrong_checksum", "a piece of a write with a wrong IP checksum among those of two reads",
          TORN, wrong_sum, goes_on=(READ, READ2))

    def with_options(flow):
        good, evil = two(flow)
        return [(good[0], ), (evil[1], "IP_OPTIONS_NOT_PERMITTED", {"ip_options": b"\1\1\1\0"}), (good[1], ),
                (good[2], ), (good[3], )]
    trick("piece_with_options", "a piece of a write with IP options, among those of two reads", TORN,
          with_options, goes_on=(READ, READ2))

    def half_half(flow):
        good, evil = two(flow)
        return [(good[0], ), (evil[1], ), (good[2], ), (good[3], "TCP_CHECKSUM_WRONG")]
    trick("mixture", "the beginning of a read and the end of a write", TORN, half_half)

    trick("unknown_protocol", "fragments of a protocol that nobody knows", PLAIN,
          lambda flow: [(cut(flow.up_segment("PA", READ), 24)[0], FORBIDDEN, {"protocol": 253})])
    case, flow = tolerant("stranger", "fragments of one whom the policy does not name; then a write", PLAIN)
    numbers = [case.up(wire.packet_v4("10.0.7.66", PLC, octets, fragment=place))
               for place, (_, octets, _) in zip((0x2000, 3), cut(flow.up_segment("PA", READ), 24))]
    last = flow.ask(COIL)
    denied = [drop(number, FORBIDDEN, "SOURCE_UNKNOWN") for number in numbers]
    case.expect(denied + [refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    pad = b"\0" + b"\1\4\0\0\0\0"
    case, flow = tolerant("v6_hop_by_hop", "hop-by-hop in front of the fragment header; then a write in its "
                          "place", "RFC 8200 §4.5", v6=True)
    number = flow.up("PA", READ, extensions=[(0, pad), (44, wire.fragment_header(0, 1))])
    last = flow.ask(COIL)
    case.expect([drop(number, FORBIDDEN, "IPV6_EXTENSION_NOT_PERMITTED"), refuse(last, COIL_DENIED)],
                client=COIL_REFUSED)
    case, flow = tolerant("v6_two_headers", "two fragment headers in one packet; then a write in its place",
                          "RFC 8200 §4.5", v6=True)
    number = flow.up("PA", READ, extensions=[(44, wire.fragment_header(0, 0))] * 2)
    last = flow.ask(COIL)
    case.expect([drop(number, FORBIDDEN, "IPV6_EXTENSION_NOT_PERMITTED"), refuse(last, COIL_DENIED)],
                client=COIL_REFUSED)


together()
overlaps()
beginnings()
sizes()
mixtures()
