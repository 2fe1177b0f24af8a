// Roots of trust: the first one, and chains of them.
#include <doctest/doctest.h>

#include "config/abi/limits.hpp"
#include "tests/support/trust_fixture.hpp"
#include "tests/unit/trust/key_vectors.hpp"

using namespace conduit;
using namespace conduit::test;
using schema::TrustRoot;

namespace {

const People root_a{Who::ROOT_A};
const People policy_a{Who::POLICY_A};

std::string first(const TrustRoot& root, const People& signers) {
  const auto set = TrustedSet::from_root(sealed(root, signers));
  return set ? "" : set.error().name;
}

// What `set` answers to `bytes`; it stays as it was if that is an error.
std::string next(TrustedSet& set, const std::string& bytes, std::uint64_t now = test_now) {
  const std::uint64_t before = set.root_version();
  const auto taken = set.update_root(bytes, now);
  CHECK(set.root_version() == (taken ? before + 1 : before));
  return taken ? "" : taken.error().name;
}

bool takes(const TrustedSet& set, const People& signers) {
  return set.accept_bundle(sealed(bundle_7(), signers), test_gateway, 0, test_now).has_value();
}

void make_unknown(google::protobuf::Message& message) {
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(31, 1);
}

}  // namespace

TEST_CASE("one field of the first root changed and signed again") {
  struct Row {
    const char* name;
    void (*change)(TrustRoot& root);
    const char* error;
  };
  // Keys and roles: 0 for roots, 1 for policies.
  const Row rows[] = {
      {"nothing", [](TrustRoot&) {}, ""},
      {"any version", [](TrustRoot& r) { r.set_version(9); }, ""},
      {"version 0", [](TrustRoot& r) { r.set_version(0); }, "root.version_zero"},
      {"key that is none", [](TrustRoot& r) { r.mutable_key(1)->set_public_key("key"); },
       "root.key_unreadable"},
      {"no key", [](TrustRoot& r) { r.mutable_key(1)->clear_public_key(); }, "root.key_unreadable"},
      {"key with more behind it", [](TrustRoot& r) { r.mutable_key(1)->mutable_public_key()->push_back(0); },
       "root.key_unreadable"},
      {"key of another curve", [](TrustRoot& r) { r.add_key()->set_public_key(p384_der()); },
       "root.key_unreadable"},
      {"RSA key", [](TrustRoot& r) { r.add_key()->set_public_key(rsa_der()); }, "root.key_unreadable"},
      {"key twice", [](TrustRoot& r) { *r.add_key() = TrustRoot(r).key(0); }, "root.key_twice"},
      {"key twice, written in two ways",
       [](TrustRoot& r) {
         r.add_key()->set_public_key(key_of(Who::P256).public_der());
         r.add_key()->set_public_key(p256_compressed_der());
       },
       "root.key_unreadable"},
      {"key without a role",
       [](TrustRoot& r) { r.add_key()->set_public_key(key_of(Who::P256).public_der()); }, ""},
      {"many keys",
       [](TrustRoot& r) {
         while (r.key_size() <= 64) r.add_key();
       },
       "root.key_count"},
      {"threshold 0", [](TrustRoot& r) { r.mutable_role(1)->set_threshold(0); }, "root.threshold"},
      {"root threshold 0", [](TrustRoot& r) { r.mutable_role(0)->set_threshold(0); }, "root.threshold"},
      {"threshold above the keys", [](TrustRoot& r) { r.mutable_role(1)->set_threshold(2); },
       "root.threshold"},
      {"threshold reached by a key named twice",
       [](TrustRoot& r) {
         r.mutable_role(1)->set_threshold(2);
         r.mutable_role(1)->add_key_id(key_id_of(Who::POLICY_A));
       },
       "root.threshold"},
      {"role of nobody", [](TrustRoot& r) { r.mutable_role(1)->clear_key_id(); }, "root.threshold"},
      {"role of a key that is not listed",
       [](TrustRoot& r) { r.mutable_role(1)->add_key_id(key_id_of(Who::STRANGER)); },
       "root.role_key_missing"},
      {"role twice", [](TrustRoot& r) { *r.add_role() = TrustRoot(r).role(1); }, "root.role_twice"},
      {"nobody signs policies", [](TrustRoot& r) { r.mutable_role()->RemoveLast(); }, "root.role_missing"},
      {"nobody signs roots", [](TrustRoot& r) { r.mutable_role()->DeleteSubrange(0, 1); },
       "root.role_missing"},
      {"role without a name", [](TrustRoot& r) { r.mutable_role(1)->clear_role(); }, "root.role_unknown"},
      {"role of the future",
       [](TrustRoot& r) { r.mutable_role(1)->set_role(static_cast<schema::KeyRole>(99)); },
       "root.role_unknown"},
      {"grants too",
       [](TrustRoot& r) {
         *r.add_role() = TrustRoot(r).role(1);
         r.mutable_role(2)->set_role(schema::GRANT_ROLE);
       },
       ""},
      {"unknown field", [](TrustRoot& r) { make_unknown(r); }, "root.unknown_field"},
      {"unknown field of a key", [](TrustRoot& r) { make_unknown(*r.mutable_key(1)); }, "root.unknown_field"},
      {"unknown field of a role", [](TrustRoot& r) { make_unknown(*r.mutable_role(1)); },
       "root.unknown_field"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    TrustRoot root = root_of(1, root_a, policy_a);
    row.change(root);
    CHECK(first(root, root_a) == row.error);
  }
}

TEST_CASE("the first root must be signed by its own threshold") {
  const People both{Who::ROOT_A, Who::ROOT_B};
  const TrustRoot root = root_of(1, both, policy_a, 2);
  CHECK(first(root, both).empty());
  CHECK(first(root, {Who::ROOT_A}) == "signature.threshold");
  CHECK(first(root, {Who::ROOT_A, Who::ROOT_A}) == "signature.threshold");
  CHECK(first(root, {Who::POLICY_A}) == "signature.unknown_key");
  CHECK(first(root, {}) == "signature.unknown_key");
}

TEST_CASE("what is no root") {
  const auto name = [](const std::string& bytes) {
    const auto set = TrustedSet::from_root(bytes);
    return set ? "" : set.error().name;
  };
  CHECK(name("") == "envelope.unreadable");
  CHECK(name(std::string(root_size_max, 'x')) == "envelope.unreadable");
  CHECK(name(std::string(root_size_max + 1, 'x')) == "envelope.too_large");
  CHECK(name(sealed(bundle_7(), policy_a)) == "envelope.type");
  CHECK(name(envelope_of(root_payload_type, "not a message", root_a).SerializeAsString()) ==
        "root.unreadable");
}

TEST_CASE("a root follows the one before it") {
  const People root_b{Who::ROOT_B};
  const People both{Who::ROOT_A, Who::ROOT_B};
  struct Row {
    const char* name;
    TrustRoot root;
    People signers;
    const char* error;
  };
  const Row rows[] = {
      // after version 1 with ROOT_A
      {"same key", root_of(2, root_a, policy_a), root_a, ""},
      {"new key, both sign", root_of(2, root_b, policy_a), both, ""},
      {"new key alone", root_of(2, root_b, policy_a), root_b, "signature.unknown_key"},
      {"old key alone", root_of(2, root_b, policy_a), root_a, "signature.unknown_key"},
      {"new threshold of two", root_of(2, both, policy_a, 2), both, ""},
      {"new threshold of two, one signs", root_of(2, both, policy_a, 2), root_a, "signature.threshold"},
      {"new threshold of two, one signs twice",
       root_of(2, both, policy_a, 2),
       {Who::ROOT_A, Who::ROOT_A},
       "signature.threshold"},
      {"the same version", root_of(1, root_a, policy_a), root_a, "root.version"},
      {"one left out", root_of(3, root_a, policy_a), root_a, "root.version"},
      {"the largest version", root_of(~std::uint64_t{0}, root_a, policy_a), root_a, "root.version"},
      {"version 0", root_of(0, root_a, policy_a), root_a, "root.version_zero"},
      {"signed by a policy key", root_of(2, root_a, policy_a), policy_a, "signature.unknown_key"},
      {"threshold 0", root_of(2, root_a, policy_a, 0), root_a, "root.threshold"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    TrustedSet set = simple_set();
    CHECK(next(set, sealed(row.root, row.signers)) == row.error);
    CHECK(takes(set, policy_a));
  }
}

TEST_CASE("the threshold of the root before counts too") {
  const People both{Who::ROOT_A, Who::ROOT_B};
  TrustedSet set = set_of(root_of(1, both, policy_a, 2), both);
  const TrustRoot easier = root_of(2, root_a, policy_a, 1);
  CHECK(next(set, sealed(easier, root_a)) == "signature.threshold");
  CHECK(next(set, sealed(easier, both)).empty());
  CHECK(next(set, sealed(root_of(3, root_a, policy_a), root_a)).empty());  // from now on one suffices
}

TEST_CASE("a chain of roots: keys come and go") {
  const People root_b{Who::ROOT_B};
  const People policy_b{Who::POLICY_B};
  TrustedSet set = simple_set();
  const TrustedSet old = simple_set();
  const std::string in_force = sealed(bundle_7(), policy_a);

  CHECK(next(set, sealed(root_of(2, root_a, policy_b), root_a)).empty());
  CHECK_FALSE(takes(set, policy_a));
  CHECK(takes(set, policy_b));
  CHECK(next(set, sealed(root_of(3, root_b, policy_b), {Who::ROOT_A, Who::ROOT_B})).empty());
  CHECK(next(set, sealed(root_of(4, root_a, policy_b), root_a)) == "signature.unknown_key");  // gone
  CHECK(next(set, sealed(root_of(2, root_a, policy_a), root_a)) == "signature.unknown_key");  // replayed
  CHECK(next(set, sealed(root_of(4, root_b, policy_a), root_b)).empty());
  CHECK(set.root_version() == 4);
  CHECK(takes(set, policy_a));
  // What was accepted under an earlier root is reopened with that one.
  CHECK(old.reopen_bundle(in_force, test_gateway).has_value());
}

TEST_CASE("a root key past its date makes no successor, but its root stays") {
  TrustRoot root = root_of(1, root_a, policy_a);
  root.mutable_key(0)->set_not_after_unix(test_now);
  TrustedSet set = set_of(root, root_a);
  const std::string successor = sealed(root_of(2, root_a, policy_a), root_a);
  CHECK(next(set, successor, test_now + 1) == "signature.key_expired");
  CHECK(takes(set, policy_a));
  CHECK(next(set, successor, test_now).empty());
}

TEST_CASE("a root that is cut anywhere, or has one bit changed, is not taken") {
  const std::string good = sealed(root_of(2, root_a, policy_a), root_a);
  TrustedSet set = simple_set();
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(next(set, good.substr(0, size)).empty());
    CHECK_FALSE(TrustedSet::from_root(good.substr(0, size)).has_value());
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    CAPTURE(bit);
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(next(set, changed).empty());
  }
  CHECK(next(set, good).empty());
}
