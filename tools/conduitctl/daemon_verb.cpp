#include "tools/conduitctl/daemon_verb.hpp"

#include <iostream>

namespace conduit {
namespace {

namespace po = boost::program_options;
constexpr int answer_timeout_ms = 40'000;  // a load waits for the verifier, at most 30 s

}  // namespace

void add_daemon_options(po::options_description& options, std::string& socket) {
  options.add_options()("help,h", "this text")("socket",
                                               po::value(&socket)->default_value(control_socket_default),
                                               "control socket of conduit-controlplane");
}

bool parse_daemon_verb(const char* verb, const char* help, const Words& words,
                       const po::options_description& options,
                       const po::positional_options_description& positional, po::variables_map& values,
                       int& status) {
  try {
    po::store(po::command_line_parser(words).options(options).positional(positional).run(), values);
    po::notify(values);
    if (values.count("help") == 0) return true;
    std::cout << help << options;
    status = exit_done;
  } catch (const po::error& wrong) {
    status = complain(verb, std::string(wrong.what()) + " (--help lists the options)");
  }
  return false;
}

bool ask_daemon(const char* verb, const std::string& socket, const schema::ControlRequest& request,
                schema::ControlResponse& response, int& status) {
  auto client = ControlClient::connect(socket);
  if (!client) return status = complain(verb, client.error().text()), false;
  if (auto asked = client->ask(request); !asked) return status = complain(verb, asked.error().text()), false;
  auto answer = client->answer(answer_timeout_ms);
  if (!answer) return status = complain(verb, answer.error().text()), false;
  response = std::move(*answer);
  status = exit_done;
  if (response.outcome() == schema::DONE) return true;
  std::cerr << "conduitctl " << verb << ": " << (response.outcome() == schema::REFUSED ? "refused: " : "")
            << response.error_name() << ": " << response.text() << '\n';
  status = response.outcome() == schema::REFUSED ? exit_no : exit_error;
  return false;
}

}  // namespace conduit
