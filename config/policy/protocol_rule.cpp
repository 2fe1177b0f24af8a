#include "config/policy/protocol_rule.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cmath>

#include "config/policy/name_table.hpp"
#include "config/schema/policy.pb.h"
#include "protocols/core/options.pb.h"

namespace conduit {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;

// Reads one message's fields; remembers whether all went well.
class Reader {
 public:
  Reader(const pb::Message& message, const Protocol& protocol, const Place& place, ProtocolRule& out,
         Diagnostics& diagnostics)
      : message_(message),
        protocol_(protocol),
        reflection_(*message.GetReflection()),
        place_(place),
        out_(out),
        diagnostics_(diagnostics) {}

  bool read() {
    const pb::Descriptor& type = *message_.GetDescriptor();
    out_.unrestricted = true;
    for (int index = 0; index < type.field_count(); ++index) {
      const Field& field = *type.field(index);
      const int count = field.is_repeated() ? reflection_.FieldSize(message_, &field)
                                            : static_cast<int>(reflection_.HasField(message_, &field));
      for (int element = 0; element < count; ++element) read_element(field, element);
    }
    if (good_) expand_functions(type);
    if (good_) check_values();
    return good_;
  }

  // The room's enum of function codes.
  static const pb::EnumDescriptor* function_enum(const pb::Descriptor& type) {
    for (int index = 0; index < type.field_count(); ++index) {
      const Field& field = *type.field(index);
      const bool bound = field.options().GetExtension(schema::bind).binding() == schema::FUNCTION;
      if (bound && field.enum_type() != nullptr) return field.enum_type();
    }
    return nullptr;
  }

  static std::uint8_t access_of(const pb::EnumValueDescriptor& value) {
    unsigned mask = 0;
    for (const int access : value.options().GetExtension(schema::function).access()) mask |= 1U << access;
    return static_cast<std::uint8_t>(mask);
  }

 private:
  void wrong(const Field& field, int element, const std::string& text) {
    const Place at = place_.at(message_, field.name(), element);
    diagnostics_.error(at.line(), at.column(), text);
    good_ = false;
  }

  // Integers and enum numbers alike.
  [[nodiscard]] std::uint64_t number(const Field& field, int element) const {
    if (field.cpp_type() == Field::CPPTYPE_ENUM) {
      const int value = field.is_repeated() ? reflection_.GetRepeatedEnumValue(message_, &field, element)
                                            : reflection_.GetEnumValue(message_, &field);
      return static_cast<std::uint64_t>(value);
    }
    if (field.cpp_type() == Field::CPPTYPE_UINT64) {
      return field.is_repeated() ? reflection_.GetRepeatedUInt64(message_, &field, element)
                                 : reflection_.GetUInt64(message_, &field);
    }
    return field.is_repeated() ? reflection_.GetRepeatedUInt32(message_, &field, element)
                               : reflection_.GetUInt32(message_, &field);
  }

  void read_element(const Field& field, int element) {
    const schema::FieldBinding& binding = field.options().GetExtension(schema::bind);
    switch (binding.binding()) {
      case schema::DIMENSION: return read_dimension(field, element, binding.dimension());
      case schema::FUNCTION: return read_function(field, element);
      case schema::ACCESS: return read_access(field, element);
      case schema::VALUE: return read_value(field, element);
      case schema::KEY_EXACT:
      case schema::KEY_PREFIX: return read_key(field, element, binding);
      case schema::PORT: return read_port(field, element);
      case schema::TRANSPORT: out_.transport = static_cast<Transport>(number(field, element)); return;
      default: return wrong(field, element, "field \"" + field.name() + "\" has no meaning for rules");
    }
  }

  bool fits_wire(const Field& field, int element, std::uint64_t number) {
    const std::uint64_t max = field.options().GetExtension(schema::bind).max();
    if (max == 0 || number <= max) return true;
    wrong(field, element,
          field.name() + ": " + std::to_string(number) + " does not exist; write at most " +
              std::to_string(max));
    return false;
  }

  void read_dimension(const Field& field, int element, std::uint32_t dimension) {
    out_.unrestricted = false;
    Range range;
    if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
      const auto& written = static_cast<const schema::NumberRange&>(
          field.is_repeated() ? reflection_.GetRepeatedMessage(message_, &field, element)
                              : reflection_.GetMessage(message_, &field));
      range = {written.first(), written.has_last() ? written.last() : written.first()};
    } else {
      range.first = range.last = number(field, element);
    }
    if (range.first > range.last) {
      return wrong(field, element,
                   field.name() + ": first " + std::to_string(range.first) + " lies behind last " +
                       std::to_string(range.last) + "; write the smaller number as first");
    }
    if (!fits_wire(field, element, range.last)) return;
    const std::uint32_t shift = field.options().GetExtension(schema::bind).shift();
    range = {range.first << shift, ((range.last + 1) << shift) - 1};
    if (dimension == protocol_.range_dimension) range_field_ = &field;
    out_.rule.ranges[dimension].push_back(range);
  }

  void read_function(const Field& field, int element) {
    out_.unrestricted = false;
    const std::uint64_t code = number(field, element);
    if (code == 0) return wrong(field, element, "function code 0 is not a function");
    if (!fits_wire(field, element, code)) return;
    out_.rule.functions.push_back(static_cast<std::uint32_t>(code));
  }

  void read_access(const Field& field, int element) {
    out_.unrestricted = false;
    const std::uint64_t access = number(field, element);
    if (access == 0 || access >= access_class_count) {
      return wrong(field, element, "write one of READ, WRITE, OPERATE, PROGRAM, MANAGE, DISCOVER, SESSION");
    }
    if (out_.rule.access_mask == 0xFF) out_.rule.access_mask = 0;
    out_.rule.access_mask = static_cast<std::uint8_t>(out_.rule.access_mask | (1U << access));
  }

  void read_port(const Field& field, int element) {
    const std::uint64_t port = number(field, element);
    if (port == 0 || port > 65535) return wrong(field, element, "ports are from 1 to 65535");
    out_.ports.push_back(static_cast<std::uint16_t>(port));
  }

  void read_key(const Field& field, int element, const schema::FieldBinding& binding) {
    out_.unrestricted = false;
    KeySource key;
    key.prefix = binding.binding() == schema::KEY_PREFIX;
    if (field.enum_type() != nullptr) {  // its values' names
      const auto* value = field.enum_type()->FindValueByNumber(static_cast<int>(number(field, element)));
      if (value == nullptr || value->number() == 0)
        return wrong(field, element, field.name() + ": no such value");
      key.octets = value->name();
    } else {
      key.octets = field.is_repeated() ? reflection_.GetRepeatedString(message_, &field, element)
                                       : reflection_.GetString(message_, &field);
    }
    out_.rule.keys[binding.dimension()].push_back(key);
  }

  void read_value(const Field& field, int element) {
    out_.unrestricted = false;
    value_field_ = &field;
    const auto& written = static_cast<const schema::ValueRange&>(
        field.is_repeated() ? reflection_.GetRepeatedMessage(message_, &field, element)
                            : reflection_.GetMessage(message_, &field));
    const bool two_words = written.type() == schema::INT32 || written.type() == schema::UINT32 ||
                           written.type() == schema::FLOAT32;
    if (!written.has_min() && !written.has_max()) {
      return wrong(field, element, "value without limits; write min, max or both");
    }
    if (std::isnan(written.min()) || std::isnan(written.max()) ||
        (written.has_min() && written.has_max() && written.min() > written.max())) {
      return wrong(field, element, "value: min must not be greater than max");
    }
    if (two_words && written.word_order() == schema::WORD_ORDER_UNSPECIFIED) {
      return wrong(field, element, "value of two words: state word_order: HIGH_WORD_FIRST or LOW_WORD_FIRST");
    }
    if (!two_words && written.word_order() != schema::WORD_ORDER_UNSPECIFIED) {
      return wrong(field, element, "word_order belongs to INT32, UINT32 and FLOAT32 only; leave it out");
    }
    const std::uint64_t natural_max = field.options().GetExtension(schema::bind).max();
    if (!fits_type(written, static_cast<double>(natural_max))) {
      const bool natural = written.type() == schema::VALUE_TYPE_UNSPECIFIED;
      return wrong(field, element,
                   "value: a limit lies outside of what " +
                       (natural ? "a value without type (whole, 0 to " + std::to_string(natural_max) + ")"
                                : schema::ValueType_Name(written.type())) +
                       " can hold, or is not a whole number" + (natural ? "; state the type" : ""));
    }
    ValueRecord value;
    value.type = static_cast<NumberType>(written.type());
    value.order =
        written.word_order() == schema::LOW_WORD_FIRST ? WordOrder::LOW_FIRST : WordOrder::HIGH_FIRST;
    value.has_min = written.has_min() ? 1 : 0;
    value.has_max = written.has_max() ? 1 : 0;
    value.min = written.min();
    value.max = written.max();
    if (!out_.rule.values.empty() &&
        (out_.rule.values[0].type != value.type || out_.rule.values[0].order != value.order)) {
      return wrong(field, element,
                   "all values of one allow are of one type and word order; write a second allow");
    }
    out_.rule.values.push_back(value);
  }

  static bool fits_type(const schema::ValueRange& written, double natural_max) {
    double low = 0;
    double high = 0;
    switch (written.type()) {
      case schema::BOOL: high = 1; break;
      case schema::INT16: low = -32768, high = 32767; break;
      case schema::UINT16: high = 65535; break;
      case schema::INT32: low = -2147483648.0, high = 2147483647.0; break;
      case schema::UINT32: high = 4294967295.0; break;
      case schema::VALUE_TYPE_UNSPECIFIED:
        if (natural_max == 0) return true;
        high = natural_max;
        break;
      default: return true;
    }
    const auto fits = [&](bool has, double limit) {
      return !has || (limit >= low && limit <= high && std::trunc(limit) == limit);
    };
    return fits(written.has_min(), written.min()) && fits(written.has_max(), written.max());
  }

  // Functions that no stated access class covers could never be permitted by this allow.
  void check_functions(const pb::EnumDescriptor* functions) {
    for (const std::uint32_t code : out_.rule.functions) {
      const auto* value =
          functions == nullptr ? nullptr : functions->FindValueByNumber(static_cast<int>(code));
      if (value == nullptr || (access_of(*value) & out_.rule.access_mask) != 0) continue;
      diagnostics_.error(place_.line(), place_.column(),
                         value->name() +
                             " is of none of the access classes that are stated here: it would "
                             "never be permitted; leave access out, or write a second allow");
      good_ = false;
    }
  }

  void expand_functions(const pb::Descriptor& type) {
    const pb::EnumDescriptor* functions = function_enum(type);
    if (!out_.rule.functions.empty()) return check_functions(functions);
    for (int index = 0; functions != nullptr && index < functions->value_count(); ++index) {
      const pb::EnumValueDescriptor& value = *functions->value(index);
      const bool by_name = value.options().GetExtension(schema::function).by_name();
      if (value.number() != 0 && !by_name && (access_of(value) & out_.rule.access_mask) != 0) {
        out_.rule.functions.push_back(static_cast<std::uint32_t>(value.number()));
      }
    }
    if (!out_.rule.functions.empty()) return;
    diagnostics_.error(
        place_.line(), place_.column(),
        "selects no function: the protocol has none of this access class; state function codes");
    good_ = false;
  }

  // Values of two words stand side by side from the beginning of the range.
  void check_pairs() {
    const NumberType type = out_.rule.values.front().type;
    const bool two_words =
        type == NumberType::INT32 || type == NumberType::UINT32 || type == NumberType::FLOAT32;
    if (!two_words || range_field_ == nullptr) return;
    const std::vector<Range>& ranges = out_.rule.ranges[protocol_.range_dimension];
    for (std::size_t index = 0; index < ranges.size(); ++index) {
      const Range range = ranges[index];
      if ((range.last - range.first) % 2 != 0) continue;
      wrong(*range_field_, static_cast<int>(index),
            range_field_->name() +
                ": a value takes two words, and this range has an odd number of them; "
                "write as many as the values take");
    }
  }

  // A value limit on functions that write nothing would never be met.
  void check_values() {
    if (value_field_ == nullptr) return;
    check_pairs();
    constexpr unsigned writing =
        (1U << schema::WRITE) | (1U << schema::OPERATE) | (1U << schema::PROGRAM) | (1U << schema::MANAGE);
    const pb::EnumDescriptor* functions = function_enum(*message_.GetDescriptor());
    bool writes = functions == nullptr;
    for (const std::uint32_t code : out_.rule.functions) {
      const auto* value =
          functions == nullptr ? nullptr : functions->FindValueByNumber(static_cast<int>(code));
      if (value == nullptr || (access_of(*value) & writing & out_.rule.access_mask) != 0) writes = true;
    }
    if (!writes)
      wrong(*value_field_, 0, "value limits what is written, but this allow permits no function that writes");
  }

  const pb::Message& message_;
  const Protocol& protocol_;
  const pb::Reflection& reflection_;
  Place place_;
  ProtocolRule& out_;
  Diagnostics& diagnostics_;
  const Field* value_field_ = nullptr;
  const Field* range_field_ = nullptr;
  bool good_ = true;
};

// Message of the protocol's room, by the oneof of `Allow`: its field has the protocol's name.
const pb::Descriptor* room_of(ProtocolId id) {
  const Protocol* protocol = find_protocol(id);
  if (protocol == nullptr) return nullptr;
  const Field* field = schema::Allow::descriptor()->FindFieldByName(std::string(protocol->name));
  return field == nullptr ? nullptr : field->message_type();
}

// The named function of the protocol's room, or null.
const pb::EnumValueDescriptor* function_value(ProtocolId protocol, std::uint32_t function) {
  const pb::Descriptor* room = room_of(protocol);
  const pb::EnumDescriptor* functions = room == nullptr ? nullptr : Reader::function_enum(*room);
  return functions == nullptr ? nullptr : functions->FindValueByNumber(static_cast<int>(function));
}

}  // namespace

bool compile_protocol_rule(const pb::Message& message, const Protocol& protocol, const Place& place,
                           ProtocolRule& out, Diagnostics& diagnostics) {
  return Reader(message, protocol, place, out, diagnostics).read();
}

std::string_view attack_technique(ProtocolId protocol, std::uint32_t function) {
  const auto* value = function_value(protocol, function);
  if (value == nullptr) return {};
  return value->options().GetExtension(schema::function).attack_technique();
}

std::uint8_t access_classes(ProtocolId protocol, std::uint32_t function) {
  const auto* value = function_value(protocol, function);
  return value == nullptr ? std::uint8_t{0xFF} : Reader::access_of(*value);
}

std::string_view dimension_value_name(ProtocolId protocol, std::size_t dimension, std::uint64_t number) {
  const pb::Descriptor* room = room_of(protocol);
  for (int index = 0; room != nullptr && index < room->field_count(); ++index) {
    const Field& field = *room->field(index);
    const schema::FieldBinding& binding = field.options().GetExtension(schema::bind);
    if (binding.binding() != schema::DIMENSION || binding.dimension() != dimension ||
        field.enum_type() == nullptr)
      continue;
    const auto* value = field.enum_type()->FindValueByNumber(static_cast<int>(number));
    if (value != nullptr) return value->name();
  }
  return {};
}

}  // namespace conduit
