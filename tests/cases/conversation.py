"""A TCP connection as a case folder holds it: what its ends send, and what is expected of each frame. Its own
makers (make_<protocol>.py) know the protocol."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support/net"))
import frames as net  # noqa: E402

CLIENT, SERVER = "10.0.7.10", "10.0.7.1"
CLIENT_MAC, SERVER_MAC = "02:00:00:07:00:10", "02:00:00:07:00:01"
CLIENT_PORT = 40000


class Conversation:
    """`port`: of the server. `client`, `server`: numbers of their next octets; `delivered`: what the server
    has to have received by now."""

    def __init__(self, folder, port, policy, opened_by_server=False):
        self.folder, self.policy = folder, policy
        self.folder.mkdir(parents=True, exist_ok=True)
        self.capture = net.CaptureFile(self.folder / "send.pcap")
        self.count, self.rows, self.delivered = 0, [], b""
        self.ports = (port, CLIENT_PORT) if opened_by_server else (CLIENT_PORT, port)
        self.client, self.server = 1001, 5001
        up = not opened_by_server
        first, second = (1000, 5000) if up else (5000, 1000)
        self.tcp(up, "S", first, 0)
        self.tcp(not up, "SA", second, first + 1)
        self.tcp(up, "A", first + 1, second + 1)

    def add(self, up, packet):
        """A packet from the client (`up`) or the server; one each millisecond."""
        self.count += 1
        macs = (SERVER_MAC, CLIENT_MAC) if up else (CLIENT_MAC, SERVER_MAC)
        self.capture.add(1_700_000_000 * 10**9 + self.count * 1_000_000, net.ip_frame(*macs, packet))

    def tcp(self, up, flags, sequence, acknowledgement, octets=b""):
        ends = (CLIENT, SERVER, *self.ports) if up else (SERVER, CLIENT, *self.ports[::-1])
        self.add(up, net.tcp(*ends, flags, sequence, acknowledgement, octets))

    def ask(self, *segments):
        for octets in segments:
            self.tcp(True, "PA", self.client, self.server, octets)
            self.client += len(octets)
        return self

    def answer(self, octets):
        self.tcp(False, "PA", self.server, self.client, octets)
        self.server += len(octets)
        return self

    def expect(self, verdict, reason="NONE", delivered=b""):
        """Of the PDU that the last frame completes."""
        self.rows.append({"frame": self.count, "verdict": verdict, "reason": reason, "observed": False})
        self.delivered += delivered
        return self

    def passes(self, *segments):
        return self.ask(*segments).expect("forward", delivered=b"".join(segments))

    def end(self):
        self.capture.close()
        (self.folder / "policy.txtpb").write_text(self.policy)
        expected = {"rows": self.rows, "server_received": self.delivered.hex()}
        (self.folder / "expect.json").write_text(json.dumps(expected, indent=1) + "\n")
