// Bundles: take a good one, change one thing (and sign again, or not), expect one named error.
#include <doctest/doctest.h>

#include <set>

#include "config/abi/limits.hpp"
#include "tests/support/trust_fixture.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

constexpr std::uint64_t floor_6 = 6;

// Name of the error, "" if the bundle was accepted.
std::string answer(const TrustedSet& set, const std::string& bytes, std::uint64_t floor = floor_6,
                   std::uint64_t now = test_now) {
  const auto bundle = set.accept_bundle(bytes, test_gateway, floor, now);
  return bundle ? "" : bundle.error().name;
}

std::string with_unknown_field(std::string payload) { return payload + "\xf8\x01\x01"; }  // field 31: 1

}  // namespace

TEST_CASE("a good bundle is accepted, and says what was signed") {
  const auto bundle =
      simple_set().accept_bundle(sealed(bundle_7(), {Who::POLICY_A}), test_gateway, floor_6, test_now);
  REQUIRE(bundle.has_value());
  CHECK(bundle->version == 7);
  CHECK(bundle->created_unix == test_now - 60);
  CHECK(bundle->gateway_ids == std::vector<std::string>{"gw-0", "gw-1"});
  CHECK(bundle->policy_name == "line");
  CHECK(bundle->policy_text == bundle_7().policy_text());
  CHECK_FALSE(bundle->json);
  CHECK(hex_text(digest_bytes(bundle->policy_hash)) ==
        "734288eb9dad5c2813932975e592e59225e2a0edc47b321ebf7f7193f79893bc");
  CHECK(bundle->signers == std::vector<std::string>{hex_text(key_id_of(Who::POLICY_A))});
}

TEST_CASE("one field of the bundle changed and signed again") {
  using schema::PolicyBundle;
  struct Row {
    const char* name;
    void (*change)(PolicyBundle& bundle);
    const char* error;
  };
  const Row rows[] = {
      {"nothing", [](PolicyBundle&) {}, ""},
      {"much newer", [](PolicyBundle& b) { b.set_version(~std::uint64_t{0}); }, ""},
      {"the version that is in force", [](PolicyBundle& b) { b.set_version(6); }, "bundle.version"},
      {"an older version", [](PolicyBundle& b) { b.set_version(5); }, "bundle.version"},
      {"version 0", [](PolicyBundle& b) { b.set_version(0); }, "bundle.version_zero"},
      {"no gateway", [](PolicyBundle& b) { b.clear_gateway_id(); }, "bundle.gateway"},
      {"another gateway", [](PolicyBundle& b) { b.set_gateway_id(1, "gw-2"); }, "bundle.gateway"},
      {"longer name", [](PolicyBundle& b) { b.set_gateway_id(1, "gw-10"); }, "bundle.gateway"},
      {"shorter name", [](PolicyBundle& b) { b.set_gateway_id(1, "gw-"); }, "bundle.gateway"},
      {"other case", [](PolicyBundle& b) { b.set_gateway_id(1, "GW-1"); }, "bundle.gateway"},
      {"empty name", [](PolicyBundle& b) { b.set_gateway_id(1, ""); }, "bundle.gateway"},
      {"name with an end", [](PolicyBundle& b) { b.set_gateway_id(1, std::string("gw-1\0x", 6)); },
       "bundle.gateway"},
      {"this gateway alone", [](PolicyBundle& b) { b.mutable_gateway_id()->DeleteSubrange(0, 1); }, ""},
      {"policy text", [](PolicyBundle& b) { b.set_policy_text("else"); }, ""},
      {"created in the future", [](PolicyBundle& b) { b.set_created_unix(test_now * 2); }, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    PolicyBundle bundle = bundle_7();
    row.change(bundle);
    CHECK(answer(simple_set(), sealed(bundle, {Who::POLICY_A})) == row.error);
  }
}

TEST_CASE("a payload that cannot be read, or not wholly, though it is signed") {
  const std::string good = bundle_7().SerializeAsString();
  const auto ask = [](const std::string& payload) {
    return answer(simple_set(),
                  envelope_of(policy_payload_type, payload, {Who::POLICY_A}).SerializeAsString());
  };
  CHECK(ask(good).empty());
  CHECK(ask("not a message") == "bundle.unreadable");
  CHECK(ask(good.substr(0, good.size() - 1)) == "bundle.unreadable");
  CHECK(ask(with_unknown_field(good)) == "bundle.unknown_field");
  CHECK(ask("") == "envelope.unreadable");
}

TEST_CASE("one thing of the envelope changed after signing") {
  using schema::Envelope;
  struct Row {
    const char* name;
    void (*change)(Envelope& envelope);
    const char* error;
  };
  const Row rows[] = {
      {"nothing", [](Envelope&) {}, ""},
      {"payload", [](Envelope& e) { e.mutable_payload()->back() ^= 1; }, "signature.invalid"},
      {"payload longer", [](Envelope& e) { e.mutable_payload()->push_back(0); }, "signature.invalid"},
      {"another good payload",
       [](Envelope& e) {
         schema::PolicyBundle other = bundle_7();
         other.set_version(8);
         e.set_payload(other.SerializeAsString());
       },
       "signature.invalid"},
      {"no payload", [](Envelope& e) { e.clear_payload(); }, "envelope.unreadable"},
      {"type", [](Envelope& e) { e.set_payload_type("application/x"); }, "envelope.type"},
      {"type of a root", [](Envelope& e) { e.set_payload_type(root_payload_type); }, "envelope.type"},
      {"no signature", [](Envelope& e) { e.clear_signature(); }, "signature.unknown_key"},
      {"signature value", [](Envelope& e) { e.mutable_signature(0)->mutable_value()->front() ^= 1; },
       "signature.invalid"},
      {"empty signature", [](Envelope& e) { e.mutable_signature(0)->clear_value(); }, "signature.invalid"},
      {"shorter signature", [](Envelope& e) { e.mutable_signature(0)->mutable_value()->pop_back(); },
       "signature.invalid"},
      {"longer signature", [](Envelope& e) { e.mutable_signature(0)->mutable_value()->push_back(0); },
       "signature.invalid"},
      {"key id of nobody", [](Envelope& e) { e.mutable_signature(0)->mutable_key_id()->front() ^= 1; },
       "signature.unknown_key"},
      {"no key id", [](Envelope& e) { e.mutable_signature(0)->clear_key_id(); }, "signature.unknown_key"},
      {"key id of a root key",
       [](Envelope& e) { e.mutable_signature(0)->set_key_id(key_id_of(Who::ROOT_A)); },
       "signature.unknown_key"},
      {"too many signatures",
       [](Envelope& e) {
         while (e.signature_size() <= static_cast<int>(signature_count_max))
           *e.add_signature() = schema::Signature(e.signature(0));
       },
       "envelope.signature_count"},
      {"as many as may be, all the same",
       [](Envelope& e) {
         while (e.signature_size() < static_cast<int>(signature_count_max))
           *e.add_signature() = schema::Signature(e.signature(0));
       },
       ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Envelope envelope = envelope_of(policy_payload_type, bundle_7().SerializeAsString(), {Who::POLICY_A});
    row.change(envelope);
    CHECK(answer(simple_set(), envelope.SerializeAsString()) == row.error);
  }
}

TEST_CASE("a signature by another key, or over something else") {
  const std::string payload = bundle_7().SerializeAsString();
  const auto ask = [&](Who claimed, Who signer, const std::string& message) {
    schema::Envelope envelope = envelope_of(policy_payload_type, payload, {});
    schema::Signature& signature = *envelope.add_signature();
    signature.set_key_id(key_id_of(claimed));
    signature.set_value(key_of(signer).sign(message).value());
    return answer(simple_set(), envelope.SerializeAsString());
  };
  const std::string message = pre_authentication_encoding(policy_payload_type, payload);
  CHECK(ask(Who::POLICY_A, Who::POLICY_A, message).empty());
  CHECK(ask(Who::STRANGER, Who::STRANGER, message) == "signature.unknown_key");
  CHECK(ask(Who::ROOT_A, Who::ROOT_A, message) == "signature.unknown_key");  // trusted, but not for this
  CHECK(ask(Who::POLICY_A, Who::STRANGER, message) == "signature.invalid");
  CHECK(ask(Who::STRANGER, Who::POLICY_A, message) == "signature.unknown_key");
  CHECK(ask(Who::POLICY_A, Who::P256, message) == "signature.invalid");  // another algorithm
  CHECK(ask(Who::POLICY_A, Who::POLICY_A, payload) == "signature.invalid");
  CHECK(ask(Who::POLICY_A, Who::POLICY_A, pre_authentication_encoding(root_payload_type, payload)) ==
        "signature.invalid");
}

TEST_CASE("thresholds count distinct keys") {
  const People both{Who::POLICY_A, Who::POLICY_B};
  const TrustedSet two = set_of(root_of(1, {Who::ROOT_A}, both, 1, 2), {Who::ROOT_A});
  struct Row {
    const char* name;
    People signers;
    const char* error;
  };
  const Row rows[] = {
      {"both", both, ""},
      {"both, the other way round", {Who::POLICY_B, Who::POLICY_A}, ""},
      {"one", {Who::POLICY_A}, "signature.threshold"},
      {"one twice", {Who::POLICY_A, Who::POLICY_A}, "signature.threshold"},
      {"one thrice", {Who::POLICY_B, Who::POLICY_B, Who::POLICY_B}, "signature.threshold"},
      {"one and a stranger", {Who::POLICY_A, Who::STRANGER}, "signature.threshold"},
      {"one and a root key", {Who::POLICY_A, Who::ROOT_A}, "signature.threshold"},
      {"both and a stranger", {Who::STRANGER, Who::POLICY_A, Who::POLICY_B}, ""},
      {"stranger", {Who::STRANGER}, "signature.unknown_key"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(answer(two, sealed(bundle_7(), row.signers)) == row.error);
  }
  // A wrong signature condemns the envelope, whatever the others are worth.
  schema::Envelope envelope =
      envelope_of(policy_payload_type, bundle_7().SerializeAsString(), {Who::POLICY_A, Who::POLICY_B});
  *envelope.add_signature() = envelope.signature(0);
  envelope.mutable_signature(2)->mutable_value()->front() ^= 1;
  CHECK(answer(two, envelope.SerializeAsString()) == "signature.invalid");
}

TEST_CASE("both algorithms count alike") {
  const People both{Who::POLICY_A, Who::P256};
  const TrustedSet two = set_of(root_of(1, {Who::ROOT_A}, both, 1, 2), {Who::ROOT_A});
  CHECK(answer(two, sealed(bundle_7(), both)).empty());
  CHECK(answer(two, sealed(bundle_7(), {Who::P256, Who::P256})) == "signature.threshold");
  schema::Envelope envelope = envelope_of(policy_payload_type, bundle_7().SerializeAsString(), both);
  envelope.mutable_signature(1)->mutable_value()->back() ^= 1;
  CHECK(answer(two, envelope.SerializeAsString()) == "signature.invalid");
}

TEST_CASE("a key past its date signs nothing new, and what it signed stays") {
  schema::TrustRoot root = root_of(1, {Who::ROOT_A}, {Who::POLICY_A, Who::POLICY_B});
  root.mutable_key(1)->set_not_after_unix(test_now);
  const TrustedSet set = set_of(root, {Who::ROOT_A});
  const std::string bundle = sealed(bundle_7(), {Who::POLICY_A});
  CHECK(answer(set, bundle, floor_6, test_now).empty());
  CHECK(answer(set, bundle, floor_6, test_now + 1) == "signature.key_expired");
  CHECK(answer(set, bundle, floor_6, 0).empty());  // a clock that lost its time
  CHECK(set.reopen_bundle(bundle, test_gateway).has_value());
  CHECK(answer(set, sealed(bundle_7(), {Who::POLICY_A, Who::POLICY_B}), floor_6, test_now + 1).empty());
  CHECK(answer(set, sealed(bundle_7(), {Who::POLICY_A, Who::STRANGER}), floor_6, test_now + 1) ==
        "signature.key_expired");
}

TEST_CASE("reopening asks neither version nor date, but all else") {
  const TrustedSet set = simple_set();
  const std::string good = sealed(bundle_7(), {Who::POLICY_A});
  CHECK(set.reopen_bundle(good, test_gateway).has_value());
  CHECK(set.reopen_bundle(good, "gw-2").error().name == "bundle.gateway");
  CHECK(set.reopen_bundle(good, "").error().name == "bundle.gateway");
  CHECK(set.reopen_bundle(sealed(bundle_7(), {Who::STRANGER}), test_gateway).error().name ==
        "signature.unknown_key");
}

TEST_CASE("no gateway is every gateway") {
  const TrustedSet set = simple_set();
  schema::PolicyBundle nameless = bundle_7();
  nameless.add_gateway_id("");
  for (const auto& bundle : {bundle_7(), nameless}) {
    const std::string bytes = sealed(bundle, {Who::POLICY_A});
    CHECK(set.accept_bundle(bytes, "", floor_6, test_now).error().name == "bundle.gateway");
    CHECK(set.read_bundle(bytes, test_now).has_value());  // people may look at it
  }
  CHECK(set.read_bundle(sealed(bundle_7(), {Who::STRANGER}), test_now).error().name ==
        "signature.unknown_key");
}

TEST_CASE("the rules are asked in order") {
  schema::PolicyBundle wrong = bundle_7();
  wrong.set_version(1);
  wrong.clear_gateway_id();
  CHECK(answer(simple_set(), sealed(wrong, {Who::POLICY_A})) == "bundle.gateway");  // before version
  CHECK(answer(simple_set(), sealed(wrong, {Who::STRANGER})) == "signature.unknown_key");
  const auto unreadable = envelope_of(policy_payload_type, "not a message", {Who::STRANGER});
  CHECK(answer(simple_set(), unreadable.SerializeAsString()) == "signature.unknown_key");  // before parsing
  CHECK(answer(simple_set(), std::string(bundle_size_max, 'x')) == "envelope.unreadable");
  CHECK(answer(simple_set(), std::string(bundle_size_max + 1, 'x')) == "envelope.too_large");
  schema::PolicyBundle large = bundle_7();
  large.set_policy_text(std::string(bundle_size_max, ' '));
  CHECK(answer(simple_set(), sealed(large, {Who::POLICY_A})) == "envelope.too_large");
}

TEST_CASE("a bundle that is cut anywhere, or has one bit changed, is refused") {
  const TrustedSet set = simple_set();
  const std::string good = sealed(bundle_7(), {Who::POLICY_A});
  REQUIRE(answer(set, good).empty());
  const std::set<std::string> cut{"envelope.unreadable", "signature.unknown_key", "signature.invalid"};
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(cut.count(answer(set, good.substr(0, size))) == 1);
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    CAPTURE(bit);
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(answer(set, changed).empty());
  }
}
