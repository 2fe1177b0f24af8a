// The few unix-socket calls that the link and the control socket share.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "config/abi/unique_fd.hpp"
#include "config/error.hpp"

namespace conduit {

// Listening non-blocking socket at `path` (a stale socket file is replaced, anything else at that place is an
// error). The folder is made if its parent exists. `type`: SOCK_SEQPACKET or SOCK_STREAM.
[[nodiscard]] Expected<UniqueFd> listen_unix(const std::string& path, int type, mode_t mode);

[[nodiscard]] Expected<UniqueFd> connect_unix(const std::string& path, int type);

// One message with its descriptors; octets received, 0 at the end, -1 with errno. A cut message is an error
// (EMSGSIZE).
[[nodiscard]] long receive_message(int socket, void* bytes, std::size_t size,
                                   std::vector<UniqueFd>& descriptors);

// One message, `fd` beside it unless negative. Never raises SIGPIPE.
[[nodiscard]] bool send_message(int socket, const void* bytes, std::size_t size, int fd);

}  // namespace conduit
