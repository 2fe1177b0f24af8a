// conduitctl kernel-rules: what a gateway with NFQUEUE leaves to the kernel, from its config and policy.
#include <boost/program_options.hpp>
#include <iostream>
#include <map>
#include <set>

#include "config/abi/packet_mark.hpp"
#include "config/policy/compile.hpp"
#include "config/policy/gateway.hpp"
#include "config/schema/policy.pb.h"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;
using Texts = std::vector<std::string>;

constexpr const char* help_text =
    "conduitctl kernel-rules --gateway gateway.txtpb [POLICY]\n"
    "\n"
    "For gateways with nfqueue: prints a shell script (iptables, ip6tables, nft; run it as root) with the\n"
    "kernel's part. It hands every IP packet that crosses the bridge to the queue; without a data plane "
    "none\n"
    "passes. What the queue cannot see is decided by the kernel itself: ARP between assets of a conduit,\n"
    "frames that an ethernet { } rule permits; all else that is not IP, and everything with a VLAN tag, is\n"
    "dropped. Nothing of this makes events. Packets are marked by the kind of MAC that they go to, which "
    "the\n"
    "queue cannot see either. Without POLICY: for a gateway that has none yet. Run it before the ports join\n"
    "the bridge, and again after a policy was loaded.\n"
    "\n"
    "Exit status: 0 printed, 1 config or policy has errors, 2 they cannot be read.\n"
    "\n";

struct Host {
  Texts addresses;
  Texts macs;
};

std::string any_of(const Texts& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return texts.size() == 1 ? list : "{ " + list + " }";
}

std::string hex(std::uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%04x", number);
  return text;
}

// The rules between two ports, each line once, in the order of the policy.
class Rules {
 public:
  Rules(const schema::PolicyFile& policy, const GatewayConfig& gateway) : policy_(policy) {
    for (const GatewayPort& port : gateway.ports) device_[port.name] = port.device;
    for (const schema::Zone& zone : policy.zone()) {
      zones_[zone.id()] = &zone;
      for (const schema::Asset& asset : zone.asset()) assets_[asset.id()] = &asset;
    }
  }

  Texts lines() {
    for (const schema::Conduit& conduit : policy_.conduit()) {
      if (conduit.zones_size() != 2) continue;
      resolution(conduit.zones(0), conduit.zones(1));
      resolution(conduit.zones(1), conduit.zones(0));
      for (const schema::Direction& direction : conduit.direction()) {
        for (const schema::Allow& allow : direction.allow()) {
          if (allow.has_ethernet()) ethernet(direction, allow);
        }
      }
    }
    return std::move(lines_);
  }

 private:
  void add(const std::string& line) {
    if (seen_.insert(line).second) lines_.push_back(line);
  }

  // "iifname … oifname …", or nothing where no frame without tag can go from one zone to the other.
  [[nodiscard]] std::string crossing(const std::string& from, const std::string& to) const {
    const schema::Zone& source = *zones_.at(from);
    const schema::Zone& target = *zones_.at(to);
    if (source.port() == target.port() || source.vlan_size() != 0 || target.vlan_size() != 0) return {};
    return "iifname \"" + device_.at(source.port()) + "\" oifname \"" + device_.at(target.port()) + "\" ";
  }

  // Who speaks ARP for an asset: itself, or the router that carries it.
  [[nodiscard]] std::map<std::string, Host> speakers(const std::string& zone) const {
    std::map<std::string, Host> hosts;
    for (const schema::Asset& asset : zones_.at(zone)->asset()) {
      const schema::Asset& speaker = asset.via().empty() ? asset : *assets_.at(asset.via());
      if (speaker.role() == schema::GROUP || speaker.ipv4().empty()) continue;
      hosts[speaker.id()] = {Texts(speaker.ipv4().begin(), speaker.ipv4().end()),
                             Texts(speaker.mac().begin(), speaker.mac().end())};
    }
    return hosts;
  }

  // Requests, answers, probes and announcements; a declared MAC binds the sender's address.
  void resolution(const std::string& from, const std::string& to) {
    const std::string where = crossing(from, to);
    if (where.empty()) return;
    for (const auto& [id, sender] : speakers(from)) {
      std::string who = where + "arp htype 1 arp ptype ip arp hlen 6 arp plen 4 ";
      if (!sender.macs.empty())
        who += "ether saddr " + any_of(sender.macs) + " arp saddr ether " + any_of(sender.macs) + ' ';
      const std::string own = any_of(sender.addresses);
      for (const auto& [other_id, target] : speakers(to)) {
        add(who + "arp saddr ip " + own + " arp daddr ip " + any_of(target.addresses) + " counter accept");
      }
      add(who + "arp saddr ip " + own + " arp daddr ip " + own + " counter accept");
      add(who + "arp saddr ip 0.0.0.0 arp daddr ip " + own + " counter accept");
    }
  }

  void ethernet(const schema::Direction& direction, const schema::Allow& allow) {
    std::string where = crossing(direction.from(), direction.to());
    if (where.empty()) return;
    Texts macs;
    for (const std::string& client : allow.client()) {
      const auto& declared = assets_.at(client)->mac();
      macs.insert(macs.end(), declared.begin(), declared.end());
    }
    if (!allow.client().empty()) where += "ether saddr " + any_of(macs) + ' ';
    const schema::Ethernet& rule = allow.ethernet();
    if (!rule.group().empty())
      where += "ether daddr " + any_of(Texts(rule.group().begin(), rule.group().end())) + ' ';
    for (const std::uint32_t type : rule.ethertype()) {
      add(where + "ether type " + hex(type) + " counter accept comment \"" + allow.id() + '"');
    }
    for (const std::uint32_t sap : rule.llc_dsap()) {
      add(where + "ether type < 0x0600 @ll,112,8 " + hex(sap) + " counter accept comment \"" + allow.id() +
          '"');
    }
  }

  const schema::PolicyFile& policy_;
  std::map<std::string, std::string> device_;  // by port name
  std::map<std::string, const schema::Zone*> zones_;
  std::map<std::string, const schema::Asset*> assets_;
  Texts lines_;
  std::set<std::string> seen_;
};

// IP: through the bridge's own filter to iptables, there to the queue; nothing goes on without a verdict. One
// transaction each, so that no packet slips through while rules are renewed.
void print_queue(const GatewayConfig& gateway) {
  std::cout << "sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1\n"
               "for tables in iptables ip6tables; do\n"
               "  $tables-restore -w -n <<'RULES'\n"
               "*filter\n"
               ":CONDUIT -\n";
  for (const auto& [a, b] : gateway.pairs) {
    for (const auto& [in, out] : {std::pair{a, b}, std::pair{b, a}}) {
      std::cout << "-A CONDUIT -m physdev --physdev-in " << gateway.ports[in].device << " --physdev-out "
                << gateway.ports[out].device << " -j NFQUEUE --queue-num " << gateway.queue << '\n';
    }
  }
  for (const GatewayPort& port : gateway.ports) {
    std::cout << "-A CONDUIT -m physdev --physdev-in " << port.device << " -j DROP\n"
              << "-A CONDUIT -m physdev --physdev-is-bridged --physdev-out " << port.device << " -j DROP\n";
  }
  std::cout << "COMMIT\n"
               "RULES\n"
               "  $tables -w -C FORWARD -m physdev --physdev-is-bridged -j CONDUIT 2>/dev/null ||\n"
               "    $tables -w -I FORWARD -m physdev --physdev-is-bridged -j CONDUIT\n"
               "done\n";
}

void print_script(const std::string& path, const schema::PolicyFile& policy, const GatewayConfig& gateway) {
  std::cout << "#!/bin/sh\n# Made by conduitctl kernel-rules from " << path << ", version "
            << policy.policy().version()
            << ".\n# Enforced by the kernel, not by the engine; without events.\n"
            << "set -e\n";
  print_queue(gateway);
  std::string ports;
  for (const GatewayPort& port : gateway.ports) ports += (ports.empty() ? "\"" : ", \"") + port.device + '"';
  // Chains stay: taking one away would cost the packets that wait in the queue.
  std::cout << "nft -f - <<'RULES'\n"
               "table bridge conduit {\n"
               "  chain forward { type filter hook forward priority -200; policy accept; }\n"
               "  chain input { type filter hook input priority -200; policy accept; }\n"
               "}\n"
               "flush table bridge conduit\n"
               "table bridge conduit {\n"
               "  chain forward {\n"
               "    iifname != { "
            << ports << " } oifname != { " << ports
            << " } accept  # other bridges of this machine\n"
               "    meta mark set meta pkttype map { host : "
            << mark_unicast << ", other : " << mark_unicast << ", broadcast : " << mark_broadcast
            << ", multicast : " << mark_multicast
            << " }\n"
               "    ether type { ip, ip6 } accept  # judged by the engine, in its queue\n";
  for (const std::string& line : Rules(policy, gateway).lines()) std::cout << "    " << line << '\n';
  std::cout << "    counter drop\n"
               "  }\n"
               "  chain input {\n"
               "    iifname { "
            << ports
            << " } counter drop\n"
               "  }\n"
               "}\n"
               "RULES\n";
}

bool is_json(const std::string& path) { return path.ends_with(".json"); }

int run(const std::string& gateway_path, const std::string& path) {
  std::string text;
  std::string error;
  if (!read_document_file(gateway_path, text, error)) return complain("kernel-rules", error);
  const LoadedGateway gateway = load_gateway(text, is_json(gateway_path));
  for (const Diagnostic& one : gateway.diagnostics) std::cerr << one.format(gateway_path) << '\n';
  if (!gateway.good) return exit_no;
  if (!gateway.config.nfqueue)
    return complain("kernel-rules", gateway_path + ": not for nfqueue, the kernel has no part in it");
  if (path.empty()) return print_script("no policy", {}, gateway.config), exit_done;
  CompileInput input;
  const GatewayPorts ports = gateway.config.gateway_ports();
  input.ports = &ports;
  input.json = is_json(path);
  if (!read_document_file(path, input.text, error)) return complain("kernel-rules", error);
  const CompiledPolicy compiled = compile_policy(input);
  for (const Diagnostic& one : compiled.diagnostics) std::cerr << one.format(path) << '\n';
  if (!compiled.good) return exit_no;
  schema::PolicyFile policy;
  Document document;
  Diagnostics diagnostics;
  if (!parse_document(input.text, input.json, policy, document, diagnostics)) return exit_no;
  print_script(path, policy, gateway.config);
  return exit_done;
}

}  // namespace

int kernel_rules(const Words& words) {
  std::string gateway;
  std::string policy;
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("gateway", po::value(&gateway), "the gateway's config");
  add("policy", po::value(&policy), "the policy");
  po::positional_options_description positional;
  positional.add("policy", 1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).positional(positional).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
  } catch (const po::error& wrong) {
    return complain("kernel-rules", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (gateway.empty())
    return complain("kernel-rules", "write: conduitctl kernel-rules --gateway gateway.txtpb POLICY");
  return run(gateway, policy);
}

}  // namespace conduit
