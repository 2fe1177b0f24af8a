#include "dataplane/options.hpp"

#include <boost/program_options.hpp>
#include <sstream>

namespace conduit {
namespace {

namespace po = boost::program_options;

po::options_description description(Options& options, std::vector<std::string>& ports,
                                    std::vector<std::string>& pairs) {
  po::options_description all(
      "conduit-dataplane: forwards what the policy permits, and nothing else\n\nOptions");
  auto add = all.add_options();
  add("help,h", "this text");
  add("io", po::value(&options.io)->default_value("dpdk"), "back end: dpdk or nfqueue");
  add("port", po::value(&ports)->composing(),
      "a port, in order: name=NAME,device=DEVICE[,interface=IF]. DEVICE is the DPDK device (net_af_packet0, "
      "0000:02:00.0), "
      "with nfqueue the network interface; IF is the network interface behind a software port (wakes an idle "
      "gateway)");
  add("pair", po::value(&pairs)->composing(), "two ports joined by the gateway: NAME,NAME");
  add("eal", po::value(&options.eal)->composing(), "an argument for DPDK's EAL, as often as needed");
  add("workers", po::value(&options.workers)->default_value(1), "threads that inspect traffic");
  add("core", po::value(&options.cores)->composing(), "core of a worker, once for each");
  add("queue", po::value(&options.queue)->default_value(0), "nfqueue: number of the queue");
  add("link", po::value(&options.link)->default_value(options.link), "socket of conduit-controlplane");
  add("flows", po::value(&options.limits.flow_count)->default_value(options.limits.flow_count),
      "flows per worker, 64 to 1048576");
  add("half-open", po::value(&options.limits.half_open_count)->default_value(options.limits.half_open_count),
      "of them not yet established, at most");
  add("blocks", po::value(&options.limits.block_count)->default_value(options.limits.block_count),
      "2 KiB blocks per worker for bytes that wait or are not yet acknowledged");
  add("rate-limits", po::value(&options.limits.limit_count)->default_value(options.limits.limit_count),
      "rate limits in force at once");
  return all;
}

bool port_number(const std::vector<PortConfig>& ports, const std::string& name, std::uint8_t& number) {
  for (std::size_t index = 0; index < ports.size(); ++index) {
    if (ports[index].name == name) return number = static_cast<std::uint8_t>(index), true;
  }
  return false;
}

bool parse_port(const std::string& text, PortConfig& port, std::string& error) {
  std::istringstream parts(text);
  std::string part;
  while (std::getline(parts, part, ',')) {
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    if (key == "name") {
      port.name = value;
    } else if (key == "device") {
      port.device = value;
    } else if (key == "interface") {
      port.interface = value;
    } else {
      return error = "--port " + text + ": \"" + key + "\" is not one of name, device, interface", false;
    }
  }
  if (port.name.empty() || port.device.empty() || port.name.size() > 15) {
    return error = "--port " + text + ": write name=NAME,device=DEVICE (names have at most 15 characters)",
           false;
  }
  return true;
}

bool parse_pairs(const std::vector<std::string>& texts, Options& options, std::string& error) {
  std::vector<bool> used(options.ports.size(), false);
  for (const std::string& text : texts) {
    const std::size_t comma = text.find(',');
    std::uint8_t first = 0;
    std::uint8_t second = 0;
    const bool known = comma != std::string::npos &&
                       port_number(options.ports, text.substr(0, comma), first) &&
                       port_number(options.ports, text.substr(comma + 1), second) && first != second;
    if (!known)
      return error = "--pair " + text + ": write two different names given with --port, NAME,NAME", false;
    if (used[first] || used[second])
      return error = "--pair " + text + ": a port belongs to one pair only", false;
    used[first] = used[second] = true;
    options.pairs.emplace_back(first, second);
  }
  if (options.pairs.empty()) error = "no --pair: without one nothing could be forwarded";
  return !options.pairs.empty();
}

bool within(std::uint32_t value, std::uint32_t low, std::uint32_t high, const char* name,
            std::string& error) {
  if (value >= low && value <= high) return true;
  error = std::string("--") + name + ": from " + std::to_string(low) + " to " + std::to_string(high);
  return false;
}

bool check(const Options& options, std::string& error) {
  const EngineLimits& limits = options.limits;
  if (options.io != "dpdk" && options.io != "nfqueue") return error = "--io: dpdk or nfqueue", false;
  if (options.ports.size() < 2 || options.ports.size() > port_count_max) {
    return error = "--port: from 2 to " + std::to_string(port_count_max) + " ports", false;
  }
  if (options.io == "nfqueue" && options.workers != 1) return error = "--workers: one with nfqueue", false;
  if (!options.cores.empty() && options.cores.size() != options.workers) {
    return error = "--core: once for each worker, or not at all", false;
  }
  return within(options.workers, 1, worker_count_max, "workers", error) &&
         within(limits.flow_count, 64, 1U << 20, "flows", error) &&
         within(limits.half_open_count, 1, limits.flow_count, "half-open", error) &&
         within(limits.block_count, 64, 1U << 22, "blocks", error) &&
         within(limits.limit_count, 16, 1U << 20, "rate-limits", error);
}

}  // namespace

std::string usage() {
  Options options;
  std::vector<std::string> ports;
  std::vector<std::string> pairs;
  std::ostringstream text;
  text << description(options, ports, pairs)
       << "\nExample, two network interfaces without a DPDK driver:\n"
          "  conduit-dataplane --eal=--no-huge --eal=--no-shconf --eal=--no-pci \\\n"
          "    --eal=--vdev=net_af_packet0,iface=eth1 --port "
          "name=upstream,device=net_af_packet0,interface=eth1 \\\n"
          "    --eal=--vdev=net_af_packet1,iface=eth2 --port "
          "name=downstream,device=net_af_packet1,interface=eth2 \\\n"
          "    --pair upstream,downstream\n";
  return text.str();
}

bool parse_options(int count, const char* const* words, Options& options, std::string& error) {
  std::vector<std::string> ports;
  std::vector<std::string> pairs;
  try {
    const po::options_description all = description(options, ports, pairs);
    po::variables_map values;
    po::store(po::parse_command_line(count, words, all), values);
    po::notify(values);
    if (values.count("help") != 0) return options.help = true;
  } catch (const po::error& wrong) {
    return error = std::string(wrong.what()) + " (--help lists the options)", false;
  }
  for (const std::string& text : ports) {
    PortConfig port;
    if (!parse_port(text, port, error)) return false;
    std::uint8_t number = 0;
    if (port_number(options.ports, port.name, number))
      return error = "--port " + text + ": name given twice", false;
    options.ports.push_back(port);
  }
  return parse_pairs(pairs, options, error) && check(options, error);
}

}  // namespace conduit
