#include "controlplane/trust/trusted_set.hpp"

#include <google/protobuf/message.h>

#include <algorithm>

#include "config/abi/limits.hpp"
#include "config/schema/bundle.pb.h"

namespace conduit {
namespace {

constexpr std::size_t key_count_max = 64;

Expected<schema::Envelope> open_envelope(const std::string& bytes, std::size_t size_max, const char* type) {
  if (bytes.size() > size_max) {
    return fail("envelope.too_large", "larger than " + std::to_string(size_max) + " octets");
  }
  schema::Envelope envelope;
  if (!envelope.ParseFromString(bytes) || envelope.payload().empty()) {
    return fail("envelope.unreadable", "this is not a signed envelope, or it is damaged");
  }
  if (envelope.signature_size() > static_cast<int>(signature_count_max)) {
    return fail("envelope.signature_count",
                "more than " + std::to_string(signature_count_max) + " signatures");
  }
  // Part of what is signed; told apart here only to say it clearly.
  if (envelope.payload_type() != type) {
    return fail("envelope.type",
                "the envelope holds \"" + envelope.payload_type() + "\", not \"" + type + "\"");
  }
  return envelope;
}

const char* role_name(TrustRole role) {
  switch (role) {
    case TrustRole::ROOT: return "roots";
    case TrustRole::POLICY: return "policies";
    case TrustRole::GRANT: return "grants";
  }
  return "";
}

bool knows_all(const google::protobuf::Message& message) {
  return message.GetReflection()->GetUnknownFields(message).empty();
}

bool knows_all_of(const schema::TrustRoot& root) {
  const auto known = [](const auto& one) { return knows_all(one); };
  return knows_all(root) && std::all_of(root.key().begin(), root.key().end(), known) &&
         std::all_of(root.role().begin(), root.role().end(), known);
}

Expected<void> check_scope(const AcceptedBundle& bundle, const std::string& gateway_id) {
  const auto& ids = bundle.gateway_ids;
  if (!gateway_id.empty() && std::find(ids.begin(), ids.end(), gateway_id) != ids.end()) return {};
  std::string list;
  for (const std::string& id : ids) list += (list.empty() ? "" : ", ") + id;
  return fail("bundle.gateway", "the bundle is for " + (list.empty() ? "no gateway" : list) + ", not for " +
                                    (gateway_id.empty() ? "a gateway without a name" : gateway_id));
}

}  // namespace

std::string pre_authentication_encoding(const std::string& type, const std::string& payload) {
  return "DSSEv1 " + std::to_string(type.size()) + " " + type + " " + std::to_string(payload.size()) + " " +
         payload;
}

Expected<std::vector<std::string>> TrustedSet::verify(const schema::Envelope& envelope, TrustRole role,
                                                      Now now) const {
  const auto found = roles_.find(role);
  if (found == roles_.end()) {
    return fail("signature.role_missing", std::string("the root lets nobody sign ") + role_name(role));
  }
  const Role& wanted = found->second;
  const std::string message = pre_authentication_encoding(envelope.payload_type(), envelope.payload());
  std::set<std::string> signers;
  bool known = false;
  bool expired = false;
  for (const schema::Signature& signature : envelope.signature()) {
    const auto key = keys_.find(signature.key_id());
    if (key == keys_.end() || wanted.key_ids.count(signature.key_id()) == 0) continue;
    known = true;
    if (!key->second.key.verify(message, signature.value())) {
      return fail("signature.invalid",
                  "the signature of key " + hex_text(signature.key_id()).substr(0, 16) +
                      " does not fit: the content was changed, or the signature is damaged");
    }
    if (now && key->second.not_after_unix != 0 && *now > key->second.not_after_unix) {
      expired = true;
      continue;
    }
    signers.insert(signature.key_id());  // the id is the hash of the key: distinct ids are distinct keys
  }
  if (signers.size() >= wanted.threshold) return std::vector<std::string>(signers.begin(), signers.end());
  if (expired)
    return fail("signature.key_expired", "signed with a key that is past its date", {},
                "sign with a valid key");
  if (!known) {
    return fail("signature.unknown_key",
                std::string("no signature of a key that the root trusts to sign ") + role_name(role));
  }
  return fail("signature.threshold", std::to_string(signers.size()) + " of " +
                                         std::to_string(wanted.threshold) +
                                         " needed signatures of distinct keys");
}

Expected<TrustedSet> TrustedSet::parse_root(const std::string& payload) {
  schema::TrustRoot root;
  if (!root.ParseFromString(payload)) return fail("root.unreadable", "the root's payload cannot be read");
  if (!knows_all_of(root)) {
    return fail("root.unknown_field", "the root says more than this version understands");
  }
  if (root.version() == 0) return fail("root.version_zero", "a root's version is above 0");
  if (root.key_size() > static_cast<int>(key_count_max)) return fail("root.key_count", "too many keys");
  TrustedSet set;
  set.version_ = root.version();
  for (const schema::TrustedKey& one : root.key()) {
    auto key = SigningKey::from_der(one.public_key());
    if (!key) return fail("root.key_unreadable", "a key of the root cannot be read: " + key.error().what);
    const std::string id = digest_bytes(key->id());
    if (set.keys_.count(id) != 0) return fail("root.key_twice", "the root lists a key twice");
    set.keys_.emplace(id, TrustedKey{std::move(*key), one.name(), one.not_after_unix()});
  }
  for (const schema::RoleKeys& one : root.role()) {
    if (one.role() == schema::KEY_ROLE_UNSPECIFIED || !schema::KeyRole_IsValid(one.role())) {
      return fail("root.role_unknown", "the root names a role that this version does not know");
    }
    Role role;
    role.threshold = one.threshold();
    for (const std::string& id : one.key_id()) {
      if (set.keys_.count(id) == 0)
        return fail("root.role_key_missing", "a role names a key that the root does not list");
      role.key_ids.insert(id);
    }
    if (role.threshold == 0 || role.threshold > role.key_ids.size()) {
      return fail("root.threshold", "a role's threshold is from 1 to the number of its keys");
    }
    if (!set.roles_.emplace(static_cast<TrustRole>(one.role()), std::move(role)).second) {
      return fail("root.role_twice", "the root states a role twice");
    }
  }
  if (set.roles_.count(TrustRole::ROOT) == 0 || set.roles_.count(TrustRole::POLICY) == 0) {
    return fail("root.role_missing", "a root states who signs roots and who signs policies");
  }
  return set;
}

Expected<TrustedSet> TrustedSet::from_root(const std::string& bytes) {
  auto envelope = open_envelope(bytes, root_size_max, root_payload_type);
  if (!envelope) return tl::unexpected(envelope.error());
  auto set = parse_root(envelope->payload());
  if (!set) return set;
  if (auto signers = set->verify(*envelope, TrustRole::ROOT, std::nullopt); !signers)
    return tl::unexpected(signers.error());
  return set;
}

Expected<void> TrustedSet::update_root(const std::string& bytes, std::uint64_t now_unix) {
  auto envelope = open_envelope(bytes, root_size_max, root_payload_type);
  if (!envelope) return tl::unexpected(envelope.error());
  if (auto signers = verify(*envelope, TrustRole::ROOT, now_unix); !signers)
    return tl::unexpected(signers.error());
  auto next = parse_root(envelope->payload());
  if (!next) return tl::unexpected(next.error());
  if (auto signers = next->verify(*envelope, TrustRole::ROOT, now_unix); !signers) {
    return tl::unexpected(signers.error());
  }
  if (next->version_ != version_ + 1) {
    return fail("root.version", "root version " + std::to_string(next->version_) +
                                    " does not follow version " + std::to_string(version_) +
                                    "; roots are taken one by one");
  }
  *this = std::move(*next);
  return {};
}

Expected<AcceptedBundle> TrustedSet::open_bundle(const std::string& bytes, Now now) const {
  auto envelope = open_envelope(bytes, bundle_size_max, policy_payload_type);
  if (!envelope) return tl::unexpected(envelope.error());
  auto signers = verify(*envelope, TrustRole::POLICY, now);
  if (!signers) return tl::unexpected(signers.error());
  schema::PolicyBundle bundle;
  if (!bundle.ParseFromString(envelope->payload())) {
    return fail("bundle.unreadable", "the bundle's payload cannot be read");
  }
  if (!knows_all(bundle)) {
    return fail("bundle.unknown_field", "the bundle says more than this version understands");
  }
  AcceptedBundle accepted;
  accepted.version = bundle.version();
  accepted.created_unix = bundle.created_unix();
  accepted.gateway_ids.assign(bundle.gateway_id().begin(), bundle.gateway_id().end());
  accepted.policy_name = bundle.policy_name();
  accepted.policy_text = bundle.policy_text();
  accepted.json = bundle.json();
  const auto* text = reinterpret_cast<const std::uint8_t*>(accepted.policy_text.data());
  accepted.policy_hash = sha256(Bytes(text, accepted.policy_text.size()));
  for (const std::string& id : *signers) accepted.signers.push_back(hex_text(id));
  return accepted;
}

Expected<AcceptedBundle> TrustedSet::accept_bundle(const std::string& bytes, const std::string& gateway_id,
                                                   std::uint64_t version_floor,
                                                   std::uint64_t now_unix) const {
  auto bundle = open_bundle(bytes, now_unix);
  if (!bundle) return bundle;
  if (auto scope = check_scope(*bundle, gateway_id); !scope) return tl::unexpected(scope.error());
  if (bundle->version == 0) return fail("bundle.version_zero", "a bundle's version is above 0");
  if (bundle->version <= version_floor) {
    return fail("bundle.version",
                "version " + std::to_string(bundle->version) + " is not newer than version " +
                    std::to_string(version_floor) + ", which was accepted here before",
                {}, "raise the version in the policy and sign again");
  }
  return bundle;
}

Expected<AcceptedBundle> TrustedSet::reopen_bundle(const std::string& bytes,
                                                   const std::string& gateway_id) const {
  auto bundle = open_bundle(bytes, std::nullopt);
  if (!bundle) return bundle;
  if (auto scope = check_scope(*bundle, gateway_id); !scope) return tl::unexpected(scope.error());
  return bundle;
}

Expected<AcceptedBundle> TrustedSet::read_bundle(const std::string& bytes, std::uint64_t now_unix) const {
  return open_bundle(bytes, now_unix);
}

namespace {

Expected<void> sign_envelope(schema::Envelope& envelope, const SigningKey& key) {
  auto value = key.sign(pre_authentication_encoding(envelope.payload_type(), envelope.payload()));
  if (!value) return tl::unexpected(value.error());
  const std::string id = digest_bytes(key.id());
  for (const schema::Signature& other : envelope.signature()) {
    if (other.key_id() == id) return fail("signature.twice", "this key has signed already");
  }
  schema::Signature& signature = *envelope.add_signature();
  signature.set_key_id(id);
  signature.set_value(*value);
  return {};
}

}  // namespace

Expected<std::string> seal_envelope(const std::string& type, const std::string& payload,
                                    const std::vector<const SigningKey*>& keys) {
  schema::Envelope envelope;
  envelope.set_payload_type(type);
  envelope.set_payload(payload);
  for (const SigningKey* key : keys) {
    if (auto done = sign_envelope(envelope, *key); !done) return tl::unexpected(done.error());
  }
  return envelope.SerializeAsString();
}

Expected<std::string> add_signature(const std::string& bytes, const SigningKey& key) {
  schema::Envelope envelope;
  if (bytes.size() > bundle_size_max || !envelope.ParseFromString(bytes)) {
    return fail("envelope.unreadable", "this is not a signed envelope, or it is damaged");
  }
  if (auto done = sign_envelope(envelope, key); !done) return tl::unexpected(done.error());
  return envelope.SerializeAsString();
}

std::string make_root(std::uint64_t version, const std::vector<RootKeySource>& keys,
                      std::uint32_t root_threshold, std::uint32_t policy_threshold) {
  schema::TrustRoot root;
  root.set_version(version);
  schema::RoleKeys& roots = *root.add_role();
  roots.set_role(schema::ROOT_ROLE);
  roots.set_threshold(root_threshold);
  schema::RoleKeys& policies = *root.add_role();
  policies.set_role(schema::POLICY_ROLE);
  policies.set_threshold(policy_threshold);
  for (const RootKeySource& source : keys) {
    schema::TrustedKey& key = *root.add_key();
    key.set_public_key(source.key.public_der());
    key.set_name(source.name);
    key.set_not_after_unix(source.not_after_unix);
    const std::string id = digest_bytes(source.key.id());
    if (source.signs_roots) roots.add_key_id(id);
    if (source.signs_policies) policies.add_key_id(id);
  }
  return root.SerializeAsString();
}

std::string make_bundle(std::uint64_t version, const std::vector<std::string>& gateway_ids,
                        std::uint64_t created_unix, const std::string& policy_name,
                        const std::string& policy_text, bool json) {
  schema::PolicyBundle bundle;
  bundle.set_version(version);
  for (const std::string& id : gateway_ids) bundle.add_gateway_id(id);
  bundle.set_created_unix(created_unix);
  bundle.set_policy_name(policy_name);
  bundle.set_policy_text(policy_text);
  bundle.set_json(json);
  return bundle.SerializeAsString();
}

}  // namespace conduit
