// Keys that are always the same, and trust roots and bundles whose fields a test may change before they are
// signed. The keys are public knowledge: never trust them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/schema/bundle.pb.h"
#include "controlplane/trust/trusted_set.hpp"

namespace conduit::test {

// P256 is an ECDSA key, the others are Ed25519.
enum class Who { ROOT_A, ROOT_B, POLICY_A, POLICY_B, STRANGER, P256 };
using People = std::vector<Who>;

[[nodiscard]] const SigningKey& key_of(Who who);
[[nodiscard]] std::string key_id_of(Who who);  // raw octets

inline constexpr std::uint64_t test_now = 1'800'000'000;
inline constexpr const char* test_gateway = "gw-1";

// A root with one entry for each of the people, thresholds of 1 unless told.
[[nodiscard]] schema::TrustRoot root_of(std::uint64_t version, const People& roots, const People& policies,
                                        std::uint32_t root_threshold = 1, std::uint32_t policy_threshold = 1);
// Bundle of version 7 for test_gateway and another.
[[nodiscard]] schema::PolicyBundle bundle_7();

[[nodiscard]] schema::Envelope envelope_of(const std::string& type, const std::string& payload,
                                           const People& signers);
[[nodiscard]] std::string sealed(const schema::TrustRoot& root, const People& signers);
[[nodiscard]] std::string sealed(const schema::PolicyBundle& bundle, const People& signers);

// ROOT_A signs roots, POLICY_A policies. Version 1.
[[nodiscard]] TrustedSet simple_set();
// The same from any root that must be good.
[[nodiscard]] TrustedSet set_of(const schema::TrustRoot& root, const People& signers);

}  // namespace conduit::test
