// Operations of one PDU, from what `open` found.
#include "protocols/opcua/opcua_pdu.hpp"

namespace conduit::opcua {
namespace {

AccessClass access_of(const Fields& fields) noexcept {
  switch (fields.function) {
    case OPEN_SECURE_CHANNEL:
    case RENEW_SECURE_CHANNEL:
    case CLOSE_SECURE_CHANNEL:
    case HELLO:
    case REVERSE_HELLO:
    case ABORTED_REQUEST:
    case ERROR_MESSAGE: return AccessClass::SESSION;
    default: break;
  }
  return fields.service == no_service ? AccessClass::PROGRAM : service_at(fields.service).access;
}

void tell_key(Operation& operation, std::size_t index, Bytes text) noexcept {
  operation.key[index] = {0, text};
  operation.keys_present = static_cast<std::uint8_t>(operation.keys_present | (1U << index));
}

// What is behind the type of a service request, from where the last operation ended.
Next next_of_service(Bytes body, Fields& fields, std::uint8_t* keys, Operation& operation) noexcept {
  const Service& service = service_at(fields.service);
  Cursor cursor(body.subspan(fields.position));
  if (!fields.begun) {
    fields.begun = true;
    if (!skip_request_header(cursor)) return Next::MALFORMED;
    if (!walk(service.before, cursor, keys, operation)) return Next::MALFORMED;
    if (!service.item.empty() && !read_count(cursor, fields.remaining)) return Next::MALFORMED;
  }
  if (fields.remaining > 0) {
    if (!walk(service.item, cursor, keys, operation)) return Next::MALFORMED;
    --fields.remaining;
  }
  fields.position = static_cast<std::uint32_t>(body.size() - cursor.remaining());
  if (fields.remaining > 0) return Next::OPERATION;
  fields.ended = true;
  return walk(service.after, cursor, keys, operation) && cursor.empty() ? Next::OPERATION : Next::MALFORMED;
}

}  // namespace

Next next(Bytes pdu, PduState& state, Operation& operation) noexcept {
  Fields& fields = state.as<Fields>();
  if (fields.pdu_size == 0 || pdu.size() != fields.pdu_size) return Next::MALFORMED;
  if (fields.ended) return Next::END;
  operation.clear();
  operation.protocol = opcua_id;
  operation.function = fields.function;
  operation.access = access_of(fields);
  if (fields.mode != SecurityMode::INVALID) {
    operation.set(SECURITY_MODE, static_cast<std::uint64_t>(fields.mode));
  }
  if (fields.request) {
    const Bytes whole = fields.in_scratch ? Bytes(state.scratch) : pdu;
    const Bytes body = whole.subspan(fields.body, fields.body_size);
    const Next found = next_of_service(body, fields, state.scratch.data() + keys_offset, operation);
    if (found == Next::MALFORMED) fields.pdu_size = 0;  // nothing behind it can be told
    if (fields.function == WRITE && operation.has(ATTRIBUTE)) {
      const std::uint64_t attribute = operation.dimension[ATTRIBUTE].first % attribute_part;
      if (attribute != attribute_value) operation.access = AccessClass::PROGRAM;
    }
    return found;
  }
  fields.ended = true;
  if (fields.lifetime_known) operation.set(LIFETIME, fields.lifetime);
  if (fields.named) tell_key(operation, NAME, pdu.subspan(fields.name, fields.name_size));
  if (fields.further_name_size != 0) {
    const std::uint8_t* const text = state.scratch.data() + keys_offset + key_size_max;
    tell_key(operation, FURTHER_NAME, {text, fields.further_name_size});
  }
  return Next::OPERATION;
}

}  // namespace conduit::opcua
