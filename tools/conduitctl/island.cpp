// conduitctl island on|off: cut the zones off from each other, but for what is essential.
#include <iostream>

#include "tools/conduitctl/daemon_verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl island on|off\n"
    "\n"
    "In island mode only rules marked essential apply, to living connections too. Entering and leaving are "
    "events.\n"
    "\n"
    "Exit status: 0 done on every worker, 1 refused, 2 error.\n"
    "\n";

}  // namespace

int island(const Words& words) {
  std::string socket;
  std::string state;
  po::options_description options("Options");
  add_daemon_options(options, socket);
  options.add_options()("state", po::value(&state), "on or off");
  po::positional_options_description positional;
  positional.add("state", 1);
  po::variables_map values;
  int code = exit_done;
  if (!parse_daemon_verb("island", help_text, words, options, positional, values, code)) return code;
  if (state != "on" && state != "off")
    return complain("island", "write: conduitctl island on, or conduitctl island off");
  schema::ControlRequest request;
  request.mutable_island()->set_on(state == "on");
  schema::ControlResponse response;
  if (ask_daemon("island", socket, request, response, code)) std::cout << response.text() << '\n';
  return code;
}

}  // namespace conduit
