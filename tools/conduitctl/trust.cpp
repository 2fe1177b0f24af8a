// conduitctl trust: makes and renews the root of trust that a gateway is given.
#include <boost/program_options.hpp>
#include <ctime>
#include <iostream>

#include "controlplane/trust/state_store.hpp"
#include "controlplane/trust/trusted_set.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl trust --root-key ROOT.key [--root-key …] --policy-key NAME.pub [--policy-key …] --out FILE\n"
    "\n"
    "Makes a root of trust: which keys sign roots, which sign policies, and how many of each are needed. The "
    "first one (version\n"
    "1) is put onto the gateway by hand (trust_root in gateway.txtpb). With --previous-key the new root also "
    "carries signatures\n"
    "of the keys of the version before, and gateways take it in its place.\n"
    "\n"
    "Example, one key each:\n"
    "  conduitctl trust --root-key root.key --policy-key integrator.pub --out trust-root.bin\n"
    "\n";

struct Settings {
  std::vector<std::string> root_keys;
  std::vector<std::string> previous_keys;
  std::vector<std::string> policy_keys;
  std::uint32_t root_threshold = 1;
  std::uint32_t policy_threshold = 1;
  std::uint64_t version = 1;
  std::uint64_t valid_days = 0;
  std::string out;
};

int make(const Settings& settings) {
  std::vector<RootKeySource> sources;
  std::vector<SigningKey> signers;
  for (const std::string& path : settings.root_keys) {
    auto key = SigningKey::read_private(path);
    auto again = SigningKey::read_private(path);
    if (!key || !again) return complain("trust", key.error().text());
    sources.push_back({std::move(*key), path, 0, true, false});
    signers.push_back(std::move(*again));
  }
  const std::uint64_t now = static_cast<std::uint64_t>(std::time(nullptr));
  const std::uint64_t until = settings.valid_days == 0 ? 0 : now + settings.valid_days * 86'400;
  for (const std::string& path : settings.policy_keys) {
    auto key = SigningKey::read_public(path);
    if (!key) return complain("trust", key.error().text());
    sources.push_back({std::move(*key), path, until, false, true});
  }
  for (const std::string& path : settings.previous_keys) {
    auto key = SigningKey::read_private(path);
    if (!key) return complain("trust", key.error().text());
    signers.push_back(std::move(*key));
  }
  std::vector<const SigningKey*> keys;
  for (const SigningKey& key : signers) keys.push_back(&key);
  const std::string payload =
      make_root(settings.version, sources, settings.root_threshold, settings.policy_threshold);
  auto envelope = seal_envelope(root_payload_type, payload, keys);
  if (!envelope) return complain("trust", envelope.error().text());
  // What a gateway would refuse is not written.
  if (auto set = TrustedSet::from_root(*envelope); !set) return complain("trust", set.error().text());
  if (auto done = replace_file(settings.out, *envelope, 0644); !done)
    return complain("trust", done.error().text());
  std::cout << settings.out << ": root version " << settings.version << ", " << settings.policy_keys.size()
            << " policy key(s), " << settings.policy_threshold << " needed\n";
  return exit_done;
}

}  // namespace

int trust(const Words& words) {
  Settings settings;
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("root-key", po::value(&settings.root_keys)->composing(), "private key that signs roots");
  add("policy-key", po::value(&settings.policy_keys)->composing(), "public key that signs policies");
  add("previous-key", po::value(&settings.previous_keys)->composing(),
      "private root key of the version before");
  add("root-threshold", po::value(&settings.root_threshold)->default_value(1), "root signatures needed");
  add("policy-threshold", po::value(&settings.policy_threshold)->default_value(1),
      "policy signatures needed");
  add("version", po::value(&settings.version)->default_value(1), "version of this root");
  add("valid-days", po::value(&settings.valid_days)->default_value(0),
      "policy keys sign nothing new after so many days; 0: no end. What was accepted stays in force");
  add("out", po::value(&settings.out), "file to write");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
  } catch (const po::error& wrong) {
    return complain("trust", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (settings.root_keys.empty() || settings.policy_keys.empty() || settings.out.empty()) {
    return complain("trust", "write: conduitctl trust --root-key ROOT.key --policy-key NAME.pub --out FILE");
  }
  return make(settings);
}

}  // namespace conduit
