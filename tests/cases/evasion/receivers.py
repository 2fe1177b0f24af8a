"""Models of receivers that put together what they were sent, each in its own way: which copy of an octet they
keep, whether they verify checksums, see packets about to die, take urgent octets out, ignore time stamps.

  models()                       every combination, as keyword arguments
  streams(frames, to, …)         {client port: octets} that one model of the server or the client assembles
  faults_of_form(frames, to)     what is left of the ambiguities in frames that a normalising product sends on
"""

import itertools
import socket
import struct

import frames as net
import wire

OVERLAPS = ("first", "last", "bsd", "linux")
SERVER = (wire.net.ipv4_address("10.0.7.1"), socket.inet_pton(socket.AF_INET6, "fd00:7::1"))
CLIENT = (wire.net.ipv4_address("10.0.7.10"), socket.inet_pton(socket.AF_INET6, "fd00:7::10"))


def models():
    for overlap, checksums, dying, urgent in itertools.product(OVERLAPS, (True, False), (True, False),
                                                               ("inline", "out")):
        yield {"overlap": overlap, "checksums": checksums, "dying": dying, "urgent": urgent}


def network_packet(frame):
    """The IP packet in a frame, however deeply it is wrapped; None if there is none."""
    at = 12
    while frame[at:at + 2] in (b"\x81\0", b"\x88\xa8", b"\x91\0"):
        at += 4
    kind = int.from_bytes(frame[at:at + 2], "big")
    if kind < 0x600:
        at += 8 if frame[at + 2:at + 5] == b"\xaa\xaa\3" else 0
        kind = int.from_bytes(frame[at:at + 2], "big")
    return frame[at + 2:] if kind in (0x0800, 0x86DD) else None


def parse_v4(octets):
    if len(octets) < 20 or octets[0] >> 4 != 4:
        return None
    head, size = (octets[0] & 15) * 4, struct.unpack(">H", octets[2:4])[0]
    fragment = struct.unpack(">H", octets[6:8])[0]
    if head < 20 or octets[9] != 6:
        return None
    return {"source": octets[12:16], "destination": octets[16:20], "ttl": octets[8], "extra": head > 20,
            "checksum": net.checksum(octets[:head]) == 0, "fragment": (octets[4:6], fragment),
            "content": octets[head:size if head <= size <= len(octets) else len(octets)]}


def parse_v6(octets):
    if len(octets) < 40 or octets[0] >> 4 != 6:
        return None
    kind, at, fragment, extra = octets[6], 40, (b"", 0), False
    end = min(len(octets), 40 + struct.unpack(">H", octets[4:6])[0])
    while kind in (0, 43, 60, 44, 253) and at + 8 <= end:
        extra = True
        if kind == 44:
            place = struct.unpack(">H", octets[at + 2:at + 4])[0]
            fragment = (octets[at + 4:at + 8], place >> 3 | (place & 1) << 13)
        size = 8 if kind == 44 else (octets[at + 1] + 1) * 8
        kind, at = octets[at], at + size
    if kind != 6:
        return None
    return {"source": octets[8:24], "destination": octets[24:40], "ttl": octets[7], "extra": extra,
            "checksum": True, "fragment": fragment, "content": octets[at:end]}


def parse(frame):
    octets = network_packet(frame)
    if not octets:
        return None
    return parse_v4(octets) if octets[0] >> 4 == 4 else parse_v6(octets)


def defragmented(packets, overlap):
    """Whole packets as they are; of fragments, what is complete."""
    waiting = {}
    for packet in packets:
        name, place = packet["fragment"]
        if not place & 0x3FFF:
            yield packet
            continue
        pieces, ends = waiting.setdefault((packet["source"], name), ({}, []))
        for index, octet in enumerate(packet["content"], (place & 0x1FFF) * 8):
            if overlap == "first":
                pieces.setdefault(index, octet)
            else:
                pieces[index] = octet
        if not place & 0x2000:
            ends.append((place & 0x1FFF) * 8 + len(packet["content"]))
        if ends and all(index in pieces for index in range(ends[0])):
            yield {**packet, "content": bytes(pieces[index] for index in range(ends[0])), "fragment": (b"",
                                                                                                       0)}
            del waiting[packet["source"], name]


def tcp_is_right(packet):
    segment = packet["content"]
    if len(packet["source"]) == 4:
        head = packet["source"] + packet["destination"] + struct.pack(">BBH", 0, 6, len(segment))
    else:
        head = packet["source"] + packet["destination"] + struct.pack(">II", len(segment), 6)
    return net.checksum(head + segment) == 0


class Stream:
    def __init__(self, first, overlap):
        self.first, self.overlap, self.octets, self.closing = first, overlap, {}, False

    def add(self, sequence, content):
        start = (sequence - self.first + 2**31) % 2**32 - 2**31
        for index, octet in enumerate(content, start):
            if index in self.octets and not self.wins(start, self.octets[index][1]):
                continue
            self.octets[index] = (octet, start)

    def wins(self, start, earlier):
        return {"first": False, "last": True, "bsd": start < earlier, "linux": start <= earlier}[self.overlap]

    def content(self):
        out = bytearray()
        while len(out) in self.octets:
            out.append(self.octets[len(out)][0])
        return bytes(out)


def streams(frames, to, overlap="first", checksums=True, dying=True, urgent="inline"):
    here = SERVER if to == "server" else CLIENT
    packets = (packet for packet in map(parse, frames) if packet)
    packets = (packet for packet in packets if (not checksums or packet["checksum"]) and
               (dying or packet["ttl"] > 1))
    found = {}
    for packet in defragmented(packets, overlap):
        segment = packet["content"]
        if len(segment) < 20 or (checksums and not tcp_is_right(packet)):
            continue
        if packet["destination"] in here:
            take(found, segment, to, overlap, urgent)
        elif segment[13] & 4:  # what this end has reset itself is over
            close(found, int.from_bytes(segment[2:4] if to == "server" else segment[:2], "big"))
    return {port: octets for port, list_of in found.items()
            if (octets := b"".join(stream.content() for stream in list_of))}


def close(found, port):
    for stream in found.get(port, [])[-1:]:
        stream.closing = True


def take(found, segment, to, overlap, urgent):
    ports, sequence, _, head, flags = struct.unpack(">IIIBB", segment[:14])
    port = ports >> 16 if to == "server" else ports & 0xFFFF
    content = segment[(head >> 4) * 4:] if 20 <= (head >> 4) * 4 <= len(segment) else b""
    pointer = struct.unpack(">H", segment[18:20])[0]
    if urgent == "out" and flags & 32 and 0 < pointer <= len(content):
        content = content[:pointer - 1] + content[pointer:]
    list_of = found.setdefault(port, [])
    if flags & 2 and (not list_of or list_of[-1].closing):
        list_of.append(Stream((sequence + 1) % 2**32, overlap))
    if content and not list_of:
        list_of.append(Stream(sequence, overlap))
    if list_of:
        list_of[-1].closing |= bool(flags & 5)
        list_of[-1].add(sequence + (1 if flags & 2 else 0), content)


def faults_of_form(frames, to):
    here = SERVER if to == "server" else CLIENT
    for number, packet in enumerate(map(parse, frames), 1):
        if not packet or packet["destination"] not in here:
            continue
        segment = packet["content"]
        if packet["fragment"][1] & 0x3FFF:
            yield f"frame {number} that leaves is a fragment"
        elif not packet["checksum"] or len(segment) < 20 or not tcp_is_right(packet):
            yield f"frame {number} that leaves has a wrong checksum"
        elif segment[13] & 32:
            yield f"frame {number} that leaves is urgent"
        elif segment[13] & 2 and len(segment) > (segment[12] >> 4) * 4:
            yield f"frame {number} that leaves has data in its SYN"
        elif packet["ttl"] < 2:
            yield f"frame {number} that leaves dies at the next hop"
