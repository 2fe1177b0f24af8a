// Starts conduit-dataplane as a supervisor does after both daemons died: the accepted rule image lies in its
// descriptor store. Lets the data plane be tested without a control plane.
//
//   run_stored POLICY GATEWAY CONDUIT-DATAPLANE      (becomes the data plane: same process)
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "config/policy/compile.hpp"
#include "config/policy/gateway.hpp"

namespace {

constexpr int stored_fd = 3;  // sd_listen_fds(3): the first descriptor of the supervisor

int complain(const std::string& text) {
  std::fprintf(stderr, "run_stored: %s\n", text.c_str());
  return 2;
}

bool store_image(const conduit::ImageBuffer& image) {
  const int fd = ::memfd_create("image", MFD_ALLOW_SEALING);
  const auto bytes = image.bytes();
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return false;
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) return false;
  return fd == stored_fd || ::dup2(fd, stored_fd) == stored_fd;
}

int run(const char* policy_path, const char* gateway_path, const char* program) {
  std::string text;
  std::string error;
  if (!conduit::read_document_file(gateway_path, text, error)) return complain(error);
  const conduit::LoadedGateway gateway = conduit::load_gateway(text, false);
  for (const auto& one : gateway.diagnostics) complain(one.format(gateway_path));
  if (!gateway.good) return 2;
  const conduit::GatewayPorts ports = gateway.config.gateway_ports();
  conduit::CompileInput input;
  input.ports = &ports;
  if (!conduit::read_document_file(policy_path, input.text, error)) return complain(error);
  const conduit::CompiledPolicy policy = conduit::compile_policy(input);
  for (const auto& one : policy.diagnostics) complain(one.format(policy_path));
  if (!policy.good || !store_image(policy.image)) return complain("no image");
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_FDNAMES", "image", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  std::vector<std::string> words = gateway.config.dataplane_arguments();
  words.insert(words.begin(), program);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(program, pointers.data());
  return complain(std::string(program) + ": " + std::strerror(errno));
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return complain("usage: run_stored POLICY GATEWAY CONDUIT-DATAPLANE");
  return run(words[1], words[2], words[3]);
}
