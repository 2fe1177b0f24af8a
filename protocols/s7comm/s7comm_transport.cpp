// TPKT and COTP class 0.
//
//    0        1          2          4        5      6
//   +--------+----------+----------+--------+------+-----------+---------- …
//   | 3      | reserved | length   | LI     | 0xF0 | EOT, 0    | TSDU, or a piece of it
//   +--------+----------+----------+--------+------+-----------+---------- …
//     TPKT                           TPDU: DT; LI counts what is behind it, without the data
//
//   CR, CC:  LI | code | destination reference | source reference | class, options | parameters
//   DR:      LI | code | destination reference | source reference | reason | parameters
//   DC:      LI | code | destination reference | source reference
//   ER:      LI | code | destination reference | reject cause | parameters
#include "protocols/s7comm/s7comm_transport.hpp"

#include <cstring>

namespace conduit::s7comm {
namespace {

constexpr std::uint8_t version = 3;
constexpr std::uint8_t data_indicator = 2;
constexpr std::uint8_t end_of_tsdu = 0x80;
constexpr std::size_t length_least = 7;

// Parameters of CR and CC.
constexpr std::uint8_t parameter_size = 0xC0;
constexpr std::uint8_t parameter_source = 0xC1;
constexpr std::uint8_t parameter_destination = 0xC2;
constexpr std::uint8_t parameter_preferred_size = 0xF0;

Framing malformed(const char* field) noexcept {
  Framing framing;
  framing.field = field;
  return framing;
}

Framing complete(std::size_t size) noexcept {
  Framing framing;
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = static_cast<std::uint32_t>(size);
  framing.judge_size = framing.pdu_size;
  return framing;
}

bool known_tpdu(std::uint8_t code) noexcept {
  return code == DATA || code == CONNECT_REQUEST || code == CONNECT_CONFIRM || code == DISCONNECT_REQUEST ||
         code == DISCONNECT_CONFIRM_TPDU || code == ERROR_TPDU;
}

// One TPKT, as far as it is there.
struct Tpkt {
  std::size_t length = 0;
  std::uint8_t code = 0;
  bool last = false;  // DT: end of TSDU
};

// `bytes` begins with a TPKT. INCOMPLETE: fewer than 7 octets, and nothing wrong with them so far.
FrameStatus read_head(Bytes bytes, Tpkt& tpkt, const char*& field) noexcept {
  const std::size_t size = bytes.size();
  field = nullptr;
  if (size >= 1 && bytes[0] != version) field = "version";
  if (field == nullptr && size >= 2 && bytes[1] != 0) field = "reserved";
  if (field == nullptr && size >= 4) {
    tpkt.length = load_u16be(&bytes[2]);
    if (tpkt.length < length_least || tpkt.length > tpkts_size_max) field = "length";
  }
  if (field == nullptr && size >= 5 && (bytes[4] < data_indicator || bytes[4] > tpkt.length - 5))
    field = "length_indicator";
  if (field == nullptr && size >= 6) {
    tpkt.code = bytes[5];
    if (!known_tpdu(tpkt.code)) {
      field = "tpdu";
    } else if (tpkt.code == DATA ? bytes[4] != data_indicator : bytes[4] != tpkt.length - 5) {
      field = "length_indicator";
    }
  }
  if (field == nullptr && size >= length_least && tpkt.code == DATA) {
    if ((bytes[6] & ~end_of_tsdu) != 0) field = "tpdu_number";  // class 0 does not number them
    tpkt.last = (bytes[6] & end_of_tsdu) != 0;
  }
  if (field != nullptr) return FrameStatus::MALFORMED;
  return size < length_least ? FrameStatus::INCOMPLETE : FrameStatus::COMPLETE;
}

// Most PDUs: one TPKT with the whole of a TSDU. Its size if `bytes` begins like that, or 0.
std::size_t usual_size(Bytes bytes) noexcept {
  constexpr std::uint32_t whole_data = (std::uint32_t{data_indicator} << 16) | (DATA << 8) | end_of_tsdu;
  if (bytes.size() < length_least || load_u16be(bytes.data()) != version << 8) return 0;
  const std::size_t length = load_u16be(&bytes[2]);
  const bool whole = (load_u32be(&bytes[3]) & 0xFFFFFF) == whole_data;
  return whole && length > length_least && length <= tpkts_size_max ? length : 0;
}

const char* read_parameters(Cursor rest, Control& control) noexcept {
  bool size_seen = false;
  bool preferred_seen = false;
  while (!rest.empty()) {
    std::uint8_t code = 0;
    std::uint8_t size = 0;
    Bytes value;
    if (!rest.u8(code) || !rest.u8(size) || !rest.bytes(size, value)) return "parameter";
    bool* seen = nullptr;
    if (code == parameter_size) {
      seen = &size_seen;
      if (size != 1 || value[0] < 7 || value[0] > 13) return "tpdu_size";
    } else if (code == parameter_preferred_size) {
      seen = &preferred_seen;
      if (size == 0 || size > 4) return "tpdu_size";
    } else if (code == parameter_source) {
      seen = &control.has_source;
      control.source_tsap = value;
    } else if (code == parameter_destination) {
      seen = &control.has_destination;
      control.destination_tsap = value;
    }
    if (seen == nullptr || *seen) return "parameter";
    if ((code == parameter_source || code == parameter_destination) && size == 0) return "tsap";
    *seen = true;
  }
  return nullptr;
}

// Of DR and ER: nothing that anybody acts on, but whole.
const char* skip_parameters(Cursor rest) noexcept {
  while (!rest.empty()) {
    std::uint8_t code = 0;
    std::uint8_t size = 0;
    if (!rest.u8(code) || !rest.u8(size) || !rest.skip(size)) return "parameter";
  }
  return nullptr;
}

}  // namespace

Framing frame_tpkt(Bytes bytes) noexcept {
  if (const std::size_t size = usual_size(bytes); size != 0) return complete(size);
  std::size_t at = 0;
  std::size_t data_size = 0;
  for (;;) {
    Tpkt tpkt;
    const char* field = nullptr;
    const FrameStatus status = read_head(bytes.subspan(at), tpkt, field);
    if (status == FrameStatus::MALFORMED) {
      Framing framing = malformed(field);
      framing.mismatch = bytes[0] != version;
      return framing;
    }
    Framing framing;
    if (status == FrameStatus::INCOMPLETE) {
      framing.status = FrameStatus::INCOMPLETE;
      framing.need_size = static_cast<std::uint32_t>(at + length_least);
      return framing;
    }
    if (at != 0 && tpkt.code != DATA) return malformed("tpdu");
    if (tpkt.length > tpkts_size_max - at) return malformed("tsdu_size");
    at += tpkt.length;
    data_size += tpkt.length - length_least;
    // Nothing in it, and nothing before it: a PDU of its own, whatever it says of the end.
    const bool empty = tpkt.code == DATA && data_size == 0 && at == length_least;
    if (tpkt.code != DATA || tpkt.last || empty) return complete(at);
    // The next one would not fit.
    if (tpkts_size_max - at < length_least) return malformed("tsdu_size");
    if (bytes.size() < at) {
      framing.status = FrameStatus::INCOMPLETE;
      framing.need_size = static_cast<std::uint32_t>(at + length_least);
      return framing;
    }
  }
}

const char* read_control(Bytes pdu, Control& control) noexcept {
  Tpkt tpkt;
  const char* field = nullptr;
  const FrameStatus status = read_head(pdu, tpkt, field);
  if (status == FrameStatus::MALFORMED) return field;
  if (status == FrameStatus::INCOMPLETE || tpkt.length != pdu.size() || tpkt.code == DATA) return "length";
  control.code = tpkt.code;
  Cursor rest(pdu.subspan(tpkt_header_size + 2));
  if (!rest.u16be(control.destination_reference)) return "length_indicator";
  std::uint8_t octet = 0;
  if (tpkt.code == ERROR_TPDU) return rest.u8(octet) ? skip_parameters(rest) : "length_indicator";
  if (!rest.u16be(control.source_reference)) return "length_indicator";
  if (tpkt.code == DISCONNECT_CONFIRM_TPDU) return rest.empty() ? nullptr : "length_indicator";
  if (!rest.u8(octet)) return "length_indicator";
  if (tpkt.code == DISCONNECT_REQUEST) return skip_parameters(rest);
  if (octet != 0) return "class";  // class 0, and none of its options
  if (tpkt.code == CONNECT_REQUEST && control.destination_reference != 0) return "reference";
  if (field = read_parameters(rest, control); field != nullptr) return field;
  if (tpkt.code == CONNECT_REQUEST && !(control.has_source && control.has_destination)) return "tsap";
  return nullptr;
}

const char* read_data(Bytes pdu, std::span<std::uint8_t> scratch, Bytes& tsdu) noexcept {
  if (const std::size_t usual = usual_size(pdu); usual != 0 && usual == pdu.size()) {
    tsdu = pdu.subspan(length_least);
    return nullptr;
  }
  std::size_t at = 0;
  std::size_t size = 0;
  for (;;) {
    Tpkt tpkt;
    const char* field = nullptr;
    const FrameStatus status = read_head(pdu.subspan(at), tpkt, field);
    if (status == FrameStatus::MALFORMED) return field;
    if (status == FrameStatus::INCOMPLETE || tpkt.length > pdu.size() - at) return "length";
    if (tpkt.code != DATA) return "tpdu";
    const Bytes piece = pdu.subspan(at + length_least, tpkt.length - length_least);
    const bool whole = at + tpkt.length == pdu.size();
    if (at == 0 && whole && (tpkt.last || piece.empty())) {
      tsdu = piece;
      return nullptr;
    }
    if ((at == 0 && piece.empty()) || piece.size() > scratch.size() - size) return "tsdu_size";
    if (!piece.empty()) std::memcpy(scratch.data() + size, piece.data(), piece.size());
    size += piece.size();
    at += tpkt.length;
    if (tpkt.last != whole) return "end_of_tsdu";
    if (whole) break;
  }
  tsdu = Bytes(scratch.data(), size);
  return nullptr;
}

bool strays(Bytes pdu, std::size_t cut) noexcept {
  const Bytes rest = pdu.subspan(cut);
  if (rest.size() < tpkt_header_size + 2) return false;
  const std::uint16_t length = load_u16be(&rest[2]);
  const std::uint8_t code = rest[tpkt_header_size + 1];
  return length >= length_least && length <= tpkts_size_max && rest[tpkt_header_size] >= data_indicator &&
         (code == DATA || code == CONNECT_REQUEST || code == DISCONNECT_REQUEST);
}

std::size_t tpdu_count(Bytes pdu) noexcept {
  std::size_t count = 0;
  for (; pdu.size() >= length_least; ++count) pdu = pdu.subspan(load_u16be(&pdu[2]));
  return count;
}

void store_data_header(std::span<std::uint8_t> out, std::size_t size) noexcept {
  out[0] = version;
  out[1] = 0;
  store_u16be(&out[2], static_cast<std::uint16_t>(size));
  out[4] = data_indicator;
  out[5] = DATA;
  out[6] = end_of_tsdu;
}

}  // namespace conduit::s7comm
