// `RuleImage::open`: everything that `match` and the finders rely on is checked here, once, in the order of
// the sections. The bytes may come from a broken or hostile process: no check relies on one that comes later,
// the work is linear in the size of the image (times the fixed bounds of the format), and whatever fits no
// rule is refused by the name of the rule.
#include <algorithm>
#include <bit>
#include <cstring>

#include "protocols/core/rule_image.hpp"
#include "protocols/core/rule_image_hash.hpp"

namespace conduit {
namespace {

using Broken = const char*;  // null: nothing is

struct SectionShape {
  std::uint32_t record_size;
  Broken misaligned, wrong_record, before_last, beyond_end;
};

#define SHAPE(name, size)                                             \
  SectionShape {                                                      \
    size, "section " name ": offset is no multiple of 64",            \
        "section " name ": record size is not that of this ABI",      \
        "section " name ": begins before the section before it ends", \
        "section " name ": reaches beyond the image"                  \
  }
constexpr SectionShape shapes[section_count] = {
    SHAPE("ZONES", sizeof(ZoneRecord)),
    SHAPE("ASSETS", sizeof(AssetRecord)),
    SHAPE("ADDRESSES", sizeof(AddressRecord)),
    SHAPE("PREFIXES", sizeof(PrefixRecord)),
    SHAPE("ASSET_MACS", sizeof(MacBytes)),
    SHAPE("MACS", sizeof(MacRecord)),
    SHAPE("CONDUITS", sizeof(ConduitRecord)),
    SHAPE("CONDUIT_ZONES", sizeof(ConduitZonesRecord)),
    SHAPE("PAIRS", sizeof(PairRecord)),
    SHAPE("SERVICES", sizeof(ServiceRecord)),
    SHAPE("GROUPS", sizeof(GroupRecord)),
    SHAPE("BUCKETS", sizeof(BucketRecord)),
    SHAPE("LISTS", sizeof(ListRecord)),
    SHAPE("CELLS", sizeof(std::uint32_t)),
    SHAPE("ENTRIES", sizeof(EntryRecord)),
    SHAPE("RULES", sizeof(RuleRecord)),
    SHAPE("RANGES", sizeof(Range)),
    SHAPE("VALUES", sizeof(ValueRecord)),
    SHAPE("KEYS", sizeof(KeyRecord)),
    SHAPE("KEY_BYTES", 1),
    SHAPE("LIMITS", sizeof(LimitRecord)),
    SHAPE("ETHERNET_RULES", sizeof(EthernetRuleRecord)),
    SHAPE("GRANTS", sizeof(GrantRecord)),
};
#undef SHAPE

bool within(Slice slice, std::size_t count) noexcept {
  return slice.first <= count && slice.count <= count - slice.first;
}

bool known(Transport transport) noexcept {
  switch (transport) {
    case Transport::TCP:
    case Transport::UDP:
    case Transport::ICMP:
    case Transport::ICMPV6: return true;
    case Transport::NONE:
    case Transport::ETHERNET: break;
  }
  return false;
}

bool denies(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::DROP:
    case Verdict::REFUSE:
    case Verdict::DISCARD:
    case Verdict::RESET: return true;
    case Verdict::FORWARD:
    case Verdict::HOLD: break;
  }
  return false;
}

bool is_opaque(ProtocolId protocol) noexcept {
  return protocol == ProtocolId::OPAQUE_TCP || protocol == ProtocolId::OPAQUE_UDP ||
         protocol == ProtocolId::ICMP;
}

struct TableRules {
  Broken size, run, unreachable;
};
#define TABLE_RULES(name)                                                                              \
  TableRules {                                                                                         \
    "section " name ": size is no power of two", "section " name ": too many occupied slots in a row", \
        "section " name ": a record that its own key does not find"                                    \
  }

// Hash tables: a power of two, runs of occupied slots bounded (and so at least one empty slot), each record
// is the one that a search for its key finds.
template <typename Record>
Broken check_table(std::span<const Record> table, const TableRules& rules) noexcept {
  if (!std::has_single_bit(table.size())) return rules.size;
  const std::size_t mask = table.size() - 1;
  std::size_t run = 0;
  for (std::size_t i = 0; i < table.size() + hash_run_max; ++i) {  // on past the end: a run may wrap
    run = image_hash::empty(table[i & mask]) ? 0 : run + 1;
    if (run > hash_run_max || run > mask) return rules.run;
  }
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (image_hash::empty(table[i])) continue;
    std::size_t at = image_hash::of(table[i]) & mask;
    while (!image_hash::empty(table[at]) && !image_hash::same_key(table[at], table[i])) at = (at + 1) & mask;
    if (at != i) return rules.unreachable;
  }
  return nullptr;
}

}  // namespace

struct RuleImage::Checks {
  const RuleImage& image;

  template <typename Record>
  std::span<const Record> all(Section which) const noexcept {
    return image.section<Record>(which);
  }
  std::size_t count(Section which) const noexcept {
    return image.header_->section[static_cast<std::size_t>(which)].count;
  }

  static Broken header(Bytes bytes) noexcept {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) return "image: not aligned to 8 octets";
    if (bytes.size() < sizeof(ImageHeader)) return "header: image is shorter";
    const auto& header = *reinterpret_cast<const ImageHeader*>(bytes.data());
    if (header.magic != image_magic) return "header: magic is not that of a rule image";
    if (header.abi != image_abi) return "header: another ABI";
    if (header.header_size != sizeof(ImageHeader)) return "header: header size is not that of this ABI";
    if (header.total_size != bytes.size()) return "header: total size is not the size of the image";
    if (header.port_count == 0 || header.port_count > 256) return "header: port count is not 1 to 256";
    std::uint64_t end = sizeof(ImageHeader);
    for (std::size_t i = 0; i < section_count; ++i) {
      const SectionRef& ref = header.section[i];
      if (ref.offset % 64 != 0) return shapes[i].misaligned;
      if (ref.record_size != shapes[i].record_size) return shapes[i].wrong_record;
      if (ref.offset < end) return shapes[i].before_last;
      if (ref.offset > bytes.size() || ref.count > (bytes.size() - ref.offset) / ref.record_size) {
        return shapes[i].beyond_end;
      }
      end = ref.offset + std::uint64_t{ref.count} * ref.record_size;
    }
    const std::uint32_t groups = header.section[static_cast<std::size_t>(Section::GROUPS)].count;
    return groups == 0 || groups != header.group_count ? "header: group count is not that of GROUPS"
                                                       : nullptr;
  }

  Broken zones_and_assets() const noexcept {
    for (const ZoneRecord& zone : image.zones()) {
      if (zone.port >= image.header_->port_count) return "section ZONES: port beyond the port count";
    }
    for (const AssetRecord& asset : image.assets()) {
      if (asset.zone >= count(Section::ZONES)) return "section ASSETS: zone index beyond ZONES";
      if (!within(asset.macs, count(Section::ASSET_MACS))) return "section ASSETS: MACs beyond ASSET_MACS";
      if (asset.router != none_index && asset.router >= count(Section::ASSETS)) {
        return "section ASSETS: router index beyond ASSETS";
      }
    }
    return nullptr;
  }

  Broken addresses() const noexcept {
    const auto table = all<AddressRecord>(Section::ADDRESSES);
    for (const AddressRecord& record : table) {
      if (image_hash::empty(record)) continue;
      if (record.asset >= count(Section::ASSETS)) return "section ADDRESSES: asset index beyond ASSETS";
    }
    if (const Broken broken = check_table(table, TABLE_RULES("ADDRESSES"))) return broken;
    const auto prefixes = all<PrefixRecord>(Section::PREFIXES);
    if (prefixes.size() > prefix_count_max) return "section PREFIXES: more than prefix_count_max";
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
      if (prefixes[i].asset >= count(Section::ASSETS)) return "section PREFIXES: asset index beyond ASSETS";
      if (prefixes[i].bits > 128) return "section PREFIXES: longer than 128 bits";
      if (i > 0 && prefixes[i].bits > prefixes[i - 1].bits) return "section PREFIXES: not the longest first";
    }
    const auto macs = all<MacRecord>(Section::MACS);
    for (const MacRecord& record : macs) {
      if (image_hash::empty(record)) continue;
      if (record.asset >= count(Section::ASSETS)) return "section MACS: asset index beyond ASSETS";
    }
    return check_table(macs, TABLE_RULES("MACS"));
  }

  Broken conduits() const noexcept {
    for (const ConduitRecord& conduit : image.conduits()) {
      if (conduit.zone_a >= count(Section::ZONES) || conduit.zone_b >= count(Section::ZONES)) {
        return "section CONDUITS: zone index beyond ZONES";
      }
      if (conduit.mode > Mode::OBSERVE) return "section CONDUITS: unknown mode";
      if (conduit.mid_stream > MidStream::RESYNC) return "section CONDUITS: unknown mid-stream choice";
      if (!denies(conduit.on_deny)) return "section CONDUITS: on_deny does not deny";
    }
    const auto sorted = all<ConduitZonesRecord>(Section::CONDUIT_ZONES);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const ConduitZonesRecord& now = sorted[i];
      if (now.conduit >= count(Section::CONDUITS))
        return "section CONDUIT_ZONES: conduit index beyond CONDUITS";
      if (i == 0) continue;
      const ConduitZonesRecord& last = sorted[i - 1];
      const bool ordered = last.zone_low != now.zone_low     ? last.zone_low < now.zone_low
                           : last.zone_high != now.zone_high ? last.zone_high < now.zone_high
                                                             : last.conduit < now.conduit;
      if (!ordered) return "section CONDUIT_ZONES: not sorted";
    }
    return nullptr;
  }

  Broken service(const ServiceRecord& service) const noexcept {
    if (service.client >= count(Section::ASSETS) || service.server >= count(Section::ASSETS)) {
      return "section SERVICES: asset index beyond ASSETS";
    }
    if (service.conduit >= count(Section::CONDUITS)) return "section SERVICES: conduit index beyond CONDUITS";
    if (!known(service.transport)) return "section SERVICES: unknown transport";
    if (service.protocol == ProtocolId::NONE) return "section SERVICES: no protocol";
    if (service.opened_by > OpenedBy::EITHER) return "section SERVICES: unknown opener";
    if (!denies(service.on_deny)) return "section SERVICES: on_deny does not deny";
    if (service.port_first > service.port_last) return "section SERVICES: last port below the first";
    if (service.request_group >= count(Section::GROUPS) ||
        service.unsolicited_group >= count(Section::GROUPS)) {
      return "section SERVICES: group index beyond GROUPS";
    }
    if (is_opaque(service.protocol) ? service.opaque_rule >= count(Section::RULES)
                                    : service.opaque_rule != none_index) {
      return "section SERVICES: opaque rule missing, beyond RULES or not asked for";
    }
    return nullptr;
  }

  Broken services() const noexcept {
    const auto pairs = all<PairRecord>(Section::PAIRS);
    if (const Broken broken = check_table(pairs, TABLE_RULES("PAIRS"))) return broken;
    for (const ServiceRecord& record : image.services()) {
      if (const Broken broken = service(record)) return broken;
    }
    for (const PairRecord& pair : pairs) {
      if (image_hash::empty(pair)) continue;
      if (!within(pair.services, count(Section::SERVICES))) return "section PAIRS: services beyond SERVICES";
      const auto slice = image.services().subspan(pair.services.first, pair.services.count);
      for (std::size_t i = 0; i < slice.size(); ++i) {
        // Also what keeps this loop linear: slices of different pairs cannot overlap.
        if (slice[i].client != pair.client || slice[i].server != pair.server) {
          return "section PAIRS: service of another pair";
        }
        if (i == 0) continue;
        const bool same_kind =
            slice[i - 1].transport == slice[i].transport && slice[i - 1].opened_by == slice[i].opened_by;
        const bool ordered = slice[i - 1].transport != slice[i].transport
                                 ? slice[i - 1].transport < slice[i].transport
                             : same_kind ? slice[i - 1].port_last < slice[i].port_first
                                         : slice[i - 1].opened_by < slice[i].opened_by;
        if (!ordered) return "section SERVICES: not sorted, or ports overlap";
      }
    }
    return nullptr;
  }

  Broken groups() const noexcept {
    const auto groups = all<GroupRecord>(Section::GROUPS);
    if (groups[0].bucket_kinds != 0) return "section GROUPS: the first one is not empty";
    for (const GroupRecord& group : groups) {
      for (const std::uint8_t dimension : {group.selector_dimension, group.range_dimension}) {
        if (dimension != no_dimension && dimension >= dimension_count)
          return "section GROUPS: no such dimension";
      }
      constexpr int selecting =
          1 << static_cast<int>(BucketKind::EXACT) | 1 << static_cast<int>(BucketKind::RANGED);
      if ((group.bucket_kinds & selecting) != 0 && group.selector_dimension == no_dimension) {
        return "section GROUPS: buckets by a selector that there is not";
      }
    }
    return nullptr;
  }

  // After LISTS.
  Broken buckets() const noexcept {
    const auto table = all<BucketRecord>(Section::BUCKETS);
    const auto lists = all<ListRecord>(Section::LISTS);
    for (const BucketRecord& bucket : table) {
      if (image_hash::empty(bucket)) continue;
      if (bucket.group >= count(Section::GROUPS)) return "section BUCKETS: group index beyond GROUPS";
      if (bucket.kind > BucketKind::FUNCTION) return "section BUCKETS: unknown kind";
      const GroupRecord& group = all<GroupRecord>(Section::GROUPS)[bucket.group];
      if ((group.bucket_kinds >> static_cast<int>(bucket.kind) & 1) == 0)
        return "section BUCKETS: kind not in its group";
      if (bucket.kind != BucketKind::EXACT && bucket.selector != 0)
        return "section BUCKETS: selector without use";
      if (bucket.nearest_rule >= count(Section::RULES)) return "section BUCKETS: rule index beyond RULES";
      if (bucket.kind == BucketKind::FUNCTION) {
        if (bucket.list != ListRecord{}) return "section BUCKETS: list without use";
        continue;
      }
      const auto list =
          std::lower_bound(lists.begin(), lists.end(), bucket.list.entries.first,
                           [](const ListRecord& l, std::uint32_t first) { return l.entries.first < first; });
      if (list == lists.end() || *list != bucket.list) return "section BUCKETS: list is none of LISTS";
    }
    return check_table(table, TABLE_RULES("BUCKETS"));
  }

  // Rules that overlap in a point, found by a sweep: what has not ended yet is kept in a bounded array.
  Broken overlap(std::span<const EntryRecord> list) const noexcept {
    struct Living {
      std::uint64_t last;
      std::uint32_t weight;
    };
    std::array<Living, overlap_max> living;
    std::size_t living_count = 0;
    for (const EntryRecord& entry : list) {
      std::size_t kept = 0;
      std::uint32_t weight = std::max(image.rules()[entry.rule].values.count, 1U);
      const Living now{entry.last, weight};
      for (std::size_t i = 0; i < living_count; ++i) {
        if (living[i].last < entry.first) continue;
        weight += living[i].weight;
        living[kept++] = living[i];
      }
      if (weight > overlap_max) return "section ENTRIES: more than overlap_max rules overlap";
      living[kept++] = now;  // weights are at least 1 each: kept < overlap_max here
      living_count = kept;
    }
    return nullptr;
  }

  Broken entries(std::span<const EntryRecord> list) const noexcept {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].rule >= count(Section::RULES)) return "section ENTRIES: rule index beyond RULES";
      if (list[i].first > list[i].last) return "section ENTRIES: ends before it begins";
      if (i > 0 && list[i].first < list[i - 1].first) return "section ENTRIES: not sorted";
      // Follow the links already checked: all that lies between must end no later than this one.
      std::uint32_t above = i == 0 ? none_index : static_cast<std::uint32_t>(i - 1);
      while (above != none_index && list[above].last <= list[i].last) above = list[above].up;
      if (list[i].up != above) return "section ENTRIES: up is not the nearest entry that ends later";
    }
    return overlap(list);
  }

  // After `entries`: sorted.
  Broken cells(const ListRecord& list, std::span<const EntryRecord> entries,
               std::size_t next) const noexcept {
    const auto cells = all<std::uint32_t>(Section::CELLS);
    bool disjoint = true;
    for (std::size_t i = 1; i < entries.size(); ++i)
      disjoint = disjoint && entries[i - 1].last < entries[i].first;
    if ((list.disjoint != 0) != disjoint) return "section LISTS: disjoint does not agree with the entries";
    if (list.shift > 63) return "section LISTS: shift of a whole number";
    if (list.base != entries.front().first) return "section LISTS: base is not where its entries begin";
    if ((entries.back().first - list.base) >> list.shift != list.cell_last) {
      return "section LISTS: last cell is not that of its last entry";
    }
    if (list.cells_first != next) return "section LISTS: cells do not follow those of the list before";
    if (next > cells.size() || cells.size() - next < std::size_t{list.cell_last} + 2) {
      return "section LISTS: cells beyond CELLS";
    }
    std::size_t before = 0;
    for (std::size_t c = 0; c <= std::size_t{list.cell_last} + 1; ++c) {
      while (before < entries.size() && (entries[before].first - list.base) >> list.shift < c) ++before;
      if (cells[next + c] != before) return "section CELLS: not the number of entries that begin before";
    }
    return nullptr;
  }

  // After RULES.
  Broken lists() const noexcept {
    const auto all_entries = all<EntryRecord>(Section::ENTRIES);
    std::size_t next = 0;
    std::size_t next_cell = 0;
    for (const ListRecord& list : all<ListRecord>(Section::LISTS)) {
      if (list.entries.first != next || list.entries.count == 0 ||
          !within(list.entries, all_entries.size())) {
        return "section LISTS: empty, a gap, or beyond ENTRIES";
      }
      next += list.entries.count;
      const auto of_list = all_entries.subspan(list.entries.first, list.entries.count);
      if (const Broken broken = entries(of_list)) return broken;
      if (const Broken broken = cells(list, of_list, next_cell)) return broken;
      next_cell += std::size_t{list.cell_last} + 2;
    }
    if (next_cell != count(Section::CELLS)) return "section CELLS: cells that belong to no list";
    return next != all_entries.size() ? "section ENTRIES: entries that belong to no list" : nullptr;
  }

  Broken ranges(const RuleRecord& rule, std::size_t& next) const noexcept {
    const auto ranges = all<Range>(Section::RANGES);
    if (rule.ranges_first != next) return "section RULES: ranges do not follow those of the rule before";
    for (std::size_t d = 0; d < dimension_count; ++d) {
      if ((rule.ranges[d] != 0) != ((rule.constrained >> d & 1) != 0)) {
        return "section RULES: constrained does not agree with the ranges";
      }
      if (rule.ranges[d] > ranges.size() - next) return "section RULES: ranges beyond RANGES";
      for (std::size_t i = 0; i < rule.ranges[d]; ++i) {
        const Range& range = ranges[next + i];
        if (range.first > range.last) return "section RANGES: ends before it begins";
        if (i > 0 &&
            (range.first <= ranges[next + i - 1].last || range.first - 1 == ranges[next + i - 1].last)) {
          return "section RANGES: not sorted, or touching";
        }
      }
      next += rule.ranges[d];
    }
    return nullptr;
  }

  Broken values(const RuleRecord& rule, std::size_t& next) const noexcept {
    const auto values = all<ValueRecord>(Section::VALUES);
    if (rule.values.first != next) return "section RULES: values do not follow those of the rule before";
    if (rule.values.count > value_count_max) return "section RULES: more than value_count_max values";
    if (!within(rule.values, values.size())) return "section RULES: values beyond VALUES";
    for (const ValueRecord& value : values.subspan(next, rule.values.count)) {
      if (value.type > NumberType::FLOAT32) return "section VALUES: unknown type";
      if (value.order > WordOrder::LOW_FIRST) return "section VALUES: unknown word order";
      if (value.type != values[next].type || value.order != values[next].order) {
        return "section VALUES: types of one rule differ";
      }
      if (value.min != value.min || value.max != value.max) return "section VALUES: a bound is not a number";
    }
    next += rule.values.count;
    return nullptr;
  }

  Broken keys(const RuleRecord& rule, std::size_t& next, std::size_t& next_octet) const noexcept {
    const auto keys = all<KeyRecord>(Section::KEYS);
    const auto octets = all<std::uint8_t>(Section::KEY_BYTES);
    if (rule.keys_first != next) return "section RULES: keys do not follow those of the rule before";
    for (std::size_t k = 0; k < key_count; ++k) {
      if ((rule.keys[k] != 0) != ((rule.keys_constrained >> k & 1) != 0)) {
        return "section RULES: keys_constrained does not agree with the keys";
      }
      if (rule.keys[k] > keys.size() - next) return "section RULES: keys beyond KEYS";
      for (std::size_t i = 0; i < rule.keys[k]; ++i) {
        const KeyRecord& key = keys[next + i];
        if (key.octets.first != next_octet)
          return "section KEYS: octets do not follow those of the key before";
        if (!within(key.octets, octets.size())) return "section KEYS: octets beyond KEY_BYTES";
        next_octet += key.octets.count;
        if (i > 0 && !ordered(keys[next + i - 1], key, octets.data())) {
          return "section KEYS: not sorted, or one begins with a prefix before it";
        }
      }
      next += rule.keys[k];
    }
    return nullptr;
  }

  static bool ordered(const KeyRecord& a, const KeyRecord& b, const std::uint8_t* octets) noexcept {
    if (a.kind != b.kind) return a.kind < b.kind;
    const std::size_t common = std::min(a.octets.count, b.octets.count);
    const int order = common == 0 ? 0 : std::memcmp(octets + a.octets.first, octets + b.octets.first, common);
    if (order != 0) return order < 0;
    return a.octets.count < b.octets.count && a.prefix == 0;
  }

  Broken rules() const noexcept {
    std::size_t next_range = 0;
    std::size_t next_value = 0;
    std::size_t next_key = 0;
    std::size_t next_octet = 0;
    for (const RuleRecord& rule : image.rules()) {
      if (rule.conduit >= count(Section::CONDUITS)) return "section RULES: conduit index beyond CONDUITS";
      if (rule.limit != none_index && rule.limit >= count(Section::LIMITS)) {
        return "section RULES: limit index beyond LIMITS";
      }
      if (rule.grant != none_index && rule.grant >= count(Section::GRANTS)) {
        return "section RULES: grant index beyond GRANTS";
      }
      if (const Broken broken = ranges(rule, next_range)) return broken;
      if (const Broken broken = values(rule, next_value)) return broken;
      if (const Broken broken = keys(rule, next_key, next_octet)) return broken;
    }
    if (next_range != count(Section::RANGES)) return "section RANGES: ranges that belong to no rule";
    if (next_value != count(Section::VALUES)) return "section VALUES: values that belong to no rule";
    if (next_key != count(Section::KEYS)) return "section KEYS: keys that belong to no rule";
    return next_octet != count(Section::KEY_BYTES) ? "section KEY_BYTES: octets that belong to no key"
                                                   : nullptr;
  }

  Broken rest() const noexcept {
    for (const LimitRecord& limit : image.limits()) {
      if (limit.per_ns == 0 || limit.operations == 0) return "section LIMITS: nothing in no time";
    }
    for (const EthernetRuleRecord& record : image.ethernet_rules()) {
      if (record.port >= image.header_->port_count)
        return "section ETHERNET_RULES: port beyond the port count";
      if (record.source_asset != none_index && record.source_asset >= count(Section::ASSETS)) {
        return "section ETHERNET_RULES: asset index beyond ASSETS";
      }
      if (record.rule >= count(Section::RULES)) return "section ETHERNET_RULES: rule index beyond RULES";
      if (record.conduit >= count(Section::CONDUITS))
        return "section ETHERNET_RULES: conduit index beyond CONDUITS";
    }
    return nullptr;
  }
};

RuleImage RuleImage::open(Bytes bytes, const char*& broken) noexcept {
  RuleImage image;
  broken = Checks::header(bytes);
  if (broken != nullptr) return {};
  image.base_ = bytes.data();
  image.header_ = reinterpret_cast<const ImageHeader*>(bytes.data());
  using Check = Broken (Checks::*)() const noexcept;
  constexpr Check in_order[] = {&Checks::zones_and_assets,
                                &Checks::addresses,
                                &Checks::conduits,
                                &Checks::services,
                                &Checks::groups,
                                &Checks::rules,
                                &Checks::lists,
                                &Checks::buckets,
                                &Checks::rest};
  const Checks checks{image};
  for (const Check check : in_order) {
    broken = (checks.*check)();
    if (broken != nullptr) return {};
  }
  image.groups_ = checks.all<GroupRecord>(Section::GROUPS).data();
  image.buckets_ = checks.all<BucketRecord>(Section::BUCKETS).data();
  image.bucket_mask_ = checks.count(Section::BUCKETS) - 1;
  image.cells_ = checks.all<std::uint32_t>(Section::CELLS).data();
  image.entries_ = checks.all<EntryRecord>(Section::ENTRIES).data();
  image.rules_ = checks.all<RuleRecord>(Section::RULES).data();
  image.grants_ = checks.all<GrantRecord>(Section::GRANTS).data();
  return image;
}

}  // namespace conduit
