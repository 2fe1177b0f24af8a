// Image builder: from plain structs to the flat rule image that the data plane reads
// (protocols/core/rule_image.hpp).
//
// The last step of the policy compiler, free of protobuf so that tests of the engine can lay an image by
// hand. Indices in an ImageSource are positions in its vectors and keep their meaning in the image (zones,
// assets, conduits, grants). The same source gives the same bytes. What is built passes `RuleImage::open`;
// whatever would not is an ImageError.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "protocols/core/rule_image.hpp"

namespace conduit {

struct ZoneSource {
  std::uint8_t port = 0;
};

struct PrefixSource {
  Address address{};
  std::uint8_t bits = 128;  // of the 16-octet form: IPv4 /24 is 120
};

struct AssetSource {
  std::uint32_t zone = 0;
  std::uint16_t flags = 0;  // AssetFlag
  Quirks quirks = QUIRK_NONE;
  std::uint32_t router = none_index;  // asset that carries it
  std::vector<VlanKey> vlans{0};      // each address and MAC holds in each of them, on the zone's port
  std::vector<Address> addresses;
  std::vector<PrefixSource> prefixes;
  std::vector<Mac> macs;  // behind a router: leave empty, the router's are taken
};

struct ConduitSource {
  std::uint32_t zone_a = 0;
  std::uint32_t zone_b = 0;
  Mode mode = Mode::ENFORCE;
  MidStream mid_stream = MidStream::RESET;
  Verdict on_deny = Verdict::REFUSE;
  std::uint16_t flags = 0;                // ConduitFlag
  std::uint64_t idle_established_ns = 0;  // 0 = the engine's default
};

struct KeySource {
  std::uint8_t kind = 0;
  bool prefix = false;
  std::string octets;
};

struct LimitSource {
  std::uint64_t state_id = 0;  // equal ids are one limit, shared by their rules
  std::uint64_t per_ns = 0;
  std::uint32_t operations = 0;
};

struct RuleSource {
  std::uint32_t policy_rule = 0;  // number of the `allow` in the policy, 0-based
  bool essential = false;
  bool record_every = false;
  bool record_first = false;
  std::uint8_t access_mask = 0xFF;       // bit AccessClass
  std::vector<std::uint32_t> functions;  // every wire code that it permits
  std::array<std::vector<Range>, dimension_count>
      ranges{};                     // empty: not constrained; any order, may touch and overlap
  std::vector<ValueRecord> values;  // empty: not constrained; all of one type and word order
  std::array<std::vector<KeySource>, key_count> keys{};  // empty: not constrained
  std::optional<LimitSource> limit;
  std::uint32_t grant = none_index;
};

// One transport endpoint of a pair of assets. All rules that may permit something on it stand in one
// ServiceSource: two whose ports overlap (same pair, transport, opener) are refused.
struct ServiceSource {
  std::uint32_t client = 0;
  std::uint32_t server = 0;
  std::uint32_t conduit = 0;
  Transport transport = Transport::TCP;
  ProtocolId protocol = ProtocolId::NONE;
  OpenedBy opened_by = OpenedBy::CLIENT;
  Verdict on_deny = Verdict::REFUSE;
  std::uint16_t port_first = 0;
  std::uint16_t port_last = 0;
  std::uint8_t selector_dimension =
      no_dimension;  // of the protocol, from the registry; they only make matching fast
  std::uint8_t range_dimension = no_dimension;  // two-word values are aligned in this one
  std::vector<RuleSource> request;              // for PDUs that the client sends
  std::vector<RuleSource> unsolicited;          // for unsolicited PDUs of the server
  std::optional<RuleSource>
      opaque;  // OPAQUE_TCP, OPAQUE_UDP, ICMP: the rule that permits the flow (and nothing above)
};

struct EthernetRuleSource {
  std::uint32_t conduit = 0;
  std::uint8_t port = 0;        // ingress
  std::uint16_t ethertype = 0;  // below 0x600: 802.3/LLC with `dsap`
  std::uint8_t dsap = 0;
  std::optional<VlanKey> vlan;     // none: any
  std::optional<Mac> destination;  // none: any
  std::uint32_t source_asset = none_index;
  RuleSource rule;  // policy_rule, flags, limit, grant
};

struct GrantSource {
  std::uint64_t deadline_ns = 0;  // monotonic clock of the data plane; 0 = not active
};

struct ImageSource {
  std::uint64_t generation = 0;
  std::uint64_t policy_version = 0;
  std::array<std::uint8_t, 32> policy_hash{};
  std::uint32_t port_count = 2;
  std::vector<ZoneSource> zones;
  std::vector<AssetSource> assets;
  std::vector<ConduitSource> conduits;
  std::vector<ServiceSource> services;
  std::vector<EthernetRuleSource> ethernet_rules;
  std::vector<GrantSource> grants;
};

// What is wrong, and where in the source; none_index where it does not apply.
struct ImageError {
  std::string what;
  std::uint32_t policy_rule = none_index;
  std::uint32_t service = none_index;
  std::uint32_t asset = none_index;
};

// Owns the bytes of an image, aligned as `RuleImage::open` asks.
class ImageBuffer {
 public:
  ImageBuffer() = default;
  explicit ImageBuffer(std::size_t size) : words_((size + 7) / 8), size_(size) {}
  [[nodiscard]] Bytes bytes() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(words_.data()), size_};
  }
  [[nodiscard]] std::uint8_t* data() noexcept { return reinterpret_cast<std::uint8_t*>(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

[[nodiscard]] tl::expected<ImageBuffer, ImageError> build_image(const ImageSource& source);

// ::ffff:a.b.c.d
[[nodiscard]] constexpr Address ipv4_address(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                             std::uint8_t d) noexcept {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d};
}

}  // namespace conduit
