#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "config/abi/unique_fd.hpp"
#include "controlplane/sinks/sink.hpp"

namespace conduit {
namespace {

class JsonLinesSink final : public Sink {
 public:
  explicit JsonLinesSink(std::string path) : name_("json_lines:" + path), path_(std::move(path)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Expected<std::size_t> send(const std::vector<StoredEvent>& events) override {
    if (auto ready = reopen(); !ready) return tl::unexpected(ready.error());
    std::string lines;
    for (const StoredEvent& event : events) lines += event.line() + "\n";
    const off_t before = ::lseek(fd_.get(), 0, SEEK_END);
    std::size_t written = 0;
    while (written < lines.size()) {
      const ssize_t now = ::write(fd_.get(), lines.data() + written, lines.size() - written);
      if (now < 0 && errno == EINTR) continue;
      if (now < 0) return cut(before);
      written += static_cast<std::size_t>(now);
    }
    return events.size();
  }

 private:
  // No half line may stay behind: the whole batch is sent again.
  tl::unexpected<Error> cut(off_t before) {
    const std::string why = std::strerror(errno);
    if (before >= 0 && ::ftruncate(fd_.get(), before) != 0) fd_.reset();
    return fail("sink.write", "cannot write events: " + why, path_);
  }

  Expected<void> reopen() {
    if (path_ == "-") {
      if (!fd_.open()) fd_.reset(::dup(STDOUT_FILENO));
      return {};
    }
    struct stat at_path {};
    struct stat ours {};
    const bool same = fd_.open() && ::stat(path_.c_str(), &at_path) == 0 && ::fstat(fd_.get(), &ours) == 0 &&
                      at_path.st_ino == ours.st_ino && at_path.st_dev == ours.st_dev;
    if (same) return {};
    fd_.reset(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
    if (!fd_.open()) return fail("sink.open", std::string("cannot open: ") + std::strerror(errno), path_);
    return {};
  }

  std::string name_;
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Sink> make_json_lines_sink(const std::string& path) {
  return std::make_unique<JsonLinesSink>(path);
}

}  // namespace conduit
