#include "controlplane/trust/state_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "config/abi/limits.hpp"
#include "config/abi/unique_fd.hpp"
#include "config/schema/bundle.pb.h"

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

namespace {

// A durable file beside `path`, under the name that is returned.
Expected<std::string> write_aside(const std::string& path, const std::string& content, unsigned mode) {
  const std::string aside = path + ".new";
  ::unlink(aside.c_str());
  const UniqueFd fd(
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode)));
  if (!fd.open()) return system_error("cannot be written", aside);
  if (write_all(fd.get(), content) && ::fsync(fd.get()) == 0) return aside;
  const auto error = system_error("cannot be written", aside);
  ::unlink(aside.c_str());
  return error;
}

Expected<void> sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const UniqueFd parent(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.open() || ::fsync(parent.get()) != 0) return system_error("cannot be made durable", path);
  return {};
}

bool absent(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) != 0 && errno == ENOENT;
}

}  // namespace

Expected<void> replace_file(const std::string& path, const std::string& content, unsigned mode) {
  const auto aside = write_aside(path, content, mode);
  if (!aside) return tl::unexpected(aside.error());
  if (std::rename(aside->c_str(), path.c_str()) != 0) {
    const auto error = system_error("cannot be replaced", path);
    ::unlink(aside->c_str());
    return error;
  }
  return sync_folder_of(path);
}

Expected<void> create_file(const std::string& path, const std::string& content, unsigned mode) {
  const auto aside = write_aside(path, content, mode);
  if (!aside) return tl::unexpected(aside.error());
  const bool done = ::link(aside->c_str(), path.c_str()) == 0;  // unlike rename, never replaces
  const int number = errno;
  ::unlink(aside->c_str());
  if (done) return sync_folder_of(path);
  errno = number;
  if (number != EEXIST) return system_error("cannot be made", path);
  return fail("file.exists", "exists already", path, "choose another name or move it away");
}

Expected<StateStore> StateStore::open(const std::string& folder) {
  std::error_code code;
  const bool made = std::filesystem::create_directories(folder, code);
  if (code) return fail("state.folder", "cannot be made: " + code.message(), folder);
  if (made && ::chmod(folder.c_str(), 0700) != 0) return system_error("cannot set the mode", folder);
  return StateStore(folder);
}

Expected<std::string> StateStore::root() const {
  const std::string path = folder_ + "/root.bin";
  return absent(path) ? std::string() : read_file(path, root_size_max);
}

Expected<void> StateStore::keep_root(const std::string& envelope) {
  return replace_file(folder_ + "/root.bin", envelope, 0600);
}

Expected<KeptBundle> StateStore::bundle() const {
  const std::string path = folder_ + "/bundle.bin";
  if (absent(path)) return KeptBundle{};
  const auto content = read_file(path, bundle_size_max + root_size_max + 64);  // and the version
  if (!content) return tl::unexpected(content.error());
  schema::KeptBundle kept;
  if (!kept.ParseFromString(*content) || kept.version_floor() == 0 || kept.envelope().empty()) {
    return fail("state.damaged", "the record of the accepted bundle is damaged", path,
                "put a copy back, or remove it and load a bundle newer than any before");
  }
  return KeptBundle{kept.envelope(), kept.root(), kept.version_floor()};
}

Expected<void> StateStore::keep_bundle(const KeptBundle& kept) {
  const auto before = bundle();
  if (!before) return tl::unexpected(before.error());
  schema::KeptBundle record;
  record.set_envelope(kept.envelope);
  record.set_root(kept.root);
  record.set_version_floor(std::max(kept.version_floor, before->version_floor));
  return replace_file(folder_ + "/bundle.bin", record.SerializeAsString(), 0600);
}

}  // namespace conduit
