// Each rule of `RuleImage::open` against an image that breaks this rule. The last test reads the source: a
// rule without an image here fails it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string>

#include "tests/support/rich_image.hpp"

using namespace conduit;
using test_image::Mutable;

namespace {

std::string opened(Bytes bytes) {
  const char* broken = nullptr;
  const RuleImage image = RuleImage::open(bytes, broken);
  CHECK(image.valid() == (broken == nullptr));
  return broken == nullptr ? "" : broken;
}

template <typename Record>
Record& first_used(Mutable& image, Section section) {
  for (Record& record : image.all<Record>(section)) {
    if constexpr (requires { record.group; }) {
      if (record.group != none_index) return record;
    } else if constexpr (requires { record.client; }) {
      if (record.client != none_index) return record;
    } else {
      if (record.asset != none_index) return record;
    }
  }
  FAIL("an empty table");
  return image.all<Record>(section)[0];
}

BucketRecord& bucket_of(Mutable& image, BucketKind kind) {
  for (BucketRecord& bucket : image.all<BucketRecord>(Section::BUCKETS)) {
    if (bucket.group != none_index && bucket.kind == kind) return bucket;
  }
  FAIL("no bucket of this kind");
  return image.all<BucketRecord>(Section::BUCKETS)[0];
}

// The first rule (number 0 to 11 as in rich_rules) and the first record that hangs on it.
RuleRecord& rule(Mutable& image, std::size_t index) { return image.all<RuleRecord>(Section::RULES)[index]; }
ValueRecord& value(Mutable& image, std::size_t index) {
  return image.all<ValueRecord>(Section::VALUES)[index];
}
KeyRecord& key(Mutable& image, std::size_t index) { return image.all<KeyRecord>(Section::KEYS)[index]; }
ListRecord& list(Mutable& image, std::size_t index = 0) {
  return image.all<ListRecord>(Section::LISTS)[index];
}
std::span<EntryRecord> entries(Mutable& image, const ListRecord& of) {
  return image.all<EntryRecord>(Section::ENTRIES).subspan(of.entries.first, of.entries.count);
}
// A list of several entries of which some have a greater one before.
ListRecord& long_list(Mutable& image) {
  for (ListRecord& record : image.all<ListRecord>(Section::LISTS)) {
    if (record.entries.count > 3 && entries(image, record)[2].up == 0) return record;
  }
  FAIL("no list that overlaps");
  return list(image);
}
ServiceRecord& service(Mutable& image, std::size_t index) {
  return image.all<ServiceRecord>(Section::SERVICES)[index];
}
AssetRecord& asset(Mutable& image, std::size_t index) {
  return image.all<AssetRecord>(Section::ASSETS)[index];
}
ConduitRecord& conduit_(Mutable& image) { return image.all<ConduitRecord>(Section::CONDUITS)[0]; }
EthernetRuleRecord& ethernet(Mutable& image) {
  return image.all<EthernetRuleRecord>(Section::ETHERNET_RULES)[0];
}

constexpr std::uint32_t far = 1'000'000;

struct Row {
  const char* rule;
  void (*breaks)(Mutable& image);
};

const Row rows[] = {
    {"header: magic is not that of a rule image", [](Mutable& m) { m.header().magic ^= 1; }},
    {"header: another ABI", [](Mutable& m) { ++m.header().abi; }},
    {"header: header size is not that of this ABI", [](Mutable& m) { ++m.header().header_size; }},
    {"header: total size is not the size of the image", [](Mutable& m) { ++m.header().total_size; }},
    {"header: port count is not 1 to 256", [](Mutable& m) { m.header().port_count = 0; }},
    {"header: port count is not 1 to 256", [](Mutable& m) { m.header().port_count = 257; }},
    {"header: group count is not that of GROUPS", [](Mutable& m) { ++m.header().group_count; }},
    {"header: group count is not that of GROUPS",
     [](Mutable& m) { m.header().group_count = m.ref(Section::GROUPS).count = 0; }},
    {"section ZONES: port beyond the port count",
     [](Mutable& m) { m.all<ZoneRecord>(Section::ZONES)[0].port = 2; }},
    {"section ASSETS: zone index beyond ZONES", [](Mutable& m) { asset(m, 0).zone = 3; }},
    {"section ASSETS: MACs beyond ASSET_MACS", [](Mutable& m) { asset(m, 2).macs.count = far; }},
    {"section ASSETS: MACs beyond ASSET_MACS",
     [](Mutable& m) {
       asset(m, 2).macs = {far, 0};
     }},
    {"section ASSETS: router index beyond ASSETS", [](Mutable& m) { asset(m, 2).router = 3; }},
    {"section ADDRESSES: asset index beyond ASSETS",
     [](Mutable& m) { first_used<AddressRecord>(m, Section::ADDRESSES).asset = 3; }},
    {"section PREFIXES: asset index beyond ASSETS",
     [](Mutable& m) { m.all<PrefixRecord>(Section::PREFIXES)[0].asset = 3; }},
    {"section PREFIXES: longer than 128 bits",
     [](Mutable& m) { m.all<PrefixRecord>(Section::PREFIXES)[0].bits = 129; }},
    {"section PREFIXES: not the longest first",
     [](Mutable& m) { m.all<PrefixRecord>(Section::PREFIXES)[1].bits = 128; }},
    {"section MACS: asset index beyond ASSETS",
     [](Mutable& m) { first_used<MacRecord>(m, Section::MACS).asset = 3; }},
    {"section CONDUITS: zone index beyond ZONES", [](Mutable& m) { conduit_(m).zone_a = 3; }},
    {"section CONDUITS: zone index beyond ZONES", [](Mutable& m) { conduit_(m).zone_b = 3; }},
    {"section CONDUITS: unknown mode", [](Mutable& m) { conduit_(m).mode = static_cast<Mode>(2); }},
    {"section CONDUITS: unknown mid-stream choice",
     [](Mutable& m) { conduit_(m).mid_stream = static_cast<MidStream>(2); }},
    {"section CONDUITS: on_deny does not deny", [](Mutable& m) { conduit_(m).on_deny = Verdict::FORWARD; }},
    {"section CONDUITS: on_deny does not deny", [](Mutable& m) { conduit_(m).on_deny = Verdict::HOLD; }},
    {"section CONDUITS: on_deny does not deny",
     [](Mutable& m) { conduit_(m).on_deny = static_cast<Verdict>(6); }},
    {"section CONDUIT_ZONES: conduit index beyond CONDUITS",
     [](Mutable& m) { m.all<ConduitZonesRecord>(Section::CONDUIT_ZONES)[0].conduit = 2; }},
    {"section CONDUIT_ZONES: not sorted",
     [](Mutable& m) { m.all<ConduitZonesRecord>(Section::CONDUIT_ZONES)[0].zone_high = 3; }},
    {"section SERVICES: asset index beyond ASSETS", [](Mutable& m) { service(m, 0).client = 3; }},
    {"section SERVICES: asset index beyond ASSETS", [](Mutable& m) { service(m, 0).server = 3; }},
    {"section SERVICES: conduit index beyond CONDUITS", [](Mutable& m) { service(m, 0).conduit = 2; }},
    {"section SERVICES: unknown transport",
     [](Mutable& m) { service(m, 0).transport = Transport::ETHERNET; }},
    {"section SERVICES: unknown transport",
     [](Mutable& m) { service(m, 0).transport = static_cast<Transport>(7); }},
    {"section SERVICES: no protocol", [](Mutable& m) { service(m, 0).protocol = ProtocolId::NONE; }},
    {"section SERVICES: unknown opener",
     [](Mutable& m) { service(m, 0).opened_by = static_cast<OpenedBy>(3); }},
    {"section SERVICES: on_deny does not deny", [](Mutable& m) { service(m, 0).on_deny = Verdict::FORWARD; }},
    {"section SERVICES: last port below the first", [](Mutable& m) { service(m, 0).port_last = 1; }},
    {"section SERVICES: group index beyond GROUPS", [](Mutable& m) { service(m, 0).request_group = 5; }},
    {"section SERVICES: group index beyond GROUPS", [](Mutable& m) { service(m, 0).unsolicited_group = 5; }},
    {"section SERVICES: opaque rule missing, beyond RULES or not asked for",
     [](Mutable& m) { service(m, 0).opaque_rule = 0; }},
    {"section SERVICES: opaque rule missing, beyond RULES or not asked for",
     [](Mutable& m) { service(m, 3).opaque_rule = none_index; }},
    {"section PAIRS: services beyond SERVICES",
     [](Mutable& m) { first_used<PairRecord>(m, Section::PAIRS).services.count = 5; }},
    {"section PAIRS: service of another pair", [](Mutable& m) { service(m, 0).client = 2; }},
    {"section SERVICES: not sorted, or ports overlap",
     [](Mutable& m) { service(m, 0).port_first = service(m, 0).port_last = 504; }},
    {"section SERVICES: not sorted, or ports overlap", [](Mutable& m) { service(m, 0).port_last = 503; }},
    {"section SERVICES: not sorted, or ports overlap",
     [](Mutable& m) { service(m, 0).opened_by = OpenedBy::EITHER; }},
    {"section SERVICES: not sorted, or ports overlap",
     [](Mutable& m) { service(m, 0).transport = Transport::UDP; }},
    {"section GROUPS: the first one is not empty",
     [](Mutable& m) { m.all<GroupRecord>(Section::GROUPS)[0].bucket_kinds = 2; }},
    {"section GROUPS: no such dimension",
     [](Mutable& m) { m.all<GroupRecord>(Section::GROUPS)[1].range_dimension = 8; }},
    {"section GROUPS: buckets by a selector that there is not",
     [](Mutable& m) { m.all<GroupRecord>(Section::GROUPS)[1].selector_dimension = no_dimension; }},
    {"section RULES: conduit index beyond CONDUITS", [](Mutable& m) { rule(m, 0).conduit = 2; }},
    {"section RULES: limit index beyond LIMITS", [](Mutable& m) { rule(m, 5).limit = 1; }},
    {"section RULES: grant index beyond GRANTS", [](Mutable& m) { rule(m, 6).grant = 2; }},
    {"section RULES: ranges do not follow those of the rule before",
     [](Mutable& m) { ++rule(m, 1).ranges_first; }},
    {"section RULES: constrained does not agree with the ranges",
     [](Mutable& m) { rule(m, 0).constrained = 7; }},
    {"section RULES: constrained does not agree with the ranges",
     [](Mutable& m) { rule(m, 0).constrained = 1; }},
    {"section RULES: ranges beyond RANGES", [](Mutable& m) { rule(m, 0).ranges[0] = 0xFFFF; }},
    {"section RANGES: ends before it begins",
     [](Mutable& m) {
       m.all<Range>(Section::RANGES)[0] = {5, 4};
     }},
    {"section RANGES: not sorted, or touching",
     [](Mutable& m) { m.all<Range>(Section::RANGES)[rule(m, 1).ranges_first + 1U].first = 3; }},
    {"section RANGES: not sorted, or touching",
     [](Mutable& m) {
       m.all<Range>(Section::RANGES)[rule(m, 1).ranges_first + 1U] = {0, 9};
     }},
    {"section RULES: values do not follow those of the rule before",
     [](Mutable& m) { rule(m, 0).values.first = 1; }},
    {"section RULES: more than value_count_max values", [](Mutable& m) { rule(m, 3).values.count = 17; }},
    {"section RULES: values beyond VALUES", [](Mutable& m) { rule(m, 3).values.count = 3; }},
    {"section VALUES: unknown type", [](Mutable& m) { value(m, 0).type = static_cast<NumberType>(7); }},
    {"section VALUES: unknown word order", [](Mutable& m) { value(m, 0).order = static_cast<WordOrder>(2); }},
    {"section VALUES: types of one rule differ", [](Mutable& m) { value(m, 1).type = NumberType::INT16; }},
    {"section VALUES: types of one rule differ",
     [](Mutable& m) { value(m, 1).order = WordOrder::HIGH_FIRST; }},
    {"section VALUES: a bound is not a number",
     [](Mutable& m) { value(m, 0).max = std::numeric_limits<double>::quiet_NaN(); }},
    {"section RULES: keys do not follow those of the rule before",
     [](Mutable& m) { ++rule(m, 0).keys_first; }},
    {"section RULES: keys_constrained does not agree with the keys",
     [](Mutable& m) { rule(m, 4).keys_constrained = 1; }},
    {"section RULES: keys beyond KEYS", [](Mutable& m) { rule(m, 4).keys[0] = 5; }},
    {"section KEYS: octets do not follow those of the key before",
     [](Mutable& m) { ++key(m, 1).octets.first; }},
    {"section KEYS: octets beyond KEY_BYTES", [](Mutable& m) { key(m, 3).octets.count = 2; }},
    {"section KEYS: not sorted, or one begins with a prefix before it",
     [](Mutable& m) { key(m, 0).kind = 1; }},
    {"section KEYS: not sorted, or one begins with a prefix before it",
     [](Mutable& m) { m.all<std::uint8_t>(Section::KEY_BYTES)[2] = 'd'; }},
    {"section KEYS: not sorted, or one begins with a prefix before it",
     [](Mutable& m) {
       key(m, 0).prefix = 1;  // "ab", prefix; then "cabd" made "abbd" begins with it
       key(m, 0).octets.count = 2;
       key(m, 1).octets = {2, 4};
       std::memcpy(m.all<std::uint8_t>(Section::KEY_BYTES).data(), "ababbd", 6);
     }},
    {"section RANGES: ranges that belong to no rule", [](Mutable& m) { m.grow(Section::RANGES); }},
    {"section VALUES: values that belong to no rule", [](Mutable& m) { m.grow(Section::VALUES); }},
    {"section KEYS: keys that belong to no rule", [](Mutable& m) { m.grow(Section::KEYS); }},
    {"section KEY_BYTES: octets that belong to no key", [](Mutable& m) { m.grow(Section::KEY_BYTES); }},
    {"section ENTRIES: rule index beyond RULES", [](Mutable& m) { entries(m, list(m))[0].rule = far; }},
    {"section ENTRIES: ends before it begins",
     [](Mutable& m) {
       entries(m, list(m))[0] = {9, 8, none_index, 0};
     }},
    {"section ENTRIES: not sorted", [](Mutable& m) { entries(m, long_list(m))[3].first = 0; }},
    {"section ENTRIES: up is not the nearest entry that ends later",
     [](Mutable& m) { entries(m, long_list(m))[2].up = none_index; }},
    {"section ENTRIES: up is not the nearest entry that ends later",
     [](Mutable& m) { entries(m, long_list(m))[2].up = 2; }},
    {"section LISTS: shift of a whole number", [](Mutable& m) { list(m).shift = 64; }},
    {"section LISTS: base is not where its entries begin", [](Mutable& m) { ++list(m).base; }},
    {"section LISTS: disjoint does not agree with the entries",
     [](Mutable& m) { long_list(m).disjoint = 1; }},
    {"section LISTS: last cell is not that of its last entry", [](Mutable& m) { ++list(m).cell_last; }},
    {"section LISTS: cells do not follow those of the list before",
     [](Mutable& m) { ++list(m).cells_first; }},
    {"section LISTS: cells beyond CELLS", [](Mutable& m) { m.ref(Section::CELLS).count = 1; }},
    {"section CELLS: not the number of entries that begin before",
     [](Mutable& m) { ++m.all<std::uint32_t>(Section::CELLS)[0]; }},
    {"section CELLS: cells that belong to no list", [](Mutable& m) { m.grow(Section::CELLS); }},
    {"section LISTS: empty, a gap, or beyond ENTRIES", [](Mutable& m) { list(m).entries.count = 0; }},
    {"section LISTS: empty, a gap, or beyond ENTRIES", [](Mutable& m) { ++list(m, 1).entries.first; }},
    {"section LISTS: empty, a gap, or beyond ENTRIES", [](Mutable& m) { --m.ref(Section::ENTRIES).count; }},
    {"section ENTRIES: entries that belong to no list", [](Mutable& m) { m.grow(Section::ENTRIES); }},
    {"section BUCKETS: group index beyond GROUPS",
     [](Mutable& m) { bucket_of(m, BucketKind::EXACT).group = far; }},
    {"section BUCKETS: unknown kind",
     [](Mutable& m) { bucket_of(m, BucketKind::EXACT).kind = static_cast<BucketKind>(4); }},
    {"section BUCKETS: kind not in its group", [](Mutable& m) { bucket_of(m, BucketKind::EXACT).group = 0; }},
    {"section BUCKETS: selector without use", [](Mutable& m) { bucket_of(m, BucketKind::ANY).selector = 1; }},
    {"section BUCKETS: rule index beyond RULES",
     [](Mutable& m) { bucket_of(m, BucketKind::EXACT).nearest_rule = far; }},
    {"section BUCKETS: list without use",
     [](Mutable& m) { bucket_of(m, BucketKind::FUNCTION).list = list(m); }},
    {"section BUCKETS: list is none of LISTS",
     [](Mutable& m) { ++bucket_of(m, BucketKind::EXACT).list.cells_first; }},
    {"section BUCKETS: list is none of LISTS",
     [](Mutable& m) { bucket_of(m, BucketKind::EXACT).list.entries = {far, 1}; }},
    {"section LIMITS: nothing in no time",
     [](Mutable& m) { m.all<LimitRecord>(Section::LIMITS)[0].per_ns = 0; }},
    {"section LIMITS: nothing in no time",
     [](Mutable& m) { m.all<LimitRecord>(Section::LIMITS)[0].operations = 0; }},
    {"section ETHERNET_RULES: port beyond the port count", [](Mutable& m) { ethernet(m).port = 2; }},
    {"section ETHERNET_RULES: asset index beyond ASSETS", [](Mutable& m) { ethernet(m).source_asset = 3; }},
    {"section ETHERNET_RULES: rule index beyond RULES", [](Mutable& m) { ethernet(m).rule = far; }},
    {"section ETHERNET_RULES: conduit index beyond CONDUITS", [](Mutable& m) { ethernet(m).conduit = 2; }},
};

// Names of the sections in their order, as the messages spell them.
constexpr const char* section_names[section_count] = {
    "ZONES",    "ASSETS",        "ADDRESSES", "PREFIXES",       "ASSET_MACS", "MACS",
    "CONDUITS", "CONDUIT_ZONES", "PAIRS",     "SERVICES",       "GROUPS",     "BUCKETS",
    "LISTS",    "CELLS",         "ENTRIES",   "RULES",          "RANGES",     "VALUES",
    "KEYS",     "KEY_BYTES",     "LIMITS",    "ETHERNET_RULES", "GRANTS"};

std::string named(std::size_t section, const char* rule) {
  return std::string("section ") + section_names[section] + ": " + rule;
}

// All free slots become copies of one record: a full table, or a record that its key does not find.
template <typename Record>
void fill(Mutable& image, Section section, std::size_t at_most) {
  const Record record = first_used<Record>(image, section);
  for (Record& slot : image.all<Record>(section)) {
    const bool free = std::memcmp(&slot, &record, sizeof record) != 0 && [&slot] {
      if constexpr (requires { slot.group; })
        return slot.group == none_index;
      else if constexpr (requires { slot.client; })
        return slot.client == none_index;
      else
        return slot.asset == none_index;
    }();
    if (free && at_most > 0) {
      slot = record;
      --at_most;
    }
  }
}

template <typename Record>
void check_table(Section section) {
  const auto number = static_cast<std::size_t>(section);
  CAPTURE(section_names[number]);
  Mutable no_size(test_image::rich_source());
  no_size.ref(section).count = 0;
  CHECK(opened(no_size.bytes()) == named(number, "size is no power of two"));
  Mutable full(test_image::rich_source());
  fill<Record>(full, section, full.ref(section).count);
  CHECK(opened(full.bytes()) == named(number, "too many occupied slots in a row"));
  Mutable twice(test_image::rich_source());
  fill<Record>(twice, section, 1);
  CHECK(opened(twice.bytes()) == named(number, "a record that its own key does not find"));
}

}  // namespace

TEST_CASE("an unbroken image opens") {
  const Mutable image(test_image::rich_source());
  CHECK(opened(image.bytes()) == "");
}

TEST_CASE("each rule of open refuses the image that breaks it") {
  for (const Row& row : rows) {
    CAPTURE(row.rule);
    Mutable image(test_image::rich_source());
    row.breaks(image);
    CHECK(opened(image.bytes()) == row.rule);
  }
}

TEST_CASE("sections lie where they may") {
  for (std::size_t i = 0; i < section_count; ++i) {
    CAPTURE(section_names[i]);
    const auto section = static_cast<Section>(i);
    Mutable image(test_image::rich_source());
    const SectionRef good = image.ref(section);
    const auto broken = [&](SectionRef ref) {
      image.ref(section) = ref;
      const std::string rule = opened(image.bytes());
      image.ref(section) = good;
      return rule;
    };
    CHECK(broken({good.offset + 1, good.count, good.record_size}) == named(i, "offset is no multiple of 64"));
    CHECK(broken({good.offset, good.count, good.record_size + 1}) ==
          named(i, "record size is not that of this ABI"));
    CHECK(broken({0, good.count, good.record_size}) == named(i, "begins before the section before it ends"));
    CHECK(broken({good.offset, 0xFFFFFFFF, good.record_size}) == named(i, "reaches beyond the image"));
    CHECK(broken({std::uint64_t{0} - 64, 1, good.record_size}) == named(i, "reaches beyond the image"));
  }
}

TEST_CASE("tables hold what their keys find, and end every search") {
  check_table<AddressRecord>(Section::ADDRESSES);
  check_table<MacRecord>(Section::MACS);
  check_table<PairRecord>(Section::PAIRS);
  check_table<BucketRecord>(Section::BUCKETS);
}

TEST_CASE("an image is aligned and holds its header") {
  const Mutable image(test_image::rich_source());
  const Bytes bytes = image.bytes();
  CHECK(opened(bytes.subspan(4)) == "image: not aligned to 8 octets");
  CHECK(opened(bytes.first(sizeof(ImageHeader) - 8)) == "header: image is shorter");
  CHECK(opened(bytes.first(bytes.size() - 8)) == "header: total size is not the size of the image");
  CHECK(opened({}) == "header: image is shorter");
}

TEST_CASE("more overlap or prefixes than the bounds are refused") {
  // What the builder refuses, laid by hand: all entries of a list made as long as the axis.
  ImageSource source = test_image::two_assets();
  source.services = {test_image::service_of(test_image::stretches(overlap_max + 1))};
  Mutable image(source);
  const auto all = image.all<EntryRecord>(Section::ENTRIES);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].last = 100'000;
    all[i].up = none_index;
  }
  CHECK(opened(image.bytes()) == "section ENTRIES: more than overlap_max rules overlap");

  ImageSource many = test_image::two_assets();
  many.assets[0].prefixes.resize(prefix_count_max);
  for (std::size_t i = 0; i < prefix_count_max; ++i) {
    many.assets[0].prefixes[i].address[15] = static_cast<std::uint8_t>(i);
  }
  Mutable prefixes(many);
  CHECK(opened(prefixes.bytes()).empty());
  prefixes.grow(Section::PREFIXES);
  CHECK(opened(prefixes.bytes()) == "section PREFIXES: more than prefix_count_max");
}

TEST_CASE("no rule of open goes untested") {
  std::ifstream file("protocols/core/rule_image_open.cpp");
  REQUIRE(file);
  const std::string source{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::ifstream own("tests/unit/rule_image/open_test.cpp");
  REQUIRE(own);
  const std::string tests{std::istreambuf_iterator<char>(own), std::istreambuf_iterator<char>()};
  std::size_t count = 0;
  for (const std::string opening : {"\"header: ", "\"image: ", "\"section "}) {
    for (std::size_t at = source.find(opening); at != std::string::npos; at = source.find(opening, at + 1)) {
      const std::string rule = source.substr(at, source.find('"', at + 1) + 1 - at);
      if (rule == "\"section \"") continue;  // put together by macro: sections and tables above
      CAPTURE(rule);
      CHECK(tests.find(rule) != std::string::npos);
      ++count;
    }
  }
  CHECK(count > 60);
}

TEST_CASE("the fuzz target's corpus holds images of today's format") {
  for (const char* name : {"no_services", "rich", "stretches", "chance"}) {
    CAPTURE(name);
    std::ifstream file(std::string("tests/fuzz/corpus/rule_image/") + name, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    REQUIRE(content.size() > 21);  // the questions
    std::vector<std::uint64_t> words((content.size() - 21) / 8);
    std::memcpy(words.data(), content.data() + 21, words.size() * 8);
    // Otherwise: make_rule_image_corpus tests/fuzz/corpus/rule_image
    CHECK(opened({reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 8}) == "");
  }
}
