// The policy compiler: parse → check → rule image and names. All complaints are collected, each with its
// place.
//
// Semantics. A service is (client asset, server asset, transport, port) and speaks one protocol. An `allow`
// in direction {from, to} whose clients lie in `from` judges requests; one whose clients lie in `to` judges
// what the server sends without being asked. Without `function`, an `allow` permits every named function of
// its `access` classes (of all, if none is stated). Nothing here knows a protocol: rooms describe themselves
// by the options of their .proto.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "config/policy/document.hpp"
#include "config/policy/image_builder.hpp"
#include "config/policy/name_table.hpp"

namespace conduit {

// What the gateway has; the data plane's port numbers are positions in `names`.
struct GatewayPorts {
  std::vector<std::string> names;
  std::vector<std::uint8_t> peer;  // by port
};

struct CompileInput {
  std::string text;
  bool json = false;
  // None: ports are numbered as zones name them, any port may reach any other (check, simulate).
  const GatewayPorts* ports = nullptr;
  std::uint64_t generation = 1;
  std::array<std::uint8_t, 32> policy_hash{};  // SHA-256 of `text`
};

struct CompiledPolicy {
  bool good = false;  // false: image is empty, `diagnostics` says why
  ImageBuffer image;
  NameTable names;
  std::vector<Diagnostic> diagnostics;  // in order of place
};

[[nodiscard]] CompiledPolicy compile_policy(const CompileInput& input);

// Reads a file, at most document_size_max octets. False: `error` says why.
bool read_document_file(const std::string& path, std::string& text, std::string& error);

}  // namespace conduit
