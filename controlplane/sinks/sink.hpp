// Sink: a place outside that events are sent to, in order, at least once. The audit store keeps the sink's
// cursor; a sink that cannot take more now says how many it took, and is asked again later.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/error.hpp"
#include "controlplane/audit/store.hpp"

namespace conduit {

class Sink {
 public:
  virtual ~Sink() = default;
  // Name of its cursor; stable across restarts.
  [[nodiscard]] virtual const std::string& name() const = 0;
  // How many of these it has taken for good.
  [[nodiscard]] virtual Expected<std::size_t> send(const std::vector<StoredEvent>& events) = 0;
};

// One canonical JSON object a line, appended to a file. The file may be moved away (rotated) at any time: the
// next event goes to a new one. "-" is standard output.
[[nodiscard]] std::unique_ptr<Sink> make_json_lines_sink(const std::string& path);

}  // namespace conduit
