// Bundles and roots from strangers. The first octet chooses what the rest is: a bundle's envelope, a root's
// envelope, or the payload of either, which is then signed here so that what lies behind the signatures is
// reached too. Nothing that nobody signed may be taken.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tests/support/trust_fixture.hpp"

namespace {

using namespace conduit;
using namespace conduit::test;

void require(bool condition) {
  if (!condition) std::abort();
}

TrustedSet quiet_set() {
  google::protobuf::SetLogHandler(nullptr);  // it would complain of each text that is not UTF-8
  return simple_set();
}

const TrustedSet& first_set() {
  static const TrustedSet set = quiet_set();
  return set;
}

void bundle_envelope(const std::string& bytes) {
  static const schema::PolicyBundle signed_one = bundle_7();
  const auto bundle = first_set().accept_bundle(bytes, test_gateway, 6, test_now);
  if (!bundle) return require(!bundle.error().name.empty());
  require(bundle->version == signed_one.version());
  require(bundle->policy_text == signed_one.policy_text());
  require(!first_set().accept_bundle(bytes, test_gateway, 7, test_now));
  require(first_set().reopen_bundle(bytes, test_gateway).has_value());
}

void root_envelope(const std::string& bytes) {
  TrustedSet set = simple_set();
  const auto taken = set.update_root(bytes, test_now);
  require(set.root_version() == (taken ? 2U : 1U));
  // The corpus holds one successor: it makes POLICY_B the signer.
  const bool dropped = !set.read_bundle(sealed(bundle_7(), {Who::POLICY_A}), test_now).has_value();
  require(dropped == taken.has_value());
  (void)TrustedSet::from_root(bytes);
}

void bundle_payload(const std::string& payload) {
  const std::string bytes = envelope_of(policy_payload_type, payload, {Who::POLICY_A}).SerializeAsString();
  const auto bundle = first_set().accept_bundle(bytes, test_gateway, 6, test_now);
  if (!bundle) return require(!bundle.error().name.empty());
  const auto& ids = bundle->gateway_ids;
  require(bundle->version > 6 && std::find(ids.begin(), ids.end(), test_gateway) != ids.end());
}

void root_payload(const std::string& payload) {
  const std::string bytes =
      envelope_of(root_payload_type, payload, {Who::ROOT_A, Who::ROOT_B}).SerializeAsString();
  TrustedSet set = simple_set();
  const auto taken = set.update_root(bytes, test_now);
  require(set.root_version() == (taken ? 2U : 1U));
  const auto first = TrustedSet::from_root(bytes);
  require(!taken || first.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)first_set();
  switch (data[0] % 4) {
    case 0: bundle_envelope(rest); break;
    case 1: root_envelope(rest); break;
    case 2: bundle_payload(rest); break;
    default: root_payload(rest); break;
  }
  return 0;
}
