// conduitctl events: what the SOC reads, from the gateway's own store.
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "controlplane/audit/event.hpp"
#include "tools/conduitctl/daemon_verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr const char* help_text =
    "conduitctl events [--since WHEN] [--conduit ID] [--follow] [--json]\n"
    "\n"
    "Prints the gateway's events, oldest first. With --json one object a line, as the sinks get them, with "
    "the hash that\n"
    "chains it to the one before. WHEN: 2026-11-23, 2026-11-23T10:15:00Z, or a span back from now: 90s, 15m, "
    "2h, 1d.\n"
    "\n"
    "Examples:\n"
    "  conduitctl events --since 1h --conduit scada-cell7\n"
    "  conduitctl events --follow --json | jq 'select(.severity >= 4)'\n"
    "\n";

bool parse_since(const std::string& text, std::uint64_t& wall_ns) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && digits + 1 == text.size() && digits < 10) {
    const std::uint64_t count = std::stoull(text.substr(0, digits));
    std::uint64_t unit = 0;
    if (text[digits] == 's') unit = 1;
    if (text[digits] == 'm') unit = 60;
    if (text[digits] == 'h') unit = 3600;
    if (text[digits] == 'd') unit = 86'400;
    if (unit != 0) {
      const std::uint64_t back = count * unit * 1'000'000'000ULL;
      const std::uint64_t now = wall_now_ns();
      wall_ns = now > back ? now - back : 0;
      return true;
    }
  }
  return parse_utc_time(text, wall_ns);
}

std::string peer(const Json& end) {
  if (end.contains("asset")) return end["asset"].get<std::string>();
  return end.contains("ip") ? end["ip"].get<std::string>() : end.value("mac", "?");
}

std::string operation_text(const Json& operation) {
  std::string text;
  if (operation.contains("function_name"))
    text = operation["function_name"].get<std::string>();
  else
    text = "function " + operation.value("function", Json(0)).dump();
  for (const auto& [name, value] : operation.items()) {
    const bool said = name == "function" || name == "function_name" || name == "access" || name == "index";
    if (!said) text += " " + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

void print_line(const std::string& line) {
  const Json event = Json::parse(line, nullptr, false);
  if (event.is_discarded()) return;
  std::cout << event.value("seq", 0) << ' ' << event.value("time", "").substr(0, 23) << "Z  ";
  if (!event.contains("reason")) {
    std::cout << event.value("event", "") << ": " << event.value("message", "") << '\n';
    return;
  }
  std::cout << (event.value("observed", false) ? "OBSERVED would " : "") << event.value("verdict", "") << ' '
            << event.value("reason", "");
  if (event.contains("conduit")) std::cout << " [" << event["conduit"].get<std::string>() << ']';
  if (event.contains("src")) std::cout << ' ' << peer(event["src"]) << " -> " << peer(event["dst"]);
  if (event.contains("operation")) std::cout << "  " << operation_text(event["operation"]);
  if (event.value("count", 1) > 1) std::cout << "  x" << event.value("count", 1);
  std::cout << "  (" << event.value("message", "") << "; " << event.value("requirement", "");
  if (event.contains("attack")) std::cout << ", ATT&CK " << event["attack"].value("technique", "");
  std::cout << ")\n";
}

int receive(ControlClient& client, bool json, bool follow) {
  for (;;) {
    const auto answer = client.answer(follow ? -1 : 40'000);
    if (!answer) return complain("events", answer.error().text());
    if (answer->outcome() != schema::DONE) {
      std::cerr << "conduitctl events: " << answer->error_name() << ": " << answer->text() << '\n';
      return answer->outcome() == schema::REFUSED ? exit_no : exit_error;
    }
    for (const std::string& line : answer->event()) {
      if (json) {
        std::cout << line << '\n';
      } else {
        print_line(line);
      }
    }
    std::cout.flush();
    if (!answer->more() && !follow) return exit_done;
  }
}

}  // namespace

int events(const Words& words) {
  std::string socket;
  std::string since;
  std::string conduit;
  po::options_description options("Options");
  add_daemon_options(options, socket);
  options.add_options()("since", po::value(&since), "only events from then on")(
      "conduit", po::value(&conduit), "only events of this conduit")("follow", "go on until interrupted")(
      "json", "one JSON object a line");
  po::variables_map values;
  int code = exit_done;
  if (!parse_daemon_verb("events", help_text, words, options, {}, values, code)) return code;
  schema::ControlRequest request;
  std::uint64_t since_ns = 0;
  if (!since.empty() && !parse_since(since, since_ns)) {
    return complain("events",
                    "--since " + since + ": write 2026-11-23T10:15:00Z, 2026-11-23, or 90s, 15m, 2h, 1d");
  }
  request.mutable_events()->set_since_wall_ns(since_ns);
  request.mutable_events()->set_conduit(conduit);
  request.mutable_events()->set_follow(values.count("follow") != 0);
  auto client = ControlClient::connect(socket);
  if (!client) return complain("events", client.error().text());
  if (auto asked = client->ask(request); !asked) return complain("events", asked.error().text());
  return receive(*client, values.count("json") != 0, values.count("follow") != 0);
}

}  // namespace conduit
