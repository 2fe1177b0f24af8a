// Parameters of service requests as letters, and their reading (OPC 10000-4 §5, in the order of Part 6
// §5.2.6).
//
//   b Boolean    y octet    h 16 bit    i 32 bit    l 64 bit    s string or ByteString    n NodeId    e
//   ExpandedNodeId    d one of the first three values of an enumeration (direction, monitoring mode)    o of
//   the first four (timestamps to return)
//   q QualifiedName    t LocalizedText    x extension object    v Variant    g DiagnosticInfo    […] array of
//   it
//
// and, where a rule may speak of it:
//   N node    E the same, expanded    M second node    Z the same, expanded    A attribute    R index range
//   D DataValue that is written    V arguments of a call    T user's token    U endpoint URL    H history
//   update
#include <algorithm>
#include <array>

#include "protocols/opcua/opcua_pdu.hpp"

namespace conduit::opcua {
namespace {

using enum AccessClass;

constexpr std::string_view registered_server = "ss[t]is[s]sb";

// Sorted by function.
constexpr Service services[] = {
    {422, 425, "FIND_SERVERS", DISCOVER, "U[s][s]", "", ""},
    {428, 431, "GET_ENDPOINTS", DISCOVER, "U[s][s]", "", ""},
    {437, 440, "REGISTER_SERVER", MANAGE, registered_server, "", ""},
    {461, 464, "CREATE_SESSION", SESSION, "sstiss[s]sUsssli", "", ""},
    {467, 470, "ACTIVATE_SESSION", SESSION, "ss[ss][s]Tss", "", ""},
    {473, 476, "CLOSE_SESSION", SESSION, "b", "", ""},
    {479, 482, "CANCEL", SESSION, "i", "", ""},
    {488, 491, "ADD_NODES", PROGRAM, "", "EnZqixe", ""},
    {494, 497, "ADD_REFERENCES", PROGRAM, "", "NnbsZi", ""},
    {500, 503, "DELETE_NODES", PROGRAM, "", "Nb", ""},
    {506, 509, "DELETE_REFERENCES", PROGRAM, "", "NnbZb", ""},
    {527, 530, "BROWSE", AccessClass::READ, "nlii", "Ndnbii", ""},
    {533, 536, "BROWSE_NEXT", AccessClass::READ, "b[s]", "", ""},
    {554, 557, "TRANSLATE_BROWSE_PATHS", AccessClass::READ, "", "N[nbbq]", ""},
    {560, 563, "REGISTER_NODES", AccessClass::READ, "", "N", ""},
    {566, 569, "UNREGISTER_NODES", AccessClass::READ, "", "N", ""},
    {615, 618, "QUERY_FIRST", AccessClass::READ, "nli", "Eb[[nbbq]is]", "[i[x]]ii"},
    {621, 624, "QUERY_NEXT", AccessClass::READ, "bs", "", ""},
    {631, 634, "READ", AccessClass::READ, "lo", "NARq", ""},
    {664, 667, "HISTORY_READ", AccessClass::READ, "xob", "NRqs", ""},
    {673, 676, "WRITE", AccessClass::WRITE, "", "NARD", ""},
    {700, 703, "HISTORY_UPDATE", AccessClass::WRITE, "", "H", ""},
    {712, 715, "CALL", OPERATE, "", "NMV", ""},
    {751, 754, "CREATE_MONITORED_ITEMS", AccessClass::READ, "io", "NARqdilxib", ""},
    {763, 766, "MODIFY_MONITORED_ITEMS", AccessClass::READ, "io[iilxib]", "", ""},
    {769, 772, "SET_MONITORING_MODE", AccessClass::READ, "id[i]", "", ""},
    {775, 778, "SET_TRIGGERING", AccessClass::READ, "ii[i][i]", "", ""},
    {781, 784, "DELETE_MONITORED_ITEMS", AccessClass::READ, "i[i]", "", ""},
    {787, 790, "CREATE_SUBSCRIPTION", AccessClass::READ, "liiiby", "", ""},
    {793, 796, "MODIFY_SUBSCRIPTION", AccessClass::READ, "iliiiy", "", ""},
    {799, 802, "SET_PUBLISHING_MODE", AccessClass::READ, "b[i]", "", ""},
    {826, 829, "PUBLISH", AccessClass::READ, "[ii]", "", ""},
    {832, 835, "REPUBLISH", AccessClass::READ, "ii", "", ""},
    {841, 844, "TRANSFER_SUBSCRIPTIONS", AccessClass::READ, "[i]b", "", ""},
    {847, 850, "DELETE_SUBSCRIPTIONS", AccessClass::READ, "[i]", "", ""},
    {12208, 12209, "FIND_SERVERS_ON_NETWORK", DISCOVER, "ii[s]", "", ""},
    {12211, 12212, "REGISTER_SERVER_2", MANAGE, "ss[t]is[s]sb[x]", "", ""},
};
static_assert(std::ranges::is_sorted(services, {}, &Service::function));
static_assert(std::ranges::is_sorted(services, {}, &Service::response));

// Structures that requests carry in extension objects (OPC 10000-3 to -5, -8, -11, -13), by the node id of
// their binary encoding. Sorted by it.
struct Structure {
  std::uint32_t type = 0;
  std::string_view layout{};
};
constexpr Structure structures[] = {
    {122, "nni[stni[i]ib]"},         // StructureDefinition
    {123, "[ltts]"},                 // EnumDefinition
    {128, "ni"},                     // RolePermissionType
    {298, "sni[i]t"},                // Argument
    {321, "s"},                      // AnonymousIdentityToken
    {324, "ssss"},                   // UserNameIdentityToken
    {327, "ss"},                     // X509IdentityToken
    {354, "ittiiy"},                 // ObjectAttributes
    {357, "ittiivni[i]yylb"},        // VariableAttributes
    {360, "ittiibb"},                // MethodAttributes
    {363, "ittiib"},                 // ObjectTypeAttributes
    {366, "ittiivni[i]b"},           // VariableTypeAttributes
    {369, "ittiibbt"},               // ReferenceTypeAttributes
    {372, "ittiib"},                 // DataTypeAttributes
    {375, "ittiiby"},                // ViewAttributes
    {594, "i"},                      // ElementOperand
    {597, "v"},                      // LiteralOperand
    {600, "ns[nbbq]is"},             // AttributeOperand
    {603, "n[q]is"},                 // SimpleAttributeOperand
    {646, "ill[n[q]is][i[x]]"},      // ReadEventDetails
    {649, "bllib"},                  // ReadRawModifiedDetails
    {652, "lll[n]bbyyb"},            // ReadProcessedDetails
    {655, "[l]b"},                   // ReadAtTimeDetails
    {682, "ni[D]"},                  // UpdateDataDetails
    {685, "ni[n[q]is][i[x]][[v]]"},  // UpdateEventDetails
    {688, "nbll"},                   // DeleteRawModifiedDetails
    {691, "n[l]"},                   // DeleteAtTimeDetails
    {694, "n[s]"},                   // DeleteEventDetails
    {724, "iil"},                    // DataChangeFilter
    {727, "[n[q]is][i[x]]"},         // EventFilter
    {730, "lnlbbyyb"},               // AggregateFilter
    {886, "ll"},                     // Range
    {889, "sitt"},                   // EUInformation
    {893, "ssl"},                    // Annotation
    {940, "sss"},                    // IssuedIdentityToken
    {8251, "ltt"},                   // EnumValueType
    {8917, "hb"},                    // TimeZoneDataType
    {11300, "ni[D]"},                // UpdateStructureDataDetails
    {12089, "sittllti[l]"},          // AxisInformation
    {12090, "li"},                   // XVType
    {12181, "ii"},                   // ComplexNumberType
    {12182, "ll"},                   // DoubleComplexNumberType
    {12765, "ss"},                   // OptionSet
    {12901, "s[s]"},                 // MdnsDiscoveryConfiguration
    {14844, "stni[i]ib"},            // StructureField
    {14845, "ltts"},                 // EnumField
    {14846, "qv"},                   // KeyValuePair
    {15736, "is"},                   // IdentityMappingRuleType
    {17537, "[qv]"},                 // AdditionalParametersType
    {17549, "ss"},                   // EphemeralKeyType
    {23500, "[l]"},                  // ReadAnnotationDataDetails
};
static_assert(std::ranges::is_sorted(structures, {}, &Structure::type));

constexpr std::uint32_t tokens[] = {321, 324, 327, 940};  // anonymous, user name, X.509, issued
// Details of a history update whose body begins with the node: data, structure, events; delete raw, at time,
// events.
constexpr std::uint32_t updates[] = {682, 685, 688, 691, 694, 11300};

bool contains(std::span<const std::uint32_t> list, std::uint32_t number) noexcept {
  return std::find(list.begin(), list.end(), number) != list.end();
}

void set_key(Operation& operation, std::size_t index, Bytes text) noexcept {
  operation.key[index] = {0, text};
  operation.keys_present = static_cast<std::uint8_t>(operation.keys_present | (1U << index));
}

// Octets of the letters that stand for a fixed number of them, else 0.
constexpr std::size_t fixed_size(char what) noexcept {
  return what == 'i' ? 4 : what == 'l' ? 8 : what == 'y' ? 1 : what == 'h' ? 2 : 0;
}

// Place of each service in the table, by its function; those above are searched.
constexpr std::uint32_t indexed_functions = 848;
constexpr std::array<std::uint8_t, indexed_functions> index_services() noexcept {
  std::array<std::uint8_t, indexed_functions> index{};
  for (std::size_t i = 0; i < std::size(services); ++i) {
    if (services[i].function < indexed_functions)
      index[services[i].function] = static_cast<std::uint8_t>(i + 1);
  }
  return index;
}
constexpr auto service_index = index_services();

struct Walker {
  Cursor& cursor;
  std::uint8_t* keys;
  Operation& operation;
  unsigned depth = 0;

  void tell_node(const NodeId& id, Dimension name_space, Dimension number, KeyIndex key) const noexcept {
    if (id.elsewhere) return;
    operation.set(name_space, id.name_space);
    if (id.kind == IdKind::NUMERIC) return operation.set(number, id.number);
    std::uint8_t* const at = keys + key * key_size_max;
    const std::size_t size = spell(id, at, key_size_max);
    if (size != 0) set_key(operation, key, {at, size});
  }

  bool node(bool expanded) const noexcept {
    NodeId id;
    if (!read_node_id(cursor, expanded, id)) return false;
    tell_node(id, NAMESPACE, NODE, NAME);
    return true;
  }

  bool further_node(bool expanded) const noexcept {
    NodeId id;
    if (!read_node_id(cursor, expanded, id)) return false;
    if (!id.null()) tell_node(id, METHOD_NAMESPACE, METHOD, FURTHER_NAME);
    return true;
  }

  bool attribute() const noexcept {
    std::uint32_t number = 0;
    // 0 is no attribute (OPC 10000-4, IntegerId).
    if (!cursor.u32le(number) || number == 0 || number >= attribute_part) return false;
    operation.set(ATTRIBUTE, number);
    return true;
  }

  bool boolean() const noexcept {
    std::uint8_t octet = 0;
    return cursor.u8(octet) && octet <= 1;
  }

  // What stands behind the last value is INVALID, or nothing.
  bool enumeration(std::uint32_t last) const noexcept {
    std::uint32_t number = 0;
    return cursor.u32le(number) && number <= last;
  }

  bool index_range() const noexcept {
    Bytes text;
    if (!read_string(cursor, text)) return false;
    if (!operation.has(ATTRIBUTE)) operation.set(ATTRIBUTE, attribute_value);  // history is that of the value
    const std::uint64_t number = operation.dimension[ATTRIBUTE].first;
    if (!text.empty()) operation.set(ATTRIBUTE, number + attribute_part);
    return true;
  }

  bool arguments() const noexcept {
    std::uint32_t count = 0;
    if (!read_count(cursor, count)) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!read_variant(cursor, operation.value)) return false;
    }
    if (count > 1) {
      operation.value.kind = ValueKind::UNREADABLE;
      operation.value.count = 0;
      operation.value.data = {};
    }
    return true;
  }

  bool token() const noexcept {
    NodeId type;
    Bytes body;
    if (!read_extension_object(cursor, type, body)) return false;
    // No token is an anonymous one (OPC 10000-4 §5.6.3.2), and so is one without a body to some servers.
    if (body.empty()) operation.set(USER_TOKEN, tokens[0]);
    const bool standard = type.kind == IdKind::NUMERIC && type.name_space == 0 && !body.empty();
    if (standard && contains(tokens, type.number)) operation.set(USER_TOKEN, type.number);
    return true;
  }

  bool url() const noexcept {
    Bytes text;
    if (!read_string(cursor, text)) return false;
    if (is_url(text)) set_key(operation, NAME, text);
    return true;
  }

  bool update() const noexcept {
    NodeId type;
    NodeId id;
    Bytes body;
    if (!read_extension_object(cursor, type, body)) return false;
    const bool standard =
        type.kind == IdKind::NUMERIC && type.name_space == 0 && contains(updates, type.number);
    if (!standard) return true;  // an operation without a node
    Cursor inner(body);
    if (!read_node_id(inner, false, id)) return false;
    tell_node(id, NAMESPACE, NODE, NAME);
    return true;
  }

  bool extension_object() const noexcept {
    NodeId type;
    Bytes body;
    return read_extension_object(cursor, type, body, depth + 1);
  }

  bool plain_node(bool expanded) const noexcept {
    NodeId id;
    return read_node_id(cursor, expanded, id);
  }

  bool plain_variant() const noexcept {
    Value value;
    return read_variant(cursor, value, depth);
  }

  bool letter(char what) const noexcept {
    switch (what) {
      case 'b': return boolean();
      case 'd': return enumeration(2);
      case 'o': return enumeration(3);
      case 's': return skip_string(cursor);
      case 'n': return plain_node(false);
      case 'e': return plain_node(true);
      case 'q': return skip_qualified_name(cursor);
      case 't': return skip_localized_text(cursor);
      case 'x': return extension_object();
      case 'v': return plain_variant();
      case 'g': return skip_diagnostic_info(cursor);
      case 'N': return node(false);
      case 'E': return node(true);
      case 'M': return further_node(false);
      case 'Z': return further_node(true);
      case 'A': return attribute();
      case 'R': return index_range();
      case 'D': return read_data_value(cursor, operation.value, depth);
      case 'V': return arguments();
      case 'T': return token();
      case 'U': return url();
      case 'H': return update();
      default: return false;
    }
  }

  // Arrays of arrays go as deep as the layouts above.
  bool read(std::string_view layout) const noexcept {
    for (std::size_t at = 0; at < layout.size(); ++at) {
      if (layout[at] != '[') {
        const std::size_t size = fixed_size(layout[at]);
        if (size != 0 ? !cursor.skip(size) : !letter(layout[at])) return false;
        continue;
      }
      std::size_t end = at + 1;
      for (unsigned open = 1; end < layout.size(); ++end) {
        if (layout[end] == '[') ++open;
        if (layout[end] == ']' && --open == 0) break;
      }
      std::uint32_t count = 0;
      if (!read_count(cursor, count)) return false;
      for (; count > 0; --count) {
        if (!read(layout.substr(at + 1, end - at - 1))) return false;
      }
      at = end;
    }
    return true;
  }
};

}  // namespace

bool walk(std::string_view layout, Cursor& cursor, std::uint8_t* keys, Operation& operation) noexcept {
  return Walker{cursor, keys, operation}.read(layout);
}

bool fits_type(const NodeId& type, Bytes body, unsigned depth) noexcept {
  if (type.kind != IdKind::NUMERIC || type.name_space != 0) return true;
  const auto* const found = std::ranges::lower_bound(structures, type.number, {}, &Structure::type);
  if (found == std::end(structures) || found->type != type.number) return false;
  Cursor cursor(body);
  Operation ignored;
  return Walker{cursor, nullptr, ignored, depth}.read(found->layout) && cursor.empty();
}

bool is_url(Bytes text) noexcept {
  constexpr std::string_view scheme = "opc.tcp://";
  return text.size() >= scheme.size() && std::equal(scheme.begin(), scheme.end(), text.begin());
}

std::uint16_t find_service(std::uint32_t function) noexcept {
  if (function < indexed_functions) {
    const std::uint8_t place = service_index[function];
    return place == 0 ? no_service : static_cast<std::uint16_t>(place - 1);
  }
  const auto* const found = std::ranges::lower_bound(services, function, {}, &Service::function);
  const bool there = found != std::end(services) && found->function == function;
  return there ? static_cast<std::uint16_t>(found - services) : no_service;
}

std::uint16_t find_service_of_response(std::uint32_t response) noexcept {
  const auto* const found = std::ranges::lower_bound(services, response, {}, &Service::response);
  const bool there = found != std::end(services) && found->response == response;
  return there ? static_cast<std::uint16_t>(found - services) : no_service;
}

const Service& service_at(std::uint16_t index) noexcept { return services[index]; }

std::string_view function_name(std::uint32_t function) noexcept {
  switch (function) {
    case OPEN_SECURE_CHANNEL: return "OPEN_SECURE_CHANNEL";
    case RENEW_SECURE_CHANNEL: return "RENEW_SECURE_CHANNEL";
    case CLOSE_SECURE_CHANNEL: return "CLOSE_SECURE_CHANNEL";
    case HELLO: return "HELLO";
    case REVERSE_HELLO: return "REVERSE_HELLO";
    case OPAQUE_MESSAGE: return "OPAQUE_MESSAGE";
    case ABORTED_REQUEST: return "ABORTED_REQUEST";
    case ERROR_MESSAGE: return "ERROR_MESSAGE";
    default: break;
  }
  const std::uint16_t index = find_service(function);
  return index == no_service ? std::string_view{} : services[index].name;
}

bool read_type(Cursor& cursor, std::uint32_t& function) noexcept {
  NodeId id;
  if (!read_node_id(cursor, false, id)) return false;
  const bool standard = id.kind == IdKind::NUMERIC && id.name_space == 0;
  function = standard ? id.number : std::uint32_t{NO_SERVICE};
  return true;
}

}  // namespace conduit::opcua
