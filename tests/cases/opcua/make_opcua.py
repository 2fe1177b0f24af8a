#!/usr/bin/env python3
"""Makes the case folders of OPC UA: policy.txtpb, send.pcap, expect.json. What is expected was thought out
from the policy, OPC 10000-4 and OPC 10000-6, never taken from a run."""

import pathlib
import shutil
import struct
import sys
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from conversation import Conversation  # noqa: E402

PORT, CHANNEL, TOKEN = 4840, 7, 9
BASE = "http://opcfoundation.org/UA/SecurityPolicy#"
URL = "opc.tcp://plc-1:4840"
POLICY = """policy { name: "case" version: 1 }
zone { id: "a" port: "up" asset { id: "hmi" ipv4: "10.0.7.10" } }
zone { id: "b" port: "down" asset { id: "plc" ipv4: "10.0.7.1" } }
conduit {
  id: "c" zones: "a" zones: "b" owner: "o"
  direction {
    from: "a" to: "b"
%s  }
  direction {
    from: "b" to: "a"
%s  }
}
"""
RULES = [
    f'function: HELLO endpoint_url: "{URL}"',
    'function: OPEN_SECURE_CHANNEL function: RENEW_SECURE_CHANNEL',
    'function: CREATE_SESSION function: CLOSE_SESSION function: CLOSE_SECURE_CHANNEL '
    'function: ABORTED_REQUEST',
    'function: ACTIVATE_SESSION user_token: USER_NAME user_token: X509',
    'access: READ namespace { first: 2 } node { first: 1 last: 99 }',
    'access: READ namespace { first: 2 } node_id_prefix: "s=Tank."',
    'function: CREATE_SUBSCRIPTION function: PUBLISH',
    'function: WRITE namespace { first: 2 } node { first: 1 last: 40 } attribute: VALUE '
    'value { min: 0 max: 100 }',
    'function: CALL namespace { first: 2 } node { first: 50 } '
    'method_namespace { first: 2 } method { first: 51 }',
]
CLASSES = ("READ", "WRITE", "OPERATE", "PROGRAM", "MANAGE", "DISCOVER", "SESSION")
EVERYTHING = [" ".join(f"access: {access}" for access in CLASSES)]
REVERSE = [f'function: REVERSE_HELLO endpoint_url: "{URL}"']


def policy_text(rules, back, opener):
    def allow(name, rule):
        lines = textwrap.wrap(rule, 90, break_long_words=False, break_on_hyphens=False)
        return (f'    allow {{\n      id: "{name}" reason: "r" client: "hmi" server: "plc"{opener}\n'
                f'      opcua {{\n        ' + "\n        ".join(lines) + '\n      }\n    }\n')
    return POLICY % ("".join(allow(f"r{at}", rule) for at, rule in enumerate(rules)),
                     "".join(allow(f"s{at}", rule) for at, rule in enumerate(back)))


# --- encoding ------------------------------------------------------------------------------------------


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value & 0xFFFFFFFF)


def text(value):
    if value is None:
        return u32(-1)
    octets = value if isinstance(value, bytes) else value.encode()
    return u32(len(octets)) + octets


def numeric(number, space=2):
    return b"\2" + u16(space) + u32(number)


def short(number, space=2):
    return b"\1" + bytes([space]) + u16(number)


def string(name, space=2):
    return b"\3" + u16(space) + text(name)


def array(*items):
    return u32(len(items)) + b"".join(items)


def message(kind, rest):
    return kind.encode() + u32(8 + len(rest)) + rest


def hello(url=URL):
    return message("HELF", u32(0) + u32(65535) + u32(65535) + u32(0) + u32(0) + text(url))


ACKNOWLEDGE = message("ACKF", u32(0) + u32(65535) + u32(65535) + u32(0) + u32(0))


def header(function):
    token_of_session = b"\2" + u16(0) + u32(77)
    return (short(function, 0) + token_of_session + bytes(8) + u32(42) + u32(0) + text(None) + u32(10000) +
            bytes(3))


def answer_header(function, result=0):
    return short(function, 0) + bytes(8) + u32(42) + u32(result) + b"\0" + u32(0) + bytes(3)


def chunk(kind, sequence, request, body, channel=CHANNEL, token=TOKEN):
    return message(kind, u32(channel) + u32(token) + u32(sequence) + u32(request) + body)


def security(policy, channel):
    if policy == "None":
        return u32(channel) + text(BASE + policy) + text(None) + text(None)
    return u32(channel) + text(BASE + policy) + text(bytes([0x30, 3, 1, 2, 3])) + text(bytes(20))


def open_channel(sequence=1, request=1, channel=0, mode=1):
    body = header(446) + u32(0) + u32(int(channel != 0)) + u32(mode) + text(b"\0") + u32(3600000)
    return message("OPNF", security("None", channel) + u32(sequence) + u32(request) + body)


def channel_opened(sequence=1, request=1, token=TOKEN):
    body = answer_header(449) + u32(0) + u32(CHANNEL) + u32(token) + bytes(8) + u32(3600000) + text(b"\0")
    return message("OPNF", security("None", CHANNEL) + u32(sequence) + u32(request) + body)


def secret_channel(channel=0, policy="Basic256Sha256"):
    return message("OPNF", security(policy, channel) + bytes(range(256)))


def read_item(node, attribute=13, part=None):
    return node + u32(attribute) + text(part) + u16(0) + text(None)


def read(*nodes):
    return header(631) + bytes(8) + u32(2) + array(*[read_item(node) for node in nodes])


def double(value):
    return b"\x01\x0b" + struct.pack("<d", value)


def write(*items):
    return header(673) + array(*[node + u32(13) + text(None) + value for node, value in items])


def call(thing, method):
    return header(712) + array(thing + method + array())


def activate(token):
    return header(467) + text(None) + text(None) + array() + array() + token + text(None) + text(None)


def token(kind):
    named = text("operator") + text(b"secret") + text(None) if kind == 324 else b""
    return short(kind, 0) + b"\1" + text(text("policy") + named)


CREATE = (header(461) + text("app") + text("prod") + b"\2" + text("name") + u32(1) + text(None) + text(None) +
          array() + text("server") + text(URL) + text("session") + text(b"1234") + text(None) +
          struct.pack("<d", 1000) + u32(0))


def pieces(body, size, sequence, request=2, last="F"):
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return [chunk("MSGC" if at + 1 < len(parts) else "MSG" + last, sequence + at, request, part)
            for at, part in enumerate(parts)]


def fault(sequence, request, status):
    return chunk("MSGF", sequence, request, answer_header(397, status))


# --- cases ---------------------------------------------------------------------------------------------

class Case(Conversation):
    def __init__(self, name, rules=None, back=(), opened_by_server=False):
        policy = policy_text(rules or RULES, back, " opened_by: EITHER" if opened_by_server else "")
        super().__init__(HERE / "folders" / name, PORT, policy, opened_by_server)

    def answer(self, octets, verdict="forward", reason="NONE"):
        return super().answer(octets).expect(verdict, reason)

    def refused(self, octets, reason="OBJECT_NOT_PERMITTED"):
        return self.ask(octets).expect("refuse", reason)

    def malformed(self, octets):
        return self.ask(octets).expect("reset", "PDU_MALFORMED")

    def connected(self):
        self.passes(hello()).answer(ACKNOWLEDGE)
        return self.passes(open_channel()).answer(channel_opened())

    def secretly(self):
        self.passes(hello()).answer(ACKNOWLEDGE)
        return self.passes(secret_channel()).answer(secret_channel(CHANNEL))


def ask(sequence, body, request=None):
    return chunk("MSGF", sequence, request or sequence, body)


def told(sequence, function, request=None, result=0):
    return chunk("MSGF", sequence, request or sequence, answer_header(function, result))


def sessions():
    case = Case("session").connected()
    case.passes(ask(2, CREATE)).answer(told(2, 464))
    case.passes(ask(3, activate(token(324)))).answer(told(3, 470))
    case.passes(ask(4, read(numeric(5), string("Tank.Level")))).answer(told(4, 634))
    case.passes(ask(5, write((short(5), double(80))))).answer(told(5, 676))
    case.passes(ask(6, header(826) + array())).passes(open_channel(7, 7, CHANNEL))
    case.answer(channel_opened(6, 7, TOKEN + 1)).answer(told(7, 829, 6))
    case.passes(chunk("MSGF", 8, 8, header(473) + b"\1", token=TOKEN + 1)).answer(told(8, 476))
    case.passes(chunk("CLOF", 9, 9, header(452), token=TOKEN + 1)).end()
    for name, body in (("anonymous", token(321)), ("no_token", bytes(3))):
        case = Case(name).connected().passes(ask(2, CREATE)).answer(told(2, 464))
        case.refused(ask(3, activate(body))).end()
    Case("read_without_a_connection").malformed(ask(2, read(numeric(5)))).end()
    Case("channel_without_a_connection").malformed(open_channel()).end()
    Case("channel_before_the_acknowledge").passes(hello()).malformed(open_channel()).end()
    case = Case("read_without_a_channel").passes(hello()).answer(ACKNOWLEDGE)
    case.malformed(ask(2, read(numeric(5)))).end()
    case = Case("renewal_of_no_channel").passes(hello()).answer(ACKNOWLEDGE)
    case.malformed(open_channel(1, 1, CHANNEL)).end()
    Case("another_endpoint").refused(hello("opc.tcp://plc-2:4840")).end()
    guarded = [rule for rule in RULES if "OPEN_SECURE" not in rule]
    guarded.append(f'function: OPEN_SECURE_CHANNEL security_policy: "{BASE}Basic256Sha256" '
                   'client_certificate: "98746256416cb8c35399aba8cf81a36a6c3db52e"')
    case = Case("policy_none_is_refused", guarded).passes(hello()).answer(ACKNOWLEDGE)
    case.refused(open_channel()).end()
    case = Case("permitted_certificate", guarded).passes(hello()).answer(ACKNOWLEDGE)
    case.passes(secret_channel()).end()
    case = Case("reverse_connect", back=REVERSE, opened_by_server=True)
    case.answer(message("RHEF", text("urn:plc") + text(URL))).connected()
    case.passes(ask(2, read(numeric(5)))).end()
    case = Case("reverse_connect_elsewhere", back=REVERSE, opened_by_server=True)
    elsewhere = message("RHEF", text("urn:plc") + text("opc.tcp://x"))
    case.answer(elsewhere, "discard", "OBJECT_NOT_PERMITTED").end()
    find = header(422) + text(URL) + array() + array()
    rules = ["function: HELLO function: OPEN_SECURE_CHANNEL", "access: DISCOVER"]
    case = Case("discovery_alone", rules).connected().passes(ask(2, find)).answer(told(2, 425))
    case.refused(ask(3, CREATE), "FUNCTION_NOT_PERMITTED").end()


def numbers():
    """What follows a refused request is numbered as if it had never been asked."""
    case = Case("numbers_behind_a_refusal").connected()
    case.refused(ask(2, write((numeric(5), double(101)))), "VALUE_NOT_PERMITTED")
    case.ask(ask(3, read(numeric(5)))).expect("forward", delivered=ask(2, read(numeric(5)), 3))
    case.answer(told(2, 634, 3))
    case.refused(ask(4, header(500) + array(numeric(5) + b"\0")), "FUNCTION_NOT_PERMITTED")
    two = pieces(read(numeric(6)), 40, 5, 5)
    case.ask(b"".join(two)).expect("forward", delivered=b"".join(pieces(read(numeric(6)), 40, 3, 5)))
    case.end()
    case = Case("refused_in_a_burst").connected()
    good, bad = ask(2, read(numeric(5))), ask(3, call(numeric(50), numeric(52)))
    case.ask(good + bad + ask(4, read(numeric(6))))
    case.expect("forward", delivered=good).expect("refuse", "OBJECT_NOT_PERMITTED")
    case.expect("forward", delivered=ask(3, read(numeric(6)), 4)).end()


def nodes():
    Case("one_node_by_two_encodings").connected().passes(ask(2, read(short(5), numeric(5)))).end()
    for name, node in (("another_namespace", numeric(5, 3)), ("number_as_a_name", string("5")),
                       ("another_name", string("Pump.Speed"))):
        Case(name).connected().refused(ask(2, read(numeric(5), node))).end()
    items = [(numeric(at + 1), double(100)) for at in range(20)]
    Case("twenty_writes").connected().passes(ask(2, write(*items))).end()
    high = items[:-1] + [(numeric(20), double(100.5))]
    Case("one_of_twenty_too_high").connected().refused(ask(2, write(*high)), "VALUE_NOT_PERMITTED").end()
    Case("permitted_call").connected().passes(ask(2, call(numeric(50), numeric(51)))).end()
    unknown = short(410, 0) + header(410)[4:] + bytes(12)
    Case("unknown_service").connected().refused(ask(2, unknown), "FUNCTION_NOT_PERMITTED").end()
    # A write within the additional header of a read is what it looks like: nothing that a server executes.
    inner = write((numeric(99), double(999)))
    outer = read(numeric(5)).replace(u32(10000) + bytes(3), u32(10000) + short(673, 0) + b"\1" + text(inner))
    Case("write_in_an_additional_header").connected().passes(ask(2, outer)).end()


def hostile():
    body = read(numeric(5))
    Case("write_behind_a_read").connected().ask(ask(2, body + write((numeric(5), double(1))))).expect(
        "reset", "PDU_MALFORMED").end()
    forbidden = write((numeric(5), double(101)))
    for size in (1, 60):
        octets = b"".join(pieces(forbidden, size, 2))
        segments = [octets[at:at + 1400] for at in range(0, len(octets), 1400)]
        Case(f"write_in_chunks_of_{size}").connected().ask(*segments).expect(
            "refuse", "VALUE_NOT_PERMITTED").end()
    Case("write_in_chunks_apart").connected().ask(*pieces(forbidden, 30, 2)).expect(
        "refuse", "VALUE_NOT_PERMITTED").end()
    Case("permitted_in_chunks_apart").connected().passes(*pieces(body, 16, 2)).end()
    first, second = pieces(body, 60, 2)[0], chunk("MSGF", 3, 3, forbidden)
    Case("chunks_of_two_messages").connected().ask(first + second).expect("reset", "PDU_MALFORMED").end()
    given_up = pieces(forbidden, 40, 2)[0] + chunk("MSGA", 3, 2, u32(0x80070000) + text("enough"))
    Case("given_up").connected().passes(given_up).end()
    Case("write_as_an_abort").connected().ask(chunk("MSGA", 2, 2, forbidden)).expect(
        "reset", "PDU_MALFORMED").end()
    huge = b"MSGF" + u32(1 << 20) + ask(2, body)[8:]
    Case("larger_than_can_be_judged").connected().ask(huge).expect("reset", "PDU_MALFORMED").end()
    Case("another_channel").connected().ask(chunk("MSGF", 2, 2, body, CHANNEL + 1)).expect(
        "reset", "PDU_MALFORMED").end()
    Case("http").ask(b"GET / HTTP/1.1\r\n\r\n").expect("reset", "PROTOCOL_MISMATCH").end()


def protected():
    sealed = message("MSGF", u32(CHANNEL) + u32(TOKEN) + bytes(at * 89 + 131 & 255 for at in range(128)))
    Case("encrypted").secretly().ask(sealed).expect("reset", "FUNCTION_NOT_PERMITTED").end()
    case = Case("encrypted_by_name", RULES + ["function: OPAQUE_MESSAGE"]).secretly()
    case.passes(sealed).answer(sealed).end()
    signature = bytes(32)
    case = Case("signed").secretly().passes(ask(2, CREATE + signature))
    case.passes(ask(3, read(numeric(5)) + signature))
    case.ask(ask(4, write((numeric(5), double(101))) + signature))
    case.expect("reset", "VALUE_NOT_PERMITTED").end()


def answers():
    case = Case("answer_without_a_question").connected()
    case.answer(told(2, 634), "discard", "RESPONSE_UNSOLICITED").end()
    case = Case("answer_to_another_question").connected().passes(ask(2, read(numeric(5))))
    case.answer(told(2, 676), "discard", "RESPONSE_MISMATCHED").answer(told(3, 634, 2)).end()
    case = Case("answer_in_chunks").connected().passes(ask(2, read(numeric(5))))
    for at, part in enumerate(pieces(answer_header(634) + bytes(3000), 1200, 2)):
        case.answer(part)
    case.passes(ask(3, read(numeric(6)))).answer(fault(5, 3, 0x80010000)).end()


def cuts():
    good, bad = ask(2, read(numeric(5))), ask(2, write((numeric(5), double(101))))
    for place in (1, 8, 24, len(good) - 1):
        Case(f"read_cut_at_{place:02}").connected().passes(good[:place], good[place:]).end()
    for place in (1, 24, len(bad) - 1):
        Case(f"write_cut_at_{place:02}").connected().ask(bad[:place], bad[place:]).expect(
            "refuse", "VALUE_NOT_PERMITTED").end()


def every_service():
    """All of them pass; they are there for the comparison with the dissector."""
    node, other = string("Tank.Level"), short(51)
    null, filler = bytes(2), bytes(3)
    view = null + bytes(8) + u32(0)
    path = array(short(33, 0) + b"\0\1" + u16(2) + text("Level"))
    parameters = u32(5) + struct.pack("<d", 500) + filler + u32(10) + b"\1"
    bodies = [
        (422, text(URL) + array(text("en")) + array()), (428, text(URL) + array() + array(text("x"))),
        (437, text("u") + text("p") + array(b"\3" + text("en") + text("n")) + u32(0) + text(None) +
         array(text(URL)) + text(None) + b"\1"),
        (461, CREATE[len(header(461)):]), (467, activate(token(324))[len(header(467)):]),
        (488, array(node + short(35, 0) + other + u16(2) + text("b") + u32(2) + filler + short(61, 0))),
        (494, array(node + short(35, 0) + b"\1" + text(None) + other + u32(2))),
        (500, array(node + b"\0", other + b"\1")),
        (506, array(node + short(35, 0) + b"\1" + other + b"\1")),
        (527, view + u32(100) + array(node + u32(0) + short(33, 0) + b"\1" + u32(0) + u32(63))),
        (533, b"\0" + array(text(b"12"))), (554, array(node + path)), (560, array(node, other)),
        (566, array(node, other)), (621, b"\1" + text(b"12")),
        (631, bytes(8) + u32(2) + array(read_item(node, 13, "1:2"), read_item(other, 3),
                                        read_item(b"\0\x54", 1))),
        (673, array(node + u32(13) + text(None) + double(2.5), other + u32(17) + text(None) + b"\1\3\7",
                    short(52) + u32(13) + text("1") + b"\5\6" + u32(-3) + bytes(8),
                    short(53) + u32(13) + text(None) + b"\1\x86" + array(u32(1), u32(2)))),
        (664, short(649, 0) + b"\1" + text(b"\0" + bytes(8) + bytes(8) + u32(10) + b"\0") + u32(2) + b"\0" +
         array(node + text(None) + u16(0) + text(None) + text(None))),
        (712, array(node + other + array(b"\x0b" + struct.pack("<d", 1), b"\1\1"))),
        (751, u32(1) + u32(2) + array(read_item(node) + u32(2) + parameters)),
        (763, u32(1) + u32(2) + array(u32(1) + parameters)), (769, u32(1) + u32(2) + array(u32(1))),
        (775, u32(1) + u32(2) + array(u32(1)) + array()), (781, u32(1) + array(u32(1))),
        (787, struct.pack("<d", 500) + u32(100) + u32(10) + u32(0) + b"\1\0"),
        (793, u32(1) + struct.pack("<d", 500) + u32(100) + u32(10) + u32(0) + b"\0"),
        (799, b"\1" + array(u32(1))), (826, array(u32(1) + u32(2))), (832, u32(1) + u32(2)),
        (841, array(u32(1)) + b"\1"), (847, array(u32(1))),
        (479, u32(42)), (473, b"\1"),
    ]
    case = Case("every_service", EVERYTHING).connected()
    for at, (function, parameters_of) in enumerate(bodies):
        case.passes(ask(at + 2, header(function) + parameters_of)).answer(told(at + 2, function + 3))
    case.end()


shutil.rmtree(HERE / "folders", ignore_errors=True)
for make in (sessions, numbers, nodes, hostile, protected, answers, cuts, every_service):
    make()
