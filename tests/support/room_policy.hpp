// Shared by the policy tests of all rooms: a policy's text as the image that it compiles to, and PDUs held
// against its rules.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "config/policy/compile.hpp"
#include "protocols/core/decoder.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit::test {

// A policy of one conduit from asset "m" (10.0.0.1) to asset "o" (10.0.0.2). `rules`: what stands in its
// first direction, `back`: in the other one.
[[nodiscard]] inline std::string one_conduit(const std::string& rules, const std::string& back = "") {
  return "policy { name: \"p\" version: 1 }\n"
         "zone { id: \"a\" port: \"up\" asset { id: \"m\" ipv4: \"10.0.0.1\" } }\n"
         "zone { id: \"b\" port: \"down\" asset { id: \"o\" ipv4: \"10.0.0.2\" } }\n"
         "conduit { id: \"c\" zones: \"a\" zones: \"b\" owner: \"o\" direction { from: \"a\" to: \"b\"\n" +
         rules + " }" + (back.empty() ? "" : " direction { from: \"b\" to: \"a\"\n" + back + " }") + " }";
}

// One allow from "m" to "o"; `what`: "dnp3 { … }", and fields of Allow in front of it.
[[nodiscard]] inline std::string allow(const std::string& id, const std::string& what) {
  return "allow { id: \"" + id + "\" reason: \"r\" client: \"m\" server: \"o\" " + what + " }\n";
}

class RoomPolicy {
 public:
  explicit RoomPolicy(const std::string& text) {
    CompileInput input;
    input.text = text;
    policy = compile_policy(input);
    CAPTURE(text);
    REQUIRE(policy.good);
    const char* broken = "";
    image = RuleImage::open(policy.image.bytes(), broken);
    REQUIRE(image.valid());
  }
  // A shipped example, "substation".
  [[nodiscard]] static std::string example(const std::string& name) {
    std::string text;
    std::string error;
    REQUIRE(read_document_file("config/examples/" + name + ".txtpb", text, error));
    return text;
  }

  // Is every operation of this well-formed PDU contained in a rule of the group?
  [[nodiscard]] bool permits(const Protocol& protocol, Bytes pdu, Role sender, const SessionState& session,
                             std::uint32_t group, bool island = false) const {
    PduState state;
    REQUIRE(protocol.open(pdu, sender, QUIRK_NONE, session, state).well_formed);
    Operation operation;
    Next next = protocol.next(pdu, state, operation);
    for (; next == Next::OPERATION; next = protocol.next(pdu, state, operation)) {
      if (image.match(group, operation, MatchMoment{1, island}).rule == none_index) return false;
    }
    return next == Next::END;
  }

  CompiledPolicy policy;
  RuleImage image;
};

}  // namespace conduit::test
