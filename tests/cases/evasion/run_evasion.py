#!/usr/bin/env python3
"""Holds a product against the techniques of this folder.

  run_evasion.py CONDUITCTL [CASE…]
      conduitd: `simulate` over every case. Verdicts, reasons, the octets that reach each end, and what every
      model of a receiver makes of them
  run_evasion.py --left FOLDER [CASE…]
      another product: FOLDER/<case>.pcap holds the frames that left it (see replay.py); safety alone
  run_evasion.py --cable COUNT
      the cases as they are sent, as over a bare cable: COUNT or more of the techniques must do harm there, or
      nothing is proven elsewhere
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "made"), str(HERE.parent.parent / "support"),
                str(HERE.parent.parent / "support/net")]
import frames as net  # noqa: E402
import receivers  # noqa: E402
import reference_modbus as modbus  # noqa: E402

# The policy of the cases, written a second time by hand.
RULES = [
    {"unit": 1, "reading": True, "first": 0, "last": 9},
    {"unit": 1, "functions": {6, 16, 22, 23}, "first": 4, "last": 5, "min": 0, "max": 100},
]
IDENTIFICATION = {bytes.fromhex("2b0e0100"), bytes.fromhex("2b0e0101"), bytes.fromhex("2b0e0102")}


def permitted(unit, pdu):
    if unit == 1 and pdu in IDENTIFICATION:
        return True
    if unit == 1 and pdu[:1] == b"\x15":
        try:
            return all(access.file == 4 and access.last <= 9 for access in modbus.decode(pdu))
        except modbus.Malformed:
            return False
    return modbus.permitted(RULES, unit, pdu)


def escapes(frames):
    """What some model of a server can be made to see, although the policy denies it."""
    found = {}
    for model in receivers.models():
        for port, octets in receivers.streams(frames, "server", **model).items():
            try:
                requests = modbus.split(octets)[0]
            except modbus.Malformed as what:
                found.setdefault(f"{octets.hex()} is no Modbus: {what}", model)
                continue
            for _, unit, pdu in requests:
                if not permitted(unit, pdu):
                    found.setdefault(f"unit {unit}, {pdu.hex()}", model)
    return [f"escape: {what} ({', '.join(f'{key} {value}' for key, value in model.items())})"
            for what, model in found.items()]


def as_text(streams):
    return {str(port): octets.hex() for port, octets in streams.items()}


def row_fits(row, wanted):
    return (row["frame"] == wanted["frame"] and row["verdict"] in wanted["verdict"] and
            row["reason"] in wanted["reason"] and not row["observed"])


def outcome_faults(outcome, rows, server, client):
    faults = []
    if len(rows) != len(outcome["rows"]) or not all(map(row_fits, rows, outcome["rows"])):
        short = [(row["frame"], row["verdict"], row["reason"]) for row in rows]
        wanted = [(row["frame"], *("|".join(row[key]) for key in ("verdict",
                                                                  "reason"))) for row in outcome["rows"]]
        faults.append(f"expected {wanted}, was {short}")
    for name, octets in (("server", server), ("client", client)):
        if octets != outcome[f"{name}_received"]:
            faults.append(f"the {name} should have received {outcome[f'{name}_received']}, it got {octets}")
    return faults


def run_conduitd(program, folder):
    expected = json.loads((folder / "expect.json").read_text())
    with tempfile.NamedTemporaryFile(suffix=".pcap") as out:
        done = subprocess.run([program, "simulate", "--json", "--verbatim", "--policy",
                               folder / "policy.txtpb", "--write-out",
                               out.name, folder / "send.pcap"], capture_output=True, text=True, timeout=60)
        left = [frame for _, frame in net.read_capture(out.name)]
    if done.returncode not in (0, 1):
        return [f"exit {done.returncode}: {done.stderr.strip()}"]
    rows = [row for row in map(json.loads, done.stdout.splitlines()) if not row.get("never_sent")]
    faults = escapes(left) + [fault for end in ("server",
                                                "client") for fault in receivers.faults_of_form(left, end)]
    server, client = (as_text(receivers.streams(left, end)) for end in ("server", "client"))
    differ = [model for model in receivers.models()
              for end, octets in (("server", server), ("client", client))
              if as_text(receivers.streams(left, end, **model)) != octets]
    if differ:
        faults.append(f"{len(differ)} models of receivers disagree, among them {differ[0]}")
    tried = [outcome_faults(outcome, rows, server, client) for outcome in expected["outcomes"]]
    faults += min(tried, key=len)
    return faults


def run_left(capture, folder=None):
    """Safety, whatever the product; with a folder, the octets that the server received as well."""
    if not capture.exists():
        return [f"there is no {capture}"]
    left = [frame for _, frame in net.read_capture(capture)]
    faults = escapes(left)
    if folder:
        expected = json.loads((folder / "expect.json").read_text())
        outcomes = expected["outcomes"]
        server = as_text(receivers.streams(left, "server"))
        if server not in [outcome["server_received"] for outcome in outcomes]:
            wanted = outcomes[0]["server_received"]
            faults.append(f"the server should have received {wanted}, it got {server}")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--streams", action="store_true", help="what is permitted has to arrive")
    parser.add_argument("--cable", type=int, metavar="COUNT")
    parser.add_argument("--cases", type=pathlib.Path, default=HERE)
    parser.add_argument("words", nargs="*", metavar="CONDUITCTL or CASE")
    options = parser.parse_args()
    outside = options.left or options.cable
    names = options.words if outside else options.words[1:]
    folders = sorted(path.parent for path in options.cases.glob("*/expect.json"))
    folders = [folder for folder in folders if not names or folder.name in names]

    def run(folder):
        if options.cable:
            return run_left(folder / "send.pcap")
        if options.left:
            return run_left(options.left / f"{folder.name}.pcap", folder if options.streams else None)
        return run_conduitd(options.words[0], folder)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(zip(folders, pool.map(run, folders)))
    failed = sum(bool(faults) for _, faults in results)
    for folder, faults in results:
        for fault in faults:
            print(f"{folder.name}: {fault}")
    print(f"{len(folders)} techniques, {failed} with faults")
    if options.cable:
        return 0 if failed >= options.cable else 1
    return 0 if folders and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
