#include "config/policy/document.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <tuple>

namespace conduit {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t suggestion_size_max = 128;  // no name is as long

std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0UL : 1UL)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// The `n`-th part of `text` in double quotes.
std::string quoted(const std::string& text, int n) {
  std::size_t from = 0;
  for (int index = 0; index <= n; ++index) {
    const std::size_t open = text.find('"', from);
    const std::size_t close = open == std::string::npos ? open : text.find('"', open + 1);
    if (close == std::string::npos) return {};
    if (index == n) return text.substr(open + 1, close - open - 1);
    from = close + 1;
  }
  return {};
}

std::vector<std::string> field_names(const pb::Descriptor& type) {
  std::vector<std::string> names;
  for (int index = 0; index < type.field_count(); ++index) names.push_back(type.field(index)->name());
  return names;
}

// Every enum that a field of this name can have, anywhere below `type`: protobuf does not say which it meant.
void enums_of_field(const pb::Descriptor& type, const std::string& field,
                    std::vector<const pb::EnumDescriptor*>& found) {
  for (int index = 0; index < type.field_count(); ++index) {
    const pb::FieldDescriptor* candidate = type.field(index);
    const pb::EnumDescriptor* of = candidate->enum_type();
    if (candidate->name() == field && of != nullptr &&
        std::find(found.begin(), found.end(), of) == found.end()) {
      found.push_back(of);
    }
    if (candidate->message_type() != nullptr) enums_of_field(*candidate->message_type(), field, found);
  }
}

std::vector<std::string> value_names(const pb::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int index = 0; index < type.value_count(); ++index) {
    const std::string& name = type.value(index)->name();
    if (name.find("UNSPECIFIED") == std::string::npos) names.push_back(name);
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string unknown_value(const std::string& value, const std::string& field,
                          const std::vector<const pb::EnumDescriptor*>& types) {
  std::vector<std::string> all;
  std::string list;
  for (const pb::EnumDescriptor* type : types) {
    const std::vector<std::string> names = value_names(*type);
    all.insert(all.end(), names.begin(), names.end());
    list += (list.empty() ? "" : "; or ") + joined(names);
  }
  std::string text = "unknown value \"" + value + "\" for " + field + suggest(value, all);
  return list.empty() ? text : text + " (write one of: " + list + ")";
}

// protobuf's own words, made useful: what may be written instead.
std::string improve(const std::string& text, const pb::Descriptor& root) {
  if (text.find("has no field named") != std::string::npos) {
    const std::string type_name = quoted(text, 0);
    const std::string field = quoted(text, 1);
    const pb::Descriptor* type = root.file()->pool()->FindMessageTypeByName(type_name);
    std::string better = "unknown field \"" + field + "\"";
    if (type == nullptr) return better;
    better += " in " + type->name() + suggest(field, field_names(*type));
    return better + " (it has: " + joined(field_names(*type)) + ")";
  }
  if (text.find("Unknown enumeration value") != std::string::npos) {
    std::vector<const pb::EnumDescriptor*> types;
    enums_of_field(root, quoted(text, 1), types);
    return unknown_value(quoted(text, 0), quoted(text, 1), types);
  }
  return text;
}

class Collector final : public pb::io::ErrorCollector {
 public:
  Collector(const pb::Descriptor& root, Diagnostics& diagnostics) : root_(root), diagnostics_(diagnostics) {}
  void AddError(int line, int column, const std::string& text) override {
    diagnostics_.error(line + 1, column + 1, improve(text, root_));
  }
  void AddWarning(int line, int column, const std::string& text) override {
    diagnostics_.warning(line + 1, column + 1, text);
  }

 private:
  const pb::Descriptor& root_;
  Diagnostics& diagnostics_;
};

// Numbers that no value of their enum has: protobuf keeps them, and they would be taken for the default.
void check_enums(const pb::Message& message, const Place& place, Diagnostics& diagnostics) {
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int index = 0; index < count; ++index) {
      const bool many = field->is_repeated();
      if (field->message_type() != nullptr) {
        check_enums(many ? reflection.GetRepeatedMessage(message, field, index)
                         : reflection.GetMessage(message, field),
                    place.in(message, field->name(), index), diagnostics);
      } else if (field->enum_type() != nullptr) {
        const int value = many ? reflection.GetRepeatedEnumValue(message, field, index)
                               : reflection.GetEnumValue(message, field);
        if (field->enum_type()->FindValueByNumber(value) != nullptr) continue;
        const Place at = place.at(message, field->name(), index);
        diagnostics.error(at.line(), at.column(),
                          unknown_value(std::to_string(value), field->name(), {field->enum_type()}));
      }
    }
  }
}

}  // namespace

std::string Diagnostic::format(const std::string& file) const {
  std::string where = file;
  if (line > 0) where += ":" + std::to_string(line) + ":" + std::to_string(column);
  return where + ": " + (warning ? "warning: " : "error: ") + text;
}

bool Diagnostics::failed() const {
  return std::any_of(list_.begin(), list_.end(), [](const Diagnostic& one) { return !one.warning; });
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> list = list_;
  std::stable_sort(list.begin(), list.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return list;
}

Place Place::at(const pb::Message& parent, const std::string& name, int index) const {
  const pb::FieldDescriptor* field = parent.GetDescriptor()->FindFieldByName(name);
  if (tree_ == nullptr || field == nullptr) return *this;
  const pb::TextFormat::ParseLocation found =
      tree_->GetLocation(field, field->is_repeated() ? std::max(index, 0) : -1);
  if (found.line < 0) return *this;
  return Place(tree_, found.line + 1, found.column + 1);
}

Place Place::in(const pb::Message& parent, const std::string& name, int index) const {
  const pb::FieldDescriptor* field = parent.GetDescriptor()->FindFieldByName(name);
  if (tree_ == nullptr || field == nullptr) return *this;
  const Place here = at(parent, name, index);
  const auto* nested = tree_->GetTreeForNested(field, field->is_repeated() ? std::max(index, 0) : -1);
  return Place(nested, here.line(), here.column());
}

bool parse_document(const std::string& text, bool json, pb::Message& message, Document& document,
                    Diagnostics& diagnostics) {
  if (text.size() > document_size_max) {
    diagnostics.error(0, 0, "file is larger than " + std::to_string(document_size_max) + " octets");
    return false;
  }
  if (json) {
    const auto status = pb::util::JsonStringToMessage(text, &message);
    if (!status.ok()) diagnostics.error(0, 0, status.ToString());
    if (status.ok()) check_enums(message, Place(), diagnostics);
    return status.ok() && !diagnostics.failed();
  }
  Collector collector(*message.GetDescriptor(), diagnostics);
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&document.tree);
  parser.SetRecursionLimit(32);
  const bool parsed = parser.ParseFromString(text, &message);
  if (!parsed && !diagnostics.failed()) diagnostics.error(1, 1, "cannot be read as protobuf text format");
  if (parsed) check_enums(message, document.root(), diagnostics);
  return parsed && !diagnostics.failed();
}

std::string suggest(const std::string& word, const std::vector<std::string>& candidates) {
  if (word.size() > suggestion_size_max) return {};
  for (const std::string& candidate : candidates) {  // cut short: ECHO for ECHO_REQUEST
    if (word.size() >= 3 && candidate.starts_with(word)) return ", did you mean \"" + candidate + "\"?";
  }
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t now = distance(word, candidate);
    if (now < best_distance) {
      best_distance = now;
      best = &candidate;
    }
  }
  return best == nullptr ? "" : ", did you mean \"" + *best + "\"?";
}

}  // namespace conduit
