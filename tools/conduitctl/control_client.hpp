// conduitctl's side of the control socket: connect, ask, read answers. Blocking.
#pragma once

#include <cstdint>
#include <string>

#include "config/abi/unique_fd.hpp"
#include "config/error.hpp"

namespace conduit {

namespace schema {
class ControlRequest;
class ControlResponse;
}  // namespace schema
using schema::ControlRequest;
using schema::ControlResponse;

inline constexpr const char* control_socket_default = "/run/conduitd/control.sock";

class ControlClient {
 public:
  [[nodiscard]] static Expected<ControlClient> connect(const std::string& path);
  [[nodiscard]] Expected<void> ask(const ControlRequest& request);
  // Next answer; an error when the daemon is silent for `timeout_ms` (negative: wait for ever) or closes.
  [[nodiscard]] Expected<ControlResponse> answer(int timeout_ms);

 private:
  explicit ControlClient(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  Expected<void> read_exactly(char* bytes, std::size_t size, int timeout_ms);
  UniqueFd fd_;
};

}  // namespace conduit
