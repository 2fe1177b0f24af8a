#include "config/policy/describe.hpp"

#include "config/policy/name_table.hpp"

namespace conduit {
namespace {

nlohmann::ordered_json elements(const Value& value) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (std::uint32_t index = 0; index < value.count; ++index) {
    if (value.kind == ValueKind::BITS) {
      list.push_back((value.data[index / 8] >> (index % 8)) & 1U);
    } else {
      list.push_back(load_u16be(value.data.data() + std::size_t{index} * 2));
    }
  }
  return value.count == 1 ? list[0] : list;
}

nlohmann::ordered_json value_json(const Value& value) {
  switch (value.kind) {
    case ValueKind::NONE: return nullptr;
    case ValueKind::SIGNED: return value.i;
    case ValueKind::UNSIGNED: return value.u;
    case ValueKind::FLOAT: return value.f;
    case ValueKind::UNREADABLE: return "unreadable";
    case ValueKind::BITS:
    case ValueKind::WORDS: return elements(value);
    case ValueKind::BYTES: break;
  }
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : value.data) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

// Octets that are no printable ASCII as \xhh: what a packet says must not steer a terminal.
std::string text_of(Bytes octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets) {
    if (octet >= 0x20 && octet < 0x7F && octet != '\\') {
      text += static_cast<char>(octet);
    } else {
      text += {'\\', 'x', digits[octet >> 4], digits[octet & 15]};
    }
  }
  return text;
}

}  // namespace

void describe(const Protocol& protocol, const Operation& operation, nlohmann::ordered_json& object) {
  object["function"] = operation.function;
  if (protocol.function_name != nullptr) {
    const std::string_view name = protocol.function_name(operation.function);
    if (!name.empty()) object["function_name"] = name;
  }
  for (std::size_t index = 0; index < dimension_count; ++index) {
    if (!operation.has(index)) continue;
    const Range range = operation.dimension[index];
    const std::string name(protocol.dimension_names[index]);
    const std::string_view value_name = dimension_value_name(protocol.id, index, range.first);
    if (!value_name.empty() && range.first == range.last) {
      object[name] = value_name;
      continue;
    }
    if (index == protocol.range_dimension || range.first != range.last) {
      object[name] = {range.first, range.last};
    } else {
      object[name] = range.first;
    }
  }
  for (std::size_t index = 0; index < key_count; ++index) {
    if (((operation.keys_present >> index) & 1U) == 0) continue;
    object[std::string(protocol.key_names[index])] = text_of(operation.key[index].data);
  }
  if (operation.value.kind != ValueKind::NONE) object["value"] = value_json(operation.value);
}

std::string one_line(const nlohmann::ordered_json& object) {
  std::string text;
  for (const auto& [name, value] : object.items()) {
    if (name == "function_name") {
      text = value.get<std::string>() + text;
    } else if (name == "function") {
      text += " (" + value.dump() + ")";
    } else if (value.is_array() && name != "value" && value.size() == 2) {
      text += " " + name + "=" + value[0].dump() + (value[0] == value[1] ? "" : "-" + value[1].dump());
    } else {
      text += " " + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return text;
}

}  // namespace conduit
