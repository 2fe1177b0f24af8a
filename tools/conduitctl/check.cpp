// conduitctl check POLICY: is this a policy that a gateway would take?
#include <boost/program_options.hpp>
#include <iostream>

#include "config/policy/compile.hpp"
#include "config/policy/gateway.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl check POLICY [--gateway gateway.txtpb]\n"
    "\n"
    "Reads a policy (protobuf text format; a name that ends in .json: protobuf's JSON) and says everything "
    "that is wrong with\n"
    "it, as file:line:column: what, and what to write instead. With --gateway its ports and pairs are held "
    "against the\n"
    "gateway's, too.\n"
    "\n"
    "Exit status: 0 a gateway would take it, 1 it has errors, 2 it cannot be read.\n"
    "\n";

bool is_json(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
}

void print(const std::string& path, const std::vector<Diagnostic>& diagnostics) {
  for (const Diagnostic& one : diagnostics) std::cerr << one.format(path) << '\n';
}

int run(const std::string& path, const std::string& gateway_path) {
  CompileInput input;
  std::string error;
  GatewayPorts ports;
  if (!gateway_path.empty()) {
    std::string text;
    if (!read_document_file(gateway_path, text, error)) return complain("check", error);
    const LoadedGateway gateway = load_gateway(text, is_json(gateway_path));
    print(gateway_path, gateway.diagnostics);
    if (!gateway.good) return exit_no;
    ports = gateway.config.gateway_ports();
    input.ports = &ports;
  }
  if (!read_document_file(path, input.text, error)) return complain("check", error);
  input.json = is_json(path);
  const CompiledPolicy policy = compile_policy(input);
  print(path, policy.diagnostics);
  if (!policy.good) return exit_no;
  std::cout << path << ": good; policy \"" << policy.names.policy_name << "\" version "
            << policy.names.policy_version << ", " << policy.names.zones.size() << " zones, "
            << policy.names.assets.size() << " assets, " << policy.names.conduits.size() << " conduits, "
            << policy.names.allows.size() << " rules, image of " << policy.image.bytes().size()
            << " octets\n";
  return exit_done;
}

}  // namespace

int check(const Words& words) {
  std::string path;
  std::string gateway;
  po::options_description options("Options");
  options.add_options()("help,h", "this text")("gateway", po::value(&gateway),
                                               "gateway config to check against")("policy", po::value(&path),
                                                                                  "the policy");
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
    return complain("check", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (path.empty())
    return complain("check", "which policy? write: conduitctl check POLICY (--help tells more)");
  return run(path, gateway);
}

}  // namespace conduit
