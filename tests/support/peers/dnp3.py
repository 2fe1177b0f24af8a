"""DNP3 (IEEE 1815-2012) for the stubs beside this file: link frames with checksums, transport segments,
application fragments. Written from the standard for the tests; shares nothing with the product."""

import socket
import struct

START = b"\x05\x64"
DIRECTION, PRIMARY = 0x80, 0x40  # of the link control octet
UNCONFIRMED_USER_DATA, LINK_STATUS_REQUEST, LINK_STATUS = 4, 9, 11
FIN, FIR = 0x80, 0x40  # of the transport octet
APPLICATION_FIR, APPLICATION_FIN, CON, UNS = 0x80, 0x40, 0x20, 0x10

CONFIRM, READ, WRITE, SELECT, OPERATE, DIRECT_OPERATE = 0, 1, 2, 3, 4, 5
COLD_RESTART = 13
RESPONSE, UNSOLICITED_RESPONSE = 129, 130

SEGMENT_MAX = 249  # application octets in one link frame


class Malformed(Exception):
    pass


def _table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA6BC if value & 1 else 0)
        yield value


TABLE = list(_table())


def checksum(octets):
    value = 0
    for octet in octets:
        value = value >> 8 ^ TABLE[(value ^ octet) & 0xFF]
    return struct.pack("<H", value ^ 0xFFFF)


def link_frame(control, destination, source, content=b""):
    head = START + struct.pack("<BBHH", 5 + len(content), control, destination, source)
    blocks = [content[at:at + 16] for at in range(0, len(content), 16)]
    return head + checksum(head) + b"".join(block + checksum(block) for block in blocks)


def block_octets(size):
    """Octets behind the head of a frame with so many octets of content."""
    return size + 2 * ((size + 15) // 16)


class Station:
    """One end of a connection: sends fragments, and gives those of the other end."""

    def __init__(self, connection, own, other, master):
        self.connection, self.own, self.other, self.master = connection, own, other, master
        self.kept = b""
        self.transport = 0
        self.fragment = None  # (octets so far, next transport sequence)

    def control(self, function, primary=True):
        return (DIRECTION if self.master else 0) | (PRIMARY if primary else 0) | function

    def send_link(self, function, content=b"", primary=True):
        self.connection.sendall(link_frame(self.control(function, primary), self.other, self.own, content))

    def send(self, fragment):
        """All frames of the fragment in one write, as stations do."""
        frames = b""
        for at in range(0, len(fragment), SEGMENT_MAX):
            last = at + SEGMENT_MAX >= len(fragment)
            octet = (FIN if last else 0) | (0 if at else FIR) | self.transport
            self.transport = (self.transport + 1) % 64
            frames += link_frame(self.control(UNCONFIRMED_USER_DATA), self.other, self.own,
                                 bytes([octet]) + fragment[at:at + SEGMENT_MAX])
        self.connection.sendall(frames)

    def _take(self, size):
        while len(self.kept) < size:
            octets = self.connection.recv(4096)
            if not octets:
                raise ConnectionError("closed by the other side")
            self.kept += octets
        taken, self.kept = self.kept[:size], self.kept[size:]
        return taken

    def _frame(self):
        head = self._take(10)
        if head[:2] != START or head[2] < 5 or checksum(head[:8]) != head[8:]:
            raise Malformed(f"head of a frame: {head.hex()}")
        octets = self._take(block_octets(head[2] - 5))
        content = b""
        for at in range(0, len(octets), 18):
            block, check = octets[at:at + 18][:-2], octets[at:at + 18][-2:]
            if checksum(block) != check:
                raise Malformed(f"checksum of a block: {octets.hex()}")
            content += block
        control, destination, source = struct.unpack("<BHH", head[3:8])
        if bool(control & DIRECTION) == self.master or (destination, source) != (self.own, self.other):
            raise Malformed(f"not for this station: {head.hex()}")
        return control & 0x7F, content

    def receive(self):
        """(fragment, None) or (None, control octet of a frame of the link layer alone)."""
        while True:
            control, content = self._frame()
            if control != PRIMARY | UNCONFIRMED_USER_DATA:
                return None, control
            octet, sequence = content[0], content[0] & 0x3F
            if octet & FIR:
                self.fragment = (b"", sequence)
            if self.fragment is None or self.fragment[1] != sequence:
                raise Malformed(f"transport sequence: {content.hex()}")
            self.fragment = (self.fragment[0] + content[1:], (sequence + 1) % 64)
            if octet & FIN:
                fragment, self.fragment = self.fragment[0], None
                return fragment, None


def crob(index, control, count=1, on_ms=100, off_ms=100, status=0):
    """One control relay output block, with an index of one octet (qualifier 17)."""
    return bytes([12, 1, 0x17, 1, index, control, count]) + struct.pack("<IIB", on_ms, off_ms, status)


def analog_output(index, value, status=0):
    """One analog output block of 16 bits, likewise."""
    return bytes([41, 2, 0x17, 1, index]) + struct.pack("<hB", value, status)


def connect(address, port, timeout, datagrams=False):
    if datagrams:
        connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        connection.settimeout(timeout)
        connection.connect((address, port))
        return connection
    connection = socket.create_connection((address, port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
