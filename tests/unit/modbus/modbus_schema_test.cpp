// The policy's words (modbus.proto) and the decoder's numbers are two hands of one room: they must agree.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "protocols/modbus/modbus.pb.h"
#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/modbus/modbus_support.hpp"
#include "tests/unit/modbus/modbus_vectors.hpp"

using namespace conduit;
using namespace conduit::test;
using schema::Modbus;

namespace {

const google::protobuf::EnumDescriptor& functions() { return *Modbus::Function_descriptor(); }

}  // namespace

TEST_CASE("function names are the same in policy and decoder") {
  for (std::uint32_t function = 1; function < 300; ++function) {
    const auto* value = functions().FindValueByNumber(static_cast<int>(function));
    const std::string in_policy = value != nullptr ? value->name() : "";
    CHECK(modbus_protocol.function_name(function) == in_policy);
  }
  CHECK(modbus_protocol.function_name(0).empty());
}

TEST_CASE("every function has an ATT&CK technique and the access classes that the decoder gives") {
  for (int index = 0; index < functions().value_count(); ++index) {
    const auto& value = *functions().value(index);
    if (value.number() == 0) continue;
    const auto& info = value.options().GetExtension(schema::function);
    CAPTURE(value.name());
    CHECK(info.attack_technique().size() == 5);
    CHECK(info.attack_technique().starts_with("T0"));
    std::vector<int> declared(info.access().begin(), info.access().end());
    std::vector<int> given;
    for (const Vector& vector : well_formed_vectors()) {
      const Octets octets = adu(vector.pdu);
      const SessionState session;
      PduState state;
      Operation operation;
      if (!modbus_protocol.open(Bytes{octets}, vector.sender, 0, session, state).well_formed) continue;
      if (vector.sender != Role::CLIENT || octets[7] != value.number()) continue;
      while (modbus_protocol.next(Bytes{octets}, state, operation) == Next::OPERATION) {
        given.push_back(static_cast<int>(operation.access));
      }
    }
    std::sort(given.begin(), given.end());
    given.erase(std::unique(given.begin(), given.end()), given.end());
    std::sort(declared.begin(), declared.end());
    CHECK(declared == given);
  }
}

TEST_CASE("fields are bound to the dimension of their name") {
  const auto& message = *Modbus::descriptor();
  std::size_t bound = 0;
  for (int index = 0; index < message.field_count(); ++index) {
    const auto& field = *message.field(index);
    CAPTURE(field.name());
    REQUIRE(field.options().HasExtension(schema::bind));
    const auto& binding = field.options().GetExtension(schema::bind);
    if (binding.binding() != schema::DIMENSION) continue;
    REQUIRE(binding.dimension() < dimension_count);
    CHECK(modbus_protocol.dimension_names[binding.dimension()] == field.name());
    ++bound;
  }
  CHECK(bound == dimension_count);
}

TEST_CASE("table names are the decoder's numbers") {
  const auto same = [](Modbus::Table in_policy, modbus::Table in_decoder) {
    return static_cast<int>(in_policy) == static_cast<int>(in_decoder);
  };
  CHECK(same(Modbus::COILS, modbus::Table::COILS));
  CHECK(same(Modbus::DISCRETE_INPUTS, modbus::Table::DISCRETE_INPUTS));
  CHECK(same(Modbus::INPUT_REGISTERS, modbus::Table::INPUT_REGISTERS));
  CHECK(same(Modbus::HOLDING_REGISTERS, modbus::Table::HOLDING_REGISTERS));
  CHECK(same(Modbus::FILES, modbus::Table::FILES));
  CHECK(Modbus::Table_descriptor()->value_count() == 5);
}

TEST_CASE("the registry finds rooms by number and by name") {
  CHECK(find_protocol(modbus_id) == &modbus_protocol);
  CHECK(find_protocol("modbus") == &modbus_protocol);
  CHECK(find_protocol(ProtocolId::NONE) == nullptr);
  CHECK(find_protocol(ProtocolId::OPAQUE_TCP) == nullptr);
  CHECK(find_protocol("") == nullptr);
  CHECK(find_protocol("modbu") == nullptr);
  for (const Protocol* protocol : all_protocols()) {
    CHECK(find_protocol(protocol->id) == protocol);
    CHECK(find_protocol(protocol->name) == protocol);
    CHECK(protocol->judge_size_max <= protocol->pdu_size_max);
    CHECK(protocol->framing_prefix_size < protocol->judge_size_max);
    CHECK((protocol->frame != nullptr));
    CHECK((protocol->open != nullptr));
    CHECK((protocol->next != nullptr));
    CHECK((protocol->matches != nullptr));
    CHECK((protocol->function_name != nullptr));
  }
}
