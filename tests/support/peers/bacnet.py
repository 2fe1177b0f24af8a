"""What the stubs for BACnet/IP share: datagrams, requests in segments, writes of several properties
(ANSI/ASHRAE 135, clauses 20.1 and 20.2, annex J)."""

import socket
import struct

PORT = 47808
ORIGINAL_UNICAST, FORWARDED = 0x0A, 0x04
EXPECTS_REPLY = 0x04
CONFIRMED, UNCONFIRMED, SIMPLE_ACK, SEGMENT_ACK, ERROR, REJECT, ABORT = 0, 1, 2, 4, 5, 6, 7
SEGMENTED, MORE_FOLLOWS = 0x08, 0x04
WRITE_PROPERTY, WRITE_PROPERTY_MULTIPLE, WHO_IS = 15, 16, 8
ANALOG_VALUE, PRESENT_VALUE = 2, 85


def bind(address):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((address, PORT))
    return datagrams


def datagram(apdu, expects_reply=False, forwarded_from=None):
    npdu = bytes([1, EXPECTS_REPLY if expects_reply else 0]) + apdu
    if forwarded_from is None:
        return struct.pack(">BBH", 0x81, ORIGINAL_UNICAST, 4 + len(npdu)) + npdu
    origin = socket.inet_aton(forwarded_from) + struct.pack(">H", PORT)
    return struct.pack(">BBH", 0x81, FORWARDED, 10 + len(npdu)) + origin + npdu


def apdu_of(octets):
    """The APDU of a unicast datagram between two devices of one network."""
    if octets[:2] != bytes([0x81, ORIGINAL_UNICAST]) or octets[4] != 1 or octets[5] & ~EXPECTS_REPLY:
        raise ValueError(f"datagram {octets.hex()}")
    return octets[6:]


def present_value(instance, value, priority, multiple):
    """Parameters of a write of one REAL; of several, an element of their list."""
    write = b"\x0c" + struct.pack(">I", ANALOG_VALUE << 22 | instance)
    if multiple:
        return (write + b"\x1e\x09" + bytes([PRESENT_VALUE]) + b"\x2e\x44" + struct.pack(">f", value) +
                b"\x2f\x39" + bytes([priority]) + b"\x1f")
    return (write + b"\x19" + bytes([PRESENT_VALUE]) + b"\x3e\x44" + struct.pack(">f", value) +
            b"\x3f\x49" + bytes([priority]))
