#!/usr/bin/env python3
"""Sends the cases through whatever joins two interfaces:

  replay.py --left FOLDER CLIENT-SIDE SERVER-SIDE [CASE…]

Each frame goes in on the side of its sender; what comes out on both sides is recorded
as FOLDER/<case>.pcap."""

import argparse
import pathlib
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "made"), str(HERE.parent.parent / "support/net")]
import frames as net  # noqa: E402

CLIENT_MAC = net.mac("02:00:00:07:00:10")
EVERYTHING, OUTGOING = 3, 4  # ETH_P_ALL, PACKET_OUTGOING


def opened(interface):
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
    packets.bind((interface, EVERYTHING))
    return packets


def drain(sides, capture, seconds, patience=0):
    """What arrives within the time, in order; own frames are not among it. The first one may take as long as
    `patience`: frames of two sides must not overtake each other inside the product."""
    begin, came = time.monotonic(), False
    while (rest := begin + (seconds if came else max(seconds, patience)) - time.monotonic()) > 0:
        for packets in select.select(sides, [], [], rest)[0]:
            frame, address = packets.recvfrom(65536)
            if address[2] != OUTGOING:
                capture.add(time.time_ns(), frame)
                came = True


def replay(folder, sides, options):
    capture = net.CaptureFile(options.left / f"{folder.name}.pcap")
    before = None
    for at, frame in net.read_capture(folder / "send.pcap"):
        if before is not None:
            seconds = max(0.001, min((at - before) / 10**9 / options.speed, 60))
            drain(sides, capture, seconds, options.patience)
        before = at
        try:
            sides[0 if frame[6:12] == CLIENT_MAC else 1].send(frame)
        except OSError as wrong:  # larger than the interface carries
            print(f"{folder.name}: {wrong}")
    drain(sides, capture, options.pause)
    capture.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", type=pathlib.Path, required=True, metavar="FOLDER")
    parser.add_argument("--speed", type=float, default=1, help="times as fast as recorded")
    parser.add_argument("--patience", type=float, default=0.03, help="seconds for a frame to come out")
    parser.add_argument("--cases", type=pathlib.Path, default=HERE, metavar="FOLDER")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds behind each case")
    parser.add_argument("interfaces", nargs=2)
    parser.add_argument("names", nargs="*", metavar="CASE")
    options = parser.parse_args()
    options.left.mkdir(parents=True, exist_ok=True)
    sides = [opened(interface) for interface in options.interfaces]
    for folder in sorted(path.parent for path in options.cases.glob("*/expect.json")):
        if not options.names or folder.name in options.names:
            replay(folder, sides, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
