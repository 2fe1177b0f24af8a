// Writes the seeds of fuzz_bundle: make_bundle_corpus tests/fuzz/corpus/bundle
#include <fstream>
#include <iostream>

#include "tests/support/trust_fixture.hpp"

using namespace conduit;
using namespace conduit::test;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_bundle_corpus FOLDER\n";
    return 2;
  }
  const schema::TrustRoot second = root_of(2, {Who::ROOT_A}, {Who::POLICY_B});
  const schema::TrustRoot rich =
      root_of(2, {Who::ROOT_A, Who::ROOT_B}, {Who::POLICY_A, Who::POLICY_B, Who::P256}, 2, 2);
  schema::PolicyBundle json = bundle_7();
  json.set_json(true);
  const struct {
    const char* name;
    char kind;
    std::string content;
  } seeds[] = {
      {"bundle_envelope", 0, sealed(bundle_7(), {Who::POLICY_A})},
      {"bundle_envelope_two_signers", 0, sealed(bundle_7(), {Who::STRANGER, Who::POLICY_A})},
      {"bundle_envelope_stranger", 0, sealed(bundle_7(), {Who::STRANGER})},
      {"root_envelope", 1, sealed(second, {Who::ROOT_A})},
      {"root_envelope_stranger", 1, sealed(second, {Who::STRANGER})},
      {"bundle_payload", 2, bundle_7().SerializeAsString()},
      {"bundle_payload_json", 2, json.SerializeAsString()},
      {"root_payload", 3, second.SerializeAsString()},
      {"root_payload_rich", 3, rich.SerializeAsString()},
  };
  for (const auto& seed : seeds) {
    std::ofstream(std::string(argv[1]) + "/" + seed.name, std::ios::binary) << seed.kind << seed.content;
  }
  return 0;
}
