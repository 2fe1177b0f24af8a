// conduitctl keygen: a new Ed25519 key pair.
#include <sys/stat.h>

#include <boost/program_options.hpp>
#include <iostream>

#include "controlplane/trust/keys.hpp"
#include "controlplane/trust/state_store.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;

constexpr const char* help_text =
    "conduitctl keygen --out NAME\n"
    "\n"
    "Makes an Ed25519 key pair: NAME.key (private, mode 0600; whoever has it can sign) and NAME.pub (to hand "
    "out). Existing\n"
    "files are never replaced. Keep the root key apart from the policy keys, best off any networked "
    "machine.\n"
    "\n"
    "Example:\n"
    "  conduitctl keygen --out root && conduitctl keygen --out integrator\n"
    "\n";

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

int make(const std::string& name) {
  const std::string private_path = name + ".key";
  const std::string public_path = name + ".pub";
  if (exists(public_path)) {
    return complain("keygen", public_path + ": exists already; choose another name or move it away");
  }
  const auto key = SigningKey::generate();
  if (!key) return complain("keygen", key.error().text());
  if (auto done = create_file(private_path, key->private_pem(), 0600); !done) {
    return complain("keygen", done.error().text());
  }
  if (auto done = create_file(public_path, key->public_pem(), 0644); !done) {
    return complain("keygen", done.error().text());
  }
  std::cout << "key id " << hex_text(digest_bytes(key->id())) << "\n"
            << private_path << "  private, keep it safe\n"
            << public_path << "  public\n";
  return exit_done;
}

}  // namespace

int keygen(const Words& words) {
  std::string name;
  po::options_description options("Options");
  options.add_options()("help,h", "this text")("out", po::value(&name), "NAME of the two files");
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
  } catch (const po::error& wrong) {
    return complain("keygen", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (name.empty()) return complain("keygen", "where to? write: conduitctl keygen --out NAME");
  return make(name);
}

}  // namespace conduit
