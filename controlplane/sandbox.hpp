// What is left of the daemon's rights once it runs: no capabilities, no new privileges, a list of permitted
// system calls with "kill" for the rest. Called once everything is open.
#pragma once

#include "config/error.hpp"

namespace conduit {

// The daemon itself: files of its state folder, unix sockets, its forked verifier.
[[nodiscard]] Expected<void> enter_daemon_sandbox();

// The verifier (a forked child that reads a bundle from strangers): memory, the one pipe and memfd it was
// given.
[[nodiscard]] Expected<void> enter_verifier_sandbox();

}  // namespace conduit
