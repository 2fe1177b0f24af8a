// Keys and what is signed with them.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "controlplane/trust/state_store.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/trust_fixture.hpp"
#include "tests/unit/trust/key_vectors.hpp"
#include "tests/unit/trust/scratch_folder.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

std::string octets(std::string_view text) {
  const auto bytes = hex(text);
  return std::string(bytes.begin(), bytes.end());
}

std::string error_of(const std::string& der) {
  const auto key = SigningKey::from_der(der);
  return key ? "" : key.error().name;
}

}  // namespace

TEST_CASE("pre-authentication encoding, the example of the DSSE specification") {
  CHECK(pre_authentication_encoding("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  CHECK(pre_authentication_encoding("", "") == "DSSEv1 0  0 ");
  CHECK(pre_authentication_encoding("a", std::string("\0b", 2)) == std::string("DSSEv1 1 a 2 \0b", 15));
}

TEST_CASE("Ed25519, test 2 of RFC 8032, section 7.1") {
  const auto key = SigningKey::from_der(
      octets("302a300506032b6570032100 3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"));
  REQUIRE(key.has_value());
  const std::string signature = octets(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  CHECK(key->verify("\x72", signature));
  CHECK_FALSE(key->verify("\x73", signature));
  CHECK_FALSE(key->verify("", signature));
  CHECK_FALSE(key->sign("\x72").has_value());  // the public half cannot
}

TEST_CASE("a key has one id, its public half the same") {
  for (const Who who : {Who::ROOT_A, Who::P256}) {
    const auto half = SigningKey::from_der(key_of(who).public_der());
    REQUIRE(half.has_value());
    CHECK(half->id() == key_of(who).id());
    const std::string der = key_of(who).public_der();
    CHECK(key_of(who).id() == sha256(Bytes(reinterpret_cast<const std::uint8_t*>(der.data()), der.size())));
  }
  CHECK(key_of(Who::ROOT_A).id() != key_of(Who::ROOT_B).id());
}

TEST_CASE("keys that are not taken") {
  CHECK(error_of(key_of(Who::P256).public_der()).empty());
  CHECK(error_of("") == "key.unreadable");
  CHECK(error_of("key") == "key.unreadable");
  CHECK(error_of(p384_der()) == "key.algorithm");
  CHECK(error_of(rsa_der()) == "key.algorithm");
  CHECK(error_of(p256_compressed_der()) == "key.encoding");
  CHECK(error_of(p256_explicit_der()) == "key.encoding");
  CHECK(error_of(key_of(Who::ROOT_A).public_der() + "x") == "key.encoding");
  CHECK(error_of(key_of(Who::P256).public_der() + "x") == "key.encoding");
  const std::string der = key_of(Who::P256).public_der();
  for (std::size_t size = 0; size < der.size(); ++size) CHECK_FALSE(error_of(der.substr(0, size)).empty());
}

TEST_CASE("new keys go to files and come back") {
  const ScratchFolder folder;
  const auto key = SigningKey::generate();
  const auto other = SigningKey::generate();
  REQUIRE(key.has_value());
  REQUIRE(other.has_value());
  CHECK(key->id() != other->id());
  REQUIRE(replace_file(folder.path("a.key"), key->private_pem(), 0600).has_value());
  REQUIRE(replace_file(folder.path("a.pub"), key->public_pem(), 0644).has_value());
  const auto private_half = SigningKey::read_private(folder.path("a.key"));
  const auto public_half = SigningKey::read_public(folder.path("a.pub"));
  REQUIRE(private_half.has_value());
  REQUIRE(public_half.has_value());
  const auto signature = private_half->sign("message");
  REQUIRE(signature.has_value());
  CHECK(public_half->verify("message", *signature));
  CHECK_FALSE(public_half->verify("massage", *signature));
  CHECK_FALSE(other->verify("message", *signature));
  CHECK(SigningKey::read_private(folder.path("a.pub")).error().name == "key.unreadable");
  CHECK(SigningKey::read_public(folder.path("a.key")).error().name == "key.unreadable");
  CHECK(SigningKey::read_private(folder.path("none")).error().name == "key.file");
}

TEST_CASE("people sign an envelope one after the other, each once") {
  const auto one =
      seal_envelope(policy_payload_type, bundle_7().SerializeAsString(), {&key_of(Who::POLICY_A)});
  REQUIRE(one.has_value());
  const auto both = add_signature(*one, key_of(Who::POLICY_B));
  REQUIRE(both.has_value());
  CHECK(*both == sealed(bundle_7(), {Who::POLICY_A, Who::POLICY_B}));
  CHECK(add_signature(*both, key_of(Who::POLICY_A)).error().name == "signature.twice");
  CHECK(add_signature("no envelope", key_of(Who::POLICY_A)).error().name == "envelope.unreadable");
  std::vector<RootKeySource> sources;
  sources.push_back(
      {std::move(*SigningKey::from_der(key_of(Who::ROOT_A).public_der())), "root", 0, true, false});
  sources.push_back(
      {std::move(*SigningKey::from_der(key_of(Who::POLICY_A).public_der())), "anna", test_now, false, true});
  const auto root = seal_envelope(root_payload_type, make_root(1, sources, 1, 1), {&key_of(Who::ROOT_A)});
  REQUIRE(root.has_value());
  const auto set = TrustedSet::from_root(*root);
  REQUIRE(set.has_value());
  const std::string bundle =
      *seal_envelope(policy_payload_type, make_bundle(3, {"gw-1"}, test_now, "line", "text", true),
                     {&key_of(Who::POLICY_A)});
  const auto accepted = set->accept_bundle(bundle, "gw-1", 2, test_now);
  REQUIRE(accepted.has_value());
  CHECK(accepted->version == 3);
  CHECK(accepted->json);
  CHECK(accepted->policy_text == "text");
  CHECK(set->accept_bundle(bundle, "gw-1", 2, test_now + 1).error().name == "signature.key_expired");
}
