// Associations: connections of a protocol between two hosts that one flow opened and that PDUs of others name
// (CIP connections and their I/O datagrams). Each keeps the operation that opened it, so that it can be
// judged again by whatever policy is in force when it is used.
//
// All memory is taken by the constructor. When the table is full, what has been idle for association_idle_ns
// makes room; otherwise nothing more is opened. One client gets a share of it at most. One worker's own: it
// owns both hosts' flows, since a worker owns address pairs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "config/abi/limits.hpp"
#include "protocols/core/decoder.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

// Between whom, in the words of the protocol.
struct AssociationEnds {
  Address client{};
  Address server{};
  VlanKey vlan = 0;
  std::uint8_t port_pair = 0;  // lower of the two gateway ports
  ProtocolId protocol = ProtocolId::NONE;
  friend bool operator==(const AssociationEnds&, const AssociationEnds&) noexcept = default;
};

class AssociationTable {
 public:
  explicit AssociationTable(std::uint64_t seed);

  // A permitted request goes on whose answer may open associations; `flow` and `request` (its match_key) find
  // it again. Keeps `operation` with its keys; octets of its value are not kept. False: no room.
  [[nodiscard]] bool expect(const AssociationEnds& ends, std::uint64_t flow, std::uint64_t request,
                            const Operation& operation, std::uint64_t now_ns) noexcept;
  // That request was answered: what is opened takes the place of what had the same keys; nothing opened,
  // nothing is expected any more.
  void answered(std::uint64_t flow, std::uint64_t request, const Associations& associations,
                std::uint64_t now_ns) noexcept;
  void close(const AssociationEnds& ends, const Association& association) noexcept;

  // The operation that opened what `association` names, valid until the next call; it is in use now. Null:
  // none.
  [[nodiscard]] const Operation* use(const AssociationEnds& ends, const Association& association,
                                     std::uint64_t now_ns) noexcept;

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }  // expected ones included
  [[nodiscard]] std::uint32_t expected() const noexcept { return expected_; }

 private:
  static constexpr std::size_t name_count = 2;  // of an association: one for each sender
  static constexpr std::size_t bucket_count = 2 * association_count;
  static constexpr std::size_t source_counter_count = 1024;

  struct Name {
    Association association{};
    std::uint32_t bucket = 0;
    std::uint32_t next = none_index;  // in its bucket; entry · name_count + name
    bool filed = false;
  };
  struct Entry {
    AssociationEnds ends{};
    bool live = false;
    bool opened = false;        // else expected
    std::uint64_t flow = 0;     // expected: by whom
    std::uint64_t request = 0;  // … and which request
    std::uint64_t used_ns = 0;
    std::uint32_t older = none_index;  // in order of use
    std::uint32_t newer = none_index;
    std::array<Name, name_count> name{};
    Operation operation{};
    std::array<std::uint8_t, association_key_size_max> octets{};  // of the operation's keys
  };

  [[nodiscard]] std::uint64_t mix(std::uint64_t a, std::uint64_t b) const noexcept;
  [[nodiscard]] std::uint32_t bucket_of(const AssociationEnds& ends,
                                        const Association& association) const noexcept;
  [[nodiscard]] std::uint32_t bucket_of(std::uint64_t flow, std::uint64_t request) const noexcept;
  [[nodiscard]] std::uint16_t& source_of(const AssociationEnds& ends) noexcept;
  [[nodiscard]] std::uint32_t find(const AssociationEnds& ends,
                                   const Association& association) const noexcept;
  [[nodiscard]] std::uint32_t find_expected(std::uint64_t flow, std::uint64_t request) const noexcept;
  [[nodiscard]] bool has_room(const AssociationEnds& ends, std::uint64_t now_ns) noexcept;
  void file(std::uint32_t entry, std::size_t name, std::uint32_t bucket) noexcept;
  void unfile(std::uint32_t entry, std::size_t name) noexcept;
  void touch(std::uint32_t entry, std::uint64_t now_ns) noexcept;
  void unlink(std::uint32_t entry) noexcept;
  void release(std::uint32_t entry) noexcept;

  std::uint64_t seed_;
  std::unique_ptr<Entry[]> entries_;
  std::array<std::uint32_t, bucket_count> buckets_;
  std::array<std::uint16_t, source_counter_count> sources_{};
  std::uint32_t free_ = none_index;    // linked by `newer`
  std::uint32_t oldest_ = none_index;  // by use
  std::uint32_t newest_ = none_index;
  std::uint32_t count_ = 0;
  std::uint32_t expected_ = 0;
};

}  // namespace conduit
