// Variable specifications, and the values that belong to them.
//
//   specification:  0x12 | length | syntax id | address … | [fill]
//   S7ANY:          0x12 | 10 | 0x10 | transport size | count | DB | area | address
//                    1     1     1          1            2      2     1        3
//   DB read:        0x12 | length | 0xB0 | areas | { octets | DB | first byte } …
//   value:          return code | transport size | length | octets … | [fill]
//                        1              1             2
// Fill octets stand behind an odd number of octets, but not behind the last one.
#include <algorithm>
#include <array>
#include <bit>

#include "protocols/s7comm/s7comm_pdu.hpp"

namespace conduit::s7comm {
namespace {

constexpr std::uint8_t variable_specification = 0x12;
constexpr std::uint8_t any_length = 10;
constexpr std::uint8_t datum_bits = 3;  // transport size of a value whose length counts bits
constexpr std::uint32_t bit_address_last = 0xFFFFFF;
constexpr std::uint32_t number_last = 0xFFFF;
constexpr std::size_t area_entry_size = 5;  // of a DB read

enum AnySize : std::uint8_t { BIT = 1, BYTE = 2, CHAR = 3, WORD = 4, INT = 5, DWORD = 6, DINT = 7, REAL = 8 };
enum AnyArea : std::uint8_t { COUNTERS = 0x1C, TIMERS_200 = 0x1F, DATA_BLOCKS = 0x84, INSTANCE_DATA = 0x85 };

bool known_area(std::uint8_t area) noexcept {
  return (area >= COUNTERS && area <= TIMERS_200) || (area >= 0x80 && area <= 0x87) || area == 3 ||
         (area >= 5 && area <= 7);
}

bool numbered(std::uint8_t area) noexcept { return area >= COUNTERS && area <= TIMERS_200; }

const char* read_any(Cursor rest, Item& item) noexcept {
  std::uint32_t area_and_address = 0;
  if (!rest.u8(item.transport_size) || !rest.u16be(item.count) || !rest.u16be(item.db) ||
      !rest.u32be(area_and_address) || !rest.empty()) {
    return "item_length";
  }
  item.area = static_cast<std::uint8_t>(area_and_address >> 24);
  item.first = area_and_address & bit_address_last;
  if (!known_area(item.area)) return "area";
  if (item.count == 0) return "count";
  const std::uint32_t bits = element_bits(item.transport_size);
  if (numbered(item.area)) {
    // The size of these has the number of their area; those of the S7-200 vary in octets.
    if (item.transport_size != item.area) return "transport_size";
    if (item.first > number_last || item.count - 1U > number_last - item.first) return "address";
    item.last = item.first + item.count - 1U;
    item.octets = bits / 8 * item.count;
    return nullptr;
  }
  if (bits == 0 || item.transport_size > 15) return "transport_size";
  // Of several bits devices disagree how many they mean.
  if (item.transport_size == BIT && item.count != 1) return "count";
  if (item.transport_size != BIT && item.first % 8 != 0) return "address";
  const std::uint32_t size = bits * item.count;
  if (size - 1 > bit_address_last - item.first) return "address";
  item.last = item.first + size - 1;
  item.octets = (size + 7) / 8;
  return nullptr;
}

const char* check_db_read(Bytes octets) noexcept {
  Cursor rest(octets);
  std::uint8_t areas = 0;
  if (!rest.u8(areas) || areas == 0 || rest.remaining() != std::size_t{areas} * area_entry_size)
    return "item_length";
  while (!rest.empty()) {
    std::uint8_t size = 0;
    if (!rest.u8(size) || !rest.skip(area_entry_size - 1) || size == 0) return "count";
  }
  return nullptr;
}

// Octets of a value by its transport size, or false.
bool datum_octets(std::uint8_t transport_size, std::uint16_t length, std::size_t& octets) noexcept {
  switch (transport_size) {
    case datum_bits: octets = (std::size_t{length} + 7) / 8; return true;
    case 4:
    case 5: octets = length / 8U; return length % 8 == 0;  // bits, whole octets
    case 6:
    case 7:
    case 9:
    case 17:
    case 18: octets = length; return true;
    case 0: octets = 0; return length == 0;
    default: return false;
  }
}

// Does the length say the same to a server that takes its unit from the item: octets for bits, timers and
// counters, else bits? Otherwise it finds the next value in another place.
bool counted_alike(const Item& item, const Datum& datum) noexcept {
  if (item.syntax != syntax_any) return true;
  const bool in_octets = item.transport_size == BIT || numbered(item.area);
  return datum.length == datum.octets.size() * (in_octets ? 1U : 8U);
}

// --- what an answer has to agree with --------------------------------------------------------------------

// match_detail of reads and writes: function, number of items, and of a read the octets of each item: of up
// to four items each (10 bits; 0 not known), of more a hash and no more than that.
constexpr unsigned detail_count_at = 8;
constexpr unsigned detail_sizes_at = 16;
constexpr std::uint64_t detail_exact = std::uint64_t{1} << 56;
constexpr std::uint64_t detail_hashed = std::uint64_t{2} << 56;
constexpr std::size_t exact_items_max = 4;
constexpr std::uint32_t exact_octets_max = 1023;

class Sizes {
 public:
  void add(std::uint32_t octets) noexcept {
    if (count_ < exact_items_max) {
      exact_ |= std::uint64_t{std::min(octets, exact_octets_max)} << (detail_sizes_at + 10 * count_);
    }
    if (octets == 0) known_ = false;
    if (octets >= exact_octets_max) exact_fits_ = false;
    hash_ = (hash_ ^ octets) * 0x01000193U;
    ++count_;
  }
  [[nodiscard]] std::uint64_t detail() const noexcept {
    if (count_ <= exact_items_max && exact_fits_) return detail_exact | exact_;
    return known_ ? detail_hashed | (std::uint64_t{hash_} << detail_sizes_at) : 0;
  }
  [[nodiscard]] std::uint32_t hash() const noexcept { return hash_; }

 private:
  std::size_t count_ = 0;
  std::uint64_t exact_ = 0;
  std::uint32_t hash_ = 0x811C9DC5U;
  bool known_ = true;
  bool exact_fits_ = true;
};

// --- operations ------------------------------------------------------------------------------------------

void set_unsigned(Operation& operation, std::uint64_t value) noexcept {
  operation.value.kind = ValueKind::UNSIGNED;
  operation.value.count = 1;
  operation.value.u = value;
}

void set_signed(Operation& operation, std::int64_t value) noexcept {
  operation.value.kind = ValueKind::SIGNED;
  operation.value.count = 1;
  operation.value.i = value;
}

void set_octets(Operation& operation, Bytes octets) noexcept {
  operation.value.kind = octets.empty() ? ValueKind::NONE : ValueKind::BYTES;
  operation.value.count = static_cast<std::uint32_t>(octets.size());
  operation.value.data = octets;
}

// `octets` are as many as `item` asks for.
void set_written(Operation& operation, const Item& item, Bytes octets) noexcept {
  const std::uint8_t size = item.transport_size;
  const bool words = size == BYTE || size == CHAR || size == WORD;
  if (numbered(item.area) || size > REAL) return set_octets(operation, octets);
  if (item.count > 1) {
    set_octets(operation, octets);
    if (!words || octets.size() % 2 != 0) return;
    operation.value.kind = ValueKind::WORDS;
    operation.value.count = static_cast<std::uint32_t>(octets.size() / 2);
    return;
  }
  switch (size) {
    case BIT:
      set_unsigned(operation, octets[0] & 1U);
      // Set to some readers, clear to others.
      if (octets[0] != 0 && (octets[0] & 1U) == 0) operation.value.kind = ValueKind::UNREADABLE;
      return;
    case BYTE:
    case CHAR: return set_unsigned(operation, octets[0]);
    case WORD: return set_unsigned(operation, load_u16be(octets.data()));
    case INT: return set_signed(operation, static_cast<std::int16_t>(load_u16be(octets.data())));
    case DWORD: return set_unsigned(operation, load_u32be(octets.data()));
    case DINT: return set_signed(operation, static_cast<std::int32_t>(load_u32be(octets.data())));
    default:
      operation.value.kind = ValueKind::FLOAT;
      operation.value.count = 1;
      operation.value.f = static_cast<double>(std::bit_cast<float>(load_u32be(octets.data())));
  }
}

void set_item(Operation& operation, const Item& item) noexcept {
  operation.set(AREA, item.area);
  // CPUs look at the number nowhere else: there it names no data block that a rule could mean.
  if (item.area == DATA_BLOCKS || item.area == INSTANCE_DATA) operation.set(DB, item.db);
  operation.set(BIT_ADDRESS, Range{item.first, item.last});
  operation.set(TRANSPORT_SIZE, item.transport_size);
}

void begin(Operation& operation, const Fields& fields) noexcept {
  operation.clear();
  operation.protocol = s7comm_id;
  operation.function = fields.function;
  operation.access = fields.access_stated ? fields.access : access_of(fields.function);
  if (fields.tsaps.destination_known) {
    operation.set(SLOT, fields.tsaps.slot);
    operation.set(CONNECTION_TYPE, fields.tsaps.connection_type);
  }
  if (fields.tsaps.source_known) operation.set(SOURCE_TSAP, fields.tsaps.source);
}

void set_key(Operation& operation, std::size_t key, Bytes octets) noexcept {
  operation.key[key].kind = 0;
  operation.key[key].data = octets;
  operation.keys_present = static_cast<std::uint8_t>(operation.keys_present | (1U << key));
}

void set_block(Operation& operation, const BlockName& block) noexcept {
  std::uint16_t db = 0;
  set_key(operation, BLOCK, block.bytes());
  if (db_of_block(block, db)) operation.set(DB, db);
}

void set_names(Operation& operation, Bytes pdu, Bytes tsdu, const Fields& fields) noexcept {
  if (fields.has_name) {
    const Bytes whole = fields.name_in_pdu ? pdu : tsdu;
    set_key(operation, NAME, whole.subspan(fields.name_at, fields.name_size));
  }
  if (!fields.has_block) return;
  if (fields.block_in_tsdu)
    return set_key(operation, BLOCK, tsdu.subspan(fields.block_at, fields.block_size));
  set_block(operation, fields.block);
}

// One part of a DB read that is open, from `fields.position` on.
Next tell_area(Bytes tsdu, Fields& fields, Operation& operation) noexcept {
  Cursor rest(tsdu.subspan(fields.position));
  std::uint8_t size = 0;
  std::uint16_t db = 0;
  std::uint16_t first = 0;
  if (!rest.u8(size) || !rest.u16be(db) || !rest.u16be(first) || size == 0) return Next::MALFORMED;
  fields.position = static_cast<std::uint16_t>(fields.position + area_entry_size);
  --fields.areas_left;
  // Behind the areas of an odd number of octets and before the next item: the fill octet.
  const bool odd = fields.areas_left == 0 && fields.in_odd_item;
  if (odd && fields.items_left != 0) ++fields.position;
  operation.function = READ_DB;
  operation.access = AccessClass::READ;
  operation.set(AREA, DATA_BLOCKS);
  operation.set(DB, db);
  const std::uint64_t bit = std::uint64_t{first} * 8;
  operation.set(BIT_ADDRESS, Range{bit, bit + std::uint64_t{size} * 8 - 1});
  return Next::OPERATION;
}

Next tell_item(Bytes tsdu, Fields& fields, Operation& operation) noexcept {
  if (fields.areas_left != 0) return tell_area(tsdu, fields, operation);
  Cursor rest(tsdu.subspan(fields.position, fields.items_end - std::size_t{fields.position}));
  const bool last = fields.items_left == 1;
  const std::size_t before = rest.remaining();
  Item item;
  if (read_item(rest, last, item) != nullptr) return Next::MALFORMED;
  --fields.items_left;
  const bool cyclic = fields.function >= USERDATA;
  if (item.syntax == syntax_db_read && !fields.write && !cyclic) {
    fields.areas_left = item.rest[0];
    fields.in_odd_item = (item.rest.size() & 1U) == 0;  // with the syntax id in front
    fields.position = static_cast<std::uint16_t>(fields.position + 4);
    return tell_area(tsdu, fields, operation);
  }
  fields.position = static_cast<std::uint16_t>(fields.position + (before - rest.remaining()));
  Datum datum;
  if (fields.write) {
    Cursor data(tsdu.subspan(fields.data_position, fields.data_end - std::size_t{fields.data_position}));
    const std::size_t data_before = data.remaining();
    if (read_datum(data, last, datum) != nullptr) return Next::MALFORMED;
    fields.data_position =
        static_cast<std::uint16_t>(fields.data_position + (data_before - data.remaining()));
  }
  if (item.syntax == syntax_any) {
    set_item(operation, item);
    if (!fields.write) return Next::OPERATION;
    if (item.octets != 0 && item.octets != datum.octets.size()) return Next::MALFORMED;
    set_written(operation, item, datum.octets);
    return Next::OPERATION;
  }
  // What a subscription asks for in another form is a read in that form as well.
  operation.function = (fields.write ? WRITE_BY_SYNTAX : READ_BY_SYNTAX) + unsigned{item.syntax};
  operation.access = access_of(operation.function);
  if (fields.write) set_octets(operation, datum.octets);
  return Next::OPERATION;
}

Next tell_result(Bytes tsdu, Fields& fields, Operation& operation) noexcept {
  Cursor data(tsdu.subspan(fields.data_position, fields.data_end - std::size_t{fields.data_position}));
  const std::size_t before = data.remaining();
  Datum datum;
  if (read_datum(data, fields.items_left == 1, datum) != nullptr) return Next::MALFORMED;
  --fields.items_left;
  fields.data_position = static_cast<std::uint16_t>(fields.data_position + (before - data.remaining()));
  set_octets(operation, datum.octets);
  return Next::OPERATION;
}

Next tell_code(Bytes tsdu, Fields& fields, Operation& operation) noexcept {
  set_octets(operation, tsdu.subspan(fields.data_position, 1));
  ++fields.data_position;
  --fields.items_left;
  return Next::OPERATION;
}

Next tell_block(Bytes pdu, Bytes tsdu, Fields& fields, Operation& operation) noexcept {
  constexpr std::size_t entry_size = 8;
  set_names(operation, pdu, tsdu, fields);
  fields.block = block_of_list(tsdu.subspan(fields.position, entry_size));
  fields.position = static_cast<std::uint16_t>(fields.position + entry_size);
  --fields.items_left;
  set_block(operation, fields.block);
  return Next::OPERATION;
}

}  // namespace

const char* read_item(Cursor& rest, bool last, Item& item) noexcept {
  std::uint8_t kind = 0;
  std::uint8_t length = 0;
  Cursor body;
  if (!rest.u8(kind) || kind != variable_specification) return "variable_specification";
  if (!rest.u8(length) || !rest.take(length, body) || !body.u8(item.syntax)) return "item_length";
  if ((length & 1U) != 0 && !last && !rest.skip(1)) return "fill";
  item.rest = body.rest();
  if (item.syntax == syntax_db_read) return check_db_read(item.rest);
  if (item.syntax != syntax_any) return nullptr;
  return length == any_length ? read_any(body, item) : "item_length";
}

const char* read_datum(Cursor& rest, bool last, Datum& datum) noexcept {
  std::uint16_t& length = datum.length;
  std::size_t octets = 0;
  if (!rest.u8(datum.return_code) || !rest.u8(datum.transport_size) || !rest.u16be(length)) return "data";
  // An item that failed has no octets, whatever some servers say of their length.
  const bool failed = datum.return_code != return_ok && datum.transport_size == 0;
  if (!failed && !datum_octets(datum.transport_size, length, octets)) return "data_length";
  if (failed && length != 0 && length != 4) return "data_length";
  if (!rest.bytes(octets, datum.octets)) return "data_length";
  if ((octets & 1U) != 0 && !last && !rest.skip(1)) return "fill";
  return nullptr;
}

const char* check_items(Bytes parameter, std::uint8_t count, const Fields& fields, Bytes data,
                        std::uint64_t& detail) noexcept {
  const bool write = fields.write;
  Cursor items(parameter);
  Cursor values(data);
  Sizes sizes;
  if (count == 0) return "item_count";
  for (unsigned left = count; left != 0; --left) {
    Item item;
    if (const char* field = read_item(items, left == 1, item); field != nullptr) return field;
    sizes.add(item.octets);
    if (!write) continue;
    Datum datum;
    if (item.syntax == syntax_db_read) return "syntax_id";
    if (const char* field = read_datum(values, left == 1, datum); field != nullptr) return field;
    if (datum.return_code != return_reserved && datum.return_code != return_ok) return "return_code";
    if (datum.octets.empty() || (item.octets != 0 && item.octets != datum.octets.size()))
      return "data_length";
    if (item.transport_size == BIT && datum.transport_size == datum_bits && datum.length != 1)
      return "data_length";  // of one bit
    if (left != 1 && !fields.own_units && !counted_alike(item, datum)) return "data_length";
  }
  if (!items.empty()) return "parameter_length";
  if (!values.empty()) return "data_length";
  detail = key_job | (write ? 0 : sizes.detail()) | (std::uint64_t{count} << detail_count_at) |
           (write ? WRITE_VAR : READ_VAR);
  return nullptr;
}

const char* check_results(Bytes data, std::uint8_t count, Results& results) noexcept {
  Cursor rest(data);
  Sizes sizes;
  if (count == 0) return "item_count";
  for (unsigned left = count; left != 0; --left) {
    Datum datum;
    if (const char* field = read_datum(rest, left == 1, datum); field != nullptr) return field;
    (datum.return_code == return_ok ? results.some_good : results.some_failed) = true;
    sizes.add(static_cast<std::uint32_t>(datum.octets.size()));
  }
  if (!rest.empty()) return "data_length";
  if (results.some_failed) return nullptr;
  results.detail = key_job | sizes.detail() | (std::uint64_t{count} << detail_count_at) | READ_VAR;
  return nullptr;
}

bool results_match(Bytes data, std::uint8_t count, std::uint64_t detail) noexcept {
  Cursor rest(data);
  Sizes sizes;
  bool all = true;
  if (((detail >> detail_count_at) & 0xFF) != count) return false;
  const bool exact = (detail & detail_exact) != 0;
  for (unsigned i = 0; i < count; ++i) {
    Datum datum;
    if (read_datum(rest, i + 1U == count, datum) != nullptr) return false;
    all = all && datum.return_code == return_ok;
    if (datum.return_code != return_ok) continue;
    sizes.add(static_cast<std::uint32_t>(datum.octets.size()));
    if (!exact) continue;
    const auto asked = (detail >> (detail_sizes_at + 10 * i)) & exact_octets_max;
    if (asked != 0 && asked != datum.octets.size()) return false;
  }
  if (exact || !all || (detail & detail_hashed) == 0) return true;
  return sizes.hash() == static_cast<std::uint32_t>(detail >> detail_sizes_at);
}

Next next_operation(Bytes pdu, Bytes tsdu, Fields& fields, Operation& operation) noexcept {
  const bool told = fields.items_left == 0 && fields.areas_left == 0;
  switch (fields.telling) {
    case Telling::NONE: return Next::END;
    case Telling::ONE:
      if (fields.told != 0) return Next::END;
      fields.told = 1;
      begin(operation, fields);
      set_names(operation, pdu, tsdu, fields);
      if (fields.has_szl) operation.set(SZL_ID, fields.szl_id);
      return Next::OPERATION;
    case Telling::ITEMS:
    case Telling::RESULTS:
    case Telling::RETURN_CODES:
    case Telling::BLOCKS: break;
  }
  if (told) return Next::END;
  begin(operation, fields);
  if (fields.telling == Telling::ITEMS) return tell_item(tsdu, fields, operation);
  if (fields.telling == Telling::RESULTS) return tell_result(tsdu, fields, operation);
  if (fields.telling == Telling::RETURN_CODES) return tell_code(tsdu, fields, operation);
  return tell_block(pdu, tsdu, fields, operation);
}

}  // namespace conduit::s7comm
