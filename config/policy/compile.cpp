#include "config/policy/compile.hpp"

#include <algorithm>
#include <fstream>

#include "config/policy/compiler.hpp"
#include "config/policy/needless.hpp"

namespace conduit {

void PolicyCompiler::run() {
  compile_policy_header();
  compile_zones();
  compile_conduits();
  if (!diagnostics.failed()) warn_of_needless();
}

void PolicyCompiler::warn_of_needless() {
  for (const NeedlessAllow& one : find_needless(source)) {
    const NameTable::Allow& other = names.allows[one.by];
    std::string text = "allow \"" + names.allows[one.allow].id + "\" permits nothing that allow \"" +
                       other.id + "\"" +
                       (other.line > 0 ? " (line " + std::to_string(other.line) + ")" : "") +
                       " does not permit already: what it restricts has no effect";
    if (one.recorded) text += "; only its monitoring may have";
    warning(allow_places[one.allow], text);
  }
}

namespace {

// The last allow that speaks of this service: the one that a later allow had to agree with.
std::uint32_t last_allow_of(const ServiceSource& service) {
  std::uint32_t last = 0;
  for (const RuleSource& rule : service.request) last = std::max(last, rule.policy_rule);
  for (const RuleSource& rule : service.unsolicited) last = std::max(last, rule.policy_rule);
  return service.opaque ? service.opaque->policy_rule : last;
}

// Says an error of the image builder at the allow or asset that it names.
void place_image_error(const ImageError& wrong, PolicyCompiler& compiler, const Place& root) {
  Place place = root;
  std::uint32_t allow = wrong.policy_rule;
  if (allow == none_index && wrong.service < compiler.source.services.size()) {
    allow = last_allow_of(compiler.source.services[wrong.service]);
  }
  if (allow < compiler.allow_places.size()) {
    place = compiler.allow_places[allow];
  } else if (wrong.asset < compiler.asset_places.size()) {
    place = compiler.asset_places[wrong.asset];
  }
  compiler.diagnostics.error(place.line(), place.column(), wrong.what);
}

}  // namespace

CompiledPolicy compile_policy(const CompileInput& input) {
  CompiledPolicy result;
  schema::PolicyFile file;
  Document document;
  Diagnostics parsing;
  if (!parse_document(input.text, input.json, file, document, parsing)) {
    result.diagnostics = parsing.sorted();
    return result;
  }
  const Place root = input.json ? Place() : document.root();
  PolicyCompiler compiler(file, root, input);
  compiler.run();
  if (!compiler.diagnostics.failed()) {
    auto image = build_image(compiler.source);
    if (image) {
      result.image = std::move(*image);
      result.good = true;
    } else {
      place_image_error(image.error(), compiler, root);
    }
  }
  result.names = std::move(compiler.names);
  result.diagnostics = compiler.diagnostics.sorted();
  return result;
}

bool read_document_file(const std::string& path, std::string& text, std::string& error) {
  std::ifstream file(path, std::ios::binary);
  text.resize(document_size_max + 1);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  text.resize(size);
  if (size == 0 && (!file.eof() || file.bad())) {
    error = path + ": cannot be read";
    return false;
  }
  if (size <= document_size_max) return true;
  error = path + ": larger than " + std::to_string(document_size_max) + " octets";
  return false;
}

}  // namespace conduit
