// conduitctl sign: from a checked policy to a bundle that a gateway takes.
#include <boost/program_options.hpp>
#include <ctime>
#include <iostream>

#include "config/abi/limits.hpp"
#include "config/policy/compile.hpp"
#include "controlplane/trust/state_store.hpp"
#include "controlplane/trust/trusted_set.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl sign --key NAME.key --gateway ID [--gateway ID …] --out FILE POLICY\n"
    "conduitctl sign --key SECOND.key --add FILE\n"
    "\n"
    "Checks the policy and wraps it, octet by octet as it is, into a signed bundle for the gateways that are "
    "named. Version and\n"
    "name come from the policy. A policy with errors is not signed. The second form adds a second person's "
    "signature to a\n"
    "bundle, where the gateway's root of trust asks for more than one.\n"
    "\n"
    "Example:\n"
    "  conduitctl sign --key integrator.key --gateway gw-packaging --out line.bundle packaging-line.txtpb\n"
    "\n"
    "Exit status: 0 signed, 1 the policy has errors, 2 error.\n"
    "\n";

bool is_json(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
}

int add_to(const SigningKey& key, const std::string& path) {
  auto envelope = read_file(path, bundle_size_max);
  if (!envelope) return complain("sign", envelope.error().text());
  auto both = add_signature(*envelope, key);
  if (!both) return complain("sign", both.error().text());
  if (auto done = replace_file(path, *both, 0644); !done) return complain("sign", done.error().text());
  std::cout << path << ": signature added\n";
  return exit_done;
}

int sign_policy(const SigningKey& key, const std::string& path, const std::vector<std::string>& gateways,
                const std::string& out) {
  CompileInput input;
  std::string error;
  if (!read_document_file(path, input.text, error)) return complain("sign", error);
  input.json = is_json(path);
  const CompiledPolicy policy = compile_policy(input);
  for (const Diagnostic& one : policy.diagnostics) std::cerr << one.format(path) << '\n';
  if (!policy.good) {
    std::cerr << "conduitctl sign: not signed, the policy has errors\n";
    return exit_no;
  }
  const std::string payload =
      make_bundle(policy.names.policy_version, gateways, static_cast<std::uint64_t>(std::time(nullptr)),
                  policy.names.policy_name, input.text, input.json);
  auto envelope = seal_envelope(policy_payload_type, payload, {&key});
  if (!envelope) return complain("sign", envelope.error().text());
  if (auto done = replace_file(out, *envelope, 0644); !done) return complain("sign", done.error().text());
  std::cout << out << ": policy \"" << policy.names.policy_name << "\" version "
            << policy.names.policy_version << ", signed by key "
            << hex_text(digest_bytes(key.id())).substr(0, 16) << "…\n";
  return exit_done;
}

}  // namespace

int sign(const Words& words) {
  std::string key_path;
  std::string policy;
  std::string out;
  std::string added;
  std::vector<std::string> gateways;
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("key", po::value(&key_path), "private key that signs");
  add("gateway", po::value(&gateways)->composing(), "gateway_id that the bundle is for, as often as needed");
  add("out", po::value(&out), "bundle to write");
  add("add", po::value(&added), "bundle to add a signature to");
  add("policy", po::value(&policy), "the policy");
  po::positional_options_description positional;
  positional.add("policy", 1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).positional(positional).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
  } catch (const po::error& wrong) {
    return complain("sign", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (key_path.empty())
    return complain("sign", "with which key? write --key NAME.key (conduitctl keygen makes one)");
  const auto key = SigningKey::read_private(key_path);
  if (!key) return complain("sign", key.error().text());
  if (!added.empty()) return add_to(*key, added);
  if (policy.empty() || out.empty() || gateways.empty()) {
    return complain("sign", "write: conduitctl sign --key NAME.key --gateway ID --out FILE POLICY");
  }
  return sign_policy(*key, policy, gateways, out);
}

}  // namespace conduit
