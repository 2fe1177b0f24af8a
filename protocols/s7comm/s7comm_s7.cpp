// The PDUs of S7comm: jobs, their answers, userdata.
//
//    0      1        2            4               6                  8             10            12
//   +------+--------+------------+---------------+------------------+-------------+-------------+-----------
//   … | 0x32 | ROSCTR | redundancy | PDU reference | parameter length | data length | error class |
//   parameter, |      |        | 0          |               |                  |             | error code  |
//   data
//   +------+--------+------------+---------------+------------------+-------------+-------------+-----------
//   …
//                                                                    answers only (ROSCTR 2 and 3)
//   userdata:  0x00 0x01 0x12 | length | method | type, group | subfunction | sequence | data unit reference
//   |
//              last data unit | error                            what follows `sequence` is not always there
#include <algorithm>
#include <string_view>

#include "protocols/s7comm/s7comm_pdu.hpp"

namespace conduit::s7comm {
namespace {

constexpr std::size_t setup_size = 8;
constexpr std::size_t block_job_size = 8;  // function, status, two and four octets
constexpr std::size_t pi_fixed_size = 8;
constexpr std::size_t stop_fixed_size = 6;
constexpr std::size_t block_entry_size = 8;
constexpr std::size_t userdata_short = 8;
constexpr std::size_t userdata_long = 12;
constexpr std::uint8_t method_short = 0x11;
constexpr std::uint8_t method_long = 0x12;
constexpr std::size_t cyclic_head_size = 4;  // number of items, time base, time
constexpr std::size_t szl_request_size = 4;

std::string_view text(Bytes octets) noexcept {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::uint16_t offset(Bytes tsdu, Bytes part) noexcept {
  return static_cast<std::uint16_t>(part.data() - tsdu.data());
}

bool all_zero(Bytes octets) noexcept {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

void tell_block(const BlockName& block, Fields& fields) noexcept {
  fields.has_block = block.size != 0;
  fields.block = block;
}

// --- jobs ------------------------------------------------------------------------------------------------

const char* open_items(Bytes tsdu, const Header& header, Fields& fields, PduHead& head) noexcept {
  if (header.parameter.size() < 2) return "parameter_length";
  const std::uint8_t count = header.parameter[1];
  fields.write = fields.function == WRITE_VAR;
  if (!fields.write && !header.data.empty()) return "data_length";
  fields.telling = Telling::ITEMS;
  fields.items_left = count;
  fields.position = static_cast<std::uint16_t>(header.parameter_at + 2);
  fields.items_end = header.data_at;
  fields.data_position = header.data_at;
  fields.data_end = static_cast<std::uint16_t>(tsdu.size());
  return check_items(header.parameter.subspan(2), count, fields, header.data, head.match_detail);
}

// PI service: 7 fixed octets behind the function, argument with its length, name with its length.
const char* open_pi(Bytes tsdu, const Header& header, Fields& fields) noexcept {
  Cursor rest(header.parameter);
  Bytes fixed;
  std::uint16_t size = 0;
  Bytes argument;
  std::uint8_t name_size = 0;
  Bytes name;
  if (!rest.bytes(pi_fixed_size, fixed)) return "parameter_length";
  if (!all_zero(fixed.subspan(1, 6)) || fixed[7] != 0xFD) return "pi_service";
  if (!rest.u16be(size) || !rest.bytes(size, argument)) return "argument";
  if (!rest.u8(name_size) || name_size == 0 || !rest.bytes(name_size, name)) return "pi_service";
  if (!rest.empty()) return "parameter_length";
  fields.has_name = true;
  fields.name_at = offset(tsdu, name);
  fields.name_size = name_size;
  fields.access_stated = true;
  fields.access = text(name) == "P_PROGRAM" ? AccessClass::MANAGE : AccessClass::PROGRAM;
  fields.telling = Telling::ONE;
  fields.has_block = true;
  fields.block_in_tsdu = true;
  fields.block_at = offset(tsdu, argument);
  fields.block_size = size;
  if (text(name) != "_INSE" && text(name) != "_INS2" && text(name) != "_DELE") return nullptr;
  // Number of blocks, 0, blocks.
  if (size < 2 || argument[0] == 0 || argument[1] != 0) return "argument";
  if (argument.size() - 2 != argument[0] * block_entry_size) return "argument";
  fields.telling = Telling::BLOCKS;
  fields.has_block = false;
  fields.items_left = argument[0];
  fields.position = static_cast<std::uint16_t>(fields.block_at + 2);
  return nullptr;
}

const char* open_stop(Bytes tsdu, const Header& header, Fields& fields) noexcept {
  Cursor rest(header.parameter);
  Bytes fixed;
  std::uint8_t size = 0;
  Bytes name;
  if (!rest.bytes(stop_fixed_size, fixed) || !all_zero(fixed.subspan(1))) return "parameter_length";
  if (!rest.u8(size) || size == 0 || !rest.bytes(size, name) || !rest.empty()) return "pi_service";
  fields.has_name = true;
  fields.name_at = offset(tsdu, name);
  fields.name_size = size;
  return nullptr;
}

// Jobs of either side: what they are about.
const char* open_job(Bytes tsdu, const Header& header, const Session& session, Fields& fields,
                     PduHead& head) noexcept {
  if (header.parameter.empty()) return "parameter_length";
  fields.function = header.parameter[0];
  fields.telling = Telling::ONE;
  head.match_key = key_job | header.reference;
  head.match_detail = key_job | fields.function;
  Bytes name;
  switch (fields.function) {
    case READ_VAR:
    case WRITE_VAR: return open_items(tsdu, header, fields, head);
    case SETUP_COMMUNICATION:
      if (header.parameter.size() != setup_size || header.parameter[1] != 0) return "parameter_length";
      break;
    case REQUEST_DOWNLOAD:
    case DOWNLOAD_BLOCK:
    case DOWNLOAD_ENDED:
    case START_UPLOAD:
      if (const char* field = file_of_job(header.parameter, name); field != nullptr) return field;
      tell_block(block_of_file(name), fields);
      break;
    case UPLOAD:
    case END_UPLOAD: {
      if (header.parameter.size() != block_job_size) return "parameter_length";
      const Transfer* const upload = find_upload(session, upload_id(header.parameter));
      if (upload != nullptr) tell_block(upload->block, fields);
      break;
    }
    case PI_SERVICE:
      if (const char* field = open_pi(tsdu, header, fields); field != nullptr) return field;
      break;
    case PLC_STOP:
      if (const char* field = open_stop(tsdu, header, fields); field != nullptr) return field;
      break;
    default: return nullptr;  // nothing is known of it
  }
  return header.data.empty() ? nullptr : "data_length";
}

const char* open_results(Bytes tsdu, const Header& header, Fields& fields, PduHead& head) noexcept {
  if (header.parameter.size() != 2) return "parameter_length";
  const std::uint8_t count = header.parameter[1];
  fields.items_left = count;
  fields.data_position = header.data_at;
  fields.data_end = static_cast<std::uint16_t>(tsdu.size());
  if (fields.function == WRITE_VAR) {
    if (count == 0 || header.data.size() != count) return "item_count";
    fields.telling = Telling::RETURN_CODES;
    head.negative = std::find(header.data.begin(), header.data.end(), return_ok) == header.data.end();
    head.match_detail = key_job | (std::uint64_t{count} << 8) | WRITE_VAR;
    return nullptr;
  }
  fields.telling = Telling::RESULTS;
  Results results;
  const char* const field = check_results(header.data, count, results);
  head.negative = !results.some_good;
  head.match_detail = results.detail;
  return field;
}

// Answers of the server.
const char* open_answer(Bytes tsdu, const Header& header, Fields& fields, PduHead& head) noexcept {
  head.kind = PduKind::RESPONSE;
  head.match_key = key_job | header.reference;
  head.negative = header.error != 0;
  fields.telling = Telling::ONE;
  if (header.rosctr == ACK) {
    return header.parameter.empty() && header.data.empty() ? nullptr : "parameter_length";
  }
  if (header.parameter.empty())
    return header.error != 0 && header.data.empty() ? nullptr : "parameter_length";
  fields.function = header.parameter[0];
  if (header.error != 0) return nullptr;
  if (fields.function == READ_VAR || fields.function == WRITE_VAR)
    return open_results(tsdu, header, fields, head);
  head.match_detail = key_job | fields.function;
  if (fields.function != SETUP_COMMUNICATION) return nullptr;
  return header.parameter.size() == setup_size && header.data.empty() ? nullptr : "parameter_length";
}

// Answers of the client to jobs of the server: they carry what the server asked for, and are judged as that.
const char* open_client_answer(const Header& header, const Session& session, Fields& fields,
                               PduHead& head) noexcept {
  const ServerJob* const job = find_job(session, header.reference);
  if (job == nullptr) return "pdu_reference";
  head.answered = false;
  head.match_key = key_job | header.reference;
  fields.function = job->function;
  fields.telling = Telling::ONE;
  const bool transfer = job->function == DOWNLOAD_BLOCK || job->function == DOWNLOAD_ENDED;
  if (transfer && session.download.state != 0) tell_block(session.download.block, fields);
  if (header.rosctr == ACK || header.error != 0) return nullptr;
  if (header.parameter.empty() || header.parameter[0] != job->function) return "function";
  if (job->function != DOWNLOAD_BLOCK) return nullptr;
  // Length, 0x00 0xFB, octets of the block.
  Cursor rest(header.data);
  std::uint16_t size = 0;
  if (!rest.u16be(size) || !rest.skip(2) || rest.remaining() != size) return "data_length";
  return nullptr;
}

// --- userdata --------------------------------------------------------------------------------------------

const char* open_cyclic(Bytes tsdu, const Userdata& userdata, Fields& fields) noexcept {
  const Bytes payload = userdata.payload;
  if (payload.size() < cyclic_head_size) return "data_length";
  const std::uint16_t count = load_u16be(payload.data());
  if (count == 0 || count > 255) return "item_count";
  fields.telling = Telling::ITEMS;
  fields.items_left = count;
  fields.position = static_cast<std::uint16_t>(userdata.payload_at + cyclic_head_size);
  fields.items_end = static_cast<std::uint16_t>(tsdu.size());
  std::uint64_t detail = 0;
  return check_items(payload.subspan(cyclic_head_size), static_cast<std::uint8_t>(count), fields, {}, detail);
}

// What a request of the client asks for.
const char* open_question(Bytes tsdu, const Userdata& userdata, const Session& session,
                          Fields& fields) noexcept {
  const Bytes payload = userdata.payload;
  switch (fields.function) {
    case CYCLIC_TRANSFER:
    case CHANGE_DRIVEN_TRANSFER: return open_cyclic(tsdu, userdata, fields);
    case GET_BLOCK_INFO:
      if (payload.size() != block_entry_size) return "data_length";
      tell_block(block_of_list(payload), fields);
      return nullptr;
    case READ_SZL:
    case LIST_BLOCKS_OF_TYPE: break;
    default: return nullptr;
  }
  std::uint16_t detail = 0;
  if (userdata.has_unit) {
    // Of what is asked for behind the short parameter: servers made with snap7 look for it at that place
    // always.
    if (!payload.empty()) return "data_length";
    if (!continues(session, userdata)) return nullptr;  // of what is not known: satisfies no rule about it
    detail = session.continued.detail;
  } else {
    if (payload.size() != (fields.function == READ_SZL ? szl_request_size : 2)) return "data_length";
    detail = load_u16be(payload.data());
  }
  if (fields.function == READ_SZL) {
    fields.has_szl = true;
    fields.szl_id = detail;
    return nullptr;
  }
  const std::uint8_t type[] = {static_cast<std::uint8_t>(detail >> 8), static_cast<std::uint8_t>(detail)};
  tell_block(block_type(type), fields);
  return nullptr;
}

const char* open_userdata(Bytes tsdu, const Header& header, Role sender, const Session& session,
                          Fields& fields, PduHead& head) noexcept {
  Userdata userdata;
  if (const char* field = read_userdata(header, userdata); field != nullptr) return field;
  fields.function = userdata.function();
  fields.telling = Telling::ONE;
  head.match_key = key_userdata | header.reference;
  head.match_detail = key_userdata | fields.function;
  if (sender == Role::SERVER) {
    head.kind = userdata.response() ? PduKind::RESPONSE : PduKind::UNSOLICITED;
    head.negative = userdata.response() && userdata.error != 0;
    return nullptr;
  }
  if (userdata.mode_transition) return "userdata";
  // What the client pushes, or answers to a question of the server, is judged as that function.
  head.answered = userdata.request();
  return userdata.request() ? open_question(tsdu, userdata, session, fields) : nullptr;
}

}  // namespace

const char* read_header(Bytes tsdu, Header& header) noexcept {
  Cursor rest(tsdu);
  std::uint8_t protocol = 0;
  std::uint16_t redundancy = 0;
  std::uint16_t parameter_size = 0;
  std::uint16_t data_size = 0;
  if (!rest.u8(protocol) || protocol != s7_protocol) return "protocol_id";
  if (!rest.u8(header.rosctr)) return "rosctr";
  if (header.rosctr != JOB && header.rosctr != ACK && header.rosctr != ACK_DATA &&
      header.rosctr != USERDATA_PDU) {
    return "rosctr";
  }
  if (!rest.u16be(redundancy) || redundancy != 0) return "redundancy_id";
  if (!rest.u16be(header.reference)) return "pdu_reference";
  if (!rest.u16be(parameter_size) || !rest.u16be(data_size)) return "parameter_length";
  const bool answer = header.rosctr == ACK || header.rosctr == ACK_DATA;
  if (answer && !rest.u16be(header.error)) return "error_class";
  header.parameter_at = static_cast<std::uint16_t>(answer ? ack_header_size : job_header_size);
  header.data_at = static_cast<std::uint16_t>(header.parameter_at + parameter_size);
  if (!rest.bytes(parameter_size, header.parameter)) return "parameter_length";
  if (rest.remaining() != data_size) return "data_length";
  header.data = rest.rest();
  return nullptr;
}

const char* read_userdata(const Header& header, Userdata& userdata) noexcept {
  const Bytes parameter = header.parameter;
  if (parameter.size() != userdata_short && parameter.size() != userdata_long) return "parameter_length";
  if (parameter[0] == 0x01 && parameter[1] == 0x00 && parameter[2] == 0x10) {
    userdata.mode_transition = true;
    return parameter.size() == userdata_short && header.data.empty() ? nullptr : "parameter_length";
  }
  if (parameter[0] != 0x00 || parameter[1] != 0x01 || parameter[2] != 0x12) return "userdata";
  if (parameter[3] != parameter.size() - 4) return "parameter_length";
  const std::uint8_t method = parameter[4];
  userdata.type = parameter[5] >> 4;
  userdata.group = parameter[5] & 15U;
  userdata.subfunction = parameter[6];
  userdata.sequence = parameter[7];
  if (method != (parameter.size() == userdata_long ? method_long : method_short)) return "method";
  const bool push = userdata.type == 0 || userdata.type == 3;
  if (!push && !userdata.request() && !userdata.response()) return "type";
  if (userdata.group == 0 && !push) return "function_group";
  userdata.has_unit = parameter.size() == userdata_long;
  if (userdata.has_unit) {
    userdata.data_unit_reference = parameter[8];
    if (parameter[9] > 1) return "last_data_unit";
    userdata.last = parameter[9] == 0;
    userdata.error = load_u16be(&parameter[10]);
  }
  if (header.data.empty()) return nullptr;
  Cursor rest(header.data);
  Datum datum;
  if (const char* field = read_datum(rest, true, datum); field != nullptr) return field;
  if (!rest.empty()) return "data_length";
  userdata.return_code = datum.return_code;
  userdata.payload = datum.octets;
  userdata.payload_at = static_cast<std::uint16_t>(header.data_at + 4);
  return nullptr;
}

const char* file_of_job(Bytes parameter, Bytes& name) noexcept {
  Cursor rest(parameter);
  std::uint8_t size = 0;
  if (!rest.skip(block_job_size) || !rest.u8(size) || size == 0 || !rest.bytes(size, name))
    return "file_name";
  if (size > sizeof BlockName::text) return "file_name";  // judged and remembered whole, or not at all
  if (parameter[0] == REQUEST_DOWNLOAD) {
    // Lengths in load memory and of the code, as digits.
    if (!rest.u8(size) || !rest.skip(size)) return "block_length";
  }
  return rest.empty() ? nullptr : "parameter_length";
}

std::uint32_t upload_id(Bytes parameter) noexcept {
  return parameter.size() < block_job_size ? 0 : load_u32be(&parameter[4]);
}

const char* open_s7(Bytes tsdu, Role sender, const Session& session, Fields& fields, PduHead& head) noexcept {
  Header header;
  if (const char* field = read_header(tsdu, header); field != nullptr) return field;
  if (session.pdu_size != 0 && tsdu.size() > session.pdu_size) return "pdu_size";
  if (header.rosctr == USERDATA_PDU) return open_userdata(tsdu, header, sender, session, fields, head);
  if (header.rosctr == JOB) {
    const char* const field = open_job(tsdu, header, session, fields, head);
    if (field != nullptr || sender == Role::CLIENT) return field;
    const bool fetch = fields.function == DOWNLOAD_BLOCK || fields.function == DOWNLOAD_ENDED;
    head.kind = fetch && download_awaited(session, fields.block) ? PduKind::IMPLIED : PduKind::UNSOLICITED;
    return nullptr;
  }
  if (sender == Role::CLIENT) return open_client_answer(header, session, fields, head);
  return open_answer(tsdu, header, fields, head);
}

}  // namespace conduit::s7comm
