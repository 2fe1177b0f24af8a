// Inside of the S7comm room: TPKT (RFC 1006 §6) and TPDUs of class 0 (ISO/IEC 8073 §13).
#pragma once

#include "protocols/s7comm/s7comm_decoder.hpp"

namespace conduit::s7comm {

// Codes of TPDUs.
enum Tpdu : std::uint8_t {
  ERROR_TPDU = 0x70,
  DISCONNECT_REQUEST = 0x80,
  DISCONNECT_CONFIRM_TPDU = 0xC0,
  CONNECT_CONFIRM = 0xD0,
  CONNECT_REQUEST = 0xE0,
  DATA = 0xF0,
};

// A TPDU other than DT. Views point into the PDU.
struct Control {
  std::uint8_t code = 0;
  std::uint16_t destination_reference = 0;
  std::uint16_t source_reference = 0;
  bool has_source = false;
  bool has_destination = false;
  Bytes source_tsap{};
  Bytes destination_tsap{};
};

// How long the TPKTs are that carry one TSDU (or one TPDU of another kind): see Protocol::frame.
[[nodiscard]] Framing frame_tpkt(Bytes bytes) noexcept;

// Reads a TPDU other than DT, which `pdu` has to hold exactly. Null, or the name of the field at fault.
[[nodiscard]] const char* read_control(Bytes pdu, Control& control) noexcept;

// The TSDU that `pdu` carries: a view into it, or where it stands in several TPDUs, put together in
// `scratch`. Null, or the name of the field at fault.
[[nodiscard]] const char* read_data(Bytes pdu, std::span<std::uint8_t> scratch, Bytes& tsdu) noexcept;
// How many TPDUs that are, where `read_data` found nothing at fault.
[[nodiscard]] std::size_t tpdu_count(Bytes pdu) noexcept;

// See Protocol::strays. Servers made with snap7 give up what is not whole after three seconds; they look at
// neither version nor reserved octet.
[[nodiscard]] bool strays(Bytes pdu, std::size_t cut) noexcept;

// Writes the headers of one TPKT with one DT TPDU of `size` octets in all.
void store_data_header(std::span<std::uint8_t> out, std::size_t size) noexcept;

}  // namespace conduit::s7comm
