#!/usr/bin/env python3
"""Runs `conduitctl simulate` over every case folder: run_cases.py CONDUITCTL FOLDERS

Held against expect.json: verdict, reason and `observed` of each PDU or frame that the case names, in order,
nothing else denied; and the octets that reached the server, put together from the frames that left."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support/net"))
import frames as net  # noqa: E402

SERVER = bytes([10, 0, 7, 1])


def server_received(path):
    """First octet that came for each position of the stream, up to the first gap."""
    octets, first = {}, None
    for _, frame in net.read_capture(path):
        if frame[12:14] != b"\x08\0" or frame[23] != 6 or frame[30:34] != SERVER:
            continue
        size = struct.unpack(">H", frame[16:18])[0]
        tcp = frame[34:14 + size]
        sequence, flags = struct.unpack(">I", tcp[4:8])[0], tcp[13]
        if flags & 2:
            first = sequence + 1
        for index, octet in enumerate(tcp[(tcp[12] >> 4) * 4:]):
            octets.setdefault(sequence + index, octet)
    received = bytearray()
    while first is not None and first + len(received) in octets:
        received.append(octets[first + len(received)])
    return received.hex()


def datagrams_left(path):
    """[receiver, octets] of each UDP datagram that left, the gateway's own included."""
    left = []
    for _, frame in net.read_capture(path):
        if frame[12:14] == b"\x08\0" and frame[23] == 17:
            size = struct.unpack(">H", frame[38:40])[0]
            left.append([".".join(map(str, frame[30:34])), frame[42:34 + size].hex()])
    return left


def run(program, folder):
    expected = json.loads((folder / "expect.json").read_text())
    with tempfile.NamedTemporaryFile(suffix=".pcap") as out:
        done = subprocess.run([program, "simulate", "--json", "--policy", folder / "policy.txtpb",
                               "--write-out", out.name, folder / "send.pcap"], capture_output=True, text=True)
        received = server_received(out.name) if done.returncode in (0, 1) else None
        datagrams = datagrams_left(out.name) if received is not None else []
    if received is None:
        return [f"exit {done.returncode}: {done.stderr.strip()}"]
    rows = [{name: row[name] for name in ("frame", "verdict", "reason", "observed")}
            for row in map(json.loads, done.stdout.splitlines()) if not row.get("never_sent")]
    faults = []
    if rows != expected["rows"]:
        faults.append(f"expected {expected['rows']}, was {rows}")
    if received != expected["server_received"]:
        faults.append(f"the server should have received {expected['server_received']!r}, it got {received!r}")
    if datagrams != expected.get("datagrams_left", datagrams):
        faults.append(f"should have left: {expected['datagrams_left']}, did: {datagrams}")
    denied = any(row["verdict"] != "forward" and not row["observed"] for row in rows)
    if done.returncode != int(denied):
        faults.append(f"exit {done.returncode}")
    return faults


def main():
    program = sys.argv[1]
    folders = sorted(path for path in pathlib.Path(sys.argv[2]).iterdir() if path.is_dir())
    failed = 0
    for folder in folders:
        for fault in run(program, folder):
            print(f"{folder.name}: {fault}")
            failed += 1
    print(f"{len(folders)} cases, {failed} faults")
    return 1 if failed or len(folders) < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
