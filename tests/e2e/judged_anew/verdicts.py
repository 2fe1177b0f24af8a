#!/usr/bin/env python3
"""Holds the talk of traffic.py against the policies that were loaded meanwhile.

  verdicts.py TRAFFIC LOADS RECEIVED      LOADS: "wide|narrow SECONDS" when load said that it is in force;
                                          RECEIVED: writes that reached the server
"""

import json
import sys

MARGIN = 0.02  # seconds; LOADS has hundredths
PERIOD = 0.08  # after a load until the next one is prepared
RETRANSMISSION_MS = 195  # below TCP's shortest timer (200 ms) no packet was lost


def main():
    traffic, loads, received = sys.argv[1:]
    with open(traffic, encoding="utf-8") as file:
        requests = [json.loads(line) for line in file if line.startswith("{")]
    with open(loads, encoding="utf-8") as file:
        narrow = [float(line.split()[1]) for line in file if line.startswith("narrow")]
    reads = [one for one in requests if one["function"] == 3]
    writes = [one for one in requests if one["function"] == 6]
    passed = sum(one["exception"] == 0 for one in writes)
    refused_reads = sum(one["exception"] != 0 for one in reads)
    denied = [one for one in writes for when in narrow
              if when + MARGIN < one["begun"] and one["ended"] < when + PERIOD]
    late = sum(not one["exception"] for one in denied)
    slowest_ms = max(one["ended"] - one["begun"] for one in requests) * 1000
    print(f"{len(reads)} reads, {refused_reads} refused; {len(writes)} writes, {passed} permitted, "
          f"{received} received; {len(denied)} surely under the policy that denies them, "
          f"{late} of these permitted; slowest answer {slowest_ms:.1f} ms")
    good = not refused_reads and not late and passed == int(received) and slowest_ms < RETRANSMISSION_MS
    return 0 if good and len(narrow) == 10 and len(denied) > 50 and 0 < passed < len(writes) else 1


if __name__ == "__main__":
    sys.exit(main())
