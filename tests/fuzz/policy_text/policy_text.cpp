// Any text as a policy and as a gateway's config: complaints with a place, or an image that opens.
// Input: one octet (bit 0: JSON), then the text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/policy/compile.hpp"
#include "config/policy/gateway.hpp"
#include "protocols/core/rule_image.hpp"

using namespace conduit;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool has_error(const std::vector<Diagnostic>& diagnostics) {
  for (const Diagnostic& one : diagnostics) {
    require(!one.text.empty());
    if (!one.warning) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 16384) return 0;
  const bool json = (data[0] & 1) != 0;
  CompileInput input;
  input.text.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  input.json = json;
  const CompiledPolicy policy = compile_policy(input);
  require(policy.good != has_error(policy.diagnostics));
  if (policy.good) {
    const char* broken = nullptr;
    (void)RuleImage::open(policy.image.bytes(), broken);
    require(broken == nullptr);
  } else {
    require(policy.image.bytes().empty());
  }
  const LoadedGateway gateway = load_gateway(input.text, json);
  require(gateway.good != has_error(gateway.diagnostics));
  if (gateway.good) {
    require(gateway.config.ports.size() >= 2 && !gateway.config.pairs.empty());
    for (const std::string& word : gateway.config.dataplane_arguments())
      require(word.find('\n') == std::string::npos);
  }
  return 0;
}
