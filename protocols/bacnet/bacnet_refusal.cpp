#include "protocols/bacnet/bacnet_refusal.hpp"

#include "protocols/bacnet/bacnet_request.hpp"

namespace conduit::bacnet {
namespace {

constexpr std::size_t reply_size_max = 64;  // headers with both stations, and the longest error
constexpr std::uint8_t reject_unrecognized_service = 9;
constexpr std::uint8_t abort_security_error = 5;

// Error class and code (135 18).
struct ErrorPair {
  std::uint8_t error_class;
  std::uint8_t code;
};
constexpr ErrorPair service_request_denied{5, 29};
constexpr ErrorPair write_access_denied{2, 40};
constexpr ErrorPair read_access_denied{2, 27};
constexpr ErrorPair value_out_of_range{2, 37};
constexpr ErrorPair device_busy{0, 3};

ErrorPair error_of(std::uint16_t function, Reason reason) noexcept {
  if (reason == Reason::VALUE_NOT_PERMITTED) return value_out_of_range;
  if (reason == Reason::RATE_EXCEEDED || reason == Reason::OUTSTANDING_FULL) return device_busy;
  if (reason != Reason::OBJECT_NOT_PERMITTED) return service_request_denied;
  switch (function) {
    case READ_PROPERTY:
    case READ_PROPERTY_MULTIPLE:
    case READ_RANGE: return read_access_denied;
    case WRITE_PROPERTY:
    case WRITE_PROPERTY_MULTIPLE:
    case ADD_LIST_ELEMENT:
    case REMOVE_LIST_ELEMENT: return write_access_denied;
    default: return service_request_denied;
  }
}

// Appends to a reply of at most reply_size_max octets.
class Writer {
 public:
  explicit Writer(std::uint8_t* out) noexcept : out_(out) {}
  void u8(std::uint64_t value) noexcept { out_[size_++] = static_cast<std::uint8_t>(value); }
  void u16(std::uint16_t value) noexcept { u8(value >> 8), u8(value); }
  void u32(std::uint32_t value) noexcept {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value));
  }
  void station(const Station& station) noexcept {
    u16(station.network);
    u8(station.size);
    for (unsigned octet = station.size; octet != 0; --octet) u8(station.address >> (8 * (octet - 1)));
  }
  // Context tag with an unsigned number in its shortest form.
  void number(std::uint8_t tag, std::uint64_t value) noexcept {
    unsigned size = 1;
    while (size < 4 && (value >> (8 * size)) != 0) ++size;
    u8(static_cast<std::uint64_t>(tag) << 4 | 0x08U | size);
    for (unsigned octet = size; octet != 0; --octet) u8(value >> (8 * (octet - 1)));
  }
  void error(ErrorPair error) noexcept {
    u8(0x91), u8(error.error_class);
    u8(0x91), u8(error.code);
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::uint8_t* out_;
  std::size_t size_ = 0;
};

// Link and network headers of an answer; the length is set at the end.
void write_headers(const Envelope& request, Writer& out) noexcept {
  out.u8(0x81), out.u8(UNICAST), out.u16(0);
  const bool to = request.source.stated();
  const bool from = request.destination.stated();
  out.u8(1);
  out.u8((to ? 0x20U : 0U) | (from ? 0x08U : 0U) | request.priority);
  if (to) out.station(request.source);
  if (from) out.station(request.destination);
  if (to) out.u8(255);  // hop count
}

// The first property that was to be written: nothing has been, so it is the first that failed.
bool write_first_failed(const Apdu& request, Writer& out) noexcept {
  Cursor rest(request.data);
  std::uint32_t object = 0;
  Operation operation;
  if (!context_object(rest, 0, object) || !open_context(rest, 1)) return false;
  if (read_property_index(rest, 0, operation) != nullptr) return false;
  out.u8(0x1E);
  out.u8(0x0C), out.u32(object);
  out.number(1, operation.dimension[PROPERTY].first);
  if (operation.has(INDEX)) out.number(2, operation.dimension[INDEX].first);
  out.u8(0x1F);
  return true;
}

void write_abort(const Apdu& request, Writer& out) noexcept {
  out.u8(0x71), out.u8(request.invoke), out.u8(abort_security_error);
}

bool write_error(const Apdu& request, std::uint16_t function, ErrorPair error, Writer& out) noexcept {
  out.u8(0x50), out.u8(request.invoke), out.u8(request.service);
  switch (function) {
    case WRITE_PROPERTY_MULTIPLE:
      out.u8(0x0E), out.error(error), out.u8(0x0F);
      return write_first_failed(request, out);
    case ADD_LIST_ELEMENT:
    case REMOVE_LIST_ELEMENT:
      out.u8(0x0E), out.error(error), out.u8(0x0F);
      out.number(1, 1);  // the first element failed
      return true;
    case CREATE_OBJECT:
      out.u8(0x0E), out.error(error), out.u8(0x0F);
      out.number(1, 0);  // none of the initial values
      return true;
    default: out.error(error); return true;
  }
}

bool write_answer(const Apdu& request, Reason reason, Writer& out) noexcept {
  const auto function = static_cast<std::uint16_t>(confirmed_base + request.service);
  if (function_row(function) == nullptr) {
    out.u8(0x60), out.u8(request.invoke), out.u8(reject_unrecognized_service);
    return true;
  }
  // Of a message in segments the parameters are not all here; these services have errors of their own form.
  const bool aborted = request.segmented || function == CONFIRMED_PRIVATE_TRANSFER || function == VT_CLOSE ||
                       function == SUBSCRIBE_COV_PROPERTY_MULTIPLE;
  if (!aborted) return write_error(request, function, error_of(function, reason), out);
  write_abort(request, out);
  return true;
}

}  // namespace

std::uint16_t link_refusal(std::uint8_t function) noexcept {
  switch (link_base + function) {
    case WRITE_BROADCAST_DISTRIBUTION_TABLE: return 0x10;
    case READ_BROADCAST_DISTRIBUTION_TABLE: return 0x20;
    case REGISTER_FOREIGN_DEVICE: return 0x30;
    case READ_FOREIGN_DEVICE_TABLE: return 0x40;
    case DELETE_FOREIGN_DEVICE_TABLE_ENTRY: return 0x50;
    default: return 0;
  }
}

std::size_t refuse(Bytes request, Reason reason, const SessionState&,
                   std::span<std::uint8_t> reply) noexcept {
  Envelope envelope;
  Apdu apdu;
  if (reply.size() < reply_size_max || read_envelope(request, envelope) != nullptr) return 0;
  Writer out(reply.data());
  if (!envelope.carries) {
    const std::uint16_t code = link_refusal(envelope.carrier);
    if (code == 0) return 0;
    out.u8(0x81), out.u8(0), out.u16(6), out.u16(code);
    return out.size();
  }
  if (envelope.network_message || envelope.carrier != UNICAST) return 0;
  if (read_apdu(envelope.body, apdu) != nullptr || apdu.type != ApduType::CONFIRMED_REQUEST) return 0;
  if (envelope.destination.stated() && envelope.destination.size == 0) return 0;
  write_headers(envelope, out);
  const std::size_t headers = out.size();
  if (!write_answer(apdu, reason, out)) {
    out = Writer(reply.data());
    write_headers(envelope, out);
    write_abort(apdu, out);
  }
  if (out.size() <= headers) return 0;
  store_u16be(reply.data() + 2, static_cast<std::uint16_t>(out.size()));
  return out.size();
}

}  // namespace conduit::bacnet
