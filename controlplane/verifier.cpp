#include "controlplane/verifier.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "config/abi/limits.hpp"
#include "config/policy/compile.hpp"
#include "controlplane/sandbox.hpp"
#include "controlplane/trust/trusted_set.hpp"

namespace conduit {
namespace {

using Json = nlohmann::json;

constexpr int verify_timeout_ms = 30'000;
constexpr std::size_t answer_size_max = 16UL * 1024 * 1024;

Json names_json(const NameTable& names) {
  Json json;
  json["name"] = names.policy_name;
  json["version"] = names.policy_version;
  json["hash"] = names.policy_hash;
  json["ports"] = names.ports;
  json["zones"] = names.zones;
  json["assets"] = Json::array();
  for (const auto& asset : names.assets) json["assets"].push_back({asset.id, asset.zone});
  json["conduits"] = Json::array();
  for (const auto& conduit : names.conduits)
    json["conduits"].push_back({conduit.id, conduit.owner, conduit.observes});
  json["allows"] = Json::array();
  for (const auto& allow : names.allows) {
    json["allows"].push_back({allow.id, allow.reason, allow.conduit, allow.from, allow.to, allow.line});
  }
  return json;
}

std::shared_ptr<const NameTable> names_from(const Json& json) {
  auto names = std::make_shared<NameTable>();
  names->policy_name = json.at("name").get<std::string>();
  names->policy_version = json.at("version").get<std::uint64_t>();
  names->policy_hash = json.at("hash").get<std::array<std::uint8_t, 32>>();
  names->ports = json.at("ports").get<std::vector<std::string>>();
  names->zones = json.at("zones").get<std::vector<std::string>>();
  for (const Json& one : json.at("assets")) {
    names->assets.push_back({one.at(0).get<std::string>(), one.at(1).get<std::uint32_t>()});
  }
  for (const Json& one : json.at("conduits")) {
    names->conduits.push_back(
        {one.at(0).get<std::string>(), one.at(1).get<std::string>(), one.at(2).get<bool>()});
  }
  for (const Json& one : json.at("allows")) {
    names->allows.push_back({one.at(0).get<std::string>(), one.at(1).get<std::string>(),
                             one.at(2).get<std::uint32_t>(), one.at(3).get<std::string>(),
                             one.at(4).get<std::string>(), one.at(5).get<int>()});
  }
  return names;
}

Json refusal(const Error& error) { return {{"error", {error.name, error.what, error.where, error.remedy}}}; }

// --- in the child ----------------------------------------------------------------------------------------

Expected<AcceptedBundle> open_bundle(const VerifyRequest& request) {
  auto set = TrustedSet::from_root(request.root);
  if (!set) return tl::unexpected(set.error());
  if (request.reopen) return set->reopen_bundle(request.bundle, request.gateway_id);
  return set->accept_bundle(request.bundle, request.gateway_id, request.version_floor, request.now_unix);
}

bool put_image(const ImageBuffer& image, int memory) {
  const Bytes bytes = image.bytes();
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t now =
        ::pwrite(memory, bytes.data() + written, bytes.size() - written, static_cast<off_t>(written));
    if (now <= 0) return false;
    written += static_cast<std::size_t>(now);
  }
  return true;
}

Json work(const VerifyRequest& request, int memory) {
  auto bundle = open_bundle(request);
  if (!bundle) return refusal(bundle.error());
  CompileInput input;
  input.text = bundle->policy_text;
  input.json = bundle->json;
  input.ports = &request.ports;
  input.generation = request.generation;
  input.policy_hash = bundle->policy_hash;
  const CompiledPolicy policy = compile_policy(input);
  if (!policy.good) {
    std::string first = "the policy has errors";
    for (const Diagnostic& one : policy.diagnostics) {
      if (!one.warning) {
        first = one.format(bundle->policy_name);
        break;
      }
    }
    return refusal({"policy.invalid", first, {}, "conduitctl check --gateway shows all of them"});
  }
  if (policy.names.policy_version != bundle->version) {
    return refusal({"bundle.version_differs",
                    "the bundle says another version than the policy in it",
                    {},
                    "sign again"});
  }
  if (!put_image(policy.image, memory))
    return refusal({"image.memory", "no memory for the rule image", {}, {}});
  Json answer = names_json(policy.names);
  answer["size"] = policy.image.bytes().size();
  answer["signers"] = bundle->signers;
  return answer;
}

Json root_work(const std::string& root, const std::string& next, std::uint64_t now_unix) {
  auto set = TrustedSet::from_root(root);
  if (!set) return refusal(set.error());
  if (auto done = set->update_root(next, now_unix); !done) return refusal(done.error());
  return {{"version", set->root_version()}};
}

template <typename Work>
[[noreturn]] void child(const Work& work, int out) {
  std::string text;
  if (auto done = enter_verifier_sandbox(); !done) {
    text = refusal(done.error()).dump();
  } else {
    text = work().dump(-1, ' ', true, Json::error_handler_t::replace);
  }
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t now = ::write(out, text.data() + written, text.size() - written);
    if (now <= 0) ::_exit(1);
    written += static_cast<std::size_t>(now);
  }
  ::_exit(0);
}

// --- in the parent ---------------------------------------------------------------------------------------

bool read_answer(int in, std::string& answer) {
  char bytes[65536];
  for (;;) {
    pollfd entry{in, POLLIN, 0};
    const int ready = ::poll(&entry, 1, verify_timeout_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t now = ::read(in, bytes, sizeof bytes);
    if (now == 0) return true;
    if (now < 0 || answer.size() > answer_size_max) return false;
    answer.append(bytes, static_cast<std::size_t>(now));
  }
}

Error error_of(const Json& answer) {
  const Json& error = answer.at("error");
  return Error{error.at(0), error.at(1), error.at(2), error.at(3)};
}

Expected<VerifiedPolicy> take_answer(const std::string& text, UniqueFd memory) {
  const Json answer = Json::parse(text, nullptr, false);
  if (answer.is_discarded()) return fail("verifier.died", "the bundle made the verifier stop: refused");
  if (answer.contains("error")) return tl::unexpected(error_of(answer));
  VerifiedPolicy result;
  result.names = names_from(answer);
  result.image_size = answer.at("size").get<std::uint64_t>();
  for (const Json& signer : answer.at("signers")) {
    result.signers += (result.signers.empty() ? "" : ",") + signer.get<std::string>();
  }
  constexpr int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(memory.get(), F_ADD_SEALS, seals) != 0)
    return fail("image.seal", "the rule image cannot be sealed");
  result.image = std::move(memory);
  return result;
}

// What `work` answers in a child of its own; an error if the child did not live to say it.
template <typename Work>
Expected<std::string> ask_child(const Work& work) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail("verifier.start", std::strerror(errno));
  UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail("verifier.start", std::strerror(errno));
  if (pid == 0) child(work, out.get());
  out.reset();
  std::string answer;
  const bool whole = read_answer(in.get(), answer);
  if (!whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail("verifier.died", "the bundle made the verifier stop: refused");
  }
  return answer;
}

}  // namespace

Expected<VerifiedPolicy> verify_bundle(const VerifyRequest& request) {
  UniqueFd memory(::memfd_create("conduit-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.open()) return fail("verifier.start", std::strerror(errno));
  auto answer = ask_child([&] { return work(request, memory.get()); });
  if (!answer) return tl::unexpected(answer.error());
  return take_answer(*answer, std::move(memory));
}

Expected<std::uint64_t> verify_root(const std::string& root, const std::string& next,
                                    std::uint64_t now_unix) {
  auto text = ask_child([&] { return root_work(root, next, now_unix); });
  if (!text) return tl::unexpected(text.error());
  const Json answer = Json::parse(*text, nullptr, false);
  if (answer.is_discarded()) return fail("verifier.died", "the root made the verifier stop: refused");
  if (answer.contains("error")) return tl::unexpected(error_of(answer));
  return answer.at("version").get<std::uint64_t>();
}

}  // namespace conduit
