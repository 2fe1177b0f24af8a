// The compiler's workshop, shared by its parts: zones and assets, conduits and allows. Internal to
// config/policy.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "config/policy/compile.hpp"
#include "config/policy/protocol_rule.hpp"
#include "config/schema/policy.pb.h"

namespace conduit {

class PolicyCompiler {
 public:
  PolicyCompiler(const schema::PolicyFile& file, const Place& root, const CompileInput& input)
      : file_(file), root_(root), input_(input) {}

  // Fills source, names and diagnostics.
  void run();

  ImageSource source;
  NameTable names;
  Diagnostics diagnostics;
  std::vector<Place> allow_places;  // by policy_rule
  std::vector<Place> asset_places;  // by asset

 private:
  struct AllowContext {
    const schema::Allow& allow;
    Place place;
    std::uint32_t conduit = 0;
    std::uint32_t from_zone = 0;
    std::uint32_t to_zone = 0;
    std::uint32_t policy_rule = 0;
    bool unsolicited = false;  // clients lie in `to`
    std::vector<std::uint32_t> clients;
    std::vector<std::uint32_t> servers;
  };
  // client, server, transport, opened_by, first port, last port
  using ServiceKey =
      std::tuple<std::uint32_t, std::uint32_t, Transport, OpenedBy, std::uint16_t, std::uint16_t>;

  void error(const Place& place, std::string text) {
    diagnostics.error(place.line(), place.column(), std::move(text));
  }
  void warning(const Place& place, std::string text) {
    diagnostics.warning(place.line(), place.column(), std::move(text));
  }
  void warn_of_needless();
  // A suggestion, as long as there are not too many complaints.
  [[nodiscard]] std::string near(const std::string& word,
                                 const std::map<std::string, std::uint32_t>& ids) const;
  // compile_zones.cpp
  void compile_policy_header();
  void compile_zones();
  void compile_zone(const schema::Zone& zone, const Place& place);
  void compile_asset(const schema::Asset& asset, const Place& place, std::uint32_t zone,
                     const std::vector<VlanKey>& vlans);
  void compile_addresses(const schema::Asset& asset, const Place& place, AssetSource& out,
                         const std::string& key);
  void resolve_routers();
  std::uint8_t port_of_zone(const schema::Zone& zone, const Place& place);
  bool unique_id(std::map<std::string, std::uint32_t>& ids, const std::string& id, const Place& place,
                 const char* kind, std::uint32_t index);
  // compile_conduits.cpp
  void compile_conduits();
  void compile_conduit(const schema::Conduit& conduit, const Place& place);
  bool conduit_zones(const schema::Conduit& conduit, const Place& place, ConduitSource& out);
  void compile_direction(const schema::Conduit& conduit, const schema::Direction& direction,
                         const Place& place, std::uint32_t index);
  void compile_allow(AllowContext& context);
  bool resolve_peers(AllowContext& context);
  bool check_peers(const AllowContext& context);
  void check_zones_used();
  bool resolve_assets(const AllowContext& context, const char* field, std::vector<std::uint32_t>& out);
  void common_rule(const AllowContext& context, RuleSource& rule);
  // compile_services.cpp
  void compile_protocol(const AllowContext& context);
  void compile_opaque(const AllowContext& context);
  void compile_icmp(const AllowContext& context);
  void check_port_range(const AllowContext& context, const Place& place, std::uint64_t first,
                        std::uint64_t last);
  // Room in the image for the rules that this allow stands for; says so if there is none.
  bool has_room(const AllowContext& context, std::size_t rules);
  [[nodiscard]] static std::size_t pairs_of(const AllowContext& context) {
    return context.clients.size() * context.servers.size();
  }
  void agree_on_deny(const AllowContext& context, std::size_t service);
  void compile_ethernet(const AllowContext& context);
  ServiceSource* service(const AllowContext& context, std::uint32_t client, std::uint32_t server,
                         Transport transport, ProtocolId protocol, std::uint16_t first, std::uint16_t last);
  ServiceSource* service(const AllowContext& context, std::uint32_t client, std::uint32_t server,
                         Transport transport, OpenedBy opened_by, ProtocolId protocol, std::uint16_t first,
                         std::uint16_t last);
  bool add_aside(const AllowContext& context, std::uint32_t client, std::uint32_t server,
                 const Protocol& protocol, const RuleSource& rule);
  Verdict deny_of(const AllowContext& context) const;
  // compile_ethernet.cpp
  bool ethernet_sources(const AllowContext& context, std::vector<std::uint32_t>& sources);
  [[nodiscard]] std::vector<VlanKey> vlans_of(const AllowContext& context) const;
  bool ethernet_destinations(const AllowContext& context, const Place& place,
                             std::vector<std::optional<Mac>>& destinations);

  const schema::PolicyFile& file_;
  Place root_;
  const CompileInput& input_;
  std::map<std::string, std::uint32_t> zone_ids_;
  std::map<std::string, std::uint32_t> asset_ids_;
  std::map<std::string, std::uint32_t> conduit_ids_;
  std::map<std::string, std::uint32_t> grant_ids_;
  std::map<std::string, std::string> address_owners_;  // "port/vlan/address" → asset id
  std::map<ServiceKey, std::size_t> services_;
  std::map<std::size_t, Verdict> stated_on_deny_;  // by service, where an allow says it
  std::size_t rule_count_ = 0;                     // with every pair and port counted
  std::size_t address_count_ = 0;                  // with every VLAN counted
  std::vector<std::vector<VlanKey>> zone_vlans_;
  struct Via {
    std::string id;  // empty: no router
    Place place;
  };
  std::vector<Via> asset_vias_;  // by asset
};

// Letters, digits, '-', '_', '.'; 1 to 64 of them.
[[nodiscard]] bool is_identifier(const std::string& text);

}  // namespace conduit
