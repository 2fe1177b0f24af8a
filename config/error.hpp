// Error: the operating error of the control side (STYLE: what, where, what to do). Used with tl::expected;
// never for traffic.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace conduit {

struct Error {
  std::string name;    // stable, for scripts and tests: "bundle.signature_invalid"; one name per rule
  std::string what;    // what is wrong, for people
  std::string where;   // file:line:column, path or field; may be empty
  std::string remedy;  // what to write or do instead; may be empty

  // "where: what (remedy)" with the parts that are there.
  [[nodiscard]] std::string text() const {
    std::string line = where.empty() ? what : where + ": " + what;
    if (!remedy.empty()) line += "; " + remedy;
    return line;
  }
};

template <typename T>
using Expected = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::string name, std::string what, std::string where = {},
                                                std::string remedy = {}) {
  return tl::unexpected<Error>(Error{std::move(name), std::move(what), std::move(where), std::move(remedy)});
}

}  // namespace conduit
