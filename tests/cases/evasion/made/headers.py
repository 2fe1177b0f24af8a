"""TCP headers that lie: checksum, data offset, reserved bits, flags, urgent pointer, options (list §9.1)."""

import wire
from talk import (COIL, COIL_REFUSED, READ, READ2, READ_ANSWER, Case, drop, forward, opened, refuse,
                  reset)

PN = "Ptacek & Newsham 1998, §5.1 (insertion)"
HEADER = "RFC 9293 §3.1"
COIL_DENIED = "FUNCTION_NOT_PERMITTED"


def chaff(name, what, reference, *reasons, **fields):
    """A read that the server will not take, then a write in its place."""
    case, flow = opened(name, what + "; then a write in its place", reference)
    first = flow.up(fields.pop("flags", "PA"), READ, **fields)
    last = flow.ask(COIL)
    case.expect([drop(first, *reasons), refuse(last, COIL_DENIED)], client=COIL_REFUSED)


def checksums():
    chaff("tcp_checksum_wrong", "a read with a wrong checksum", PN, "TCP_CHECKSUM_WRONG", checksum=1)
    case, flow = opened("tcp_checksum_zero", "a read whose checksum field is 0, which is a number like any "
                        "other",
                        HEADER)
    octets = flow.up_segment("PA", READ)
    octets = octets[:16] + b"\0\0" + octets[18:]
    case.up(wire.packet(*flow.ends, octets))
    first = len(case.sent)
    case.expect([drop(first, "TCP_CHECKSUM_WRONG"), refuse(flow.ask(COIL), COIL_DENIED)], client=COIL_REFUSED)

    case = Case("syn_with_wrong_checksum", "a SYN that the server drops, then one with other numbers", PN)
    flow = case.flow(client=50_000)
    first = flow.up("S", checksum=1)
    flow.client = 1000
    flow.open()
    last = flow.ask(COIL)
    case.expect([drop(first, "TCP_CHECKSUM_WRONG"), refuse(last, COIL_DENIED)], client=COIL_REFUSED)


def offsets():
    chaff("data_offset_too_small", "data offset 4: the header would end inside itself", HEADER,
          "TCP_MALFORMED",
          offset=4)
    chaff("data_offset_zero", "data offset 0", HEADER, "TCP_MALFORMED", offset=0)
    chaff("data_offset_behind_the_end", "data offset 15, behind the end of the segment", HEADER,
          "TCP_MALFORMED",
          offset=15)

    # The last eight octets of a header of 28 are data to whoever reads 20.
    case, flow = opened("data_offset_hides_a_write", "a write stands where options should be", HEADER)
    last = flow.up("PA", READ, offset=8, options=COIL)
    flow.client += len(READ)
    case.expect([drop(last, "TCP_MALFORMED")])
    # To every receiver, an end-of-options octet and padding behind it.
    case.expect([forward(last)], server=READ)

    case = Case("tcp_header_cut", "an IP packet that ends inside the TCP header", HEADER)
    flow = case.flow()
    octets = flow.up_segment("S")[:12]
    case.up(wire.packet(*flow.ends, octets))
    case.expect([drop(1, "TCP_MALFORMED")])


def flags():
    for name, letters, what in [("christmas_tree", "FSRPAU", "every flag at once"),
                                ("null", "", "no flag at all"),
                                ("syn_fin", "SF", "SYN and FIN"), ("syn_rst", "SR", "SYN and RST"),
                                ("fin_rst", "FRA", "FIN and RST"), ("fin_alone", "F", "FIN without ACK"),
                                ("push_alone", "P", "PSH without ACK"),
                                ("push_urgent_fin", "PUF", "FIN, PSH and URG, without ACK")]:
        chaff("flags_" + name, f"a read with {what}", HEADER, "TCP_FLAGS_INVALID", "TCP_URGENT",
              flags=letters)
    case = Case("flags_syn_fin_opens", "a connection that is opened by SYN and FIN", HEADER)
    flow = case.flow()
    case.expect([drop(flow.up("SF"), "TCP_FLAGS_INVALID")])
    for bit in (1, 2, 4):
        chaff(f"reserved_bit_{bit}", "a read with a reserved bit", HEADER, "TCP_FLAGS_INVALID",
              "TCP_MALFORMED",
              reserved=bit << 1)
    # Bit 0x100 was ECN's nonce sum (RFC 3540, historic), is ACE in RFC 9768, and reserved to all others.
    case, flow = opened("congestion_bits", "ECE and CWR are not ambiguous", "RFC 3168 §6.1")
    first = flow.ask(READ, flags="PAC")
    last = flow.ask(COIL, flags="PAE")
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)


def urgent():
    case, flow = opened("urgent_function_code", "urgent data: the function code is the octet that some "
                        "sockets take "
                        "out of the stream", "RFC 6093; Ptacek & Newsham 1998")
    case.expect([drop(flow.ask(READ, flags="PAU", urgent=8), "TCP_URGENT")])

    case, flow = opened("urgent_extra_octet", "an octet more, urgent: without it a write, with it a read",
                        "RFC 6093")
    both = READ[:7] + b"\x03" + COIL[7:]
    case.expect([drop(flow.ask(both, flags="PAU", urgent=8), "TCP_URGENT")])

    case, flow = opened("urgent_pointer_alone", "an urgent pointer without its flag says nothing", HEADER)
    last = flow.ask(COIL, urgent=8)
    case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)
    case.expect([drop(last, "TCP_URGENT", "TCP_MALFORMED", "TCP_FLAGS_INVALID")])

    case, flow = opened("urgent_cleared", "where the conduit tolerates URG, the flag is cleared: a read "
                        "passes and a "
                        "write does not", "RFC 6093", conduit="tolerance { urgent: true }")
    first = flow.ask(READ, flags="PAU", urgent=8)
    last = flow.ask(COIL, flags="PAU", urgent=8)
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)


def options():
    bad = "TCP_MALFORMED"
    chaff("option_length_zero", "an option of length 0", HEADER, bad, options=b"\x08\0\0\0")
    chaff("option_length_one", "an option of length 1", HEADER, bad, options=b"\x08\1\0\0")
    chaff("option_behind_the_header", "an option that runs into the data", HEADER, bad,
          options=b"\1\1\x08\x0a")
    chaff("option_without_length", "the header ends behind an option's kind", HEADER, bad,
          options=b"\1\1\1\x08")
    chaff("sack_of_odd_length", "SACK blocks of nine octets", "RFC 2018 §3", bad,
          options=b"\5\x09" + bytes(7))
    chaff("sack_twice", "two SACK options", "RFC 2018 §3; two readings", bad,
          options=b"\5\x0a" + bytes(8) + b"\5\x0a" + bytes(8))
    chaff("md5_and_ao", "TCP-MD5 and TCP-AO in one segment", "RFC 5925 §2.2", bad,
          options=b"\x13\x12" + bytes(16) + b"\x1d\x10\1\1" + bytes(12))
    chaff("md5_twice", "TCP-MD5 twice", "RFC 2385; two readings", bad, options=2 * (b"\x13\x12" + bytes(16)))

    case, flow = opened("time_stamps_twice", "two time stamps, one old and one new: receivers differ in "
                        "which they "
                        "take; then a write in its place", "RFC 7323; two readings", stamps=True)
    first = flow.up("PA", READ, options=wire.timestamps(200, 900) + wire.timestamps(3, 900))
    last = flow.ask(COIL)
    case.expect([drop(first, bad), refuse(last, COIL_DENIED)], client=COIL_REFUSED)

    for name, offer, reference in [("mss_of_length_3", b"\2\3\5\1", "RFC 9293 §3.7.1"),
                                   ("mss_of_length_6", b"\2\6\5\xb4\0\0\1\1", "RFC 9293 §3.7.1"),
                                   ("window_scale_of_length_2", b"\1\1\3\2", "RFC 7323 §2.2"),
                                   ("time_stamp_of_length_9", b"\1\1\x08\x09" + bytes(8), "RFC 7323 §3.2"),
                                   ("mss_twice", wire.mss(1460) + wire.mss(8),
                                    "RFC 9293 §3.7.1; two readings"),
                                   ("window_scale_twice", b"\1\3\3\2\1\3\3\7", "RFC 7323; two readings")]:
        case = Case("syn_" + name, "a SYN whose option lies: " + name.replace("_", " "), reference)
        case.expect([drop(case.flow().up("S", options=offer), bad)])
    extremes()


def extremes():
    """What a SYN may say although nobody can live with it: the connection is followed all the same."""
    for name, offer in [("mss_zero", wire.mss(0)), ("mss_one", wire.mss(1)),
                        ("mss_largest", wire.mss(65535))]:
        case = Case(name, "a SYN with an extreme MSS; a read, then a write", "RFC 9293 §3.7.1; RFC 6691")
        flow = case.flow().open(options=offer, server_options=wire.mss(1460))
        first, answer, last = flow.ask(READ), flow.answer(READ_ANSWER), flow.ask(COIL)
        case.expect([forward(first), forward(answer), refuse(last, COIL_DENIED)], server=READ,
                    client=READ_ANSWER + COIL_REFUSED)
        if name == "mss_zero":
            case.expect([reset(last, COIL_DENIED), forward(first), forward(answer)], server=READ,
                        client=READ_ANSWER)

    case = Case("window_scale_15", "a scale above 14 counts as 14", "RFC 7323 §2.3")
    flow = case.flow().open(options=b"\1\3\3\x0f", server_options=b"\1\3\3\x0f")
    flow.acknowledge()
    first, last = flow.ask(READ), flow.ask(COIL)
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)
    case.expect([drop(1, "TCP_MALFORMED")] + [drop(frame, "TCP_NO_FLOW", "TCP_HANDSHAKE_VIOLATED")
                                              for frame in range(2, 7)])

    case, flow = opened("unknown_option", "an option that nobody knows, of right length, is ignored by all",
                        "RFC 9293 §3.2")
    first = flow.ask(READ, options=b"\xfd\4\0\0")
    last = flow.ask(READ2)
    case.expect([forward(first), forward(last)], server=READ + READ2)


checksums()
offsets()
flags()
urgent()
options()
