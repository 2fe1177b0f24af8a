#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same captures of
BACnet/IP.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/bacnet (default: ../shared/corpus beside the tree). Frame by frame: function of the
virtual link layer, kind of APDU, service or message, objects and properties, stations behind routers, limits
of Who-Is, origin of forwarded messages. Wireshark names fields and judges little; the room judges. So what
the room accepts has to be the dissector's, and what it does not has to stand in EXPLAINED, with its number
and the reason.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../support")
import dissector

FIELDS = ("frame.number", "bvlc.function", "bvlc.length", "bvlc.fwd_ip", "bvlc.fwd_port", "bacnet.mesgtyp",
          "bacnet.dnet", "bacnet.snet", "bacapp.type", "bacapp.confirmed_service",
          "bacapp.unconfirmed_service", "bacapp.objectType", "bacapp.instance_number",
          "bacapp.property_identifier", "bacapp.who_is.low_limit", "bacapp.who_is.high_limit",
          "bacapp.more_segments", "udp.payload", "_ws.malformed")
CONFIRMED, UNCONFIRMED, NETWORK, LINK, APDU = 256, 512, 768, 1024, 1280
SEGMENT_ACK, REJECT, ABORT = 4, 6, 7
# Answers of which we read the objects and properties.
READ_PROPERTY, READ_PROPERTY_MULTIPLE = 268, 270
# Services whose every object and property is an operation.
LISTING = {264, 265, 267, 268, 270, 271, 272, 282}

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("icsnpp_bacnet-bacnet_error_reject_abort.pcap", "malformed operation"):
        (2, "a private transfer and a notification whose tags do not close"),
    ("icsnpp_bacnet-bacnet_example.pcap", "malformed length"):
        (240, "more octets in the datagram than its length says"),
    ("icsnpp_bacnet-bacnet_services.pcap", "objects differ"):
        (1, "the last segment of an answer, which Wireshark puts together"),
}


def value_of(field, text):
    if field in ("_ws.malformed", "bvlc.fwd_ip", "udp.payload"):
        return text
    return [int(cell, 0) for cell in text.split("|") if cell]


NAMES = dissector.names_of("bacnet")


def number(operation, name):
    value = operation.get(name)
    if isinstance(value, str):
        return NAMES[value]
    return value[0] if isinstance(value, list) else value


def function_of(theirs):
    """The number that our room gives to what Wireshark names."""
    kind = theirs["bacapp.type"]
    if theirs["bacnet.mesgtyp"]:
        return NETWORK + theirs["bacnet.mesgtyp"][0]
    if not kind:
        return LINK + theirs["bvlc.function"][0]
    if kind[0] in (SEGMENT_ACK, REJECT, ABORT):
        return APDU + kind[0]
    if theirs["bacapp.unconfirmed_service"]:
        return UNCONFIRMED + theirs["bacapp.unconfirmed_service"][0]
    return CONFIRMED + theirs["bacapp.confirmed_service"][0]


def in_order(wanted, present):
    """Do all of `wanted` stand in `present`, in this order? Values may hold more objects and properties."""
    rest = iter(present)
    return all(one in rest for one in wanted)


def neighbours(values):
    """Values, without repetitions side by side."""
    return [value for place, value in enumerate(values) if place == 0 or values[place - 1] != value]


def object_differences(function, theirs, operations):
    """Objects and properties of operations, against all that stand in the frame."""
    objects = [(number(one, "object_type"), number(one, "instance")) for one in operations
               if "object_type" in one and isinstance(one.get("instance"), list)]
    properties = [number(one, "property") for one in operations if "property" in one]
    present = list(zip(theirs["bacapp.objectType"], theirs["bacapp.instance_number"]))
    if function in LISTING:
        if neighbours(objects)[:1] != present[:1] or not in_order(neighbours(objects), present):
            yield "objects"
    elif not in_order(neighbours(objects), present) and theirs["bacapp.objectType"]:
        yield "objects"
    if not in_order(properties, theirs["bacapp.property_identifier"]):
        yield "properties"
    if function in (READ_PROPERTY, READ_PROPERTY_MULTIPLE) and operations[0]["role"] == "request" and \
            (properties != theirs["bacapp.property_identifier"] or
             neighbours(objects) != neighbours(present)):
        yield "reads"


def differences(theirs, ours):
    """Names of what differs in a frame that we found well-formed."""
    function = function_of(theirs)
    inner = [one for one in ours if one["function"] not in (LINK + 4, LINK + 9)] or ours
    if {one["function"] for one in inner} != {function}:
        yield "functions"
        return
    if theirs["bvlc.fwd_ip"] and inner[0].get("origin") != \
            f"{theirs['bvlc.fwd_ip']}:{theirs['bvlc.fwd_port'][0]}":
        yield "origin"
    stations = {"bacnet.dnet": number(inner[0], "destination"), "bacnet.snet": number(inner[0], "source")}
    for field, station in stations.items():
        stated = [] if station is None else [station >> 48]
        # Messages of the network layer: the networks that they speak of bear the same name there.
        if field == "bacnet.dnet" and theirs["bacnet.mesgtyp"]:
            stated += [one["instance"][0] for one in inner if one.get("instance", [0, 65535]) != [0, 65535]]
        if theirs[field] != stated:
            yield field
    requests = (0, 1)
    reads = theirs["bacapp.type"] == [3] and function in (READ_PROPERTY, READ_PROPERTY_MULTIPLE)
    if (theirs["bacapp.type"] and theirs["bacapp.type"][0] in requests) or reads:
        yield from object_differences(function, theirs, inner)
    if theirs["bacapp.who_is.low_limit"] and \
            [*theirs["bacapp.who_is.low_limit"], *theirs["bacapp.who_is.high_limit"]] != inner[0]["instance"]:
        yield "limits"


def compare(name, capture):
    theirs = dissector.their_frames(capture, "bvlc", FIELDS, value_of)
    ours = dissector.our_frames(sys.argv[1], "bacnet", capture)
    return dissector.compare(name, theirs, ours, differences)


def main():
    return dissector.run(dissector.corpus("bacnet"), compare, EXPLAINED, 5000)


if __name__ == "__main__":
    sys.exit(main())
