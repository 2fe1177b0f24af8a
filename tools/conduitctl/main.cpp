// conduitctl: writes, tests, signs and loads conduit rules; reads captures; asks a running gateway.
#include <algorithm>
#include <array>
#include <exception>
#include <iostream>

#include "config/policy/document.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

constexpr std::array verbs{
    Verb{"check", "is this a policy that a gateway would take?", &check},
    Verb{"keygen", "make a key pair for signing", &keygen},
    Verb{"trust", "make the root of trust that a gateway is given", &trust},
    Verb{"sign", "check a policy and sign it for gateways", &sign},
    Verb{"verify", "would a gateway take this bundle?", &verify},
    Verb{"load", "give a signed bundle to the running gateway", &load},
    Verb{"status", "how is the gateway?", &status},
    Verb{"events", "what the SOC reads", &events},
    Verb{"island", "cut the zones off from each other, or join them again", &island},
    Verb{"dataplane-args", "command line of the data plane, from the gateway's config", &dataplane_args},
    Verb{"kernel-rules", "with nfqueue: the kernel's part", &kernel_rules},
    Verb{"decode", "what is in this capture?", &decode},
    Verb{"simulate", "what would the gateway have done with this capture?", &simulate},
};

constexpr const char* help_head =
    "conduitctl: conduit rules from the first draft to the running gateway\n"
    "\n"
    "  conduitctl VERB [options]      conduitctl VERB --help tells more\n"
    "\n";
constexpr const char* help_tail =
    "\n"
    "Exit status of every verb: 0 done, 1 the answer is no, 2 error.\n";

int help(std::ostream& out) {
  out << help_head;
  for (const Verb& verb : verbs) {
    out << "  " << verb.name << std::string(16 - verb.name.size(), ' ') << verb.summary << '\n';
  }
  out << help_tail;
  return exit_done;
}

int run(const Words& words) {
  if (words.empty()) return help(std::cerr), exit_error;
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") return help(std::cout);
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    if (verb.name == words[0]) return verb.run(Words(words.begin() + 1, words.end()));
    names.emplace_back(verb.name);
  }
  std::cerr << "conduitctl: there is no verb \"" << words[0] << '"' << suggest(words[0], names)
            << " (conduitctl --help lists them)\n";
  return exit_error;
}

}  // namespace

int complain(std::string_view verb, std::string_view text) {
  std::cerr << "conduitctl " << verb << ": " << text << '\n';
  return exit_error;
}

}  // namespace conduit

int main(int count, char** words) {
  try {
    return conduit::run(conduit::Words(words + 1, words + count));
  } catch (const std::exception& wrong) {
    std::cerr << "conduitctl: " << wrong.what() << '\n';
    return conduit::exit_error;
  }
}
