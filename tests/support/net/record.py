#!/usr/bin/env python3
"""Records every frame of an interface into a pcap file until SIGTERM: record.py INTERFACE FILE

Prints "recording" once it sees frames. Frames that this machine itself sends on the interface are included.
Each frame is in the file before the next one is read.
"""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames  # noqa: E402

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
SO_TIMESTAMPNS = 35


def stamp_of(ancillary):
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            return (int.from_bytes(content[:8], sys.byteorder) * 10**9 +
                    int.from_bytes(content[8:16], sys.byteorder))
    return 0


def main():
    interface, path = sys.argv[1:3]
    capture = frames.CaptureFile(path)
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    packets.bind((interface, ETH_P_ALL))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    print("recording", flush=True)
    while True:
        frame, ancillary, _, _ = packets.recvmsg(65536, 256)
        capture.add(stamp_of(ancillary), frame)


if __name__ == "__main__":
    sys.exit(main())
