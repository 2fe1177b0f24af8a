#!/usr/bin/env python3
"""Of one flood: what became of the poll, what was counted and reported.

  outcome.py poll NAME FOLDER [ARRIVED]
      FOLDER/flood: what flood.py said; FOLDER/NAME.poll: the poll. ARRIVED frames: at least those sent
  outcome.py counted FOLDER EVENTS FROM REASON…
      FOLDER/status.before, .after: of each reason, what the counters grew by has to be reported, in fewer
      events, from line FROM on
"""

import json
import pathlib
import sys
import time


def poll(name, folder, arrived=None):
    flood = json.loads((folder / "flood").read_text())
    rows = [line.split(" ", 2) for line in (folder / f"{name}.poll").read_text().splitlines()]
    during = [(float(begin), float(took), outcome) for begin, took, outcome in rows
              if float(begin) >= flood["begin"] - 0.1]
    lost = [outcome for _, _, outcome in during if outcome != "ok"]
    longest = max((took for _, took, _ in during), default=0)
    rate = flood["sent"] / (flood["end"] - flood["begin"])
    where = "through the gateway" if arrived is None else "on the bare cable"
    print(f"{flood['kind']} {where}: {flood['sent']} ({rate:.0f} a second), {len(during)} transactions "
          f"meanwhile, {len(lost)} lost, longest {longest:.1f} ms", *lost[:2])
    if arrived is not None and int(arrived) < flood["sent"]:
        print(f"  {arrived} frames of {flood['sent']} arrived")
        return 1
    if flood.get("answered", flood["sent"]) != flood["sent"]:
        print(f"  only {flood['answered']} of its permitted connections were served")
        return 1
    return 1 if lost or flood.get("full") or len(during) < 10 else 0


def counters(path):
    return json.loads(path.read_text())["counters"].get("reasons", {})


def reported(events, begin, reason):
    """(events, what they stand for)"""
    rows = [json.loads(line) for line in events.read_text().split("\n")[:-1][begin:]]
    counts = [row.get("count", 1) for row in rows if row.get("reason") == reason]
    return len(counts), sum(counts)


def counted(folder, events, begin, *reasons):
    before, after = counters(folder / "status.before"), counters(folder / "status.after")
    grown = {reason: after[reason] - before.get(reason, 0) for reason in after if
             after[reason] != before.get(reason, 0)}
    said = ", ".join(f"{reason} {count}" for reason, count in sorted(grown.items()))
    print("  dropped:", said or "nothing")
    good = True
    until = time.monotonic() + 8
    for reason in reasons:
        while True:
            rows, total = reported(events, int(begin), reason)
            if total >= grown.get(reason, 0) or time.monotonic() > until:
                break
            time.sleep(0.2)
        print(f"  {reason}: {grown.get(reason, 0)} counted, {total} reported in {rows} events")
        good = good and 0 < grown.get(reason, 0) == total and rows < max(total, 2)
    return 0 if good else 1


def main():
    verb, *words = sys.argv[1:]
    if verb == "poll":
        return poll(words[0], pathlib.Path(words[1]), *words[2:])
    return counted(pathlib.Path(words[0]), pathlib.Path(words[1]), *words[2:])


if __name__ == "__main__":
    sys.exit(main())
