#include "tests/simulation/opcua/opcua_message.hpp"

#include <algorithm>
#include <cstring>

namespace conduit::simulation::opcua {
namespace {

constexpr std::size_t symmetric_header = 24;
const std::string policy_none = "http://opcfoundation.org/UA/SecurityPolicy#None";

// Reads forward; once something was missing it gives zeroes and `good` is false.
struct Reader {
  View octets;
  bool good = true;

  std::uint32_t take(std::size_t size) {
    if (octets.size() < size) {
      good = false;
      octets = {};
      return 0;
    }
    const std::uint32_t value = get_le(octets, 0, size);
    octets = octets.subspan(size);
    return value;
  }
  std::uint64_t take_long() {
    const std::uint64_t low = take(4);
    return low | std::uint64_t{take(4)} << 32;
  }
  // Null is empty.
  std::string take_string() {
    const std::uint32_t size = take(4);
    if (size == 0xFFFFFFFF) return {};
    if (octets.size() < size) {
      good = false;
      return {};
    }
    std::string text(octets.begin(), octets.begin() + size);
    octets = octets.subspan(size);
    return text;
  }
  std::uint32_t take_count() {
    const std::uint32_t count = take(4);
    if (count == 0xFFFFFFFF) return 0;
    good = good && count <= octets.size();
    return good ? count : 0;
  }
  void take_strings(std::uint32_t count) {
    for (; count > 0; --count) take_string();
  }
  // §5.2.2.14
  void take_localized() {
    const std::uint32_t mask = take(1);
    good = good && mask < 4;
    take_strings((mask & 1) + (mask >> 1));
  }
  // §5.2.2.9
  NodeId take_node() {
    NodeId node;
    switch (take(1)) {
      case 0: node.number = take(1); break;
      case 1:
        node.space = take(1);
        node.number = take(2);
        break;
      case 2:
        node.space = take(2);
        node.number = take(4);
        break;
      case 3:
        node.space = take(2);
        node.text = "s=" + take_string();
        break;
      default: good = false;
    }
    return node;
  }
};

double as_float(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
double as_double(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// §5.2.2.16: a scalar. False: of another type, which is malformed here.
bool take_variant(Reader& from, std::optional<double>& value) {
  switch (from.take(1)) {
    case 1: {
      const std::uint32_t state = from.take(1);
      value = state;
      return state <= 1;
    }
    case 4: value = static_cast<std::int16_t>(from.take(2)); return true;
    case 6: value = static_cast<std::int32_t>(from.take(4)); return true;
    case 7: value = from.take(4); return true;
    case 10: value = as_float(from.take(4)); return true;
    case 11: value = as_double(from.take_long()); return true;
    case 12: from.take_string(); return true;
    default: return false;
  }
}

bool take_request_header(Reader& from) {
  from.take_node();
  from.take_long();
  from.take(4);
  from.take(4);
  from.take_string();
  from.take(4);
  const NodeId extra = from.take_node();
  return from.take(1) == 0 && extra.number == 0U && from.good;
}

bool take_read(Reader& from, Access access, std::vector<Access>& all) {
  from.take_long();
  if (from.take(4) > 3) return false;
  for (std::uint32_t count = from.take_count(); count > 0 && from.good; --count) {
    access.node = from.take_node();
    access.attribute = from.take(4);
    if (*access.attribute == 0 || *access.attribute > 255) return false;
    if (!from.take_string().empty()) *access.attribute += 256;
    from.take(2);
    from.take_string();
    all.push_back(access);
  }
  return from.good;
}

bool take_write(Reader& from, Access access, std::vector<Access>& all) {
  for (std::uint32_t count = from.take_count(); count > 0 && from.good; --count) {
    access.node = from.take_node();
    access.attribute = from.take(4);
    access.what = *access.attribute == 13 ? Class::WRITE : Class::PROGRAM;
    if (*access.attribute == 0 || *access.attribute > 255) return false;
    if (!from.take_string().empty()) *access.attribute += 256;
    access.value.reset();
    if (from.take(1) != 1 || !take_variant(from, access.value)) return false;
    all.push_back(access);
  }
  return from.good;
}

bool take_call(Reader& from, Access access, std::vector<Access>& all) {
  for (std::uint32_t count = from.take_count(); count > 0 && from.good; --count) {
    access.node = from.take_node();
    access.method = from.take_node();
    access.value.reset();
    const std::uint32_t arguments = from.take_count();
    for (std::uint32_t i = 0; i < arguments; ++i) {
      if (!take_variant(from, access.value)) return false;
    }
    if (arguments != 1) access.value.reset();
    all.push_back(access);
  }
  return from.good;
}

bool take_browse(Reader& from, Access access, std::vector<Access>& all) {
  from.take_node();
  from.take_long();
  from.take(4);
  from.take(4);
  for (std::uint32_t count = from.take_count(); count > 0 && from.good; --count) {
    access.node = from.take_node();
    if (from.take(4) > 2) return false;
    from.take_node();
    if (from.take(1) > 1) return false;
    from.take(4);
    from.take(4);
    all.push_back(access);
  }
  return from.good;
}

// OPC 10000-4 §5.6.2: who asks (§7.2), which server is meant, name, nonce, certificate, limits.
bool take_create_session(Reader& from, Access& access) {
  from.take_strings(2);
  from.take_localized();
  from.take(4);
  from.take_strings(2);
  from.take_strings(from.take_count());
  from.take_string();
  const std::string url = from.take_string();
  if (url.starts_with("opc.tcp://")) access.endpoint = url;
  from.take_strings(3);
  from.take_long();
  from.take(4);
  return from.good;
}

// §5.6.3: signature, certificates of software, locales, token, its signature. No token is an anonymous one.
bool take_activate_session(Reader& from, Access& access) {
  from.take_strings(2);
  from.take_strings(2 * from.take_count());
  from.take_strings(from.take_count());
  const NodeId type = from.take_node();
  const std::uint32_t form = from.take(1);
  if (form > 2) return false;
  if (form != 0) from.take_string();
  if (type.space == 0 && type.number) access.user_token = *type.number == 0 ? anonymous : *type.number;
  from.take_strings(2);
  return from.good;
}

bool take_service(Reader& from, Access access, std::vector<Access>& all) {
  switch (access.function) {
    case read: return take_read(from, access, all);
    case write: return take_write(from, access, all);
    case call: return take_call(from, access, all);
    case browse: return take_browse(from, access, all);
    case publish: {
      for (std::uint32_t count = from.take_count(); count > 0 && from.good; --count) from.take_long();
      all.push_back(access);
      return from.good;
    }
    case create_session:
    case activate_session:
    case close_session: {
      access.what = Class::SESSION;
      const bool good = access.function == create_session     ? take_create_session(from, access)
                        : access.function == activate_session ? take_activate_session(from, access)
                                                              : from.take(1) <= 1;
      all.push_back(access);
      return good && from.good;
    }
    default: return false;
  }
}

// Version, type of request, mode, nonce, lifetime (§6.7.4).
bool take_open(Reader& from, bool renews) {
  from.take(4);
  const std::uint32_t kind = from.take(4);
  const std::uint32_t mode = from.take(4);
  from.take_string();
  from.take(4);
  return from.good && kind == (renews ? 1U : 0U) && mode == 1;
}

std::string kind_of(View pdu) { return {pdu.begin(), pdu.begin() + 3}; }

// Where the sequence number of a chunk stands: behind token or security header. 0: nowhere.
std::size_t place_of_sequence(View chunk) {
  const std::string kind = kind_of(chunk);
  if (kind == "MSG") return 16;
  if (kind != "OPN") return 0;
  Reader from{chunk.subspan(12)};
  for (int i = 0; i < 3; ++i) from.take_string();
  return from.good && from.octets.size() >= 8 ? chunk.size() - from.octets.size() : 0;
}

}  // namespace

Front front_of(View stream, bool from_client) {
  static const std::vector<std::string> kinds{"HEL", "ACK", "ERR", "OPN", "MSG", "CLO"};
  std::size_t at = 0;
  while (true) {
    const View rest = stream.subspan(at);
    if (rest.size() < 8) return {};
    const std::string kind = kind_of(rest);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return {Front::Kind::GARBAGE, 0};
    const bool more = rest[3] == 'C';
    if (!more && rest[3] != 'F' && rest[3] != 'A') return {Front::Kind::GARBAGE, 0};
    const std::size_t size = get_le(rest, 4, 4);
    if (size < 8 || size > 65535) return {Front::Kind::GARBAGE, 0};
    if (rest.size() < size) return {};
    at += size;
    if (!more || !from_client || kind != "MSG") return {Front::Kind::PDU, at};
  }
}

std::optional<Message> read_message(View pdu) {
  Message message;
  if (pdu.size() < 8) return {};
  message.kind = kind_of(pdu);
  message.chunks = 0;
  while (!pdu.empty()) {
    if (pdu.size() < 8 || kind_of(pdu) != message.kind) return {};
    const std::size_t size = get_le(pdu, 4, 4);
    if (size < 8 || size > pdu.size() || pdu[3] != (size == pdu.size() ? 'F' : 'C')) return {};
    const View chunk = pdu.first(size);
    pdu = pdu.subspan(size);
    std::size_t at = 8;
    if (message.kind == "OPN" || message.kind == "MSG") {
      at = chunk.size() < symmetric_header ? 0 : place_of_sequence(chunk);
      if (at == 0) return {};
      const std::uint32_t channel = get_le(chunk, 8, 4);
      const std::uint32_t token = message.kind == "MSG" ? get_le(chunk, 12, 4) : 0;
      const std::uint32_t sequence = get_le(chunk, at, 4);
      const std::uint32_t request = get_le(chunk, at + 4, 4);
      at += 8;
      const bool first = message.chunks == 0;
      if (first) {
        message.channel = channel;
        message.token = token;
        message.sequence = sequence;
        message.request = request;
      }
      if (channel != message.channel || token != message.token || request != message.request) return {};
      if (sequence != message.sequence + message.chunks) return {};
    }
    ++message.chunks;
    message.body.insert(message.body.end(), chunk.begin() + static_cast<std::ptrdiff_t>(at), chunk.end());
  }
  return message;
}

Octets write_message(const Message& message, std::size_t most) {
  Octets pdu;
  std::uint32_t sequence = message.sequence;
  for (std::size_t at = 0; at < message.body.size() || at == 0;) {
    const std::size_t size = std::min(most, message.body.size() - at);
    const bool last = at + size == message.body.size();
    Octets chunk(message.kind.begin(), message.kind.end());
    chunk.push_back(last ? 'F' : 'C');
    put_le(chunk, 0, 4);
    if (message.kind == "OPN" || message.kind == "MSG") {
      put_le(chunk, message.channel, 4);
      if (message.kind == "MSG") {
        put_le(chunk, message.token, 4);
      } else {
        put_string(chunk, policy_none);
        put_le(chunk, 0xFFFFFFFF, 4);
        put_le(chunk, 0xFFFFFFFF, 4);
      }
      put_le(chunk, sequence++, 4);
      put_le(chunk, message.request, 4);
    }
    chunk.insert(chunk.end(), message.body.begin() + static_cast<std::ptrdiff_t>(at),
                 message.body.begin() + static_cast<std::ptrdiff_t>(at + size));
    for (std::size_t i = 0; i < 4; ++i) chunk[4 + i] = static_cast<std::uint8_t>(chunk.size() >> (8 * i));
    pdu.insert(pdu.end(), chunk.begin(), chunk.end());
    at += size;
    if (size == 0) break;
  }
  return pdu;
}

Octets renumbered(View pdu, std::uint32_t sequence) {
  Octets octets(pdu.begin(), pdu.end());
  for (std::size_t at = 0; octets.size() - at >= 8;) {
    const std::size_t size = get_le(octets, at + 4, 4);
    if (size < symmetric_header || size > octets.size() - at) break;
    const std::size_t place = place_of_sequence(View(octets).subspan(at, size));
    for (std::size_t i = 0; place != 0 && i < 4; ++i)
      octets[at + place + i] = static_cast<std::uint8_t>(sequence >> (8 * i));
    ++sequence;
    at += size;
  }
  return octets;
}

std::optional<std::vector<Access>> read_request(const Message& message) {
  Reader from{View(message.body)};
  Access access;
  std::vector<Access> all;
  if (message.kind == "HEL") {
    from.take(4);
    const std::uint32_t receives = from.take(4);
    const std::uint32_t sends = from.take(4);
    from.take_long();
    const std::string url = from.take_string();
    if (!from.good || !from.octets.empty() || receives < 8192 || sends < 8192) return {};
    if (url.starts_with("opc.tcp://")) access.endpoint = url;
    access.function = hello;
    access.what = Class::SESSION;
    return std::vector<Access>{access};
  }
  const NodeId type = from.take_node();
  if (type.space != 0 || !type.number || !take_request_header(from)) return {};
  access.function = *type.number;
  if (message.kind == "OPN") {
    if (access.function != open_channel || !take_open(from, message.channel != 0) || !from.octets.empty())
      return {};
    access.what = Class::SESSION;
    if (message.channel != 0) access.function = renew_channel;
    return std::vector<Access>{access};
  }
  if (message.kind != "MSG") return {};
  if (access.function == call) access.what = Class::OPERATE;
  if (!take_service(from, access, all) || !from.octets.empty()) return {};
  if (all.empty()) all.push_back(access);  // an array without items
  return all;
}

void put_string(Octets& to, const std::string& text) {
  put_le(to, text.size(), 4);
  to.insert(to.end(), text.begin(), text.end());
}

void put_null(Octets& to) { put_le(to, 0xFFFFFFFF, 4); }

void put_node(Octets& to, const NodeId& node) {
  if (!node.number) {
    to.push_back(3);
    put_le(to, node.space, 2);
    return put_string(to, node.text.substr(2));
  }
  if (node.space < 256 && *node.number < 65536) {
    to.push_back(1);
    put_le(to, node.space, 1);
    return put_le(to, *node.number, 2);
  }
  to.push_back(2);
  put_le(to, node.space, 2);
  put_le(to, *node.number, 4);
}

void put_type(Octets& to, std::uint32_t type) { put_node(to, {0, type, {}}); }

void put_request_header(Octets& to, std::uint32_t handle) {
  to.insert(to.end(), {0, 0});
  put_le(to, 0x01DB000000000000, 8);
  put_le(to, handle, 4);
  put_le(to, 0, 4);
  put_le(to, 0xFFFFFFFF, 4);
  put_le(to, 10000, 4);
  to.insert(to.end(), {0, 0, 0});
}

void put_response_header(Octets& to, std::uint32_t handle, std::uint32_t result) {
  put_le(to, 0x01DB000000000000, 8);
  put_le(to, handle, 4);
  put_le(to, result, 4);
  to.push_back(0);
  put_le(to, 0xFFFFFFFF, 4);
  to.insert(to.end(), {0, 0, 0});
}

}  // namespace conduit::simulation::opcua
