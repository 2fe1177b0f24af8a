#!/usr/bin/env python3
"""Makes a case folder for every technique (policy.txtpb, send.pcap, expect.json) and techniques.md.

  make_evasion.py [FOLDER]           without one: beside this script
  make_evasion.py --replay FOLDER    those that can be sent one after the other through a living product:
                                     short, under the common policy, no resets (which hold up the next
                                     connection of the pair), each with client ports of its own
  make_evasion.py --replay-tolerant FOLDER
                                     the same of those under the policy that tolerates fragments
  make_evasion.py --check            status 1 if what is beside this script is not what would be made

What is expected was thought out from the policy, the specifications and the laws of the engine, never taken
from a run. Where several outcomes are right, each of them is written down."""

import argparse
import filecmp
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "made"), str(HERE.parent.parent / "support/net")]
import talk  # noqa: E402

GROUPS = [("segments", "Streams that can be read in two ways"),
          ("states", "Connections: opening, ending, windows, time stamps"),
          ("edited", "Around a refusal; clocks, quotations, resources"),
          ("headers", "TCP headers that lie"),
          ("network", "Frames, IP, fragments"),
          ("fragments", "Fragments in a conduit that tolerates them"),
          ("modbus", "Modbus/TCP")]


def verdict_of(case):
    """In one line: what must become of the technique (the rows of its first outcome that deny)."""
    rows = [row for row in case.outcomes[0]["rows"] if row["verdict"] != ["forward"]]
    if not rows:
        return "only what is permitted arrives"
    words = [f"{' or '.join(row['verdict'])} ({', '.join(row['reason'])})" for row in rows]
    return "; ".join(dict.fromkeys(words))


def make(root):
    lines = ["# Techniques", "", "Made by `make_evasion.py`. *Expected*: verdicts of conduitd, with the "
             "reasons that "
             "are right; `expect.json` says", "what each end may receive.", ""]
    for module, title in GROUPS:
        before = len(talk.CASES)
        __import__(module)
        lines += [f"## {title}", "", "| case | technique | reference | expected |", "|---|---|---|---|"]
        for case in talk.CASES[before:]:
            lines.append(f"| `{case.name}` | {case.what} | {case.reference} | {verdict_of(case)} |")
        lines.append("")
    names = [case.name for case in talk.CASES]
    assert len(set(names)) == len(names), "two cases have one name"
    for case in talk.CASES:
        assert case.sent and case.outcomes, case.name
        case.write(root)
    (pathlib.Path(root) / "techniques.md").write_text("\n".join(lines))
    return names


def can_follow_another(case, conduit, seconds):
    rows = [row for outcome in case.outcomes for row in outcome["rows"]]
    return (case.policy == talk.POLICY % {"conduit": conduit, "allow": ""} and
            case.sent[-1][0] - case.sent[0][0] < seconds * 10**9 and
            not any("reset" in row["verdict"] for row in rows))


def make_for_replay(root, conduit="", seconds=3):
    talk.SETTINGS["ports apart"] = True
    for module, _ in GROUPS:
        __import__(module)
    cases = [case for case in talk.CASES if can_follow_another(case, conduit, seconds)]
    for case in cases:
        case.write(root)
    return cases


def check():
    with tempfile.TemporaryDirectory() as root:
        names = make(root)
        files = ["techniques.md"] + [f"{name}/{file}" for name in names
                                     for file in ("policy.txtpb", "send.pcap", "expect.json")]
        _, differ, missing = filecmp.cmpfiles(root, HERE, files, shallow=False)
    folders = {path.parent.name for path in HERE.glob("*/expect.json")}
    wrong = sorted(differ) + sorted(missing) + sorted(folders - set(names))
    for name in wrong:
        print(f"not as it is made: {name}")
    print(f"{len(names)} techniques")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--replay", metavar="FOLDER")
    what.add_argument("--replay-tolerant", metavar="FOLDER")
    what.add_argument("folder", nargs="?", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.check:
        return check()
    if arguments.replay is not None:
        names = make_for_replay(arguments.replay)
    elif arguments.replay_tolerant is not None:
        names = make_for_replay(arguments.replay_tolerant, "tolerance { fragments: true }", 4)
    else:
        names = make(HERE if arguments.folder is None else arguments.folder)
    print(len(names), "techniques")
    return 0


if __name__ == "__main__":
    sys.exit(main())
