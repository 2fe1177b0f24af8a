// Inside of the S7comm room: one PDU read into numbers. `open` fills Fields, `next` turns them into
// operations; positions are those within the TSDU.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/s7comm/s7comm_transport.hpp"

namespace conduit::s7comm {

// Protocol ids: first octet of the TSDU.
inline constexpr std::uint8_t s7_protocol = 0x32;
inline constexpr std::uint8_t s7plus_protocol = 0x72;

enum Rosctr : std::uint8_t { JOB = 1, ACK = 2, ACK_DATA = 3, USERDATA_PDU = 7 };

// Return codes of items.
inline constexpr std::uint8_t return_reserved = 0x00;
inline constexpr std::uint8_t return_ok = 0xFF;

// How the operations of a PDU are told.
enum class Telling : std::uint8_t {
  NONE = 0,      // no operation
  ONE,           // one, which Fields say all about
  ITEMS,         // variable specifications, each of them, and what is written to them
  RESULTS,       // answer to a read: values
  RETURN_CODES,  // answer to a write: nothing but codes
  BLOCKS,        // PI service with a list of blocks
};

// A block as type and number, or what else stands for it. Longer names are malformed.
struct BlockName {
  std::uint8_t size = 0;
  char text[12] = {};

  [[nodiscard]] Bytes bytes() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(static_cast<const char*>(text)), size};
  }
  [[nodiscard]] bool same(const BlockName& other) const noexcept;
};

// TSAPs of the connection, as far as they are of two octets.
struct Tsaps {
  bool destination_known = false;
  bool source_known = false;
  std::uint8_t connection_type = 0;
  std::uint8_t slot = 0;
  std::uint16_t source = 0;
};

// One PDU. Lives in PduState between `open` and `next`.
struct Fields {
  std::uint16_t pdu_size = 0;   // 0: nothing was opened
  std::uint16_t tsdu_size = 0;  // octets
  bool in_scratch = false;      // the TSDU had to be put together
  bool response = false;
  bool write = false;
  bool own_units = false;      // QUIRK_LENGTHS_BY_TRANSPORT_SIZE
  bool access_stated = false;  // `access` holds, otherwise that of the function
  AccessClass access = AccessClass::PROGRAM;
  Telling telling = Telling::NONE;
  std::uint8_t told = 0;  // ONE
  std::uint16_t function = 0;
  std::uint16_t items_left = 0;
  std::uint16_t areas_left = 0;     // of a DB read that is open
  bool in_odd_item = false;         // its item has a fill octet
  std::uint16_t position = 0;       // of the next item
  std::uint16_t items_end = 0;      // behind the last one
  std::uint16_t data_position = 0;  // of the next value
  std::uint16_t data_end = 0;
  Tsaps tsaps{};
  std::uint16_t name_at = 0;  // key NAME, in the TSDU
  std::uint16_t name_size = 0;
  bool has_name = false;
  bool name_in_pdu = false;  // `name_at` counts from the beginning of the PDU
  bool has_block = false;
  bool block_in_tsdu = false;  // the key BLOCK stands there as it is
  std::uint16_t block_at = 0;
  std::uint16_t block_size = 0;
  bool has_szl = false;
  std::uint16_t szl_id = 0;
  BlockName block{};
};
static_assert(sizeof(Fields) <= pdu_state_size);

// A block that is on its way.
struct Transfer {
  BlockName block{};
  std::uint8_t state = 0;  // see s7comm_session.cpp
  std::uint16_t reference = 0;
  std::uint32_t id = 0;
};

// What the later parts of an answer in several PDUs belong to.
struct Continued {
  std::uint16_t function = 0;
  std::uint16_t reference = 0;  // of the request, until its answer says which sequence number
  std::uint16_t detail = 0;     // SZL id or block type
  std::uint8_t sequence = 0;
  std::uint8_t state = 0;
};

// A job of the server that the client is to answer.
struct ServerJob {
  std::uint16_t reference = 0;
  std::uint8_t function = 0;
  bool live = false;
};

// S7comm-plus: a message in several PDUs.
struct PlusPart {
  std::uint16_t function = 0;
  std::uint16_t sequence = 0;
  std::uint8_t more = 0;  // version of a message of which another piece follows, else 0
  bool answered = false;
};

// What is remembered of a conversation.
struct Session {
  Tsaps tsaps{};
  Tsaps asked_tsaps{};
  std::uint16_t connect_reference = 0;
  bool begun = false;  // seen from its beginning
  bool connect_asked = false;
  bool connected = false;
  bool client_disconnects = false;
  bool server_disconnects = false;
  bool tls = false;
  bool opaque = false;         // opaque octets of the client were permitted
  std::uint16_t pdu_size = 0;  // negotiated, octets; 0: not yet
  std::uint16_t setup_reference = 0;
  std::uint8_t job_next = 0;
  std::uint8_t upload_next = 0;
  ServerJob jobs[3]{};
  PlusPart plus[2]{};  // by Role
  Continued continued{};
  Transfer download{};
  Transfer uploads[2]{};
};
static_assert(sizeof(Session) <= session_state_size);

// Head of a PDU of S7comm.
struct Header {
  std::uint8_t rosctr = 0;
  std::uint16_t reference = 0;
  std::uint16_t error = 0;  // class · 256 + code
  Bytes parameter{};
  Bytes data{};
  std::uint16_t parameter_at = 0;
  std::uint16_t data_at = 0;
};
[[nodiscard]] const char* read_header(Bytes tsdu, Header& header) noexcept;

// Parameter of userdata.
struct Userdata {
  bool mode_transition = false;
  std::uint8_t type = 0;  // 0 push, 4 request, 8 response; 3, 7, 11 the same of the NC
  std::uint8_t group = 0;
  std::uint8_t subfunction = 0;
  std::uint8_t sequence = 0;
  bool has_unit = false;
  std::uint8_t data_unit_reference = 0;
  bool last = true;
  std::uint16_t error = 0;
  std::uint8_t return_code = return_reserved;
  Bytes payload{};  // behind return code, transport size and length
  std::uint16_t payload_at = 0;

  [[nodiscard]] std::uint16_t function() const noexcept {
    if (mode_transition || group == 0) return MODE_TRANSITION;
    return static_cast<std::uint16_t>(USERDATA + (unsigned{group} << 8) + subfunction);
  }
  [[nodiscard]] bool request() const noexcept { return type == 4 || type == 7; }
  [[nodiscard]] bool response() const noexcept { return type == 8 || type == 11; }
};
[[nodiscard]] const char* read_userdata(const Header& header, Userdata& userdata) noexcept;

// Head of a PDU of S7comm-plus, as far as it is in the clear.
struct Plus {
  std::uint16_t function = S7PLUS_OPAQUE;
  std::uint8_t version = 0;
  std::uint8_t opcode = 0;  // 0: not readable
  std::uint16_t sequence = 0;
  bool continues = false;  // the piece that follows another one
  bool more = false;       // another piece follows
};
inline constexpr std::uint8_t plus_request = 0x31;
inline constexpr std::uint8_t plus_response = 0x32;
inline constexpr std::uint8_t plus_notification = 0x33;
[[nodiscard]] Plus read_plus(Bytes tsdu, const PlusPart& before) noexcept;

// --- items (s7comm_items.cpp) ----------------------------------------------------------------------------

// A variable specification.
struct Item {
  std::uint8_t syntax = 0;
  std::uint8_t transport_size = 0;
  std::uint8_t area = 0;
  std::uint16_t count = 0;
  std::uint16_t db = 0;
  std::uint32_t first = 0;  // bit address, or number
  std::uint32_t last = 0;
  std::uint32_t octets = 0;  // of its value; 0: not known
  Bytes rest{};              // of other syntax ids: behind the syntax id
};
inline constexpr std::uint8_t syntax_any = 0x10;
inline constexpr std::uint8_t syntax_db_read = 0xB0;

// The next specification; behind all but the last one there is a fill octet if its length is odd.
[[nodiscard]] const char* read_item(Cursor& rest, bool last, Item& item) noexcept;

// One value with its head: return code, transport size, length, octets, and a fill octet as above.
struct Datum {
  std::uint8_t return_code = 0;
  std::uint8_t transport_size = 0;
  std::uint16_t length = 0;  // as stated, in bits or octets
  Bytes octets{};
};
[[nodiscard]] const char* read_datum(Cursor& rest, bool last, Datum& datum) noexcept;

// Checks all items of a read or write, and what is written to them. `detail`: what an answer has to agree
// with.
[[nodiscard]] const char* check_items(Bytes parameter, std::uint8_t count, const Fields& fields, Bytes data,
                                      std::uint64_t& detail) noexcept;

// Checks all values of an answer to a read.
struct Results {
  std::uint64_t detail = 0;  // where all are there: that of the request, if it asked for just these
  bool some_good = false;
  bool some_failed = false;
};
[[nodiscard]] const char* check_results(Bytes data, std::uint8_t count, Results& results) noexcept;

// Does an answer to a read, which `check_results` found good, agree with the request's `detail`?
[[nodiscard]] bool results_match(Bytes data, std::uint8_t count, std::uint64_t detail) noexcept;

// The next operation of `tsdu` that `fields` has not told yet.
[[nodiscard]] Next next_operation(Bytes pdu, Bytes tsdu, Fields& fields, Operation& operation) noexcept;

// --- jobs and userdata -----------------------------------------------------------------------------------

// `sender` sent this; fills what `next` tells. Null, or the name of the field at fault.
[[nodiscard]] const char* open_s7(Bytes tsdu, Role sender, const Session& session, Fields& fields,
                                  PduHead& head) noexcept;

// Name of a block in a job: `_`, type, number and file system, or anything.
[[nodiscard]] BlockName block_of_file(Bytes name) noexcept;
// In PI services and userdata: type, number and file system, 8 octets.
[[nodiscard]] BlockName block_of_list(Bytes entry) noexcept;
// Type alone, two octets.
[[nodiscard]] BlockName block_type(Bytes type) noexcept;
// Number of a DB, if it is one.
[[nodiscard]] bool db_of_block(const BlockName& block, std::uint16_t& db) noexcept;
// The name of the block in job functions 0x1A to 0x1D (empty: none).
[[nodiscard]] const char* file_of_job(Bytes parameter, Bytes& name) noexcept;
// Upload id of job functions 0x1E and 0x1F, of the answer to 0x1D; 0 if it is not there.
[[nodiscard]] std::uint32_t upload_id(Bytes parameter) noexcept;

// --- session (s7comm_session.cpp) ------------------------------------------------------------------------

// Two octets are type and slot.
[[nodiscard]] Tsaps tsaps_of(const Control& control) noexcept;
[[nodiscard]] const Transfer* find_upload(const Session& session, std::uint32_t id) noexcept;
[[nodiscard]] const ServerJob* find_job(const Session& session, std::uint16_t reference) noexcept;
// Is the server to fetch this block (a permitted download)?
[[nodiscard]] bool download_awaited(const Session& session, const BlockName& block) noexcept;
[[nodiscard]] bool continues(const Session& session, const Userdata& userdata) noexcept;

void accept(Bytes pdu, Role sender, SessionState& state, Associations& associations) noexcept;

// --- tables (s7comm_tables.cpp) --------------------------------------------------------------------------

struct FunctionRow {
  std::uint16_t function = 0;
  std::string_view name{};
  AccessClass access = AccessClass::PROGRAM;
};
// Null: no such function.
[[nodiscard]] const FunctionRow* function_row(std::uint32_t function) noexcept;
// Unknown ones: of class PROGRAM.
[[nodiscard]] AccessClass access_of(std::uint32_t function) noexcept;

// Bits of one element of a transport size; 0: no such size.
[[nodiscard]] std::uint16_t element_bits(std::uint8_t transport_size) noexcept;

// Parts of PduHead::match_key and match_detail.
inline constexpr std::uint64_t key_connect = std::uint64_t{1} << 60;
inline constexpr std::uint64_t key_job = std::uint64_t{2} << 60;
inline constexpr std::uint64_t key_userdata = std::uint64_t{3} << 60;
inline constexpr std::uint64_t key_plus = std::uint64_t{4} << 60;
inline constexpr std::uint64_t key_mask = std::uint64_t{15} << 60;

}  // namespace conduit::s7comm
