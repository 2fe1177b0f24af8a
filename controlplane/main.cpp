// conduit-controlplane: gateway config → state, sockets, kept policy → sandbox → poll loop until told to
// stop.
#include <sys/signalfd.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <sstream>

#include "config/policy/gateway.hpp"
#include "controlplane/daemon.hpp"
#include "controlplane/sandbox.hpp"

namespace conduit {
namespace {

int complain(const std::string& text) {
  std::fprintf(stderr, "conduit-controlplane: %s\n", text.c_str());
  return 2;
}

int serve(const std::string& path) {
  std::string text;
  std::string error;
  if (!read_document_file(path, text, error)) return complain(error);
  const LoadedGateway gateway = load_gateway(text, path.ends_with(".json"));
  for (const Diagnostic& one : gateway.diagnostics) std::fprintf(stderr, "%s\n", one.format(path).c_str());
  if (!gateway.good) return 2;
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const UniqueFd stop(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  auto daemon = Daemon::start(gateway.config);
  if (!daemon) return complain(daemon.error().text());
  if (auto done = enter_daemon_sandbox(); !done) return complain(done.error().text());
  std::fprintf(stderr, "conduit-controlplane: ready, control socket %s\n",
               gateway.config.control_socket.c_str());
  (*daemon)->run(stop.get());
  return 0;
}

}  // namespace
}  // namespace conduit

int main(int count, char** words) {
  namespace po = boost::program_options;
  std::string gateway = "/etc/conduitd/gateway.txtpb";
  po::options_description options(
      "conduit-controlplane: takes signed policies, hands them to the data plane, reports events\n\nOptions");
  options.add_options()("help,h", "this text")("gateway", po::value(&gateway)->default_value(gateway),
                                               "configuration of this gateway");
  try {
    po::variables_map values;
    po::store(po::parse_command_line(count, words, options), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::ostringstream text;
      text << options;
      return std::fputs(text.str().c_str(), stdout) < 0 ? 2 : 0;
    }
  } catch (const po::error& wrong) {
    return conduit::complain(std::string(wrong.what()) + " (--help lists the options)");
  }
  return conduit::serve(gateway);
}
