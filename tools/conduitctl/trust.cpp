// conduitctl trust: makes and renews the root of trust that a gateway is given.
#include <algorithm>
#include <boost/program_options.hpp>
#include <ctime>
#include <iostream>
#include <optional>

#include "config/abi/limits.hpp"
#include "controlplane/trust/state_store.hpp"
#include "controlplane/trust/trusted_set.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl trust --root-key ROOT.key [--root-key …] --policy-key NAME.pub [--policy-key …] --out FILE\n"
    "\n"
    "Makes a root of trust: which keys sign roots, which sign policies, and how many of each are needed. "
    "The\n"
    "first one is put onto the gateway by hand (trust_root in gateway.txtpb). With --previous the new root\n"
    "follows that one: signed by the keys of both, it is taken by gateways in its place. Root keys that are\n"
    "elsewhere are named by their .pub; their holders sign with conduitctl sign --add.\n"
    "\n"
    "Examples\n"
    "  one key each:\n"
    "    conduitctl trust --root-key root.key --policy-key integrator.pub --out trust-root.bin\n"
    "  another integrator from now on:\n"
    "    conduitctl trust --previous trust-root.bin --root-key root.key --policy-key other.pub --out "
    "next.bin\n"
    "  two persons for every policy, a new root key:\n"
    "    conduitctl trust --previous trust-root.bin --previous-key root.key --root-key new-root.key \\\n"
    "      --policy-key anna.pub --policy-key ben.pub --policy-threshold 2 --out next.bin\n"
    "\n";

struct Settings {
  std::vector<std::string> root_keys;
  std::vector<std::string> previous_keys;
  std::vector<std::string> policy_keys;
  std::uint32_t root_threshold = 1;
  std::uint32_t policy_threshold = 1;
  std::uint64_t valid_days = 0;
  std::string previous;
  std::string out;
};

// A key may have several roles: one entry for each key.
void add_source(std::vector<RootKeySource>& sources, SigningKey key, const std::string& name,
                bool signs_roots, std::uint64_t policy_until) {
  const Digest id = key.id();
  for (RootKeySource& source : sources) {
    if (source.key.id() != id) continue;
    source.signs_roots = source.signs_roots || signs_roots;
    source.signs_policies = source.signs_policies || !signs_roots;
    return;
  }
  sources.push_back({std::move(key), name, policy_until, signs_roots, !signs_roots});
}

void add_signer(std::vector<SigningKey>& signers, SigningKey key) {
  const auto same = [&](const SigningKey& other) { return other.id() == key.id(); };
  if (std::none_of(signers.begin(), signers.end(), same)) signers.push_back(std::move(key));
}

Expected<void> read_keys(const Settings& settings, std::uint64_t now, std::vector<RootKeySource>& sources,
                         std::vector<SigningKey>& signers) {
  for (const std::string& path : settings.root_keys) {
    auto key = SigningKey::read_private(path);
    auto listed = key ? SigningKey::from_der(key->public_der()) : SigningKey::read_public(path);
    if (!listed) return tl::unexpected(listed.error());
    if (key) add_signer(signers, std::move(*key));
    add_source(sources, std::move(*listed), path, true, 0);
  }
  const std::uint64_t until = settings.valid_days == 0 ? 0 : now + settings.valid_days * 86'400;
  for (const std::string& path : settings.policy_keys) {
    auto key = SigningKey::read_public(path);
    if (!key) return tl::unexpected(key.error());
    add_source(sources, std::move(*key), path, false, until);
  }
  for (const std::string& path : settings.previous_keys) {
    auto key = SigningKey::read_private(path);
    if (!key) return tl::unexpected(key.error());
    add_signer(signers, std::move(*key));
  }
  return {};
}

// What a gateway would say of the new root; nothing if it would take it.
std::optional<Error> objection(const std::string& envelope, std::optional<TrustedSet>& previous,
                               std::uint64_t now) {
  if (auto set = TrustedSet::from_root(envelope); !set) return set.error();
  if (!previous) return std::nullopt;
  auto taken = previous->update_root(envelope, now);
  return taken ? std::nullopt : std::optional<Error>(taken.error());
}

int make(const Settings& settings) {
  const std::uint64_t now = static_cast<std::uint64_t>(std::time(nullptr));
  std::optional<TrustedSet> previous;
  if (!settings.previous.empty()) {
    auto content = read_file(settings.previous, root_size_max);
    if (!content) return complain("trust", content.error().text());
    auto set = TrustedSet::from_root(*content);
    if (!set) return complain("trust", settings.previous + ": " + set.error().text());
    previous = std::move(*set);
  }
  std::vector<RootKeySource> sources;
  std::vector<SigningKey> signers;
  if (auto done = read_keys(settings, now, sources, signers); !done)
    return complain("trust", done.error().text());
  std::vector<const SigningKey*> keys;
  for (const SigningKey& key : signers) keys.push_back(&key);
  const std::uint64_t version = previous ? previous->root_version() + 1 : 1;
  const std::string payload = make_root(version, sources, settings.root_threshold, settings.policy_threshold);
  auto envelope = seal_envelope(root_payload_type, payload, keys);
  if (!envelope) return complain("trust", envelope.error().text());
  const auto wrong = objection(*envelope, previous, now);
  // What no further signature could mend is not written.
  const bool incomplete =
      wrong && (wrong->name == "signature.threshold" || wrong->name == "signature.unknown_key");
  if (wrong && !incomplete) return complain("trust", wrong->text());
  if (auto done = replace_file(settings.out, *envelope, 0644); !done)
    return complain("trust", done.error().text());
  std::cout << settings.out << ": root version " << version << ", " << settings.policy_keys.size()
            << " policy key(s), " << settings.policy_threshold << " needed\n";
  if (incomplete) {
    std::cout << "not valid yet: " << wrong->text() << "; its holders add theirs with: conduitctl sign --key "
              << "NAME.key --add " << settings.out << '\n';
  }
  return exit_done;
}

}  // namespace

int trust(const Words& words) {
  Settings settings;
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("root-key", po::value(&settings.root_keys)->composing(),
      "key that signs roots: .key to sign with it now, .pub to name it");
  add("policy-key", po::value(&settings.policy_keys)->composing(), "public key that signs policies");
  add("previous-key", po::value(&settings.previous_keys)->composing(),
      "private root key of the previous root");
  add("root-threshold", po::value(&settings.root_threshold)->default_value(1), "root signatures needed");
  add("policy-threshold", po::value(&settings.policy_threshold)->default_value(1),
      "policy signatures needed");
  add("previous", po::value(&settings.previous), "the root that this one follows");
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
