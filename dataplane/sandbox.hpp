// What is left of the data plane's rights once its ports are open.
#pragma once

#include <string>

namespace conduit {

// Drops every capability of every thread (but CAP_NET_ADMIN where `keep_net_admin`: netfilter checks it on
// each verdict), forbids new privileges, and permits only the system calls of a running data plane; any other
// one kills the process (fail close).
[[nodiscard]] bool enter_sandbox(bool keep_net_admin, std::string& error);

}  // namespace conduit
