// Modbus application data unit on TCP and UDP (IG §3.1; all numbers big-endian):
//
//    0        2        4        6      7          8
//   +--------+--------+--------+------+----------+------------------ … -+
//   | trans- | proto- | length | unit | function |  data                |
//   | action | col 0  |        |      |  code    |                      |
//   +--------+--------+--------+------+----------+------------------ … -+
//                               <------------ length: 2 … 254 ---------->
#include "protocols/modbus/modbus_decoder.hpp"

#include "protocols/modbus/modbus_pdu.hpp"
#include "protocols/modbus/modbus_refusal.hpp"

namespace conduit::modbus {
namespace {

constexpr std::array<FunctionRow, 128> function_rows = [] {
  std::array<FunctionRow, 128> rows{};
  const auto plain = [&rows](Function function, std::string_view name, AccessClass access) {
    rows[function] = {name, access, false, Table::COILS};
  };
  const auto on_table = [&rows](Function function, std::string_view name, AccessClass access, Table table) {
    rows[function] = {name, access, true, table};
  };
  using enum AccessClass;
  on_table(READ_COILS, "READ_COILS", READ, Table::COILS);
  on_table(READ_DISCRETE_INPUTS, "READ_DISCRETE_INPUTS", READ, Table::DISCRETE_INPUTS);
  on_table(READ_HOLDING_REGISTERS, "READ_HOLDING_REGISTERS", READ, Table::HOLDING_REGISTERS);
  on_table(READ_INPUT_REGISTERS, "READ_INPUT_REGISTERS", READ, Table::INPUT_REGISTERS);
  on_table(WRITE_SINGLE_COIL, "WRITE_SINGLE_COIL", WRITE, Table::COILS);
  on_table(WRITE_SINGLE_REGISTER, "WRITE_SINGLE_REGISTER", WRITE, Table::HOLDING_REGISTERS);
  plain(READ_EXCEPTION_STATUS, "READ_EXCEPTION_STATUS", DISCOVER);
  plain(DIAGNOSTICS, "DIAGNOSTICS", PROGRAM);  // the sub-function decides
  plain(GET_COMM_EVENT_COUNTER, "GET_COMM_EVENT_COUNTER", DISCOVER);
  plain(GET_COMM_EVENT_LOG, "GET_COMM_EVENT_LOG", DISCOVER);
  on_table(WRITE_MULTIPLE_COILS, "WRITE_MULTIPLE_COILS", WRITE, Table::COILS);
  on_table(WRITE_MULTIPLE_REGISTERS, "WRITE_MULTIPLE_REGISTERS", WRITE, Table::HOLDING_REGISTERS);
  plain(REPORT_SERVER_ID, "REPORT_SERVER_ID", DISCOVER);
  on_table(READ_FILE_RECORD, "READ_FILE_RECORD", READ, Table::FILES);
  on_table(WRITE_FILE_RECORD, "WRITE_FILE_RECORD", WRITE, Table::FILES);
  on_table(MASK_WRITE_REGISTER, "MASK_WRITE_REGISTER", WRITE, Table::HOLDING_REGISTERS);
  on_table(READ_WRITE_MULTIPLE_REGISTERS, "READ_WRITE_MULTIPLE_REGISTERS", READ, Table::HOLDING_REGISTERS);
  on_table(READ_FIFO_QUEUE, "READ_FIFO_QUEUE", READ, Table::HOLDING_REGISTERS);
  plain(ENCAPSULATED_INTERFACE_TRANSPORT, "ENCAPSULATED_INTERFACE_TRANSPORT",
        PROGRAM);  // the MEI type decides
  return rows;
}();

Framing malformed(const char* field, bool mismatch) noexcept {
  Framing framing;
  framing.field = field;
  framing.mismatch = mismatch;
  return framing;
}

// What a beginning without a whole, good header is. Says no at the first octet that no Modbus ADU can have:
// a foreign protocol is known by its third or fourth.
Framing frame_part(Bytes bytes, Transport transport) noexcept {
  const std::size_t size = bytes.size();
  if (size > 2 && bytes[2] != 0) return malformed("protocol_id", true);
  if (size > 3 && bytes[3] != 0) return malformed("protocol_id", true);
  if (size > 4 && bytes[4] != 0) return malformed("length", false);
  if (size >= length_end) return malformed("length", false);
  if (transport == Transport::UDP) return malformed("length", false);  // no more will come
  Framing framing;
  framing.status = FrameStatus::INCOMPLETE;
  framing.need_size = length_end;
  return framing;
}

Framing frame(Bytes bytes, Role, Transport transport, const SessionState&) noexcept {
  if (bytes.size() < length_end) return frame_part(bytes, transport);
  const std::uint32_t length = load_u32be(bytes.data() + 2);  // protocol identifier 0 in its upper half
  if (length < length_min || length > length_max) return frame_part(bytes, transport);
  if (transport == Transport::UDP && bytes.size() - length_end < length) return malformed("length", false);
  Framing framing;
  framing.status = FrameStatus::COMPLETE;
  framing.pdu_size = static_cast<std::uint32_t>(length_end) + length;
  framing.judge_size = framing.pdu_size;
  return framing;
}

// Transaction identifier and unit, without what the server is known not to repeat.
std::uint64_t match_key(Bytes adu, const Fields& fields, Quirks quirks) noexcept {
  const std::uint64_t unit = (quirks & QUIRK_UNIT_NOT_ECHOED) != 0 ? 0U : fields.unit;
  const std::uint64_t transaction = (quirks & QUIRK_TRANSACTION_ID_ZERO) != 0 ? 0U : load_u16be(adu.data());
  return (transaction << 8) | unit;
}

PduHead head_of(Bytes adu, Role sender, Quirks quirks, const Fields& fields) noexcept {
  PduHead head;
  head.well_formed = true;
  head.kind = sender == Role::CLIENT ? PduKind::REQUEST : PduKind::RESPONSE;
  head.function = fields.function;
  head.match_key = match_key(adu, fields, quirks);
  head.negative = fields.shape == Shape::EXCEPTION;
  if (!head.negative) head.match_detail = agreement(adu, fields);
  if (sender == Role::SERVER) return head;
  // Unit 0 is broadcast on a serial line and is not answered there, but servers on TCP answer it (IG
  // §4.4.1.2): an answer is expected. The only request without one is the order to fall silent (AP §6.8.1).
  head.answered = !(fields.function == DIAGNOSTICS && fields.sub_function == diagnostic_listen_only);
  return head;
}

PduHead open(Bytes adu, Role sender, Quirks quirks, const SessionState&, PduState& state) noexcept {
  Fields& fields = state.as<Fields>();
  fields = Fields{};
  const char* field = parse_adu(adu, sender, fields);
  if (field == nullptr) return head_of(adu, sender, quirks, fields);
  fields.adu_size = 0;  // `next` yields nothing
  PduHead head;
  head.field = field;
  head.kind = sender == Role::CLIENT ? PduKind::REQUEST : PduKind::RESPONSE;
  head.function = fields.function;
  return head;
}

Next next(Bytes adu, PduState& state, Operation& operation) noexcept {
  return next_operation(adu, state.as<Fields>(), operation);
}

// `open` and `next` in one, for a PDU of one operation.
inline bool read_whole(Bytes adu, Role sender, Quirks quirks, PduHead& head, Operation& operation) noexcept {
  Fields fields;
  if (parse_adu(adu, sender, fields) != nullptr) return false;
  head = head_of(adu, sender, quirks, fields);
  return next_operation(adu, fields, operation) == Next::OPERATION;
}

// What nearly every PDU is: a read of coils, inputs or registers, or its answer. The compiler lays the code
// of all functions in here once for each side, and leaves of it what these four can need.
[[gnu::flatten]] bool usual(Bytes bytes, Role sender, Quirks quirks, PduHead& head,
                            Operation& operation) noexcept {
  if (bytes.size() <= mbap_size) return false;
  const std::uint8_t function = bytes[mbap_size];
  if (function < READ_COILS || function > READ_INPUT_REGISTERS) return false;
  return sender == Role::CLIENT ? read_whole(bytes, Role::CLIENT, quirks, head, operation)
                                : read_whole(bytes, Role::SERVER, quirks, head, operation);
}

std::string_view function_name(std::uint32_t function) noexcept {
  return function < function_rows.size() ? function_rows[function].name : std::string_view{};
}

// libmodbus knows how long a request of these functions is. Of all others it takes the function code for the
// whole, waits a while, and throws away what has come until then.
bool measured(std::uint8_t function) noexcept {
  return function <= WRITE_SINGLE_REGISTER || function == WRITE_MULTIPLE_COILS ||
         function == WRITE_MULTIPLE_REGISTERS || function == MASK_WRITE_REGISTER ||
         function == READ_WRITE_MULTIPLE_REGISTERS;
}

// pymodbus forgets what is no whole ADU and holds more than a header, and does not look at the protocol
// identifier; jsmodbus takes a part of a register write for the whole.
bool strays(Bytes adu, std::size_t cut) noexcept {
  if (cut > mbap_size && !measured(adu[mbap_size])) return true;
  const Bytes rest = adu.subspan(cut);
  if (rest.size() <= mbap_size) return false;
  const std::size_t left = length_end + load_u16be(&adu[4]) - cut;  // of this ADU
  const std::uint16_t length = load_u16be(&rest[4]);
  const std::uint8_t function = rest[mbap_size];
  return length >= length_min && length_end + length <= left && function != 0 && function < exception_bit;
}

}  // namespace

const FunctionRow& function_row(std::uint8_t function) noexcept { return function_rows[function & 0x7FU]; }

AccessClass sub_function_access(std::uint8_t function, std::uint16_t sub_function) noexcept {
  if (function == ENCAPSULATED_INTERFACE_TRANSPORT) {
    return sub_function == mei_device_identification ? AccessClass::DISCOVER : AccessClass::PROGRAM;
  }
  switch (sub_function) {
    case 0:  // return query data
    case 2:  // return diagnostic register
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:  // return one of the counters
      return AccessClass::DISCOVER;
    case diagnostic_restart:
    case diagnostic_delimiter:
    case diagnostic_listen_only:
    case 10:  // clear counters and diagnostic register
    case 20:  // clear overrun counter and flag
      return AccessClass::MANAGE;
    default: return AccessClass::PROGRAM;  // reserved
  }
}

bool diagnostic_echoes(std::uint16_t sub_function) noexcept {
  return sub_function == 0 || sub_function_access(DIAGNOSTICS, sub_function) == AccessClass::MANAGE;
}

const char* parse_adu(Bytes adu, Role sender, Fields& fields) noexcept {
  if (adu.size() < length_end + length_min || adu.size() > adu_size_max) return "length";
  const std::uint8_t* header = adu.data();
  if (load_u16be(header + 2) != 0) return "protocol_id";
  if (load_u16be(header + 4) != adu.size() - length_end) return "length";
  const std::uint8_t function = header[mbap_size];
  fields.adu_size = static_cast<std::uint16_t>(adu.size());
  fields.unit = header[length_end];
  fields.response = sender == Role::SERVER;
  fields.function = function & static_cast<std::uint8_t>(~exception_bit);
  if (fields.function == 0) return "function";  // AP §4.1: codes 1 … 127
  Cursor body(adu.subspan(mbap_size + 1));
  if ((function & exception_bit) == 0) {
    return fields.response ? parse_response(body, fields) : parse_request(body, fields);
  }
  if (!fields.response) return "function";  // exception codes are the server's
  fields.shape = Shape::EXCEPTION;
  if (!body.u8(fields.exception) || fields.exception == 0) return "exception_code";
  return body.empty() ? nullptr : "length";
}

}  // namespace conduit::modbus

namespace conduit {

constinit const Protocol modbus_protocol{
    .id = modbus_id,
    .name = "modbus",
    .tcp_port = 502,
    .udp_port = 502,
    .framing_prefix_size = modbus::mbap_size,
    .judge_size_max = modbus::adu_size_max,
    .pdu_size_max = modbus::adu_size_max,
    .replies_in_order = false,  // IG §4.4.1.3: the transaction identifier pairs them
    .selector_dimension = modbus::UNIT,
    .range_dimension = modbus::ADDRESS,
    .dimension_names = {"unit", "address", "table", "sub_function", "file", "object", "and_mask", "or_mask"},
    .frame = modbus::frame,
    .open = modbus::open,
    .next = modbus::next,
    .usual = modbus::usual,
    .matches = modbus::agrees,
    .accept = nullptr,  // no state beyond one PDU
    .refuse = modbus::refuse,
    .strays = modbus::strays,
    .function_name = modbus::function_name,
};

}  // namespace conduit
