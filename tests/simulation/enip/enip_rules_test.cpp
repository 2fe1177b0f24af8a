// Commands of the encapsulation that ask for nothing by themselves (CIP Vol. 2, 2-4).
#include <doctest/doctest.h>

#include "tests/simulation/enip/enip_model.hpp"
#include "tests/simulation/enip/enip_rules.hpp"

namespace conduit::simulation::enip {
namespace {

constexpr std::uint32_t handle = 0x4C;

Octets command(std::uint16_t number, const Octets& data = {}) {
  Encapsulation parts;
  parts.command = number;
  parts.session = handle;
  parts.context = Octets(8, 0);
  parts.data = data;
  return write_encapsulation(parts);
}

EnipRules permitting(Class what) {
  EnipRules rules;
  rules.list.emplace_back().classes = {what};
  return rules;
}

TEST_CASE("NOP needs no session, whatever stands in it, and nobody answers it") {
  const EnipRules rules = permitting(Class::SESSION);
  CHECK(rules.permits(command(nop), 0, false));
  CHECK(rules.permits(command(nop, {1, 2, 3}), 0, false));
  CHECK_FALSE(permitting(Class::READ).permits(command(nop), 0, false));
  CHECK(enip_model().silent(command(nop)));
}

TEST_CASE("lists need no session, and have nothing behind their header") {
  const EnipRules rules = permitting(Class::DISCOVER);
  for (const std::uint16_t list : {list_services, list_identity, list_interfaces}) {
    CHECK(rules.permits(command(list), 0, false));
    CHECK_FALSE(rules.permits(command(list, {0}), 0, false));
    CHECK_FALSE(permitting(Class::SESSION).permits(command(list), 0, false));
    CHECK(enip_model().answers(command(list, {0, 0}), command(list)));
    CHECK_FALSE(enip_model().silent(command(list)));
  }
}

TEST_CASE("who ends the session has one, and none behind that") {
  const EnipRules rules = permitting(Class::SESSION);
  CHECK(rules.permits(command(unregister_session), of_session, false));
  CHECK_FALSE(rules.permits(command(unregister_session), 0, false));
  CHECK_FALSE(rules.permits(command(unregister_session, {0}), of_session, false));
  CHECK(enip_model().silent(command(unregister_session)));
  const auto conversation = enip_model().conversation(Viewpoint::SERVER);
  conversation->passed(command(register_session, {1, 0, 0, 0}), false);
  CHECK(conversation->standing(command(unregister_session)) == of_session);
  conversation->passed(command(unregister_session), true);
  CHECK(conversation->standing(command(unregister_session)) == 0);
}

}  // namespace
}  // namespace conduit::simulation::enip
