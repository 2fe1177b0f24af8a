// What holds for every protocol's room alike: its row, its message and its field in `Allow` agree.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "config/schema/policy.pb.h"
#include "protocols/core/decoder.hpp"
#include "protocols/core/options.pb.h"

using namespace conduit;

namespace {

namespace pb = google::protobuf;

const pb::FieldDescriptor* allow_field(const Protocol& protocol) {
  return schema::Allow::descriptor()->FindFieldByName(std::string(protocol.name));
}

const schema::FieldBinding& binding_of(const pb::FieldDescriptor& field) {
  return field.options().GetExtension(schema::bind);
}

}  // namespace

TEST_CASE("there are rooms, each with a number and a name of its own") {
  std::set<std::uint8_t> numbers;
  std::set<std::string> names;
  REQUIRE(!all_protocols().empty());
  for (const Protocol* protocol : all_protocols()) {
    CAPTURE(std::string(protocol->name));
    CHECK(static_cast<std::uint8_t>(protocol->id) >= 16);
    CHECK(numbers.insert(static_cast<std::uint8_t>(protocol->id)).second);
    CHECK(names.insert(std::string(protocol->name)).second);
    CHECK(find_protocol(protocol->id) == protocol);
    CHECK(find_protocol(protocol->name) == protocol);
  }
}

TEST_CASE("a room's field in Allow has the room's name and number") {
  for (const Protocol* protocol : all_protocols()) {
    CAPTURE(std::string(protocol->name));
    const pb::FieldDescriptor* field = allow_field(*protocol);
    REQUIRE(field != nullptr);
    REQUIRE(field->containing_oneof() != nullptr);
    CHECK(field->number() == static_cast<int>(protocol->id));
    const schema::RoomInfo& room = field->message_type()->options().GetExtension(schema::room);
    CHECK(room.id() == static_cast<std::uint32_t>(protocol->id));
  }
}

TEST_CASE("every room of the schema has its row") {
  const pb::OneofDescriptor& what = *schema::Allow::descriptor()->FindOneofByName("what");
  std::size_t rooms = 0;
  for (int index = 0; index < what.field_count(); ++index) {
    const pb::FieldDescriptor& field = *what.field(index);
    if (field.message_type()->options().GetExtension(schema::room).id() == 0) continue;
    ++rooms;
    CAPTURE(field.name());
    CHECK(find_protocol(field.name()) != nullptr);
  }
  CHECK(rooms == all_protocols().size());
}

TEST_CASE("every field of a room's message is bound, and each dimension has one name") {
  for (const Protocol* protocol : all_protocols()) {
    CAPTURE(std::string(protocol->name));
    const pb::Descriptor& message = *allow_field(*protocol)->message_type();
    unsigned named = 0;
    for (int index = 0; index < message.field_count(); ++index) {
      const pb::FieldDescriptor& field = *message.field(index);
      const schema::FieldBinding& binding = binding_of(field);
      CAPTURE(field.name());
      CHECK(binding.binding() != schema::BINDING_UNSPECIFIED);
      if (binding.binding() != schema::DIMENSION) continue;
      REQUIRE(binding.dimension() < dimension_count);
      if (protocol->dimension_names[binding.dimension()] == field.name()) named |= 1U << binding.dimension();
    }
    for (std::size_t dimension = 0; dimension < dimension_count; ++dimension) {
      CAPTURE(dimension);
      const bool used = !protocol->dimension_names[dimension].empty();
      CHECK(used == (((named >> dimension) & 1U) != 0));
    }
  }
}

TEST_CASE("functions have one name in policy and decoder, access classes and a technique") {
  for (const Protocol* protocol : all_protocols()) {
    CAPTURE(std::string(protocol->name));
    const pb::Descriptor& message = *allow_field(*protocol)->message_type();
    const pb::EnumDescriptor* functions = message.FindEnumTypeByName("Function");
    REQUIRE(functions != nullptr);
    for (int index = 0; index < functions->value_count(); ++index) {
      const pb::EnumValueDescriptor& value = *functions->value(index);
      if (value.number() == 0) continue;
      CAPTURE(value.name());
      CHECK(protocol->function_name(static_cast<std::uint32_t>(value.number())) == value.name());
      const schema::FunctionInfo& info = value.options().GetExtension(schema::function);
      CHECK(info.access_size() > 0);
      CHECK(info.attack_technique().size() == 5);
      CHECK(info.attack_technique().starts_with("T0"));
    }
  }
}

TEST_CASE("tolerances of all rooms are numbered together, from 1 to 15") {
  const pb::Descriptor& asset = *schema::Asset::descriptor();
  std::set<int> numbers;
  for (const Protocol* protocol : all_protocols()) {
    const pb::Descriptor& message = *allow_field(*protocol)->message_type();
    const pb::EnumDescriptor* tolerances = message.FindEnumTypeByName("Tolerance");
    if (tolerances == nullptr) continue;
    CAPTURE(std::string(protocol->name));
    const pb::FieldDescriptor* field = asset.FindFieldByName(std::string(protocol->name) + "_tolerance");
    REQUIRE(field != nullptr);
    CHECK(field->enum_type() == tolerances);
    for (int index = 0; index < tolerances->value_count(); ++index) {
      const int number = tolerances->value(index)->number();
      if (number == 0) continue;
      CAPTURE(tolerances->value(index)->name());
      CHECK(number <= 15);
      CHECK(numbers.insert(number).second);
    }
  }
  CHECK(!numbers.empty());
}

TEST_CASE("every row is complete and its sizes go together") {
  for (const Protocol* protocol : all_protocols()) {
    CAPTURE(std::string(protocol->name));
    CHECK((protocol->frame != nullptr));
    CHECK((protocol->open != nullptr));
    CHECK((protocol->next != nullptr));
    CHECK((protocol->matches != nullptr));
    CHECK((protocol->function_name != nullptr));
    CHECK((protocol->tcp_port != 0 || protocol->udp_port != 0));
    CHECK(protocol->judge_size_max > 0);
    CHECK(protocol->judge_size_max <= protocol->pdu_size_max);
    CHECK(protocol->framing_prefix_size < protocol->judge_size_max);
  }
}
