"""Holds what `conduitctl decode` reads of captures against what Wireshark's dissector reads; used by the
truth.py of each protocol, which says what of a frame is compared.

Wireshark names fields and judges little; the room judges. So what the room accepts has to be the dissector's,
and what it does not, or reads otherwise, has to be explained, with its number and the reason.
VERBOSE=1 prints every difference.
"""

import collections
import json
import os
import re
import shutil
import subprocess

SKIPPED = 77
TREE = os.path.realpath(os.path.dirname(os.path.abspath(__file__)) + "/../..")


def their_frames(capture, display_filter, fields, convert, *options):
    """{frame: {field: convert(field, text)}} of the frames that the filter shows. `convert` gets the values
    of a field as one text, '|' between them."""
    columns = [option for field in fields for option in ("-e", field)]
    text = subprocess.run(["tshark", "-n", "-r", capture, "-o", "tcp.desegment_tcp_streams:TRUE", *options,
                           "-Y", display_filter, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|",
                           *columns],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    frames = {}
    for line in text.splitlines():
        cells = dict(zip(fields, line.split("\t")))
        frames[int(cells["frame.number"])] = {name: convert(name, cells.get(name, "")) for name in fields}
    return frames


def our_frames(conduitctl, protocol, capture, *options):
    """{frame: [operation as decode --json prints it]}"""
    run = subprocess.run([conduitctl, "decode", "--json", *options, capture], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, check=False)
    frames = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        operation = json.loads(line)
        if operation["protocol"] == protocol:
            frames[operation["frame"]].append(operation)
    return frames


def compare(name, theirs, ours, differences, awaited=lambda frame: True):
    """(frames compared, Counter of what differs or is malformed). `differences(theirs, ours)` of a frame
    yields names; `awaited`: does a frame that only Wireshark reads count as not decoded?"""
    found, compared = collections.Counter(), 0
    for frame in sorted(set(theirs) | set(ours)):
        malformed = [operation["malformed"] for operation in ours.get(frame, []) if "malformed" in operation]
        if frame not in ours:
            what = ["not decoded"] if awaited(theirs[frame]) else []
        elif malformed:
            what = ["malformed " + malformed[0]]
        elif frame not in theirs:
            what = ["not dissected"]
        else:
            compared += 1
            what = [difference + " differ" for difference in differences(theirs[frame], ours[frame])]
        found.update(what)
        if what and os.environ.get("VERBOSE"):
            print(name, frame, what, "\n  theirs:", theirs.get(frame), "\n  ours:", ours.get(frame))
    return compared, found


def names_of(protocol, pattern=r"^    (\w+) = (0x\w+|\d+);"):
    """{name: number} of what decode prints by name."""
    with open(os.path.join(TREE, f"protocols/{protocol}/{protocol}.proto"), encoding="utf-8") as text:
        return {name: int(number, 0) for name, number in re.findall(pattern, text.read(), re.M)}


def corpus(folder):
    """[(name, path)] of its captures; none where it is not there."""
    root = os.environ.get("CONDUIT_CORPUS", os.path.join(TREE, "../shared/corpus"))
    path = os.path.join(root, folder)
    if not os.path.isdir(path):
        return []
    return [(name, os.path.join(path, name)) for name in sorted(os.listdir(path))]


def run(captures, compare_one, explained, least, unit="frames"):
    """Exit status. `compare_one(name, path)` as `compare`; `explained`: {(capture, what): (number, why)};
    `least`: so many have to be compared, or the comparison itself is at fault."""
    if shutil.which("tshark") is None or not captures:
        print("tshark or the captures are not here")
        return SKIPPED
    good, total, seen = True, 0, {}
    for name, path in captures:
        compared, found = compare_one(name, path)
        total += compared
        seen.update({(name, what): count for what, count in found.items()})
    names = {name for name, _ in captures}
    for key in sorted(set(seen) | {key for key in explained if key[0] in names}):
        expected, why = explained.get(key, (0, "no explanation"))
        if seen.get(key, 0) != expected:
            good = False
            print(f"{key[0]}: '{key[1]}' {seen.get(key, 0)} times, expected {expected} ({why})")
    print(f"{total} {unit} compared, {sum(seen.values())} explained or not")
    return 0 if good and total > least else 1

