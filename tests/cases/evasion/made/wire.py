"""Packets whose every field can lie. What is not stated is right: lengths, checksums, data offset."""

import socket
import struct

import frames as net

FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}


def is_v6(address):
    return ":" in address


def pseudo(source, destination, protocol, size):
    if is_v6(source):
        return (socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) +
                struct.pack(">IHBB", size, 0, 0, protocol))
    return net.pseudo(source, destination, protocol, size)


def segment(source, destination, ports, flags, sequence, acknowledgement, content=b"", *, window=64240,
            options=b"", offset=None, reserved=0, urgent=0, checksum=None):
    """A TCP segment. `options` are padded with zeros; `checksum` is added to the right one."""
    options = options.ljust((len(options) + 3) // 4 * 4, b"\0")
    words = 5 + len(options) // 4 if offset is None else offset
    bits = sum(FLAG_BITS[letter] for letter in flags)
    head = struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, acknowledgement & 0xFFFFFFFF,
                       words << 4 | reserved, bits, window, 0, urgent) + options
    right = net.checksum(pseudo(source, destination, 6, len(head) + len(content)) + head + content)
    total = right if checksum is None else (right + checksum) & 0xFFFF
    return head[:16] + struct.pack(">H", total) + head[18:] + content


def packet_v4(source, destination, content, *, protocol=6, ttl=64, identification=1, fragment=0x4000,
              ip_options=b"", total=None, version=4, ihl=None, ip_checksum=0, tos=0):
    words = 5 + len(ip_options) // 4
    size = words * 4 + len(content) if total is None else total
    head = struct.pack(">BBHHHBBH", version << 4 | (words if ihl is None else ihl), tos, size, identification,
                       fragment, ttl, protocol, 0)
    head += net.ipv4_address(source) + net.ipv4_address(destination) + ip_options
    right = net.checksum(head)
    return head[:10] + struct.pack(">H", (right + ip_checksum) & 0xFFFF) + head[12:] + content


def packet_v6(source, destination, content, *, protocol=6, ttl=64, extensions=(), total=None, version=6):
    """`extensions`: (type, octets behind the next-header octet) in the order of the wire."""
    kinds = [kind for kind, _ in extensions] + [protocol]
    chain = b"".join(bytes([following]) + octets for (_, octets), following in zip(extensions, kinds[1:]))
    size = len(chain) + len(content) if total is None else total
    head = struct.pack(">IHBB", version << 28, size, kinds[0], ttl)
    return (head + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6,
                                                                                destination) +
            chain + content)


def packet(source, destination, content, **fields):
    make = packet_v6 if is_v6(source) else packet_v4
    return make(source, destination, content, **fields)


def fragments_v4(source, destination, content, pieces, identification=77):
    """`pieces`: (offset in octets, octets, more fragments follow), in the order of the wire."""
    return [packet_v4(source, destination, octets, identification=identification,
                      fragment=(0x2000 if more else 0) | offset // 8) for offset, octets, more in pieces]


def fragment_header(offset, more, identification=77):
    """An IPv6 fragment header behind its next-header octet (RFC 8200 §4.5)."""
    return b"\0" + struct.pack(">HI", offset // 8 << 3 | more, identification)


def frame(destination_mac, source_mac, octets, tags=(), ethertype=None):
    """`tags`: (TPID, VID) from the outside in."""
    kind = (0x86DD if octets[0] >> 4 == 6 else 0x0800) if ethertype is None else ethertype
    head = net.mac(destination_mac) + net.mac(source_mac)
    head += b"".join(struct.pack(">HH", *tag) for tag in tags) + struct.pack(">H", kind)
    return (head + octets).ljust(60, b"\0")


def mss(value):
    return struct.pack(">BBH", 2, 4, value)


def timestamps(value, echo=0):
    return struct.pack(">BBBBII", 1, 1, 8, 10, value, echo)
