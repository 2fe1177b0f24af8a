#include <stdexcept>

#include "tests/simulation/model_headers.inc"
#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

ServerEnd::Reaction ServerEnd::on_request(View request, Random& random) {
  return {protocol_.silent(request) ? Octets{} : protocol_.answer(request, random), {}, {}};
}

const std::vector<const ProtocolModel*>& protocols() {
  static const std::vector<const ProtocolModel*> all{
#include "tests/simulation/model_rows.inc"
  };
  return all;
}

const ProtocolModel& find_model(const std::string& name) {
  for (const ProtocolModel* each : protocols()) {
    if (name == each->name()) return *each;
  }
  throw std::invalid_argument("no protocol '" + name + "' is simulated");
}

const ProtocolModel* protocol_at(std::uint16_t port) {
  for (const ProtocolModel* each : protocols()) {
    if (each->port() == port) return each;
  }
  return nullptr;
}

}  // namespace conduit::simulation
