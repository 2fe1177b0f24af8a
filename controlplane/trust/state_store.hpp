// What a gateway remembers across restarts: its trusted root, the bundle in force and the highest version
// ever accepted. Plain files in one folder, each replaced whole and durably (write aside, fsync, rename,
// fsync of the folder).
#pragma once

#include <cstdint>
#include <string>

#include "config/error.hpp"

namespace conduit {

class StateStore {
 public:
  // Makes the folder (mode 0700) if it is not there.
  [[nodiscard]] static Expected<StateStore> open(const std::string& folder);

  // Empty if there is none yet.
  [[nodiscard]] Expected<std::string> root() const { return read("root.bin"); }
  [[nodiscard]] Expected<std::string> bundle() const { return read("bundle.bin"); }
  [[nodiscard]] Expected<std::uint64_t> version_floor() const;

  [[nodiscard]] Expected<void> keep_root(const std::string& envelope) {
    return replace("root.bin", envelope);
  }
  // The version first: after a power cut between the two the old bundle stays and is never accepted anew.
  [[nodiscard]] Expected<void> keep_bundle(const std::string& envelope, std::uint64_t version);

 private:
  explicit StateStore(std::string folder) : folder_(std::move(folder)) {}
  Expected<std::string> read(const char* name) const;
  Expected<void> replace(const char* name, const std::string& content);
  std::string folder_;
};

// Whole content of a file of at most `size_max` octets.
[[nodiscard]] Expected<std::string> read_file(const std::string& path, std::size_t size_max);
// Replaces a file whole and durably.
[[nodiscard]] Expected<void> replace_file(const std::string& path, const std::string& content, unsigned mode);

}  // namespace conduit
