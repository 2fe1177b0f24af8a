#include "config/policy/gateway.hpp"

#include <algorithm>

#include "config/schema/gateway.pb.h"

namespace conduit {
namespace {

class GatewayReader {
 public:
  GatewayReader(const schema::GatewayFile& file, const Place& root, LoadedGateway& out,
                Diagnostics& diagnostics)
      : file_(file), root_(root), config_(out.config), diagnostics_(diagnostics) {}

  void read() {
    config_.gateway_id = file_.gateway_id();
    if (config_.gateway_id.empty())
      error(root_, "no gateway_id; write gateway_id: \"…\", the name that bundles are for");
    for (int index = 0; index < file_.port_size(); ++index)
      read_port(file_.port(index), root_.in(file_, "port", index));
    if (config_.ports.size() < 2 || config_.ports.size() > port_count_max) {
      error(root_, "a gateway has from 2 to " + std::to_string(port_count_max) +
                       " ports; write port { name device }");
    }
    for (int index = 0; index < file_.pair_size(); ++index)
      read_pair(file_.pair(index), root_.in(file_, "pair", index));
    if (config_.pairs.empty()) error(root_, "no pair { a b }: nothing could be forwarded");
    read_io();
    read_rest();
  }

 private:
  void error(const Place& place, std::string text) {
    diagnostics_.error(place.line(), place.column(), std::move(text));
  }

  // Becomes a part of a comma-separated argument of the data plane.
  static bool one_word(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](unsigned char octet) { return octet > ' ' && octet != ','; });
  }

  [[nodiscard]] int number_of(const std::string& name) const {
    for (std::size_t index = 0; index < config_.ports.size(); ++index) {
      if (config_.ports[index].name == name) return static_cast<int>(index);
    }
    return -1;
  }

  void read_port(const schema::Port& port, const Place& place) {
    if (port.name().empty() || port.name().size() > 15) error(place, "a port's name has 1 to 15 characters");
    if (number_of(port.name()) >= 0) error(place, "port name \"" + port.name() + "\" is used twice");
    if (port.device().empty()) error(place, "port \"" + port.name() + "\" names no device");
    if (!one_word(port.name()) || !one_word(port.device()) || !one_word(port.interface()))
      error(place, "a port's name, device and interface hold no comma, blank or control character");
    config_.ports.push_back({port.name(), port.device(), port.interface()});
  }

  void read_pair(const schema::Pair& pair, const Place& place) {
    const int a = number_of(pair.a());
    const int b = number_of(pair.b());
    if (a < 0 || b < 0 || a == b) return error(place, "a pair names two different ports of this gateway");
    for (const auto& [first, second] : config_.pairs) {
      for (const int port : {a, b}) {
        if (port == first || port == second) {
          return error(place, "port \"" + config_.ports[static_cast<std::size_t>(port)].name +
                                  "\" belongs to a pair already");
        }
      }
    }
    config_.pairs.emplace_back(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b));
  }

  void read_io() {
    config_.nfqueue = file_.has_nfqueue();
    if (file_.io_case() == schema::GatewayFile::IO_NOT_SET) {
      return error(root_, "no back end; write dpdk { eal: \"…\" } or nfqueue { queue: 0 bridge: \"br0\" }");
    }
    config_.eal.assign(file_.dpdk().eal().begin(), file_.dpdk().eal().end());
    config_.workers = std::max<std::uint32_t>(1, file_.dpdk().workers());
    config_.cores.assign(file_.dpdk().core().begin(), file_.dpdk().core().end());
    const Place dpdk = root_.in(file_, "dpdk");
    for (const std::string& argument : config_.eal) {
      if (argument.find_first_of(std::string("\n\r\0", 3)) != std::string::npos)
        error(dpdk, "eal: an argument is one line");
    }
    if (config_.workers > worker_count_max)
      error(dpdk, "at most " + std::to_string(worker_count_max) + " workers");
    if (!config_.cores.empty() && config_.cores.size() != config_.workers) {
      error(dpdk, "core: one for each worker, or none");
    }
    config_.queue = file_.nfqueue().queue();
    config_.bridge = file_.nfqueue().bridge();
    if (config_.nfqueue && config_.bridge.empty()) {
      error(root_.in(file_, "nfqueue"), "name the bridge that joins the ports; write bridge: \"br0\"");
    }
  }

  void read_rest() {
    config_.flows = file_.limits().flows();
    config_.half_open = file_.limits().half_open();
    config_.blocks = file_.limits().blocks();
    config_.rate_limits = file_.limits().rate_limits();
    const auto take = [](std::string& into, const std::string& from) {
      if (!from.empty()) into = from;
    };
    take(config_.link_socket, file_.link_socket());
    take(config_.control_socket, file_.control_socket());
    take(config_.state_folder, file_.state_folder());
    take(config_.trust_root, file_.trust_root());
    config_.audit_path =
        file_.audit().path().empty() ? config_.state_folder + "/audit.db" : file_.audit().path();
    if (file_.audit().events_max() != 0) config_.events_max = file_.audit().events_max();
    if (file_.audit().fold_seconds() != 0) config_.fold_seconds = file_.audit().fold_seconds();
    const auto& roles = file_.roles();
    config_.viewer_groups.assign(roles.viewer_group().begin(), roles.viewer_group().end());
    config_.operator_groups.assign(roles.operator_group().begin(), roles.operator_group().end());
    config_.integrator_groups.assign(roles.integrator_group().begin(), roles.integrator_group().end());
    for (int index = 0; index < file_.sink_size(); ++index) {
      const std::string& path = file_.sink(index).json_lines().path();
      if (path.empty())
        error(root_.in(file_, "sink", index), "a sink names its path; write json_lines { path: \"…\" }");
      config_.json_lines.push_back(path);
    }
  }

  const schema::GatewayFile& file_;
  Place root_;
  GatewayConfig& config_;
  Diagnostics& diagnostics_;
};

}  // namespace

LoadedGateway load_gateway(const std::string& text, bool json) {
  LoadedGateway result;
  schema::GatewayFile file;
  Document document;
  Diagnostics diagnostics;
  if (parse_document(text, json, file, document, diagnostics)) {
    GatewayReader(file, json ? Place() : document.root(), result, diagnostics).read();
  }
  result.good = !diagnostics.failed();
  result.diagnostics = diagnostics.sorted();
  return result;
}

GatewayPorts GatewayConfig::gateway_ports() const {
  GatewayPorts result;
  for (std::size_t index = 0; index < ports.size(); ++index) {
    result.names.push_back(ports[index].name);
    result.peer.push_back(static_cast<std::uint8_t>(index));
  }
  for (const auto& [a, b] : pairs) {
    result.peer[a] = b;
    result.peer[b] = a;
  }
  return result;
}

std::vector<std::string> GatewayConfig::dataplane_arguments() const {
  std::vector<std::string> words;
  words.push_back(std::string("--io=") + (nfqueue ? "nfqueue" : "dpdk"));
  for (const std::string& argument : eal) words.push_back("--eal=" + argument);
  for (const GatewayPort& port : ports) {
    std::string word = "--port=name=" + port.name + ",device=" + port.device;
    if (!port.interface.empty()) word += ",interface=" + port.interface;
    words.push_back(word);
  }
  for (const auto& [a, b] : pairs) words.push_back("--pair=" + ports[a].name + "," + ports[b].name);
  if (nfqueue) words.push_back("--queue=" + std::to_string(queue));
  if (!nfqueue) words.push_back("--workers=" + std::to_string(workers));
  for (const std::uint32_t core : cores) words.push_back("--core=" + std::to_string(core));
  const auto add = [&](const char* name, std::uint32_t value) {
    if (value != 0) words.push_back(std::string("--") + name + "=" + std::to_string(value));
  };
  add("flows", flows);
  add("half-open", half_open);
  add("blocks", blocks);
  add("rate-limits", rate_limits);
  words.push_back("--link=" + link_socket);
  return words;
}

}  // namespace conduit
