// conduitctl dataplane-args: the data plane's command line, from the gateway's config.
#include <boost/program_options.hpp>
#include <iostream>

#include "config/policy/gateway.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl dataplane-args GATEWAY\n"
    "\n"
    "Checks a gateway's config and prints the arguments of conduit-dataplane, one a line. The data plane "
    "itself reads no files.\n"
    "\n"
    "Example:\n"
    "  conduitctl dataplane-args /etc/conduitd/gateway.txtpb | xargs -d '\\n' conduit-dataplane\n"
    "\n"
    "Exit status: 0 printed, 1 the config has errors, 2 it cannot be read.\n"
    "\n";

}  // namespace

int dataplane_args(const Words& words) {
  std::string path;
  po::options_description options("Options");
  options.add_options()("help,h", "this text")("gateway", po::value(&path), "the gateway's config");
  po::positional_options_description positional;
  positional.add("gateway", 1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).positional(positional).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
  } catch (const po::error& wrong) {
    return complain("dataplane-args", std::string(wrong.what()) + " (--help lists the options)");
  }
  std::string text;
  std::string error;
  if (path.empty())
    return complain("dataplane-args", "which config? write: conduitctl dataplane-args GATEWAY");
  if (!read_document_file(path, text, error)) return complain("dataplane-args", error);
  const LoadedGateway gateway = load_gateway(text, path.ends_with(".json"));
  for (const Diagnostic& one : gateway.diagnostics) std::cerr << one.format(path) << '\n';
  if (!gateway.good) return exit_no;
  for (const std::string& word : gateway.config.dataplane_arguments()) std::cout << word << '\n';
  return exit_done;
}

}  // namespace conduit
