// Verifier: what reads a bundle that anybody may have sent. Runs in a forked child without files, sockets or
// capabilities: signatures, policy, compiler. Back comes an image in a memfd of the parent's and the names
// behind it, or the refusal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/abi/unique_fd.hpp"
#include "config/error.hpp"
#include "config/policy/gateway.hpp"
#include "config/policy/name_table.hpp"

namespace conduit {

struct VerifyRequest {
  std::string root;    // envelope of the root to trust
  std::string bundle;  // envelope from outside
  std::string gateway_id;
  std::uint64_t version_floor = 0;
  std::uint64_t now_unix = 0;
  bool reopen = false;  // the bundle was accepted before: version and expiry are not asked
  GatewayPorts ports;
  std::uint64_t generation = 0;
};

struct VerifiedPolicy {
  UniqueFd image;  // sealed
  std::uint64_t image_size = 0;
  std::shared_ptr<const NameTable> names;
  std::string signers;  // key ids, for the event
};

// Each waits for its child, at most 30 s.
[[nodiscard]] Expected<VerifiedPolicy> verify_bundle(const VerifyRequest& request);
// Is `next` (an envelope from outside) a root that follows `root`? Its version.
[[nodiscard]] Expected<std::uint64_t> verify_root(const std::string& root, const std::string& next,
                                                  std::uint64_t now_unix);

}  // namespace conduit
