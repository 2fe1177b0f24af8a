#!/usr/bin/env python3
"""Many sessions, each a read every 100 ms; one that ends is opened anew at once: sessions.py ADDRESS COUNT

Prints "ready" when all of them have been answered; on SIGTERM, one JSON object: how many were reset, how many
found out only by their own time-out, and the seconds from the first word of the new life (the first reset, or
the first new connection) to the first answer of each session, at most and in the middle."""

import json
import signal
import socket
import struct
import sys
import time

PAUSE, PATIENCE = 0.1, 5.0  # seconds between reads; without an answer


class Session:
    def __init__(self, address, number):
        self.address, self.number, self.answers, self.due, self.answered = address, number, 0, 0, 0
        self.resets = self.silences = 0
        self.back = None  # when it was answered for the first time after its end
        self.socket = None

    def open(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex((self.address, 502))
        self.waiting, self.due, self.since = False, 0, time.monotonic()

    def end(self, why):
        if self.answers:
            self.resets += why == "reset"
            self.silences += why == "silence"
        self.socket.close()
        self.due = time.monotonic() + 0.05
        self.socket = None

    def turn(self, now):
        if self.socket is None:
            if now >= self.due:
                self.open()
            return
        try:
            if self.waiting:
                answer = self.socket.recv(64)
                if not answer:
                    return self.end("reset")
                self.waiting, self.answers, self.since = False, self.answers + 1, now
                self.due = now + PAUSE
                if (self.resets or self.silences) and self.back is None:
                    self.back = now
            elif now >= self.due:
                self.socket.send(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 1))
                self.waiting, self.since = True, now
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as why:
            return self.end("reset" if isinstance(why, ConnectionResetError) else "refused")
        if now - self.since > PATIENCE:
            self.end("silence")


def main():
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    sessions = [Session(sys.argv[1], number) for number in range(int(sys.argv[2]))]
    ready, first = False, None
    while going:
        now = time.monotonic()
        for session in sessions:
            session.turn(now)
        if not ready and all(session.answers for session in sessions):
            ready = True
            print("ready", flush=True)
        if first is None and any(session.resets for session in sessions):
            first = now
        time.sleep(0.005)
    back = sorted(session.back - first for session in sessions if session.back is not None and first)
    print(json.dumps({"sessions": len(sessions), "reset": sum(bool(one.resets) for one in sessions),
                      "silent": sum(bool(one.silences) for one in sessions), "back": len(back),
                      "longest": round(back[-1], 3) if back else None,
                      "median": round(back[len(back) // 2], 3) if back else None}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
