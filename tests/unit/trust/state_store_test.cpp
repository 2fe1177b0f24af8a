// What a gateway remembers across restarts.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config/abi/limits.hpp"
#include "controlplane/trust/state_store.hpp"
#include "tests/support/trust_fixture.hpp"
#include "tests/unit/trust/scratch_folder.hpp"

using namespace conduit;
using namespace conduit::test;

namespace fs = std::filesystem;

namespace {

StateStore open_store(const std::string& folder) {
  auto store = StateStore::open(folder);
  REQUIRE(store.has_value());
  return std::move(*store);
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a new store holds nothing") {
  const ScratchFolder scratch;
  const std::string folder = scratch.path("deep/state");
  const StateStore store = open_store(folder);
  CHECK(mode_of(folder) == 0700);
  CHECK(store.root().value().empty());
  CHECK(store.bundle().value().envelope.empty());
  CHECK(store.bundle().value().version_floor == 0);
}

TEST_CASE("what was kept is there after a restart") {
  const ScratchFolder scratch;
  const std::string folder = scratch.path("state");
  const std::string binary("\0\xff bytes \n", 10);
  {
    StateStore store = open_store(folder);
    CHECK(store.keep_root(binary).has_value());
    CHECK(store.keep_bundle({"bundle" + binary, "root" + binary, 7}).has_value());
  }
  const StateStore store = open_store(folder);
  CHECK(store.root().value() == binary);
  const KeptBundle kept = store.bundle().value();
  CHECK(kept.envelope == "bundle" + binary);
  CHECK(kept.root == "root" + binary);
  CHECK(kept.version_floor == 7);
  for (const auto& entry : fs::directory_iterator(folder)) {
    CAPTURE(entry.path().string());
    CHECK(mode_of(entry.path().string()) == 0600);
    CHECK(entry.path().extension() == ".bin");  // nothing is left beside
  }
}

TEST_CASE("the highest accepted version never sinks") {
  const ScratchFolder scratch;
  StateStore store = open_store(scratch.path("state"));
  CHECK(store.keep_bundle({"seven", "root", 7}).has_value());
  CHECK(store.keep_bundle({"nine", "root", 9}).has_value());
  CHECK(store.keep_bundle({"seven", "root", 7}).has_value());  // reverted
  CHECK(store.bundle().value().envelope == "seven");
  CHECK(store.bundle().value().version_floor == 9);
}

TEST_CASE("a write that was cut off leaves what was there, and does not hinder the next") {
  const ScratchFolder scratch;
  StateStore store = open_store(scratch.path("state"));
  CHECK(store.keep_bundle({"seven", "root", 7}).has_value());
  write(scratch.path("state/bundle.bin.new"), "half");
  CHECK(store.bundle().value().envelope == "seven");
  CHECK(store.keep_bundle({"eight", "root", 8}).has_value());
  CHECK(store.bundle().value().envelope == "eight");
  CHECK_FALSE(fs::exists(scratch.path("state/bundle.bin.new")));
}

TEST_CASE("a damaged record is an error, never an empty one: the floor must not be lost unseen") {
  const ScratchFolder scratch;
  StateStore store = open_store(scratch.path("state"));
  const std::string path = scratch.path("state/bundle.bin");
  for (const char* content : {"", "not a record", "\x0a\x01x"}) {  // the last one: an envelope alone
    CAPTURE(content);
    write(path, content);
    CHECK(store.bundle().error().name == "state.damaged");
    CHECK(store.keep_bundle({"new", "root", 1}).error().name == "state.damaged");
  }
  write(path, std::string(bundle_size_max + root_size_max + 65, 'x'));
  CHECK(store.bundle().error().name == "file.too_large");
  fs::remove(path);
  fs::create_directory(path);
  CHECK(store.bundle().error().name == "file.system");
}

TEST_CASE("the largest bundle fits") {
  const ScratchFolder scratch;
  StateStore store = open_store(scratch.path("state"));
  const KeptBundle largest{std::string(bundle_size_max, 'b'), std::string(root_size_max, 'r'),
                           ~std::uint64_t{0}};
  CHECK(store.keep_bundle(largest).has_value());
  CHECK(store.bundle().value().envelope == largest.envelope);
  CHECK(store.bundle().value().version_floor == largest.version_floor);
}

TEST_CASE("a folder that cannot be one") {
  const ScratchFolder scratch;
  write(scratch.path("file"), "");
  CHECK(StateStore::open(scratch.path("file/state")).error().name == "state.folder");
  StateStore store = open_store(scratch.path("state"));
  fs::remove_all(scratch.path("state"));
  CHECK(store.keep_root("root").error().name == "file.system");
}

TEST_CASE("a new file never replaces another") {
  const ScratchFolder scratch;
  const std::string path = scratch.path("a.key");
  CHECK(create_file(path, "first", 0600).has_value());
  CHECK(create_file(path, "second", 0600).error().name == "file.exists");
  CHECK(read_file(path, 100).value() == "first");
  CHECK(mode_of(path) == 0600);
  CHECK_FALSE(fs::exists(path + ".new"));
  CHECK(replace_file(path, "third", 0600).has_value());
  CHECK(read_file(path, 100).value() == "third");
  CHECK(read_file(path, 4).error().name == "file.too_large");
  CHECK(read_file(path, 5).value() == "third");
}

TEST_CASE("after a rotation that drops its signer, the bundle in force is still reopened at start") {
  const ScratchFolder scratch;
  const std::string first = sealed(root_of(1, {Who::ROOT_A}, {Who::POLICY_A}), {Who::ROOT_A});
  const std::string second = sealed(root_of(2, {Who::ROOT_A}, {Who::POLICY_B}), {Who::ROOT_A});
  const std::string bundle = sealed(bundle_7(), {Who::POLICY_A});
  {
    StateStore store = open_store(scratch.path("state"));
    CHECK(store.keep_root(first).has_value());
    CHECK(store.keep_bundle({bundle, first, 7}).has_value());
    CHECK(store.keep_root(second).has_value());
  }
  const StateStore store = open_store(scratch.path("state"));
  const KeptBundle kept = store.bundle().value();
  const TrustedSet now = TrustedSet::from_root(store.root().value()).value();
  const TrustedSet then = TrustedSet::from_root(kept.root).value();
  CHECK_FALSE(now.reopen_bundle(kept.envelope, test_gateway).has_value());
  CHECK(then.reopen_bundle(kept.envelope, test_gateway).has_value());
  // The same bundle is not accepted anew, nor is any other of that signer.
  schema::PolicyBundle newer = bundle_7();
  newer.set_version(8);
  CHECK(now.accept_bundle(sealed(newer, {Who::POLICY_A}), test_gateway, kept.version_floor, test_now)
            .error()
            .name == "signature.unknown_key");
}
