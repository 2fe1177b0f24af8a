#include "config/policy/document.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <tuple>

namespace conduit {
namespace {

namespace pb = google::protobuf;

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

const pb::EnumDescriptor* enum_of_field(const pb::Descriptor& type, const std::string& field) {
  for (int index = 0; index < type.field_count(); ++index) {
    const pb::FieldDescriptor* candidate = type.field(index);
    if (candidate->name() == field && candidate->enum_type() != nullptr) return candidate->enum_type();
    if (candidate->message_type() != nullptr && candidate->message_type() != &type) {
      if (const auto* found = enum_of_field(*candidate->message_type(), field)) return found;
    }
  }
  return nullptr;
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
    std::string list;
    for (const std::string& name : field_names(*type)) list += (list.empty() ? "" : ", ") + name;
    return better + " (it has: " + list + ")";
  }
  if (text.find("Unknown enumeration value") != std::string::npos) {
    const std::string value = quoted(text, 0);
    const std::string field = quoted(text, 1);
    const pb::EnumDescriptor* type = enum_of_field(root, field);
    std::string better = "unknown value \"" + value + "\" for " + field;
    if (type == nullptr) return better;
    std::vector<std::string> names;
    std::string list;
    for (int index = 0; index < type->value_count(); ++index) {
      const std::string& name = type->value(index)->name();
      if (name.find("UNSPECIFIED") != std::string::npos) continue;
      names.push_back(name);
      list += (list.empty() ? "" : ", ") + name;
    }
    return better + suggest(value, names) + " (write one of: " + list + ")";
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
    return status.ok();
  }
  Collector collector(*message.GetDescriptor(), diagnostics);
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  parser.WriteLocationsTo(&document.tree);
  parser.SetRecursionLimit(32);
  const bool parsed = parser.ParseFromString(text, &message);
  if (!parsed && !diagnostics.failed()) diagnostics.error(1, 1, "cannot be read as protobuf text format");
  return parsed;
}

std::string suggest(const std::string& word, const std::vector<std::string>& candidates) {
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
