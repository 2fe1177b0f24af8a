// A gateway's config: what is refused, where, and the data plane's command line that follows from it.
#include <doctest/doctest.h>

#include <algorithm>

#include "config/policy/gateway.hpp"

using namespace conduit;

namespace {

const std::string ports =
    "gateway_id: \"gw\"\n"
    "port { name: \"up\" device: \"net_af_packet0\" interface: \"eth1\" }\n"
    "port { name: \"down\" device: \"net_af_packet1\" }\n";
const std::string pair = "pair { a: \"up\" b: \"down\" }\n";
const std::string good = ports + pair + "dpdk { eal: \"--no-huge\" workers: 2 core: 1 core: 2 }\n";

std::string errors(const std::string& text) {
  std::string all;
  const LoadedGateway gateway = load_gateway(text, false);
  for (const Diagnostic& one : gateway.diagnostics) {
    if (!one.warning) all += one.format("gw") + "\n";
  }
  CHECK(gateway.good == all.empty());
  return all;
}

}  // namespace

TEST_CASE("the data plane's arguments follow from the config, in order") {
  const LoadedGateway gateway = load_gateway(good + "limits { flows: 64 }\nlink_socket: \"/l\"\n", false);
  REQUIRE(gateway.good);
  const std::vector<std::string> expected = {"--io=dpdk",
                                             "--eal=--no-huge",
                                             "--port=name=up,device=net_af_packet0,interface=eth1",
                                             "--port=name=down,device=net_af_packet1",
                                             "--pair=up,down",
                                             "--workers=2",
                                             "--core=1",
                                             "--core=2",
                                             "--flows=64",
                                             "--link=/l"};
  CHECK(gateway.config.dataplane_arguments() == expected);
  CHECK(gateway.config.gateway_ports().peer == std::vector<std::uint8_t>{1, 0});
  CHECK(gateway.config.audit_path == "/var/lib/conduitd/audit.db");
}

TEST_CASE("with NFQUEUE the queue is named and no worker") {
  const LoadedGateway gateway = load_gateway(ports + pair + "nfqueue { queue: 7 bridge: \"br0\" }\n", false);
  REQUIRE(gateway.good);
  const auto words = gateway.config.dataplane_arguments();
  CHECK(words.front() == "--io=nfqueue");
  CHECK(std::count(words.begin(), words.end(), "--queue=7") == 1);
  CHECK(std::count(words.begin(), words.end(), "--workers=1") == 0);
}

TEST_CASE("what is refused, and where") {
  struct Row {
    const char* name;
    std::string text;
    const char* expected;  // a part of the complaints
  };
  const std::string io = "dpdk { }\n";
  const Row rows[] = {
      {"no id", ports.substr(ports.find('\n') + 1) + pair + io, "gw:1:1: error: no gateway_id"},
      {"one port", "gateway_id: \"gw\"\nport { name: \"a\" device: \"d\" }\n" + io, "from 2 to"},
      {"no pair", ports + io, "no pair"},
      {"no back end", ports + pair, "no back end"},
      {"nameless port", ports + "port { device: \"d\" }\n" + pair + io, "gw:4:1: error: a port's name"},
      {"twin ports", ports + "port { name: \"up\" device: \"d\" }\n" + pair + io,
       "gw:4:1: error: port name \"up\""},
      {"no device", ports + "port { name: \"c\" }\n" + pair + io,
       "gw:4:1: error: port \"c\" names no device"},
      {"pair of one", ports + "pair { a: \"up\" b: \"up\" }\n" + io, "gw:4:1: error: a pair names two"},
      {"unknown in pair", ports + "pair { a: \"up\" b: \"x\" }\n" + io, "gw:4:1: error: a pair names two"},
      {"port in two pairs", ports + pair + pair + io, "gw:5:1: error: port \"up\" belongs to a pair"},
      {"cores unlike workers", ports + pair + "dpdk { workers: 2 core: 1 }\n", "one for each worker"},
      {"too many workers", ports + pair + "dpdk { workers: 1000 }\n", "workers"},
      {"no bridge", ports + pair + "nfqueue { queue: 1 }\n", "gw:5:1: error: name the bridge"},
      {"sink without path", good + "sink { json_lines { } }\n", "gw:6:1: error: a sink names its path"},
      {"comma in a name", ports + "port { name: \"a,b\" device: \"d\" }\n" + pair + io,
       "gw:4:1: error: a port's"},
      {"line end in eal", ports + pair + "dpdk { eal: \"a\\nb\" }\n", "gw:5:1: error: eal"},
      {"unknown field", good + "colour: 1\n", "gw:6:"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string all = errors(row.text);
    CAPTURE(all);
    CHECK(all.find(row.expected) != std::string::npos);
  }
  CHECK(errors(good).empty());  // the canary: these rows are refused for what they change
}
