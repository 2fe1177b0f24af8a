#!/usr/bin/env python3
"""Compares what `conduitctl decode` reads with what Wireshark's dissector reads of the same OPC UA captures.

usage: truth.py CONDUITCTL

Captures: $CONDUIT_CORPUS/opcua (default: ../shared/corpus beside the tree), and that of the case in which
every service occurs (its answers lack their parameters). Frame by frame: functions, every node with its
attribute, second nodes, written numbers. Wireshark names fields and judges little; the room judges. So what
the room accepts has to be the dissector's, and what it does not has to stand in EXPLAINED, with its number
and the reason.
"""

import base64
import collections
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../../support")
import dissector

PORTS = (4840, 12001, 48010)
HELLO, REVERSE_HELLO, OPAQUE, ABORTED, ERROR = range(0x10001, 0x10006)
RENEW, OPEN, CLOSE, FAULT = 0x10000 + 446, 446, 452, 397
# Items of a request: which child is the node, which the second node.
ITEMS = {
    "ReadValueId": ("NodeId", None), "WriteValue": ("NodeId", None), "BrowseDescription": ("NodeId", None),
    "HistoryReadValueId": ("NodeId", None),
    "DeleteNodesItem": ("NodeId", None),
    "CallMethodRequest": ("ObjectId", "MethodId"), "AddNodesItem": ("ParentNodeId", "RequestedNewNodeId"),
    "AddReferencesItem": ("SourceNodeId", "TargetNodeId"), "BrowsePath": ("StartingNode", None),
    "DeleteReferencesItem": ("SourceNodeId", "TargetNodeId"),
    "MonitoredItemCreateRequest": ("ItemToMonitor", None),
    "NodeTypeDescription": ("TypeDefinitionNode", None),
}
LISTS = ("NodesToRegister", "NodesToUnregister")
NUMBERS = ("opcua.Boolean", "opcua.SByte", "opcua.Byte", "opcua.Int16", "opcua.UInt16", "opcua.Int32",
           "opcua.UInt32", "opcua.Int64", "opcua.UInt64", "opcua.Float", "opcua.Double")
PART = 256

# (capture, what the room says): how often, and why it is right.
EXPLAINED = {
    ("icsnpp_opcua-binary-opcua_with-gap.pcap", "not dissected"):
        (1, "a response in two segments: judged by its head, in the first"),
    ("icsnpp_opcua-binary-opcua_with-gap_with-handshake.pcapng", "not dissected"):
        (1, "a response in two segments: judged by its head, in the first"),
    ("icsnpp_opcua-binary-open62541_client-server_encrypted.pcapng", "not decoded"):
        (2, "frames of 10 000 octets, longer than any that is forwarded"),
    ("iti-opc-ua-ap-method-wireshark-freeze.pcap", "malformed message_size"):
        (1, "a call of 5224 octets, where the server has said that it takes 4000"),
    ("iti-opc-ua-ap-method-wireshark-freeze.pcap", "malformed not this protocol"):
        (3, "the rest of that call"),
    ("iti-opc-ua-ap-method-wireshark-freeze.pcap", "malformed operation"): (1, "a node id of encoding 7"),
    ("open62541-unified_cpp_none.pcap", "not decoded"): (2, "frames longer than any that is forwarded"),
}


def children(field):
    return field.findall("field")


def label(field):
    return field.get("show") if field.get("name") == "" else field.get("showname", "")


def child(field, name):
    for inner in children(field):
        if label(inner).startswith(name + ": "):
            return inner
    return None


def leaf(field, name):
    for inner in field.iter("field"):
        if inner.get("name") == name:
            return inner
    return None


def octets(field):
    return bytes.fromhex(field.get("value") or "")


def node(field):
    """(namespace, number or name), or None for a node elsewhere."""
    if field is None:
        return None
    for flag in ("opcua.expandednodeid.has_server_index", "opcua.expandednodeid.has_namespace_uri"):
        found = leaf(field, flag)
        if found is not None and found.get("show") in ("1", "True"):
            return None
    space = leaf(field, "opcua.nodeid.nsindex")
    space = int(space.get("show"), 0) if space is not None else 0
    number = leaf(field, "opcua.nodeid.numeric")
    if number is not None:
        return space, int(number.get("show"), 0)
    text = leaf(field, "opcua.nodeid.string")
    if text is not None:
        return space, "s=" + octets(text).decode("latin-1")
    guid = leaf(field, "opcua.nodeid.guid")
    if guid is not None:
        return space, "g=" + guid.get("show").lower()
    opaque = leaf(field, "opcua.nodeid.bytestring")
    if opaque is None:
        return None
    return space, "b=" + base64.b64encode(octets(opaque)).decode()


def attribute(item):
    number = leaf(item, "opcua.AttributeId")
    ranged = leaf(item, "opcua.IndexRange")
    part = PART if ranged is not None and ranged.get("show") else 0
    if number is not None:
        return int(number.get("show"), 0) + part
    return 13 + part if ranged is not None else None


def written(item):
    """The number that is written, or None."""
    value = child(item, "Value")
    kind = leaf(value, "opcua.variant.has_value") if value is not None else None
    if kind is None or leaf(value, "opcua.variant.ArraySize") is not None:
        return None
    for field in value.iter("field"):
        if field.get("name") in NUMBERS:
            text = field.get("show")
            return {"True": 1.0, "False": 0.0}.get(text) if text in ("True", "False") else float(text)
    return None


def their_items(message, service):
    for field in message.iter("field"):
        text = label(field) or ""
        found = re.match(r"\[\d+\]: (\w+)$", text)
        if found and found[1] in ITEMS:
            first, second = ITEMS[found[1]]
            if first == "ItemToMonitor":
                inner = child(field, first)
                yield service, node(child(inner, "NodeId")), None, attribute(inner), None
                continue
            other = node(child(field, second)) if second else None
            if other == (0, 0):
                other = None
            keeps = found[1] in ("ReadValueId", "WriteValue", "HistoryReadValueId")
            yield (service, node(child(field, first)), other, attribute(field) if keeps else None,
                   written(field) if found[1] == "WriteValue" else None)
        elif any(text.startswith(name + ": ") for name in LISTS):
            for inner in children(field):
                if re.match(r"\[\d+\]: NodeId", label(inner) or ""):
                    yield service, node(inner), None, None, None


def request_of(response):
    return response - 1 if response in (12209, 12212) else response - 3


def their_operations(message, answers):
    """[(function, node, second node, attribute, value)] of one dissected message; None: not whole."""
    kind = leaf(message, "opcua.transport.type").get("show")
    fixed = {"HEL": HELLO, "ACK": HELLO, "ERR": ERROR, "RHE": REVERSE_HELLO}
    if kind in fixed:
        return [(fixed[kind], None, None, None, None)]
    if kind == "OPN":
        scid = int(leaf(message, "opcua.transport.scid").get("show"))
        return [(OPEN if answers or scid == 0 else RENEW, None, None, None, None)]
    chunk = leaf(message, "opcua.transport.chunk").get("show")
    numeric = leaf(message, "opcua.servicenodeid.numeric")
    if numeric is None:
        return None if chunk == "C" else [(OPAQUE if kind == "MSG" else CLOSE, None, None, None, None)]
    service = int(numeric.get("show"), 0)
    if kind == "CLO" or service == FAULT:
        return [(service, None, None, None, None)]
    if numeric.get("showname", "").find("Response (") >= 0:
        return [(request_of(service), None, None, None, None)]
    return list(their_items(message, service)) or [(service, None, None, None, None)]


def their_frames(capture):
    """{frame: ([operation], malformed)}"""
    options = [option for port in PORTS for option in ("-d", f"tcp.port=={port},opcua")]
    text = subprocess.run(["tshark", "-n", "-r", capture, "-o", "tcp.desegment_tcp_streams:TRUE", *options,
                           "-Y", "opcua", "-T", "pdml"],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    frames = {}
    for packet in ElementTree.fromstring(text).findall("packet"):
        number, found, broken, answers = 0, [], False, False
        for proto in packet.findall("proto"):
            if proto.get("name") == "geninfo":
                number = int(leaf(proto, "num").get("show"))
            if proto.get("name") == "tcp":
                answers = int(leaf(proto, "tcp.srcport").get("show")) in PORTS
            broken = broken or proto.get("name") in ("_ws.malformed", "malformed")
            if proto.get("name") == "opcua" and leaf(proto, "opcua.transport.type") is not None:
                found.extend(their_operations(proto, answers) or [])
        frames[number] = (found, broken)
    return frames


def our_frames(capture):
    ports = [option for port in PORTS for option in ("--port", f"{port}=opcua")]
    return dissector.our_frames(sys.argv[1], "opcua", capture, *ports)


def unescaped(text):
    return re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), text)


def our_node(operation, space, number, name):
    if space not in operation:
        return None
    if number in operation:
        value = operation[number]
        return operation[space], value[0] if isinstance(value, list) else value
    return operation[space], unescaped(operation.get(name, ""))


ATTRIBUTES = {}


def our_operation(operation):
    kind = operation.get("attribute")
    value = operation.get("value")
    return (operation["function"], our_node(operation, "namespace", "node", "name"),
            our_node(operation, "method_namespace", "method", "further_name"),
            ATTRIBUTES.get(kind, kind), float(value) if isinstance(value, (int, float)) and
            operation["function"] == 673 and operation["role"] == "request" else None)


def close(left, right):
    if left[:4] != right[:4]:
        return False
    if left[4] is None or right[4] is None:
        return left[4] == right[4]
    return abs(left[4] - right[4]) <= 1e-6 * abs(left[4])


def compare(name, capture):
    """(operations compared, Counter of what differs or is malformed)"""
    theirs, ours = their_frames(capture), our_frames(capture)
    found, compared = collections.Counter(), 0

    def note(what, frame):
        found[what] += 1
        if os.environ.get("VERBOSE"):
            print(name, frame, what, "\n  theirs:", theirs.get(frame), "\n  ours:", ours.get(frame))

    for frame in sorted(set(theirs) | set(ours)):
        malformed = [operation["malformed"] for operation in ours.get(frame, []) if "malformed" in operation]
        operations, broken = theirs.get(frame, ([], False))
        if malformed:
            note("malformed " + malformed[0], frame)
        elif frame not in ours and operations:
            note("not decoded", frame)
        elif frame not in theirs:
            note("not dissected", frame)
        elif broken and not (name == "case" and ours[frame][0]["role"] == "response"):
            note("malformed to Wireshark alone", frame)
        elif frame in ours:
            mine = [our_operation(operation) for operation in ours[frame]]
            compared += len(mine)
            if len(mine) != len(operations) or not all(map(close, mine, operations)):
                note("operations differ", frame)
    return compared, found


def read_names():
    """Numbers of the attributes that decode prints by name."""
    text = open(os.path.join(dissector.TREE, "protocols/opcua/opcua.proto"), encoding="utf-8").read()
    for name, number in re.findall(r"^    (\w+) = (\d+);$", text, re.M):
        ATTRIBUTES.setdefault(name, int(number))


def main():
    read_names()
    case = os.path.join(dissector.TREE, "tests/cases/opcua/folders/every_service/send.pcap")
    found = dissector.corpus("opcua")
    return dissector.run(found + [("case", case)], compare, EXPLAINED, 1000 if found else 50, "operations")


if __name__ == "__main__":
    sys.exit(main())
