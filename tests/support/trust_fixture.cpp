#include "tests/support/trust_fixture.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "config/abi/unique_fd.hpp"

namespace conduit::test {
namespace {

// PKCS#8. The seeds of the Ed25519 keys are 32 times 1, 2, 3, 4 and 5.
constexpr std::array pems{
    "MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n",
    "MC4CAQAwBQYDK2VwBCIEIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC\n",
    "MC4CAQAwBQYDK2VwBCIEIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD\n",
    "MC4CAQAwBQYDK2VwBCIEIAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n",
    "MC4CAQAwBQYDK2VwBCIEIAUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF\n",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkRscVFYJVzEcxYOk\n"
    "8ggToq6HIX1WPVw3mE7v17uS8eWhRANCAATf1YXBlaejWwCVzvo7BRwGVHVId1lv\n"
    "Py8pOsHZ9TgQJ2r28g9Fp8ttVmz8scV0kbd1bm3yi1VEvoRBr2sIzGud\n",
};

SigningKey read_pem(const std::string& base64) {
  const std::string pem = "-----BEGIN PRIVATE KEY-----\n" + base64 + "-----END PRIVATE KEY-----\n";
  const UniqueFd fd(::memfd_create("key", MFD_CLOEXEC));
  if (::write(fd.get(), pem.data(), pem.size()) != static_cast<ssize_t>(pem.size()))
    throw std::runtime_error("memfd");
  auto key = SigningKey::read_private("/proc/self/fd/" + std::to_string(fd.get()));
  if (!key) throw std::runtime_error(key.error().text());
  return std::move(*key);
}

std::vector<SigningKey> read_all() {
  std::vector<SigningKey> keys;
  for (const char* pem : pems) keys.push_back(read_pem(pem));
  return keys;
}

void add_role(schema::TrustRoot& root, schema::KeyRole role, const People& people, std::uint32_t threshold) {
  schema::RoleKeys& keys = *root.add_role();
  keys.set_role(role);
  keys.set_threshold(threshold);
  for (const Who who : people) keys.add_key_id(key_id_of(who));
}

}  // namespace

const SigningKey& key_of(Who who) {
  static const std::vector<SigningKey> keys = read_all();
  return keys.at(static_cast<std::size_t>(who));
}

std::string key_id_of(Who who) { return digest_bytes(key_of(who).id()); }

schema::TrustRoot root_of(std::uint64_t version, const People& roots, const People& policies,
                          std::uint32_t root_threshold, std::uint32_t policy_threshold) {
  schema::TrustRoot root;
  root.set_version(version);
  People all = roots;
  all.insert(all.end(), policies.begin(), policies.end());
  for (const Who who : all) root.add_key()->set_public_key(key_of(who).public_der());
  add_role(root, schema::ROOT_ROLE, roots, root_threshold);
  add_role(root, schema::POLICY_ROLE, policies, policy_threshold);
  return root;
}

schema::PolicyBundle bundle_7() {
  schema::PolicyBundle bundle;
  bundle.set_version(7);
  bundle.add_gateway_id("gw-0");
  bundle.add_gateway_id(test_gateway);
  bundle.set_created_unix(test_now - 60);
  bundle.set_policy_name("line");
  bundle.set_policy_text("policy { name: \"line\" version: 7 }\n");
  return bundle;
}

schema::Envelope envelope_of(const std::string& type, const std::string& payload, const People& signers) {
  schema::Envelope envelope;
  envelope.set_payload_type(type);
  envelope.set_payload(payload);
  for (const Who who : signers) {
    schema::Signature& signature = *envelope.add_signature();
    signature.set_key_id(key_id_of(who));
    signature.set_value(key_of(who).sign(pre_authentication_encoding(type, payload)).value());
  }
  return envelope;
}

std::string sealed(const schema::TrustRoot& root, const People& signers) {
  return envelope_of(root_payload_type, root.SerializeAsString(), signers).SerializeAsString();
}

std::string sealed(const schema::PolicyBundle& bundle, const People& signers) {
  return envelope_of(policy_payload_type, bundle.SerializeAsString(), signers).SerializeAsString();
}

TrustedSet set_of(const schema::TrustRoot& root, const People& signers) {
  auto set = TrustedSet::from_root(sealed(root, signers));
  if (!set) throw std::runtime_error(set.error().text());
  return std::move(*set);
}

TrustedSet simple_set() { return set_of(root_of(1, {Who::ROOT_A}, {Who::POLICY_A}), {Who::ROOT_A}); }

}  // namespace conduit::test
