// conduitctl status: how is the gateway?
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/conduitctl/daemon_verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr const char* help_text =
    "conduitctl status [--json]\n"
    "\n"
    "Says which policy is in force, whether the data plane is there, and what was forwarded and denied. The "
    "share of messages\n"
    "that were really inspected stands with each conduit.\n"
    "\n"
    "Exit status: 0 a policy is in force, 1 it is not (no policy, no data plane, or it hangs), 2 error.\n"
    "\n";

void print(const Json& status) {
  std::cout << "gateway     " << status.value("gateway", "") << "\ndata plane  "
            << status.value("data_plane", "") << "\nisland      "
            << (status.value("island", false) ? "on: only essential rules apply" : "off") << '\n';
  if (status.contains("policy")) {
    std::cout << "policy      " << status["policy"].value("name", "") << " version "
              << status["policy"].value("version", 0) << '\n';
  } else {
    std::cout << "policy      none: nothing is forwarded\n";
  }
  const Json counters = status.value("counters", Json::object());
  const Json conduits = counters.value("conduits", Json::object());
  for (const auto& [name, conduit] : conduits.items()) {
    std::cout << "conduit     " << name << " (" << conduit.value("mode", "")
              << "): " << conduit.value("messages_inspected", 0) << " messages inspected, "
              << conduit.value("messages_opaque", 0) << " opaque (" << std::fixed << std::setprecision(1)
              << 100.0 * conduit.value("inspected_share", 1.0) << " % inspected), "
              << conduit.value("denied", 0) << " denied, " << conduit.value("observed", 0) << " observed\n";
  }
  const Json reasons = counters.value("reasons", Json::object());
  for (const auto& [name, count] : reasons.items()) {
    std::cout << "reason      " << name << ' ' << count << '\n';
  }
  if (counters.contains("flows")) {
    std::cout << "flows       " << counters["flows"].value("live", 0) << " live, "
              << counters["flows"].value("half_open", 0) << " half open\n";
  }
  std::cout << "events      up to " << status["audit"].value("last", 0) << '\n';
}

}  // namespace

int status(const Words& words) {
  std::string socket;
  po::options_description options("Options");
  add_daemon_options(options, socket);
  options.add_options()("json", "one JSON object");
  po::variables_map values;
  int code = exit_done;
  if (!parse_daemon_verb("status", help_text, words, options, {}, values, code)) return code;
  schema::ControlRequest request;
  request.mutable_status();
  schema::ControlResponse response;
  if (!ask_daemon("status", socket, request, response, code)) return code;
  const Json json = Json::parse(response.json(), nullptr, false);
  if (json.is_discarded()) return complain("status", "the daemon's answer cannot be read");
  if (values.count("json") != 0) {
    std::cout << json.dump(2) << '\n';
  } else {
    print(json);
  }
  const bool enforcing = json.contains("policy") && json.value("data_plane", "") == "connected";
  return enforcing ? exit_done : exit_no;
}

}  // namespace conduit
