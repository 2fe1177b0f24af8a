// TrustedSet: holds only what is trusted, the root first, then what the root vouches for. Its load order is
// its API; it does no file or network I/O and reads no clock. After the TUF specification (§5.3: root
// rotation, thresholds, rollback) and DSSE.
//
// Rules, each with its own error name:
//   size cap → envelope readable → signatures over the raw payload (threshold of distinct public keys) →
//   payload readable, nothing unknown in it → scope (gateway) → version (strictly rising; a root exactly by
//   one).
// Expiry takes privileges, not permits: a key past its date signs nothing new; what was accepted stays in
// force.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/error.hpp"
#include "controlplane/trust/keys.hpp"

namespace conduit {

namespace schema {
class Envelope;
class TrustRoot;
}  // namespace schema

enum class TrustRole : std::uint8_t { ROOT = 1, POLICY = 2, GRANT = 3 };  // numbers of schema::KeyRole

inline constexpr const char* root_payload_type = "application/vnd.conduitd.root.v1";
inline constexpr const char* policy_payload_type = "application/vnd.conduitd.policy.v1";
inline constexpr std::size_t signature_count_max = 16;

struct AcceptedBundle {
  std::uint64_t version = 0;
  std::uint64_t created_unix = 0;
  std::vector<std::string> gateway_ids;
  std::string policy_name;
  std::string policy_text;
  bool json = false;
  Digest policy_hash{};              // SHA-256 of policy_text
  std::vector<std::string> signers;  // key ids in hex
};

struct RootKeySource {
  SigningKey key;
  std::string name;
  std::uint64_t not_after_unix = 0;
  bool signs_roots = false;
  bool signs_policies = false;
};

class TrustedSet {
 public:
  // The first root: whoever hands it over is believed, but it must be whole and signed by its own threshold.
  [[nodiscard]] static Expected<TrustedSet> from_root(const std::string& envelope);

  // Root N+1, signed by thresholds of N and of N+1.
  [[nodiscard]] Expected<void> update_root(const std::string& envelope, std::uint64_t now_unix);

  // A bundle for this gateway (its id is never empty) that is newer than `version_floor` (the highest version
  // ever accepted here, 0 = none). Does not change the set: the caller remembers the version when the bundle
  // is in force.
  [[nodiscard]] Expected<AcceptedBundle> accept_bundle(const std::string& envelope,
                                                       const std::string& gateway_id,
                                                       std::uint64_t version_floor,
                                                       std::uint64_t now_unix) const;
  // The bundle that was accepted before, read again at start: version and expiry are not asked. Ask the root
  // under which it was accepted: a later root that drops its signer does not stop what is in force.
  [[nodiscard]] Expected<AcceptedBundle> reopen_bundle(const std::string& envelope,
                                                       const std::string& gateway_id) const;

  // For people who look at bundles away from a gateway: signatures and content, whatever gateway and version.
  [[nodiscard]] Expected<AcceptedBundle> read_bundle(const std::string& envelope,
                                                     std::uint64_t now_unix) const;

  [[nodiscard]] std::uint64_t root_version() const noexcept { return version_; }

 private:
  struct TrustedKey {
    SigningKey key;
    std::string name;
    std::uint64_t not_after_unix = 0;
  };
  struct Role {
    std::set<std::string> key_ids;
    std::uint32_t threshold = 0;
  };
  TrustedSet() = default;
  static Expected<TrustedSet> parse_root(const std::string& payload);
  // Nothing: expiry is not asked.
  using Now = std::optional<std::uint64_t>;
  // Ids of the distinct keys of `role` that signed; an error if they are fewer than the threshold.
  Expected<std::vector<std::string>> verify(const schema::Envelope& envelope, TrustRole role, Now now) const;
  Expected<AcceptedBundle> open_bundle(const std::string& bytes, Now now) const;

  std::uint64_t version_ = 0;
  std::map<std::string, TrustedKey> keys_;  // by key id, raw octets
  std::map<TrustRole, Role> roles_;
};

// DSSE pre-authentication encoding.
[[nodiscard]] std::string pre_authentication_encoding(const std::string& type, const std::string& payload);

// A serialized envelope around `payload`, signed by each of `keys`.
[[nodiscard]] Expected<std::string> seal_envelope(const std::string& type, const std::string& payload,
                                                  const std::vector<const SigningKey*>& keys);
// Adds a signature to an envelope (a second signer of a threshold).
[[nodiscard]] Expected<std::string> add_signature(const std::string& envelope, const SigningKey& key);

// Payload of a root.
[[nodiscard]] std::string make_root(std::uint64_t version, const std::vector<RootKeySource>& keys,
                                    std::uint32_t root_threshold, std::uint32_t policy_threshold);
// Payload of a policy bundle.
[[nodiscard]] std::string make_bundle(std::uint64_t version, const std::vector<std::string>& gateway_ids,
                                      std::uint64_t created_unix, const std::string& policy_name,
                                      const std::string& policy_text, bool json);

}  // namespace conduit
