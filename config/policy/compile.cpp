#include "config/policy/compile.hpp"

#include <fstream>
#include <sstream>

#include "config/policy/compiler.hpp"

namespace conduit {

void PolicyCompiler::run() {
  compile_policy_header();
  compile_zones();
  compile_conduits();
}

namespace {

// Says an error of the image builder at the allow or asset that it names.
void place_image_error(const ImageError& wrong, PolicyCompiler& compiler, const Place& root) {
  Place place = root;
  if (wrong.policy_rule < compiler.allow_places.size()) {
    place = compiler.allow_places[wrong.policy_rule];
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
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    error = path + ": cannot be read";
    return false;
  }
  text = content.str();
  if (text.size() <= document_size_max) return true;
  error = path + ": larger than " + std::to_string(document_size_max) + " octets";
  return false;
}

}  // namespace conduit
