// Rule image: the flat, immutable, position-independent table that the data plane judges by. Compiled from a
// policy by the control plane (config/policy), handed over in a sealed memfd, checked once on arrival
// (`RuleImage::open`), then only read.
//
// Layout: ImageHeader, then sections of fixed-size records at 64-byte aligned offsets. Everything refers to
// everything else by index. No pointers, no strings (but key patterns): names are looked up in the policy of
// the image's generation. After `open` every index and every offset in it is known to lie inside its section;
// `match` and the finders need no further checks and cannot fail. Thread-safe: immutable.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "protocols/core/bytes.hpp"
#include "protocols/core/decoder.hpp"
#include "protocols/core/operation.hpp"
#include "protocols/core/reason.hpp"

namespace conduit {

inline constexpr std::uint64_t image_magic = 0x31454c5552444e43;  // "CNDRULE1", little endian
inline constexpr std::uint32_t image_abi = 1;
inline constexpr std::uint32_t none_index = 0xFFFFFFFF;  // "refers to nothing"

using Address = std::array<std::uint8_t, 16>;  // IPv6, or IPv4 as ::ffff:a.b.c.d
using Mac = std::array<std::uint8_t, 6>;

enum class Section : std::uint32_t {
  ZONES,
  ASSETS,
  ADDRESSES,   // hash table of AddressRecord, size a power of two, by address alone
  PREFIXES,    // longest prefix first
  ASSET_MACS,  // macs of assets, by slices
  MACS,        // hash table of MacRecord, size a power of two
  CONDUITS,
  CONDUIT_ZONES,  // conduits by their zones, sorted
  PAIRS,          // hash table of PairRecord, size a power of two
  SERVICES,       // slices by pair, sorted by (transport, opened_by, port_first)
  GROUPS,         // rule groups; the first one is empty and permits nothing
  BUCKETS,        // hash table of BucketRecord, size a power of two
  LISTS,          // their entries and cells follow each other without gaps; several buckets may share one
  CELLS,          // 32-bit numbers, by list
  ENTRIES,        // by list: sorted by first, linked by `up`
  RULES,
  RANGES,     // by rule and dimension, in order of the rules; sorted, disjoint, not adjacent
  VALUES,     // by rule, in order of the rules
  KEYS,       // by rule and key, in order of the rules; sorted, none begins with a prefix before it
  KEY_BYTES,  // octets of key patterns, in order of KEYS
  LIMITS,
  ETHERNET_RULES,
  GRANTS,
  COUNT
};
inline constexpr std::size_t section_count = static_cast<std::size_t>(Section::COUNT);

// Bounds of the work that one look-up can cost, whatever an image says. Checked by `open`, kept by the
// builder.
inline constexpr std::uint32_t hash_run_max = 256;      // occupied slots in a row of a hash table
inline constexpr std::uint32_t prefix_count_max = 256;  // PREFIXES is searched one by one
inline constexpr std::uint32_t value_count_max = 16;    // VALUES of one rule
// Rules of one list whose ranges contain the same point, each counted once for each of its VALUES (once if it
// has none).
inline constexpr std::uint32_t overlap_max = 64;

struct SectionRef {
  std::uint64_t offset = 0;  // octets from the start of the image, multiple of 64
  std::uint32_t count = 0;   // records
  std::uint32_t record_size = 0;
};

struct Slice {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  friend constexpr bool operator==(Slice, Slice) noexcept = default;
};

struct ImageHeader {
  std::uint64_t magic = image_magic;
  std::uint32_t abi = image_abi;
  std::uint32_t header_size = 0;
  std::uint64_t total_size = 0;
  std::uint64_t generation = 0;  // counts images handed to this data plane's life; set by the control plane
  std::uint64_t policy_version = 0;
  std::array<std::uint8_t, 32> policy_hash{};  // SHA-256 of the policy bytes
  std::uint32_t port_count = 0;
  std::uint32_t group_count = 0;  // records of GROUPS
  std::array<SectionRef, section_count> section{};
};

// VLAN stack as one number: outer << 16 | inner; one tag: the tag; none, or VID 0 alone: 0.
using VlanKey = std::uint32_t;

struct ZoneRecord {
  std::uint8_t port = 0;
  std::uint8_t reserved[7]{};
};

enum AssetFlag : std::uint16_t {
  ASSET_ROUTER = 1U << 0,           // carries other assets behind it
  ASSET_GROUP = 1U << 1,            // a multicast or broadcast address
  ASSET_VIRTUAL = 1U << 2,          // may move between its members (macs of all members are listed)
  ASSET_PARTIAL_FORWARD = 1U << 3,  // §5 law 1: only the completing byte is gated
  ASSET_PARTIAL_HOLD = 1U << 4,     // §5 law 1: reset instead of releasing a held tail
};

struct AssetRecord {
  std::uint32_t zone = 0;
  std::uint16_t flags = 0;   // AssetFlag
  std::uint16_t quirks = 0;  // Quirks
  Slice macs;  // into ASSET_MACS; empty: bound to its zone's port only. Of an asset behind a router: the
               // router's
  std::uint32_t router = none_index;  // asset that carries it
  std::uint32_t reserved = 0;
};

struct AddressRecord {
  Address address{};
  VlanKey vlan = 0;
  std::uint32_t asset = none_index;  // none_index: empty slot
  std::uint8_t port = 0;
  std::uint8_t reserved[7]{};
};

struct PrefixRecord {
  Address address{};
  VlanKey vlan = 0;
  std::uint32_t asset = 0;
  std::uint8_t port = 0;
  std::uint8_t bits = 0;  // 0–128, of the 16-octet form
  std::uint8_t reserved[6]{};
};

struct MacBytes {
  Mac mac{};
  std::uint8_t reserved[2]{};
};

struct MacRecord {
  Mac mac{};
  std::uint8_t port = 0;
  std::uint8_t reserved = 0;
  VlanKey vlan = 0;
  std::uint32_t asset = none_index;  // none_index: empty slot
};

enum class Mode : std::uint8_t { ENFORCE = 0, OBSERVE = 1 };
enum class MidStream : std::uint8_t { RESET = 0, RESYNC = 1 };

enum ConduitFlag : std::uint16_t {
  CONDUIT_UDP_CHECKSUM_ABSENT = 1U << 0,  // UDP over IPv4 without checksum is accepted
  CONDUIT_SYN_DATA = 1U << 1,      // data in a SYN is forwarded without the data instead of being denied
  CONDUIT_URGENT_CLEAR = 1U << 2,  // the URG flag and pointer are cleared instead of being denied
  CONDUIT_LOW_TTL = 1U << 3,       // packets with a TTL below the bound are accepted
  CONDUIT_FRAGMENTS = 1U << 4,     // IP fragments are put together and judged as the whole packet
};

struct ConduitRecord {
  std::uint32_t zone_a = 0;
  std::uint32_t zone_b = 0;
  Mode mode = Mode::ENFORCE;
  MidStream mid_stream = MidStream::RESET;
  Verdict on_deny = Verdict::REFUSE;
  std::uint8_t reserved = 0;
  std::uint16_t flags = 0;  // ConduitFlag
  std::uint16_t reserved2 = 0;
  std::uint64_t idle_established_ns = 0;  // 0 = the engine's default
};

// Sorted by (zone_low, zone_high, conduit); zone_low ≤ zone_high.
struct ConduitZonesRecord {
  std::uint32_t zone_low = 0;
  std::uint32_t zone_high = 0;
  std::uint32_t conduit = 0;
};

// Services from `client` to `server` (roles, not who connects).
struct PairRecord {
  std::uint32_t client = none_index;  // none_index: empty slot
  std::uint32_t server = none_index;
  Slice services;
};

enum class OpenedBy : std::uint8_t { CLIENT = 0, SERVER = 1, EITHER = 2 };

// One transport endpoint of a server (or, opened by the server, of the client), its protocol and its rules.
struct ServiceRecord {
  std::uint32_t client = 0;
  std::uint32_t server = 0;
  std::uint32_t conduit = 0;
  Transport transport = Transport::NONE;
  ProtocolId protocol = ProtocolId::NONE;
  OpenedBy opened_by = OpenedBy::CLIENT;
  Verdict on_deny = Verdict::REFUSE;
  std::uint16_t port_first = 0;  // listening ports; ICMP: types
  std::uint16_t port_last = 0;
  std::uint8_t essential = 0;  // some rule of it is essential
  std::uint8_t reserved[3]{};
  std::uint32_t request_group = 0;         // rules for PDUs that the client sends
  std::uint32_t unsolicited_group = 0;     // rules for unsolicited PDUs of the server
  std::uint32_t opaque_rule = none_index;  // OPAQUE_*, ICMP: the rule that permits the flow
};

inline constexpr std::uint8_t no_dimension = 0xFF;

enum class BucketKind : std::uint8_t {
  EXACT = 0,   // rules that list the selector's value
  ANY = 1,     // rules that do not, or list more than selector_value_max values
  RANGED = 2,  // rules under EXACT that contain several consecutive values: for operations on a range of them
  FUNCTION = 3,  // no entries: some rule of the group permits this function
};
inline constexpr std::uint32_t selector_value_max = 16;

// A set of rules that judges one kind of PDU of one service.
struct GroupRecord {
  ProtocolId protocol = ProtocolId::NONE;
  std::uint8_t selector_dimension = no_dimension;  // most often exact (Modbus unit)
  std::uint8_t range_dimension = no_dimension;     // listed by ranges (Modbus address)
  std::uint8_t bucket_kinds = 0;                   // bit BucketKind: there is such a bucket
  std::uint32_t reserved = 0;
};

// Entries of one or several buckets, and where to begin the search among them: the axis from the first
// entry's `first` on is cut into cells of 2^shift numbers; CELLS[cells_first + c] entries begin before cell
// c. One cell for the last entry and one more behind it.
struct ListRecord {
  Slice entries;           // not empty
  std::uint64_t base = 0;  // `first` of the first entry
  std::uint32_t cells_first = 0;
  std::uint32_t cell_last = 0;  // cell of the last entry
  std::uint8_t shift = 0;
  std::uint8_t disjoint = 0;  // 1: no two entries overlap
  std::uint8_t reserved[6]{};
  friend bool operator==(const ListRecord&, const ListRecord&) noexcept = default;
};

// On what it depends whether a rule is in force.
enum ConditionFlag : std::uint8_t {
  CONDITION_ORDINARY = 1U << 0,  // not in island mode
  CONDITION_GRANT = 1U << 1,     // its grant is active
};

// Rules of one group that may permit one function, apart by the selector's value. One cache line.
struct BucketRecord {
  std::uint32_t group = none_index;  // none_index: empty slot
  std::uint32_t function = 0;
  std::uint64_t selector = 0;      // EXACT: the value; else 0
  ListRecord list;                 // copy of one of LISTS; FUNCTION: zeros
  std::uint32_t nearest_rule = 0;  // the first of its rules
  BucketKind kind = BucketKind::EXACT;
  std::uint8_t access_mask = 0;  // of all its rules together
  std::uint8_t conditions = 0;   // bit c: one of its rules is in force on conditions c (ConditionFlag)
  std::uint8_t reserved = 0;
  std::uint64_t reserved2 = 0;
};

// One range of the group's range dimension in one rule ([0, max] where the rule does not constrain it).
// All entries of a list that contain [first, last] are found from the last one whose `first` fits: an entry
// that ends too early leads to `up`, past all others that end too early as well; the entries of such a chain
// lie within each other, so that overlap_max bounds it.
struct EntryRecord {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint32_t up =
      none_index;  // nearest entry before this one, in its list, with a greater `last`; index within the list
  std::uint32_t rule = 0;
};

enum RuleFlag : std::uint8_t {
  RULE_ESSENTIAL = 1U << 0,
  RULE_RECORD_EVERY = 1U << 1,  // monitoring: each permitted operation is an event
  RULE_RECORD_FIRST = 1U << 2,  // monitoring: the first permitted operation of a flow is an event
};

struct RuleRecord {
  ProtocolId protocol = ProtocolId::NONE;
  std::uint8_t flags = 0;        // RuleFlag
  std::uint8_t access_mask = 0;  // bit AccessClass; 0xFF = any
  std::uint8_t constrained = 0;  // bit d: dimension d must be present and contained
  std::uint8_t keys_constrained = 0;
  std::uint8_t reserved[3]{};
  std::uint32_t conduit = 0;
  std::uint32_t policy_rule =
      0;  // number of the `allow` in the policy, in order of appearance, 0-based: names it in events
  std::uint32_t limit = none_index;
  std::uint32_t grant = none_index;
  Slice
      values;  // into VALUES, all of one type; empty: value not constrained. One has to hold for each element
  std::uint32_t keys_first = 0;                         // into KEYS; one of each constrained key has to match
  std::array<std::uint16_t, key_count> keys{};          // patterns of each key
  std::uint32_t ranges_first = 0;                       // into RANGES
  std::array<std::uint16_t, dimension_count> ranges{};  // ranges of each dimension; 0: not constrained
  std::uint32_t reserved2 = 0;
};

enum class NumberType : std::uint8_t {
  NATURAL = 0,
  BOOL = 1,
  INT16 = 2,
  UINT16 = 3,
  INT32 = 4,
  UINT32 = 5,
  FLOAT32 = 6
};
enum class WordOrder : std::uint8_t { HIGH_FIRST = 0, LOW_FIRST = 1 };

// Inclusive. WORDS of a two-word type are read as an array that begins where the rule's range begins; an
// operation that covers a part of an element does not match. Integers compare in i64/u64, floats as double;
// NaN never satisfies.
struct ValueRecord {
  NumberType type = NumberType::NATURAL;
  WordOrder order = WordOrder::HIGH_FIRST;
  std::uint8_t has_min = 0;
  std::uint8_t has_max = 0;
  std::uint32_t reserved = 0;
  double min = 0;
  double max = 0;
};

struct KeyRecord {
  Slice octets;  // into KEY_BYTES; sorted by (kind, octets)
  std::uint8_t kind = 0;
  std::uint8_t prefix = 0;  // 1: the key begins with it; 0: is it
  std::uint8_t reserved[6]{};
};

struct LimitRecord {
  std::uint64_t state_id =
      0;  // stable across images (hash of conduit id and rule id): the running state is found by it
  std::uint64_t per_ns = 0;
  std::uint32_t operations = 0;  // so many at once, and so many more in each `per_ns` (GCRA)
  std::uint32_t reserved = 0;
};

// A layer-2 frame type or group that may cross. `ethertype` < 0x600 means 802.3/LLC with `dsap`.
struct EthernetRuleRecord {
  std::uint8_t port = 0;  // ingress
  std::uint8_t any_vlan = 0;
  std::uint16_t ethertype = 0;
  VlanKey vlan = 0;
  Mac destination{};  // matched where `any_destination` is 0
  std::uint8_t dsap = 0;
  std::uint8_t any_destination = 0;
  std::uint32_t source_asset = none_index;  // none: any source on that port
  std::uint32_t rule = 0;
  std::uint32_t conduit = 0;
};

struct GrantRecord {
  std::uint64_t deadline_ns = 0;  // monotonic clock of the data plane; 0 = not active
};

static_assert(sizeof(AddressRecord) == 32 && sizeof(BucketRecord) == 64 && sizeof(EntryRecord) == 24);
static_assert(sizeof(RuleRecord) == 64 && sizeof(ServiceRecord) == 36 && sizeof(GroupRecord) == 8);

struct MatchResult {
  std::uint32_t rule =
      none_index;  // RULES index that permits (the first in the group's order), none_index = denied
  // Permitted: NONE. Denied: how far the nearest rule went, in this order: FUNCTION_NOT_PERMITTED,
  // OBJECT_NOT_PERMITTED (a dimension or key), VALUE_NOT_PERMITTED, ISLAND_MODE, GRANT_REQUIRED.
  Reason reason = Reason::FUNCTION_NOT_PERMITTED;
  std::uint32_t nearest_rule = none_index;  // denied: a rule that permits the function and went so far
};

// What `match` needs to know of the moment.
struct MatchMoment {
  std::uint64_t now_ns = 0;  // monotonic
  bool island = false;
};

class RuleImage {
 public:
  RuleImage() noexcept = default;

  // Checks `bytes` (8-byte aligned, lives longer than the view). On success the view; else `broken` names the
  // first rule that is broken and the view is empty (`valid()` false).
  [[nodiscard]] static RuleImage open(Bytes bytes, const char*& broken) noexcept;

  [[nodiscard]] bool valid() const noexcept { return header_ != nullptr; }
  [[nodiscard]] const ImageHeader& header() const noexcept { return *header_; }

  [[nodiscard]] std::span<const ZoneRecord> zones() const noexcept {
    return section<ZoneRecord>(Section::ZONES);
  }
  [[nodiscard]] std::span<const AssetRecord> assets() const noexcept {
    return section<AssetRecord>(Section::ASSETS);
  }
  [[nodiscard]] std::span<const ConduitRecord> conduits() const noexcept {
    return section<ConduitRecord>(Section::CONDUITS);
  }
  [[nodiscard]] std::span<const ServiceRecord> services() const noexcept {
    return section<ServiceRecord>(Section::SERVICES);
  }
  [[nodiscard]] std::span<const RuleRecord> rules() const noexcept {
    return section<RuleRecord>(Section::RULES);
  }
  [[nodiscard]] std::span<const LimitRecord> limits() const noexcept {
    return section<LimitRecord>(Section::LIMITS);
  }
  [[nodiscard]] std::span<const EthernetRuleRecord> ethernet_rules() const noexcept {
    return section<EthernetRuleRecord>(Section::ETHERNET_RULES);
  }
  [[nodiscard]] std::span<const GrantRecord> grants() const noexcept {
    return section<GrantRecord>(Section::GRANTS);
  }
  [[nodiscard]] std::span<const MacBytes> macs_of(const AssetRecord& asset) const noexcept;
  // Empty: the rule does not constrain this dimension.
  [[nodiscard]] std::span<const Range> ranges_of(const RuleRecord& rule,
                                                 std::size_t dimension) const noexcept;

  // Asset with this address on this port, or none_index. Exact addresses before prefixes.
  [[nodiscard]] std::uint32_t find_asset(std::uint8_t port, VlanKey vlan,
                                         const Address& address) const noexcept;
  // Asset with this address on any port or VLAN (to tell "unknown" from "wrong zone", and for captures);
  // none_index if none.
  [[nodiscard]] std::uint32_t find_asset_anywhere(const Address& address) const noexcept;
  [[nodiscard]] std::uint32_t find_asset_by_mac(std::uint8_t port, VlanKey vlan,
                                                const Mac& mac) const noexcept;
  // Conduit that joins two zones (either order), or none_index.
  [[nodiscard]] std::uint32_t find_conduit(std::uint32_t zone_a, std::uint32_t zone_b) const noexcept;
  // SERVICES index for this pair of roles, transport and listening port, or none_index. `opened_by` CLIENT
  // finds services that the client may open, SERVER those that the server may open; EITHER finds any.
  [[nodiscard]] std::uint32_t find_service(std::uint32_t client, std::uint32_t server, Transport transport,
                                           std::uint16_t port, OpenedBy opened_by) const noexcept;
  // Is there any service between the two (either role)? For address resolution.
  [[nodiscard]] bool pair_exists(std::uint32_t asset_a, std::uint32_t asset_b) const noexcept;

  // The one matcher. A rule permits if its access mask, every constrained dimension (containment in one
  // range), keys and value constraint hold, it is essential in island mode, and its grant is active. Rate
  // limits are the caller's: on success `limits()[rules()[rule].limit]` is still to be asked. Cost: at most 2
  // × overlap_max rules are looked at, and at most 2 × overlap_max value ranges for each element of the
  // value.
  [[nodiscard]] MatchResult match(std::uint32_t group, const Operation& operation,
                                  MatchMoment moment) const noexcept;
  // Of an operation of which the function alone is known: is a rule in force that permits it on some object?
  // Then NONE, and `nearest_rule` is the first that names the function. Rules that need a grant count while
  // any is active.
  [[nodiscard]] MatchResult match_function(std::uint32_t group, const Operation& operation,
                                           MatchMoment moment) const noexcept;

 private:
  struct Search;  // one call of match
  struct Checks;  // one call of open

  template <typename Record>
  [[nodiscard]] std::span<const Record> section(Section which) const noexcept {
    const SectionRef& ref = header_->section[static_cast<std::size_t>(which)];
    return {reinterpret_cast<const Record*>(base_ + ref.offset), ref.count};
  }

  const std::uint8_t* base_ = nullptr;
  const ImageHeader* header_ = nullptr;
  // What `match` reads of the sections, so that it need not ask the header each time.
  const GroupRecord* groups_ = nullptr;
  const BucketRecord* buckets_ = nullptr;
  const std::uint32_t* cells_ = nullptr;
  const EntryRecord* entries_ = nullptr;
  const RuleRecord* rules_ = nullptr;
  const GrantRecord* grants_ = nullptr;
  std::size_t bucket_mask_ = 0;
};

}  // namespace conduit
