// Link frame (1815 §9.2; numbers little-endian) and the transport octet in front of its user data (§8.2):
//
//    0      1      2        3         4             6        8      10
//   +------+------+--------+---------+-------------+--------+------+-----------+-------------+-----+ …
//   | 0x05 | 0x64 | length | control | destination | source | CRC  | transport |  15 octets  | CRC |
//   +------+------+--------+---------+-------------+--------+------+-----------+-------------+-----+ …
//                  5 … 255   DIR PRM                                FIN FIR seq    then 16 octets and a CRC
//                            FCB FCV func                                          each; the last may be
//                            short
//
// The frames of one fragment follow each other without a gap: FIR in the first, FIN in the last, the sequence
// rising by one, header and direction the same.
#include "protocols/dnp3/dnp3_link.hpp"

#include <algorithm>
#include <array>

namespace conduit::dnp3 {
namespace {

constexpr std::uint8_t start_first = 0x05;
constexpr std::uint8_t start_second = 0x64;
constexpr std::size_t length_base = 5;  // control and addresses, counted by `length`
constexpr std::uint16_t source_max = 0xFFEF;

constexpr std::array<std::uint16_t, 256> checksum_table = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned octet = 0; octet < 256; ++octet) {
    unsigned state = octet;
    for (int bit = 0; bit < 8; ++bit) state = (state & 1U) != 0 ? (state >> 1) ^ 0xA6BCU : state >> 1;
    table[octet] = static_cast<std::uint16_t>(state);
  }
  return table;
}();

Framing malformed(const char* field, bool mismatch) noexcept {
  Framing framing;
  framing.field = field;
  framing.mismatch = mismatch;
  return framing;
}

Framing more(std::size_t need, Transport transport) noexcept {
  if (transport == Transport::UDP) return malformed("length", false);  // no more will come
  Framing framing;
  framing.status = FrameStatus::INCOMPLETE;
  framing.need_size = static_cast<std::uint32_t>(need);
  return framing;
}

Framing whole(std::size_t size, Bytes bytes, Transport transport) noexcept {
  if (transport == Transport::UDP && bytes.size() < size) return malformed("length", false);
  Framing framing;
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = static_cast<std::uint32_t>(size);
  framing.judge_size = framing.pdu_size;
  return framing;
}

// The first octets, as far as they are there.
const char* start_at_fault(Bytes frame) noexcept {
  if (!frame.empty() && frame[0] != start_first) return "start";
  return frame.size() > 1 && frame[1] != start_second ? "start" : nullptr;
}

// Does this frame go on with the fragment that `first` began?
const char* continues(const LinkHeader& first, const LinkHeader& next, std::uint8_t before,
                      std::uint8_t transport) noexcept {
  if (next.control != first.control) return "control";
  if (next.destination != first.destination || next.source != first.source) return "address";
  if ((transport & transport_first) != 0) return "transport";
  return (transport & transport_sequence) == ((before + 1) & transport_sequence) ? nullptr : "transport";
}

}  // namespace

std::uint16_t checksum(Bytes data) noexcept {
  unsigned state = 0;
  for (const std::uint8_t octet : data) state = (state >> 8) ^ checksum_table[(state ^ octet) & 0xFFU];
  return static_cast<std::uint16_t>(~state);
}

const char* parse_header(Bytes frame, LinkHeader& header) noexcept {
  Cursor cursor(frame);
  std::uint16_t start = 0;
  std::uint8_t length = 0;
  std::uint16_t sum = 0;
  if (!cursor.u16be(start) || start != ((start_first << 8) | start_second)) return "start";
  if (!cursor.u8(length) || length < length_base) return "length";
  if (!cursor.u8(header.control)) return "control";
  if (!cursor.u16le(header.destination) || !cursor.u16le(header.source)) return "address";
  if (!cursor.u16le(sum) || sum != checksum(frame.first(link_header_size - 2))) return "checksum";
  header.user_size = static_cast<std::uint8_t>(length - length_base);
  if (header.source > source_max) return "source";
  // Bit 5 is reserved in secondary frames, FCB in those without FCV (1815 §9.2.4.1.3).
  if (header.primary()) {
    const bool counted = header.function() == TEST_LINK_STATES;
    if (((header.control & 0x10) != 0) != counted || (!counted && (header.control & 0x20) != 0))
      return "control";
    const std::uint8_t function = header.function();
    if (function != RESET_LINK_STATES && function != TEST_LINK_STATES && function != UNCONFIRMED_USER_DATA &&
        function != REQUEST_LINK_STATUS) {
      return "control";
    }
  } else if ((header.control & 0x20) != 0) {
    return "control";
  }
  if (header.carries_data()) return header.user_size > 0 ? nullptr : "length";
  return header.user_size == 0 ? nullptr : "length";
}

bool copy_user_data(Bytes frame, std::size_t user_size, std::uint8_t* out) noexcept {
  Cursor cursor(frame);
  if (!cursor.skip(link_header_size)) return false;
  while (user_size != 0) {
    const std::size_t size = std::min(user_size, block_size);
    Bytes block;
    std::uint16_t sum = 0;
    if (!cursor.bytes(size, block) || !cursor.u16le(sum) || sum != checksum(block)) return false;
    out = std::copy(block.begin(), block.end(), out);
    user_size -= size;
  }
  return true;
}

const char* unwrap(Bytes pdu, std::span<std::uint8_t> out, std::size_t& size) noexcept {
  size = 0;
  LinkHeader first;
  std::uint8_t before = 0;
  bool begun = false;
  for (Cursor rest(pdu); !rest.empty(); begun = true) {
    if (rest.remaining() < link_header_size) return "length";
    LinkHeader header = header_of(rest.rest());
    if (begun) {
      if (const char* field = parse_header(rest.rest(), header); field != nullptr) return field;
    }
    Bytes frame;
    if (!header.carries_data() || !rest.bytes(frame_size(header.user_size), frame)) return "length";
    std::array<std::uint8_t, user_data_max> user;
    if (!copy_user_data(frame, header.user_size, user.data())) return "checksum";
    const std::uint8_t transport = user[0];
    const char* const field = begun ? continues(first, header, before, transport) : nullptr;
    if (field != nullptr) return field;
    if (!begun) first = header;
    before = transport;
    const std::size_t part = header.user_size - std::size_t{1};
    if (part > out.size() - size) return "fragment_size";
    std::copy(user.begin() + 1, user.begin() + header.user_size, out.begin() + static_cast<long>(size));
    size += part;
  }
  return (before & transport_final) != 0 ? nullptr : "transport";
}

Framing frame_link(Bytes bytes, Role sender, Transport transport) noexcept {
  LinkHeader first;
  std::uint8_t before = 0;
  std::size_t size = 0;
  while (true) {
    const Bytes rest = bytes.subspan(size);
    if (const char* field = start_at_fault(rest); field != nullptr) return malformed(field, size == 0);
    if (rest.size() < link_header_size) return more(size + link_header_size, transport);
    LinkHeader header;
    if (const char* field = parse_header(rest, header); field != nullptr) return malformed(field, false);
    if (header.from_master() != (sender == Role::CLIENT)) return malformed("direction", false);
    if (!header.carries_data()) {
      return size == 0 ? whole(link_header_size, bytes, transport) : malformed("control", false);
    }
    if (rest.size() == link_header_size) return more(size + link_header_size + 1, transport);
    const std::uint8_t octet = rest[link_header_size];
    if (size == 0) {
      if ((octet & transport_first) == 0) return malformed("transport", false);
      first = header;
    } else if (const char* field = continues(first, header, before, octet); field != nullptr) {
      return malformed(field, false);
    }
    before = octet;
    size += frame_size(header.user_size);
    if (size > frames_size_max) return malformed("fragment_size", false);
    if ((octet & transport_final) != 0) return whole(size, bytes, transport);
    if (bytes.size() < size) return more(size, transport);
  }
}

}  // namespace conduit::dnp3
