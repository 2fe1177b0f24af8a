// The gateway's configuration (gateway.txtpb), checked, with its defaults filled in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/abi/limits.hpp"
#include "config/policy/compile.hpp"

namespace conduit {

struct GatewayPort {
  std::string name;
  std::string device;
  std::string interface;
};

struct GatewayConfig {
  std::string gateway_id;
  std::vector<GatewayPort> ports;
  std::vector<std::pair<std::uint8_t, std::uint8_t>> pairs;  // port numbers
  bool nfqueue = false;
  std::vector<std::string> eal;
  std::uint32_t workers = 1;
  std::vector<std::uint32_t> cores;
  std::uint32_t queue = 0;
  std::string bridge;
  std::uint32_t flows = 0;  // 0: the data plane's default
  std::uint32_t half_open = 0;
  std::uint32_t blocks = 0;
  std::uint32_t rate_limits = 0;
  std::string link_socket = "/run/conduitd/link.sock";
  std::string control_socket = "/run/conduitd/control.sock";
  std::vector<std::string> viewer_groups;
  std::vector<std::string> operator_groups;
  std::vector<std::string> integrator_groups;
  std::string state_folder = "/var/lib/conduitd";
  std::string trust_root = "/etc/conduitd/trust-root.bin";
  std::string audit_path;  // empty: audit.db in the state folder
  std::uint64_t events_max = 1'000'000;
  std::uint32_t fold_seconds = 10;
  std::vector<std::string> json_lines;  // paths of JSON-lines sinks

  [[nodiscard]] GatewayPorts gateway_ports() const;
  // Command line of conduit-dataplane, without the program.
  [[nodiscard]] std::vector<std::string> dataplane_arguments() const;
};

struct LoadedGateway {
  bool good = false;
  GatewayConfig config;
  std::vector<Diagnostic> diagnostics;
};

[[nodiscard]] LoadedGateway load_gateway(const std::string& text, bool json);

}  // namespace conduit
