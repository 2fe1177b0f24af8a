// Names behind the numbers of one rule image: for events, `simulate`, status. Made by the compiler together
// with the image, kept as long as records of its generation may come.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/operation.hpp"

namespace conduit {

struct NameTable {
  struct Asset {
    std::string id;
    std::uint32_t zone = 0;
  };
  struct Conduit {
    std::string id;
    std::string owner;
    bool observes = false;
  };
  struct Allow {
    std::string id;
    std::string reason;
    std::uint32_t conduit = 0;
    std::string from;  // zone ids: the direction in which it stands
    std::string to;
    int line = 0;
  };

  std::string policy_name;
  std::uint64_t policy_version = 0;
  std::array<std::uint8_t, 32> policy_hash{};
  std::vector<std::string> ports;  // by port number of the image
  std::vector<std::string> zones;  // by ZONES index
  std::vector<Asset> assets;       // by ASSETS index
  std::vector<Conduit> conduits;   // by CONDUITS index
  std::vector<Allow> allows;       // by policy_rule

  // Each null where the number names nothing.
  [[nodiscard]] const Asset* asset(std::uint32_t index) const { return get(assets, index); }
  [[nodiscard]] const Conduit* conduit(std::uint32_t index) const { return get(conduits, index); }
  [[nodiscard]] const Allow* allow(std::uint32_t index) const { return get(allows, index); }
  [[nodiscard]] std::string zone_of_asset(std::uint32_t index) const {
    const Asset* found = asset(index);
    return found == nullptr || found->zone >= zones.size() ? "" : zones[found->zone];
  }

 private:
  template <typename T>
  [[nodiscard]] static const T* get(const std::vector<T>& list, std::uint32_t index) {
    return index < list.size() ? &list[index] : nullptr;
  }
};

// ATT&CK for ICS technique cited when this function is denied, "" if none is known.
[[nodiscard]] std::string_view attack_technique(ProtocolId protocol, std::uint32_t function);
// Name of value `number` of an enumerated dimension ("HOLDING_REGISTERS"), "" if the dimension has no names.
[[nodiscard]] std::string_view dimension_value_name(ProtocolId protocol, std::size_t dimension,
                                                    std::uint64_t number);

}  // namespace conduit
