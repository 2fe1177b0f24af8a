// Reading what integrators write: protobuf text format (or JSON), with the place of every field kept, so that
// later checks can say file:line:column too. Not thread-safe; the control side only.
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

namespace conduit {

inline constexpr std::size_t document_size_max = 4UL * 1024 * 1024;

struct Diagnostic {
  bool warning = false;
  int line = 0;    // 1-based; 0: unknown (JSON)
  int column = 0;  // 1-based
  std::string text;

  // "file:line:column: error: text"
  [[nodiscard]] std::string format(const std::string& file) const;
};

class Diagnostics {
 public:
  void error(int line, int column, std::string text) {
    list_.push_back({false, line, column, std::move(text)});
  }
  void warning(int line, int column, std::string text) {
    list_.push_back({true, line, column, std::move(text)});
  }
  [[nodiscard]] bool failed() const;
  [[nodiscard]] std::size_t count() const { return list_.size(); }
  // By place, errors and warnings together.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;

 private:
  std::vector<Diagnostic> list_;
};

// A message within a document: says where its fields stand.
class Place {
 public:
  Place() = default;
  Place(const google::protobuf::TextFormat::ParseInfoTree* tree, int line, int column)
      : tree_(tree), line_(line), column_(column) {}
  // The message in field `name` (of a repeated field, number `index`).
  [[nodiscard]] Place in(const google::protobuf::Message& parent, const std::string& name,
                         int index = -1) const;
  // The field itself; where it is not written, the message.
  [[nodiscard]] Place at(const google::protobuf::Message& parent, const std::string& name,
                         int index = -1) const;
  [[nodiscard]] int line() const { return line_; }
  [[nodiscard]] int column() const { return column_; }

 private:
  const google::protobuf::TextFormat::ParseInfoTree* tree_ = nullptr;
  int line_ = 0;
  int column_ = 0;
};

struct Document {
  google::protobuf::TextFormat::ParseInfoTree tree;
  [[nodiscard]] Place root() const { return Place(&tree, 1, 1); }
};

// Parses `text` into `message`. False: `diagnostics` says why. `json`: protobuf's JSON mapping instead of
// text format.
bool parse_document(const std::string& text, bool json, google::protobuf::Message& message,
                    Document& document, Diagnostics& diagnostics);

// ", did you mean "x"?" for the candidate nearest to `word`, or nothing if none is near.
[[nodiscard]] std::string suggest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace conduit
