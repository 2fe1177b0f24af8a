#include "controlplane/trust/state_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "config/abi/limits.hpp"
#include "config/unique_fd.hpp"

namespace conduit {
namespace {

tl::unexpected<Error> system_error(const char* doing, const std::string& path) {
  return fail("file.system", std::string(doing) + ": " + std::strerror(errno), path);
}

bool write_all(int fd, const std::string& content) {
  std::size_t written = 0;
  while (written < content.size()) {
    const ssize_t now = ::write(fd, content.data() + written, content.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return false;
    written += static_cast<std::size_t>(now);
  }
  return true;
}

}  // namespace

Expected<std::string> read_file(const std::string& path, std::size_t size_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return system_error("cannot be read", path);
  std::string content;
  char bytes[65536];
  for (;;) {
    const ssize_t now = ::read(fd.get(), bytes, sizeof bytes);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return system_error("cannot be read", path);
    if (now == 0) return content;
    content.append(bytes, static_cast<std::size_t>(now));
    if (content.size() > size_max) {
      return fail("file.too_large", "larger than " + std::to_string(size_max) + " octets", path);
    }
  }
}

Expected<void> replace_file(const std::string& path, const std::string& content, unsigned mode) {
  const std::string aside = path + ".new";
  ::unlink(aside.c_str());
  UniqueFd fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode)));
  if (!fd.open()) return system_error("cannot be written", aside);
  if (!write_all(fd.get(), content) || ::fsync(fd.get()) != 0)
    return system_error("cannot be written", aside);
  if (std::rename(aside.c_str(), path.c_str()) != 0) return system_error("cannot be replaced", path);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const UniqueFd parent(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.open() || ::fsync(parent.get()) != 0) return system_error("cannot be made durable", path);
  return {};
}

Expected<StateStore> StateStore::open(const std::string& folder) {
  std::error_code code;
  const bool made = std::filesystem::create_directories(folder, code);
  if (code) return fail("state.folder", "cannot be made: " + code.message(), folder);
  if (made && ::chmod(folder.c_str(), 0700) != 0) return system_error("cannot set the mode", folder);
  return StateStore(folder);
}

Expected<std::string> StateStore::read(const char* name) const {
  const std::string path = folder_ + "/" + name;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) return std::string();
  return read_file(path, bundle_size_max);
}

Expected<void> StateStore::replace(const char* name, const std::string& content) {
  return replace_file(folder_ + "/" + name, content, 0600);
}

Expected<std::uint64_t> StateStore::version_floor() const {
  auto text = read("version");
  if (!text) return tl::unexpected(text.error());
  if (text->empty()) return std::uint64_t{0};
  char* end = nullptr;
  errno = 0;
  const unsigned long long version = std::strtoull(text->c_str(), &end, 10);
  if (errno != 0 || end == text->c_str() || std::strcmp(end, "\n") != 0) {
    return fail("state.version", "the file of the highest accepted version is damaged", folder_ + "/version",
                "write the number of the version in force");
  }
  return std::uint64_t{version};
}

Expected<void> StateStore::keep_bundle(const std::string& envelope, std::uint64_t version) {
  if (auto done = replace("version", std::to_string(version) + "\n"); !done) return done;
  return replace("bundle.bin", envelope);
}

}  // namespace conduit
