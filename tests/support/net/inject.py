#!/usr/bin/env python3
"""Sends hand-made frames out of an interface: inject.py INTERFACE KIND [ARGUMENT…]

  arp SENDER_MAC SENDER_IP TARGET_IP       a request, as a host would make it
  gratuitous SENDER_MAC SENDER_IP          claims an address
  syn SOURCE_MAC DESTINATION_MAC SOURCE_IP DESTINATION_IP PORT
  ping SOURCE_MAC DESTINATION_MAC SOURCE_IP DESTINATION_IP
  udp SOURCE_MAC DESTINATION_MAC SOURCE_IP DESTINATION_IP PORT
  lldp SOURCE_MAC
  stp SOURCE_MAC
  hex OCTETS                               any frame
  replay FILE                              every frame of a capture, in order
"""

import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames  # noqa: E402

KINDS = {
    "arp": lambda own, sender, target: [frames.arp_request(own, sender, target)],
    "gratuitous": lambda own, sender: [frames.arp_request(own, sender, sender)],
    "syn": lambda own, to, source, destination, port: [frames.ip_frame(to, own, frames.tcp(
        source, destination, 40000, int(port), "S", 1000))],
    "ping": lambda own, to, source, destination: [frames.ip_frame(to, own, frames.echo_request(
        source, destination))],
    "udp": lambda own, to, source, destination, port: [frames.ip_frame(to, own, frames.udp(
        source, destination, 40000, int(port), b"conduit"))],
    "lldp": lambda own: [frames.lldp(own)],
    "stp": lambda own: [frames.spanning_tree(own)],
    "hex": lambda octets: [bytes.fromhex(octets)],
    "replay": lambda path: [frame for _, frame in frames.read_capture(path)],
}


def main():
    interface, kind, *arguments = sys.argv[1:]
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    packets.bind((interface, 0))
    for frame in KINDS[kind](*arguments):
        packets.send(frame)


if __name__ == "__main__":
    sys.exit(main())
