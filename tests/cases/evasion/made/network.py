"""Layers 2 and 3: fragments, options, extension headers, lengths, time to live, tags (evasion list §9.1)."""

import struct

import frames as net
import wire
from talk import (COIL, COIL_REFUSED, HMI, HMI_MAC, PLC, PLC_MAC, READ, Case, drop, forward, opened, refuse,
                  reset)

PN = "Ptacek & Newsham 1998, §5.1 (insertion)"
PN_FRAGMENT = "Ptacek & Newsham 1998, §5.2 (fragments); RFC 1858"
IP = "RFC 791 §3.1"
FRAGMENT = "IP_FRAGMENT_NOT_PERMITTED"
EXTENSION = "IPV6_EXTENSION_NOT_PERMITTED"
COIL_DENIED = "FUNCTION_NOT_PERMITTED"


def chaff(name, what, reference, *reasons, v6=False, **fields):
    """A read that the server never sees, then a write in its place."""
    case, flow = opened(name, what + "; then a write in its place", reference, v6=v6)
    first = flow.up("PA", READ, **fields)
    last = flow.ask(COIL)
    case.expect([drop(first, *reasons), refuse(last, COIL_DENIED)], client=COIL_REFUSED)


def ipv4_headers():
    chaff("low_ttl", "a read that dies on its way", PN, "TTL_TOO_LOW", ttl=1)
    chaff("ttl_zero", "a read that should have died already", PN, "TTL_TOO_LOW", ttl=0)
    chaff("ip_checksum_wrong", "a read whose IP checksum is wrong", PN, "IP_CHECKSUM_WRONG", ip_checksum=1)
    lengths = ("IP_HEADER_MALFORMED", "FRAME_MALFORMED", "TCP_MALFORMED")
    chaff("ip_length_behind_the_frame", "an IP length larger than the frame", IP, *lengths, total=200)
    chaff("ip_length_inside_the_header", "an IP length of 19", IP, *lengths, total=19)
    chaff("ip_length_zero", "an IP length of 0 (as with segmentation offload)", IP, *lengths, total=0)
    chaff("ip_length_cuts_the_read", "an IP length that cuts the read's last octet off", IP, *lengths,
          "TCP_CHECKSUM_WRONG", total=51)
    chaff("ihl_too_small", "an IP header of four words", IP, "IP_HEADER_MALFORMED", ihl=4)
    chaff("ihl_behind_the_packet", "an IP header longer than the packet says", IP, "IP_HEADER_MALFORMED",
          ihl=15,
          total=52)
    chaff("ip_version_5", "IP version 5", IP, "IP_HEADER_MALFORMED", version=5)
    chaff("ip_reserved_flag", "the reserved flag of IPv4", "RFC 791 §3.1; RFC 3514", "IP_HEADER_MALFORMED",
          FRAGMENT, fragment=0x8000)
    for name, what, option in [("no_operation", "no-operation", b"\1\1\1\1"), ("end", "end of list",
                                                                               b"\0\0\0\0"),
                               ("record_route", "record route", b"\x07\x07\4" + bytes(5)),
                               ("loose_source_route", "loose source route", b"\x83\x07\4" + bytes(5)),
                               ("strict_source_route", "strict source route", b"\x89\x07\4" + bytes(5)),
                               ("router_alert", "router alert", b"\x94\4\0\0"),
                               ("of_length_zero", "of length 0", b"\x07\0\0\0")]:
        chaff("ip_option_" + name, f"a read with an IP option: {what}", "RFC 791 §3.1; RFC 7126",
              "IP_OPTIONS_NOT_PERMITTED", "IP_HEADER_MALFORMED", ip_options=option)
    chaff("ip_protocol_other", "the same octets as an unknown IP protocol", IP, "IP_PROTOCOL_NOT_PERMITTED",
          protocol=253)
    case = Case("land", "a packet from the server to itself", "CVE-1999-0016")
    case.up(wire.packet(PLC, PLC, wire.segment(PLC, PLC, (502, 502), "S", 1, 0)))
    case.expect([drop(1, "LAND_PACKET", "SOURCE_WRONG_ZONE")])


def fragments():
    """Default of a conduit: no fragments. Each one goes, whatever it is part of."""
    case, flow = opened("fragments_of_8_octets", "a write in fragments of eight octets", PN_FRAGMENT)
    octets = flow.up_segment("PA", COIL)
    pieces = [(at, octets[at:at + 8], at + 8 < len(octets)) for at in range(0, len(octets), 8)]
    all_dropped(case, pieces)

    case, flow = opened("tiny_first_fragment", "the first fragment ends in front of TCP's flags",
                        "RFC 1858 §3")
    octets = flow.up_segment("PA", COIL)
    all_dropped(case, [(0, octets[:8], True), (8, octets[8:], False)])

    case, flow = opened("fragments_overlap", "a read in two fragments; a third one puts the write over it",
                        "RFC 1858 §4; RFC 3128")
    read, write = flow.up_segment("PA", READ), flow.up_segment("PA", COIL)
    all_dropped(case, [(0, read[:24], True), (24, write[24:], False), (24, read[24:], False)])

    case, flow = opened("fragments_overlap_reversed", "the same, the last fragment first", "RFC 3128")
    all_dropped(case, [(24, write[24:], False), (24, read[24:], False), (0, read[:24], True)])

    case, flow = opened("teardrop", "the second fragment ends inside the first", "CVE-1999-0015")
    all_dropped(case, [(0, read, True), (8, write[8:16], False)])

    case, flow = opened("fragment_behind_64k", "a fragment that would end behind octet 65535 (ping of death)",
                        "CVE-1999-0128")
    all_dropped(case, [(65528, COIL * 3, False)])

    case, flow = opened("fragment_without_beginning", "a fragment alone, from the middle", PN_FRAGMENT)
    all_dropped(case, [(8, write[8:], True)])

    case, flow = opened("fragment_with_dont_fragment", "a fragment that says it may not be one", IP)
    case.up(wire.packet_v4(HMI, PLC, read[:24], fragment=0x6000))
    case.up(wire.packet_v4(HMI, PLC, read[24:], fragment=0x4003))
    case.expect([drop(4, FRAGMENT, "IP_HEADER_MALFORMED"), drop(5, FRAGMENT, "IP_HEADER_MALFORMED")])


def all_dropped(case, pieces):
    numbers = [case.up(packet) for packet in wire.fragments_v4(HMI, PLC, b"", pieces)]
    case.expect([drop(number, FRAGMENT, "IP_HEADER_MALFORMED") for number in numbers])


def ipv6():
    rfc = "RFC 8200 §4"
    case, flow = opened("ipv6_plain", "a read, then a write, over IPv6", "RFC 8200", v6=True)
    first, last = flow.ask(READ), flow.ask(COIL)
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)
    chaff("ipv6_hop_limit", "a read that dies on its way", PN, "TTL_TOO_LOW", v6=True, ttl=1)
    pad = b"\0" + b"\1\4\0\0\0\0"
    for name, what, chain in [("hop_by_hop", "a hop-by-hop header of padding", [(0, pad)]),
                              ("destination_options", "a destination header of padding", [(60, pad)]),
                              ("two_headers", "both", [(0, pad), (60, pad)])]:
        case, flow = opened("ipv6_" + name, f"a write behind {what}", rfc, v6=True)
        last = flow.ask(COIL, extensions=chain)
        case.expect([refuse(last, COIL_DENIED)], client=COIL_REFUSED)
        case.expect([drop(last, EXTENSION)])
    bad = (EXTENSION, "IP_HEADER_MALFORMED")
    for name, what, chain in [
            ("hop_by_hop_second", "hop-by-hop behind another header", [(60, pad), (0, pad)]),
            ("routing_type_0", "a routing header of type 0 (RFC 5095)", [(43, b"\0" + bytes(6))]),
            ("routing_type_0_used", "a routing header that has segments left",
             [(43, b"\2\0\1" + bytes(4) + bytes(16))]),
            ("routing_type_4", "segment routing", [(43, b"\0\4\0\0\0\0\0")]),
            ("unknown_header", "an extension header that nobody knows", [(253, pad)]),
            ("chain_of_eight", "eight headers in a row", [(60, pad)] * 8),
            ("header_behind_the_packet", "a header that says it is longer than the packet",
             [(60, b"\xff" + pad[1:])]),
            ("option_behind_the_header", "an option that runs out of its header", [(60,
                                                                                    b"\0\1\x10\0\0\0\0")]),
            ("option_to_drop", "an option that receivers must drop when they do not know it",
             [(60, b"\0\x5e\4\0\0\0\0")]),
            ("authentication_header", "an authentication header", [(51, b"\4" + bytes(22))])]:
        chaff("ipv6_" + name, "a read behind " + what, rfc, *bad, "IP_PROTOCOL_NOT_PERMITTED", v6=True,
              extensions=chain)
    ipv6_fragments()
    lengths = ("IP_HEADER_MALFORMED", "FRAME_MALFORMED", "TCP_MALFORMED", "IP_PROTOCOL_NOT_PERMITTED")
    chaff("ipv6_length_behind_the_frame", "a payload length larger than the frame", "RFC 8200 §3", *lengths,
          v6=True, total=200)
    chaff("ipv6_length_zero", "a payload length of 0 (jumbogram without its option)", "RFC 8200 §3; RFC 2675",
          *lengths, v6=True, total=0)
    chaff("ipv6_no_next_header", "the read behind 'no next header'", "RFC 8200 §4.7", *bad,
          "IP_PROTOCOL_NOT_PERMITTED", v6=True, protocol=59)
    chaff("ipv6_in_version_4", "an IPv6 packet that says version 4", "RFC 8200 §3", *lengths, v6=True,
          version=4)


def ipv6_fragments():
    chaff("ipv6_atomic_fragment", "a read in an atomic fragment", "RFC 6946; RFC 8021", FRAGMENT, v6=True,
          extensions=[(44, wire.fragment_header(0, 0))])
    chaff("ipv6_first_fragment", "a first fragment of which the rest never comes", "RFC 8200 §4.5", FRAGMENT,
          v6=True, extensions=[(44, wire.fragment_header(0, 1))])
    chaff("ipv6_later_fragment", "a fragment from the middle", "RFC 8200 §4.5", FRAGMENT, v6=True,
          extensions=[(44, wire.fragment_header(64, 0))])
    chaff("ipv6_fragment_twice", "two fragment headers in one packet", "RFC 8200 §4.5", FRAGMENT,
          "IPV6_EXTENSION_NOT_PERMITTED", v6=True, extensions=[(44, wire.fragment_header(0, 0))] * 2)
    pad = b"\0" + b"\1\4\0\0\0\0"
    chaff("ipv6_hop_by_hop_and_fragment", "hop-by-hop, then a fragment header", "RFC 8200 §4.5; RFC 5722",
          FRAGMENT, v6=True, extensions=[(0, pad), (44, wire.fragment_header(0, 1))])


def behind_the_packet():
    prp = struct.pack(">HHH", 1, 0xA000 | 58, 0x88FB)
    for name, what, octets in [("padding_holds_a_write", "the frame's padding holds a write", COIL),
                               ("prp_trailer", "a PRP trailer behind the packet", prp)]:
        case, flow = opened(name, what + ": no receiver reads it as IP", "IEEE 802.3 §3.2.8; IEC 62439-3")
        first = flow.ask(READ, trailer=octets)
        last = flow.ask(COIL, trailer=octets)
        case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)


def tags():
    dot1q = "IEEE 802.1Q-2022 §9"
    case, flow = opened("priority_tag", "VLAN 0 says a priority and no VLAN: a read, then a write", dot1q)
    first, last = flow.ask(READ, tags=[(0x8100, 0xA000)]), flow.ask(COIL, tags=[(0x8100, 0xE000)])
    case.expect([forward(first), refuse(last, COIL_DENIED)], server=READ, client=COIL_REFUSED)

    no_zone = ("SOURCE_WRONG_ZONE", "SOURCE_UNKNOWN", "VLAN_STACK_TOO_DEEP", "ETHERTYPE_NOT_PERMITTED",
               "FRAME_MALFORMED", "TCP_NO_FLOW")
    for name, what, stack in [("vlan_without_assets", "a VLAN in which nobody lives", [(0x8100, 7)]),
                              ("qinq", "two tags", [(0x88A8, 7), (0x8100, 8)]),
                              ("qinq_old", "two tags, both of the inner kind", [(0x8100, 7), (0x8100, 8)]),
                              ("qinq_9100", "a tag of an old vendor's kind", [(0x9100, 0)]),
                              ("vlan_4095", "the reserved VLAN 4095", [(0x8100, 4095)]),
                              ("vlan_hopping", "a priority tag in front of a VLAN", [(0x8100, 0), (0x8100,
                                                                                                   7)])]:
        case, flow = opened(name, f"a write in {what}, on a connection without tags", dot1q)
        first, last = flow.up("PA", READ, tags=stack), flow.ask(COIL)
        case.expect([drop(first, *no_zone), refuse(last, COIL_DENIED)], client=COIL_REFUSED)
        if name == "qinq_9100":  # or a tag like any other, of VLAN 0; then the first reading stays
            case.expect([forward(first), reset(last, "TCP_RETRANSMISSION_DIFFERS")], server=READ)

    case, flow = opened("three_tags", "three tags", dot1q)
    first = flow.up("PA", READ, tags=[(0x88A8, 7), (0x8100, 8), (0x8100, 9)])
    case.expect([drop(first, "VLAN_STACK_TOO_DEEP")])


def disguises():
    """The packet of a write in a frame that an inspection may skip."""
    llc = "LLC_NOT_PERMITTED"
    snap = b"\xaa\xaa\3\0\0\0\x08\0"
    ethertype = "ETHERTYPE_NOT_PERMITTED"
    for name, what, head, reason in [
            ("llc_snap", "LLC/SNAP", lambda size: struct.pack(">H", size + 8) + snap, llc),
            ("llc_snap_bridge_tunnel", "SNAP with the bridge-tunnel code",
             lambda size: struct.pack(">H", size + 8) + b"\xaa\xaa\3\0\0\xf8\x08\0", llc),
            ("llc_ip", "LLC with IP's own SAP", lambda size: struct.pack(">H", size + 3) + b"\6\6\3", llc),
            ("novell_raw", "802.3 without LLC", lambda size: struct.pack(">H", size + 2) + b"\xff\xff", llc),
            ("jumbo_llc", "the jumbo ethertype and SNAP", lambda size: b"\x88\x70" + snap, ethertype),
            ("mpls", "MPLS", lambda size: b"\x88\x47\0\1\x01\x40", ethertype),
            ("pppoe", "a PPPoE session", lambda size: struct.pack(">HBBHHH", 0x8864, 17, 0, 1, size + 2,
                                                                  0x21),
             ethertype),
            ("ethertype_in_the_gap", "a type between 1501 and 1535", lambda size: b"\x05\xf0", ethertype)]:
        case, flow = opened("disguise_" + name, "a write inside " + what, "IEEE 802.3 §3.2.6; RFC 1042")
        octets = wire.packet(HMI, PLC, flow.up_segment("PA", COIL))
        number = case.raw((net.mac(PLC_MAC) + net.mac(HMI_MAC) + head(len(octets)) + octets).ljust(60, b"\0"))
        case.expect([drop(number, reason, "FRAME_MALFORMED", ethertype)])

    case, flow = opened("jumbo_frame", "a frame of 8 kB, full of reads, one write among them",
                        "RFC 2675; vendors")
    number = flow.up("PA", READ * 300 + COIL + READ * 300)
    case.expect([drop(number, "FRAME_MALFORMED", "OUTPUT_FULL")])

    case, flow = opened("frame_cut_in_the_ip_header", "a frame that ends inside the IP header", "IEEE 802.3")
    whole = wire.frame(PLC_MAC, HMI_MAC, wire.packet(HMI, PLC, flow.up_segment("PA", COIL)))
    case.expect([drop(case.raw(whole[:30]), "FRAME_MALFORMED", "IP_HEADER_MALFORMED")])


ipv4_headers()
fragments()
ipv6()
behind_the_packet()
tags()
disguises()
