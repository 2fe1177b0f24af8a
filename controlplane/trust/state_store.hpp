// What a gateway remembers across restarts: its trusted root, and in one file the bundle in force with the
// root under which it was accepted and the highest version ever accepted. Each file is replaced whole and
// durably (write aside, fsync, rename, fsync of the folder), so that a power cut leaves the old or the new.
#pragma once

#include <cstdint>
#include <string>

#include "config/error.hpp"

namespace conduit {

struct KeptBundle {
  std::string envelope;  // empty: none yet
  std::string root;      // envelope of the root that it was accepted under; ask that one to reopen it
  std::uint64_t version_floor = 0;  // highest version ever accepted here
};

class StateStore {
 public:
  // Makes the folder (mode 0700) if it is not there.
  [[nodiscard]] static Expected<StateStore> open(const std::string& folder);

  // Empty if there is none yet.
  [[nodiscard]] Expected<std::string> root() const;
  [[nodiscard]] Expected<void> keep_root(const std::string& envelope);

  [[nodiscard]] Expected<KeptBundle> bundle() const;
  // The floor never sinks: going back to an earlier bundle leaves it where it is.
  [[nodiscard]] Expected<void> keep_bundle(const KeptBundle& kept);

 private:
  explicit StateStore(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

// Whole content of a file of at most `size_max` octets.
[[nodiscard]] Expected<std::string> read_file(const std::string& path, std::size_t size_max);
// Replaces a file whole and durably.
[[nodiscard]] Expected<void> replace_file(const std::string& path, const std::string& content, unsigned mode);
// The same for a file that must not be there yet ("file.exists").
[[nodiscard]] Expected<void> create_file(const std::string& path, const std::string& content, unsigned mode);

}  // namespace conduit
