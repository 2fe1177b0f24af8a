#include "tools/conduitctl/stream_decoder.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace conduit {
namespace {

constexpr std::size_t early_segment_count_max = 64;  // then the missing octets are taken for lost

bool before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

}  // namespace

std::string address_text(const Address& address) {
  static constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = std::memcmp(address.data(), mapped, sizeof mapped) == 0;
  ::inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? 12 : 0), text, sizeof text);
  return text;
}

std::string endpoint_text(const Address& address, std::uint16_t port, bool with_port) {
  std::string text = address_text(address);
  if (!with_port) return text;
  if (text.find(':') != std::string::npos) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

std::string mac_text(const Mac& mac) {
  char text[18] = {};
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
  return text;
}

PortMap registered_ports() {
  PortMap ports;
  for (const Protocol* protocol : all_protocols()) {
    if (protocol->tcp_port != 0) ports[{Transport::TCP, protocol->tcp_port}] = protocol;
    if (protocol->udp_port != 0) ports[{Transport::UDP, protocol->udp_port}] = protocol;
    if (protocol->udp_port_aside != 0) ports[{Transport::UDP, protocol->udp_port_aside}] = protocol;
  }
  return ports;
}

const Protocol* StreamDecoder::protocol_of(const ParsedFrame& parsed, Transport transport,
                                           Role& sender) const {
  auto found = ports_.find({transport, parsed.destination_port});
  sender = Role::CLIENT;
  if (found == ports_.end()) {
    found = ports_.find({transport, parsed.source_port});
    sender = Role::SERVER;
  }
  return found == ports_.end() ? nullptr : found->second;
}

SessionState& StreamDecoder::session_of(const ParsedFrame& parsed) {
  const std::uint32_t forth = (std::uint32_t{parsed.source_port} << 16) | parsed.destination_port;
  const std::uint32_t back = (std::uint32_t{parsed.destination_port} << 16) | parsed.source_port;
  return sessions_[std::min(Key{parsed.source, parsed.destination, forth, parsed.vlan},
                            Key{parsed.destination, parsed.source, back, parsed.vlan})];
}

void StreamDecoder::add(std::uint32_t frame, const ParsedFrame& parsed) {
  if (parsed.reason == Reason::IP_FRAGMENT_NOT_PERMITTED) ++missing_.fragments;
  if (parsed.reason != Reason::NONE) {
    if (parsed.reason == Reason::FRAME_MALFORMED || parsed.reason == Reason::IP_HEADER_MALFORMED ||
        parsed.reason == Reason::TCP_MALFORMED) {
      ++missing_.frames_unreadable;
    }
    if (parsed.payload_size == 0) return;
  }
  if (parsed.kind == FrameKind::UDP) return add_datagram(frame, parsed);
  if (parsed.kind != FrameKind::TCP) return;
  Role sender = Role::CLIENT;
  const Protocol* protocol = protocol_of(parsed, Transport::TCP, sender);
  if (protocol == nullptr) return;
  const std::uint32_t ports = (std::uint32_t{parsed.source_port} << 16) | parsed.destination_port;
  Stream& stream = streams_[Key{parsed.source, parsed.destination, ports, parsed.vlan}];
  if (stream.protocol == nullptr || (parsed.tcp_flags & TCP_SYN) != 0) {
    if (stream.protocol == nullptr && (parsed.tcp_flags & TCP_SYN) == 0) ++missing_.streams_without_beginning;
    stream = Stream{};
    stream.session = &session_of(parsed);
    const bool opens = (parsed.tcp_flags & TCP_SYN) != 0 && (parsed.tcp_flags & TCP_ACK) == 0;
    if (opens) *stream.session = SessionState{};
    stream.protocol = protocol;
    stream.sender = sender;
    stream.source = endpoint_text(parsed.source, parsed.source_port, true);
    stream.destination = endpoint_text(parsed.destination, parsed.destination_port, true);
    stream.source_address = parsed.source;
    stream.destination_address = parsed.destination;
  }
  if ((parsed.tcp_flags & TCP_SYN) != 0) {
    stream.started = true;
    stream.next = parsed.sequence + 1;
  }
  add_segment(frame, stream, parsed);
}

void StreamDecoder::add_segment(std::uint32_t frame, Stream& stream, const ParsedFrame& parsed) {
  std::uint32_t sequence = parsed.sequence;
  if ((parsed.tcp_flags & TCP_SYN) != 0) ++sequence;
  Bytes bytes = parsed.payload();
  if (bytes.empty()) return;
  if (!stream.started) {
    stream.started = true;
    stream.next = sequence;
  }
  if (before(sequence, stream.next)) {  // seen before, wholly or in part: the first reading stays
    const std::uint32_t known = stream.next - sequence;
    if (known >= bytes.size()) return;
    bytes = bytes.subspan(known);
    sequence = stream.next;
  }
  if (sequence == stream.next) {
    deliver(frame, stream, bytes);
    return deliver_early(frame, stream);
  }
  if (stream.early.empty()) stream.base = stream.next;
  stream.early.try_emplace(sequence - stream.base,
                           Stream::Early{frame, std::vector<std::uint8_t>(bytes.begin(), bytes.end())});
  if (stream.early.size() > early_segment_count_max) jump_gap(stream);
}

void StreamDecoder::deliver_early(std::uint32_t frame, Stream& stream) {
  while (!stream.early.empty()) {
    const auto first = stream.early.begin();
    const std::uint32_t sequence = stream.base + first->first;
    if (before(stream.next, sequence)) return;
    const Stream::Early early = std::move(first->second);
    stream.early.erase(first);
    const std::uint32_t known = stream.next - sequence;
    const std::uint32_t at = frame == 0 ? early.frame : frame;
    if (known < early.bytes.size()) deliver(at, stream, Bytes(early.bytes).subspan(known));
  }
}

void StreamDecoder::jump_gap(Stream& stream) {
  const std::uint32_t sequence = stream.base + stream.early.begin()->first;
  ++missing_.gaps;
  missing_.octets += sequence - stream.next;
  if (!stream.waiting.empty()) ++missing_.pdus_cut;
  stream.waiting.clear();
  stream.next = sequence;
  deliver_early(0, stream);
}

void StreamDecoder::deliver(std::uint32_t frame, Stream& stream, Bytes bytes) {
  stream.next += static_cast<std::uint32_t>(bytes.size());
  stream.waiting.insert(stream.waiting.end(), bytes.begin(), bytes.end());
  cut_pdus(frame, stream);
}

void StreamDecoder::cut_pdus(std::uint32_t frame, Stream& stream) {
  std::size_t done = 0;
  while (done < stream.waiting.size()) {
    const Bytes rest = Bytes(stream.waiting).subspan(done);
    const Framing framing = stream.protocol->frame(rest, stream.sender, Transport::TCP, *stream.session);
    if (framing.status == FrameStatus::INCOMPLETE) break;
    if (framing.status == FrameStatus::MALFORMED) {
      report(frame, stream, rest, framing.mismatch ? "not this protocol" : framing.field);
      done = stream.waiting.size();  // what follows begins with a segment again
      break;
    }
    if (rest.size() < framing.pdu_size) break;
    report(frame, stream, rest.first(framing.judge_size), nullptr);
    done += framing.pdu_size;
  }
  stream.waiting.erase(stream.waiting.begin(), stream.waiting.begin() + static_cast<std::ptrdiff_t>(done));
}

void StreamDecoder::report(std::uint32_t frame, Stream& stream, Bytes bytes, const char* malformed) {
  DecodedPdu pdu;
  pdu.frame = frame;
  pdu.protocol = stream.protocol;
  pdu.sender = stream.sender;
  pdu.source = stream.source;
  pdu.destination = stream.destination;
  pdu.bytes = bytes;
  pdu.malformed = malformed;
  PduState state;
  if (stream.pieces != nullptr) state.assembled = *stream.pieces;
  if (malformed == nullptr) {
    pdu.head = stream.protocol->open(bytes, stream.sender, QUIRK_PLACE_UNKNOWN, *stream.session, state);
    if (!pdu.head.well_formed) pdu.malformed = pdu.head.field;
    if (pdu.head.well_formed && stream.protocol->accept != nullptr) {
      Associations associations;
      stream.protocol->accept(bytes, stream.sender, *stream.session, associations);
      note_associations(stream, associations);
    }
  }
  sink_.on_pdu(pdu, state);
  if (stream.pieces != nullptr && pdu.malformed == nullptr) note_piece(pdu.head, *stream.pieces);
}

void StreamDecoder::note_piece(const PduHead& head, std::vector<std::uint8_t>& pieces) {
  if (head.assembly == Assembly::NONE) return;
  if (head.assembly != Assembly::MORE) pieces.clear();
  const bool fits = assembly_size_max - pieces.size() >= head.piece.size();
  if (fits) pieces.insert(pieces.end(), head.piece.begin(), head.piece.end());
}

void StreamDecoder::note_associations(const Stream& stream, const Associations& told) {
  for (std::size_t i = 0; i < told.opened_count; ++i) {
    const Association& one = told.opened[i];
    const bool sends = one.sender == stream.sender;
    associations_[{sends ? stream.source_address : stream.destination_address,
                   sends ? stream.destination_address : stream.source_address, one.key}] = one.sender;
  }
}

// Both sides of an association may send to the same port: who this is says what opened it, if that was seen.
Role StreamDecoder::sender_of(const Stream& stream, const ParsedFrame& parsed, Bytes bytes) const {
  PduState state;
  const PduHead head = stream.protocol->open(bytes, stream.sender, QUIRK_NONE, *stream.session, state);
  const auto found = associations_.find({parsed.source, parsed.destination, head.association});
  return found == associations_.end() ? stream.sender : found->second;
}

void StreamDecoder::add_datagram(std::uint32_t frame, const ParsedFrame& parsed) {
  Stream stream;
  stream.protocol = protocol_of(parsed, Transport::UDP, stream.sender);
  if (stream.protocol == nullptr || parsed.payload_size == 0) return;
  stream.session = &session_of(parsed);
  const std::uint32_t ports = (std::uint32_t{parsed.source_port} << 16) | parsed.destination_port;
  stream.pieces = &pieces_[Key{parsed.source, parsed.destination, ports, parsed.vlan}];
  if (stream.protocol->peers && parsed.source_port == parsed.destination_port) {
    stream.sender = parsed.source < parsed.destination ? Role::CLIENT : Role::SERVER;  // two sides, no more
  }
  stream.source = endpoint_text(parsed.source, parsed.source_port, true);
  stream.destination = endpoint_text(parsed.destination, parsed.destination_port, true);
  const Bytes bytes = parsed.payload();
  const Framing framing = stream.protocol->frame(bytes, stream.sender, Transport::UDP, *stream.session);
  const char* malformed = nullptr;
  if (framing.status == FrameStatus::MALFORMED) malformed = framing.field;
  if (framing.status == FrameStatus::INCOMPLETE) malformed = "datagram shorter than its PDU";
  if (framing.status == FrameStatus::COMPLETE && framing.pdu_size != bytes.size()) malformed = "length";
  if (malformed == nullptr) stream.sender = sender_of(stream, parsed, bytes);
  report(frame, stream, malformed == nullptr ? bytes.first(framing.judge_size) : bytes, malformed);
}

void StreamDecoder::finish() {
  for (auto& [key, stream] : streams_) {
    while (!stream.early.empty()) jump_gap(stream);
    if (!stream.waiting.empty()) ++missing_.pdus_cut;
    const std::uint32_t ports = (key.ports << 16) | (key.ports >> 16);
    if (streams_.find(Key{key.destination, key.source, ports, key.vlan}) == streams_.end()) {
      ++missing_.streams_one_direction;
    }
  }
}

}  // namespace conduit
