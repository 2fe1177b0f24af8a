// conduitctl load: gives a signed bundle to the running gateway.
#include <iostream>

#include "config/abi/limits.hpp"
#include "controlplane/trust/state_store.hpp"
#include "tools/conduitctl/daemon_verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl load [--verify-only] BUNDLE\n"
    "conduitctl load --root ROOT\n"
    "\n"
    "Hands a signed bundle to the gateway and waits until it is in force. Living connections go on if the "
    "new policy permits\n"
    "them, and are judged by it from their next PDU on. A bundle that is refused changes nothing.\n"
    "The second form renews the root of trust (conduitctl trust --previous makes one).\n"
    "\n"
    "Exit status: 0 in force, 1 refused (the reason is printed), 2 error.\n"
    "\n";

}  // namespace

int load(const Words& words) {
  std::string socket;
  std::string path;
  po::options_description options("Options");
  add_daemon_options(options, socket);
  options.add_options()("root", "the file is a root of trust that follows the one in force")(
      "verify-only", "ask whether it would be taken, change nothing")("bundle", po::value(&path),
                                                                      "the bundle");
  po::positional_options_description positional;
  positional.add("bundle", 1);
  po::variables_map values;
  int status = exit_done;
  if (!parse_daemon_verb("load", help_text, words, options, positional, values, status)) return status;
  if (path.empty())
    return complain("load", "which bundle? write: conduitctl load FILE (conduitctl sign makes one)");
  auto bundle = read_file(path, bundle_size_max);
  if (!bundle) return complain("load", bundle.error().text());
  schema::ControlRequest request;
  request.mutable_load()->set_bundle(*bundle);
  request.mutable_load()->set_verify_only(values.count("verify-only") != 0);
  request.mutable_load()->set_root(values.count("root") != 0);
  schema::ControlResponse response;
  if (ask_daemon("load", socket, request, response, status)) std::cout << response.text() << '\n';
  return status;
}

}  // namespace conduit
