// Arbitrary bytes as a rule image: opened or refused, never a crash; what opens is searched with arbitrary
// operations, which must end and stay inside the image. Input: 1 octet n, n × 4 octets of questions, the
// image. If the image is refused for its magic, sizes or the like, those are put right and it is tried once
// more, so that chance gets deeper.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "protocols/core/rule_image.hpp"
#include "protocols/modbus/modbus_decoder.hpp"

using namespace conduit;

namespace {

void ask(const RuleImage& image, const std::uint8_t* question) {
  Operation operation;
  operation.protocol = static_cast<ProtocolId>(question[0] & 0x1F);
  operation.access = static_cast<AccessClass>(question[0] >> 5);
  operation.function = question[1] & 0x1F;
  operation.present = question[2];
  operation.keys_present = static_cast<std::uint8_t>(question[2] & 3);
  std::array<std::uint8_t, 16> octets{};
  octets.fill(question[3]);
  for (std::size_t d = 0; d < dimension_count; ++d) {
    const std::uint64_t first = question[3] >> (d % 3);
    operation.dimension[d] = {question[1] == 0xFF ? ~std::uint64_t{0} - first : first,
                              first + (question[1] >> 5)};
  }
  for (Key& key : operation.key)
    key = {static_cast<std::uint8_t>(question[0] & 1), {octets.data(), question[1] & 7U}};
  operation.value.kind = static_cast<ValueKind>(question[0] & 7);
  operation.value.count = question[2] & 7U;
  operation.value.u = question[3];
  operation.value.data = octets;
  const MatchMoment moment{question[1], (question[2] & 1) != 0};
  for (std::uint32_t group = 0; group < image.header().group_count && group < 8; ++group) {
    operation.protocol = group % 2 == 0 ? operation.protocol : modbus_id;
    const MatchResult result = image.match(group, operation, moment);
    // What the matcher names must exist: callers index with it.
    if (result.rule != none_index && result.rule >= image.rules().size()) std::abort();
    if (result.nearest_rule != none_index && result.nearest_rule >= image.rules().size()) std::abort();
  }
  Address address{};
  address.fill(question[3]);
  (void)image.find_asset(question[0], question[1], address);
  (void)image.find_asset_anywhere(address);
  (void)image.find_asset_by_mac(question[0], question[1], {question[3]});
  (void)image.find_conduit(question[0], question[1]);
  (void)image.find_service(question[0] & 3U, question[1] & 3U, Transport::TCP, question[2],
                           static_cast<OpenedBy>(question[3] % 3));
  (void)image.pair_exists(question[0] & 3U, question[1] & 3U);
}

void walk(const RuleImage& image) {
  std::size_t sum = 0;
  for (const AssetRecord& asset : image.assets()) {
    for (const MacBytes& mac : image.macs_of(asset)) sum += mac.mac[0];
  }
  for (const RuleRecord& rule : image.rules()) {
    for (std::size_t d = 0; d < dimension_count; ++d) {
      for (const Range& range : image.ranges_of(rule, d)) sum += range.first <= range.last ? 1 : 0;
    }
  }
  for (const ServiceRecord& service : image.services()) sum += service.request_group;
  volatile std::size_t used = sum;
  (void)used;
}

// Sections one after the other with the right record sizes; counts as they came, as far as there is room.
void repair(std::vector<std::uint64_t>& words, std::size_t size) {
  static constexpr std::uint32_t record_sizes[section_count] = {
      sizeof(ZoneRecord),    sizeof(AssetRecord),
      sizeof(AddressRecord), sizeof(PrefixRecord),
      sizeof(MacBytes),      sizeof(MacRecord),
      sizeof(ConduitRecord), sizeof(ConduitZonesRecord),
      sizeof(PairRecord),    sizeof(ServiceRecord),
      sizeof(GroupRecord),   sizeof(BucketRecord),
      sizeof(ListRecord),    4,
      sizeof(EntryRecord),   sizeof(RuleRecord),
      sizeof(Range),         sizeof(ValueRecord),
      sizeof(KeyRecord),     1,
      sizeof(LimitRecord),   sizeof(EthernetRuleRecord),
      sizeof(GrantRecord)};
  auto& header = *reinterpret_cast<ImageHeader*>(words.data());
  header.magic = image_magic;
  header.abi = image_abi;
  header.header_size = sizeof(ImageHeader);
  header.total_size = size;
  header.port_count = 1 + header.port_count % 4;
  std::uint64_t end = sizeof(ImageHeader);
  for (std::size_t i = 0; i < section_count; ++i) {
    SectionRef& ref = header.section[i];
    ref.offset = (end + 63) / 64 * 64;
    ref.record_size = record_sizes[i];
    const std::uint64_t room = ref.offset > size ? 0 : (size - ref.offset) / ref.record_size;
    ref.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(ref.count, room));
    if (ref.offset > size) ref.offset = size / 64 * 64;
    end = ref.offset + std::uint64_t{ref.count} * ref.record_size;
  }
  header.group_count = header.section[static_cast<std::size_t>(Section::GROUPS)].count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t question_count = std::min<std::size_t>(data[0] & 15, (size - 1) / 4);
  const std::uint8_t* const questions = data + 1;
  const std::uint8_t* const image_octets = questions + 4 * question_count;
  const std::size_t image_size = static_cast<std::size_t>(data + size - image_octets) / 8 * 8;
  std::vector<std::uint64_t> words(image_size / 8);
  if (image_size != 0) std::memcpy(words.data(), image_octets, image_size);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const char* broken = nullptr;
    const RuleImage image =
        RuleImage::open({reinterpret_cast<const std::uint8_t*>(words.data()), image_size}, broken);
    if (image.valid() != (broken == nullptr)) std::abort();
    if (image.valid()) {
      walk(image);
      for (std::size_t i = 0; i < question_count; ++i) ask(image, questions + 4 * i);
      return 0;
    }
    if (image_size < sizeof(ImageHeader)) return 0;
    repair(words, image_size);
  }
  return 0;
}
