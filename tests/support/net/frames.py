"""Ethernet frames made by hand, and capture files of them. Knows nothing of the product: what is built here
is compared with what it forwards."""

import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ipv4_address(text):
    return socket.inet_aton(text)


def ethernet(destination, source, ethertype, content, vlans=()):
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    frame = mac(destination) + mac(source) + tags + struct.pack(">H", ethertype) + content
    return frame.ljust(60, b"\0")


def llc(destination, source, content):
    """802.3: length instead of an ethertype."""
    return (mac(destination) + mac(source) + struct.pack(">H", len(content)) + content).ljust(60, b"\0")


def arp(operation, sender_mac, sender, target_mac, target, destination=None):
    content = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
    content += mac(sender_mac) + ipv4_address(sender) + mac(target_mac) + ipv4_address(target)
    return ethernet(destination or (BROADCAST if operation == 1 else target_mac), sender_mac, 0x0806, content)


def arp_request(sender_mac, sender, target):
    return arp(1, sender_mac, sender, "00:00:00:00:00:00", target)


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, protocol, content, ttl=64, identification=1, fragment=0x4000):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), identification, fragment, ttl, protocol, 0)
    head += ipv4_address(source) + ipv4_address(destination)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + content


def pseudo(source, destination, protocol, size):
    return ipv4_address(source) + ipv4_address(destination) + struct.pack(">BBH", 0, protocol, size)


FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


def tcp(source, destination, source_port, destination_port, flags, sequence, acknowledgement=0, content=b"",
        window=64240):
    bits = sum(FLAGS[letter] for letter in flags)
    head = struct.pack(">HHIIBBHHH", source_port, destination_port, sequence, acknowledgement, 5 << 4, bits,
                       window, 0, 0)
    total = checksum(pseudo(source, destination, 6, len(head) + len(content)) + head + content)
    return ipv4(source, destination, 6, head[:16] + struct.pack(">H", total) + head[18:] + content)


def udp(source, destination, source_port, destination_port, content):
    head = struct.pack(">HHHH", source_port, destination_port, 8 + len(content), 0)
    total = checksum(pseudo(source, destination, 17, 8 + len(content)) + head + content) or 0xFFFF
    return ipv4(source, destination, 17, head[:6] + struct.pack(">H", total) + content)


def echo_request(source, destination, identifier=1, sequence=1, content=b"conduit"):
    head = struct.pack(">BBHHH", 8, 0, 0, identifier, sequence)
    total = checksum(head + content)
    return ipv4(source, destination, 1, head[:2] + struct.pack(">H", total) + head[4:] + content)


def lldp(source, chassis=None):
    def item(kind, content):
        return struct.pack(">H", kind << 9 | len(content)) + content
    content = item(1, b"\4" + mac(chassis or source)) + item(2, b"\5port-1") + item(3, struct.pack(">H", 120))
    return ethernet("01:80:c2:00:00:0e", source, 0x88CC, content + item(5, b"switch-1") + item(0, b""))


def spanning_tree(source, priority=0x8000):
    """A configuration BPDU (IEEE 802.1D) that wants to be root."""
    bridge = struct.pack(">H", priority) + mac(source)
    content = bytes([0x42, 0x42, 0x03]) + struct.pack(">HBBB", 0, 0, 0, 0) + bridge + struct.pack(">I", 0)
    content += bridge + struct.pack(">HHHHH", 0x8001, 0, 20 << 8, 2 << 8, 15 << 8)
    return llc("01:80:c2:00:00:00", source, content)


def ip_frame(destination_mac, source_mac, packet, vlans=()):
    return ethernet(destination_mac, source_mac, 0x0800, packet, vlans)


class CaptureFile:
    """Writes a pcap file of Ethernet frames (microseconds, little endian)."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))

    def add(self, time_ns, frame):
        size = len(frame)
        self.file.write(struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9 // 1000, size, size))
        self.file.write(frame)
        self.file.flush()

    def close(self):
        self.file.close()


def read_capture(path):
    """Yields (time in ns, frame) of a pcap file written by CaptureFile or another program."""
    with open(path, "rb") as file:
        head = file.read(24)
        if len(head) < 24:
            return
        magic = struct.unpack("<I", head[:4])[0]
        order, unit = {0xA1B2C3D4: ("<", 1000), 0xA1B23C4D: ("<", 1),
                       0xD4C3B2A1: (">", 1000), 0x4D3CB2A1: (">", 1)}[magic]
        while len(record := file.read(16)) == 16:
            seconds, fraction, size, _ = struct.unpack(order + "IIII", record)
            frame = file.read(size)
            if len(frame) < size:
                return
            yield seconds * 10**9 + fraction * unit, frame
