// One operation after another, whatever the datagram carries.
#include "protocols/bacnet/bacnet_pdu.hpp"

namespace conduit::bacnet {

void set_common(const Fields& fields, PduState& state, Operation& operation) noexcept {
  operation.clear();
  operation.keys_present = 0;
  operation.protocol = bacnet_id;
  operation.function = fields.function;
  const FunctionRow* const row = function_row(fields.function);
  operation.access = row == nullptr ? AccessClass::PROGRAM : row->access;
  if (fields.content != Content::LINK) operation.set(CARRIER, fields.carrier);
  if (fields.has_destination) operation.set(DESTINATION, fields.destination);
  if (fields.has_source) operation.set(SOURCE, fields.source);
  if (fields.origin_size != 0) {
    operation.key[ORIGIN].data = Bytes(state.scratch.data(), fields.origin_size);
    operation.keys_present = 1U << ORIGIN;
  }
}

Next next_operation(Bytes data, Fields& fields, PduState& state, Operation& operation) noexcept {
  set_common(fields, state, operation);
  if (fields.envelope) {
    fields.envelope = false;
    operation.function = static_cast<std::uint32_t>(link_base + fields.carrier);
    operation.access = AccessClass::SESSION;
    return Next::OPERATION;
  }
  const char* field = nullptr;
  bool told = false;
  switch (fields.content) {
    case Content::NOTHING:
      told = fields.stage == 0;
      fields.stage = 1;
      break;
    case Content::REQUEST: field = tell_request(data, fields, operation, told); break;
    case Content::READ_ACK:
    case Content::MULTIPLE_ACK: field = tell_response(data, fields, operation, told); break;
    case Content::NETWORK: field = tell_network(data, fields, operation, told); break;
    case Content::LINK: field = tell_link(data, fields, state, operation, told); break;
  }
  if (field != nullptr) {
    fields.pdu_size = 0;  // nothing behind it can be read
    return Next::MALFORMED;
  }
  return told ? Next::OPERATION : Next::END;
}

}  // namespace conduit::bacnet
