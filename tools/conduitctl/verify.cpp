// conduitctl verify: would a gateway with this root of trust take this bundle?
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
    "conduitctl verify --root trust-root.bin [--gateway ID] [--newer-than VERSION] BUNDLE\n"
    "\n"
    "Does what a gateway does before it takes a bundle: size, signatures, gateway, version, then the policy "
    "itself.\n"
    "\n"
    "Exit status: 0 it would be taken, 1 it would be refused (the reason is printed), 2 error.\n"
    "\n";

int refuse(const Error& error) {
  std::cout << "refused: " << error.name << ": " << error.text() << '\n';
  return exit_no;
}

int run(const std::string& root_path, const std::string& path, const std::string& gateway,
        std::uint64_t newer_than) {
  auto root = read_file(root_path, root_size_max);
  if (!root) return complain("verify", root.error().text());
  auto set = TrustedSet::from_root(*root);
  if (!set) return complain("verify", root_path + ": " + set.error().text());
  auto envelope = read_file(path, bundle_size_max);
  if (!envelope && envelope.error().name == "file.too_large") return refuse(envelope.error());
  if (!envelope) return complain("verify", envelope.error().text());
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  auto bundle = gateway.empty() ? set->read_bundle(*envelope, now)
                                : set->accept_bundle(*envelope, gateway, newer_than, now);
  if (!bundle) return refuse(bundle.error());
  CompileInput input;
  input.text = bundle->policy_text;
  input.json = bundle->json;
  const CompiledPolicy policy = compile_policy(input);
  for (const Diagnostic& one : policy.diagnostics) std::cerr << one.format(bundle->policy_name) << '\n';
  if (!policy.good) return refuse({"policy.invalid", "the policy in it has errors", {}, {}});
  if (policy.names.policy_version != bundle->version) {
    return refuse(
        {"bundle.version_differs", "the bundle and the policy in it state different versions", {}, {}});
  }
  std::cout << "good: policy \"" << bundle->policy_name << "\" version " << bundle->version << ", SHA-256 "
            << hex_text(digest_bytes(bundle->policy_hash)) << "\n";
  for (const std::string& id : bundle->gateway_ids) std::cout << "for gateway " << id << '\n';
  for (const std::string& signer : bundle->signers) std::cout << "signed by key " << signer << '\n';
  return exit_done;
}

}  // namespace

int verify(const Words& words) {
  std::string root;
  std::string bundle;
  std::string gateway;
  std::uint64_t newer_than = 0;
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("root", po::value(&root), "the gateway's root of trust");
  add("gateway", po::value(&gateway), "gateway_id; without it, neither gateway nor version are asked");
  add("newer-than", po::value(&newer_than)->default_value(0), "highest version accepted before");
  add("bundle", po::value(&bundle), "the bundle");
  po::positional_options_description positional;
  positional.add("bundle", 1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).positional(positional).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
  } catch (const po::error& wrong) {
    return complain("verify", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (root.empty() || bundle.empty())
    return complain("verify", "write: conduitctl verify --root ROOT BUNDLE");
  if (newer_than != 0 && gateway.empty())
    return complain("verify", "--newer-than is a question to one gateway: write --gateway ID too");
  return run(root, bundle, gateway, newer_than);
}

}  // namespace conduit
