// The table of fragmented packets against the slow reassembly: the same answer to every piece, the same whole
// packet, the same packets given up, no place lost. The input is a list of steps of four octets:
//   time (upper two bits), sender (one bit), identification (five bits) | place | size | flags and filler
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "dataplane/engine/fragment_gate.hpp"
#include "tests/unit/fragments/slow_reassembly.hpp"

namespace {

using namespace conduit;
using namespace conduit::test;

constexpr std::size_t step_size = 4;
constexpr std::size_t head_size = 14 + 20;
constexpr std::size_t payload_max = fragment_packet_size_max - 20;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Step {
  std::uint64_t wait_ns = 0;
  std::uint32_t asset = 0;
  std::uint32_t identification = 0;
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  bool more = false;
  std::uint8_t filler = 0;
};

// What the gate in front of the table lets through: whole eights but at the end, whole headers, no packet
// that is too large.
bool read_step(const std::uint8_t* data, Step& step) {
  constexpr std::array<std::uint64_t, 4> waits{0, 0, fragment_wait_ns / 3, fragment_wait_ns};
  step.wait_ns = waits[data[0] >> 6];
  step.asset = (data[0] >> 5) & 1U;
  step.identification = data[0] & 31U;
  step.begin = data[1] * 8U;
  step.more = (data[3] & 1) != 0;
  step.filler = data[3] >> 1;
  step.size = step.more ? 8U * std::max<std::uint32_t>(data[2] & 31U, 1) : 1U + data[2];
  return step.begin + step.size <= payload_max && (step.begin != 0 || step.more);
}

class Pair {
 public:
  void take(const Step& step) {
    now_ += step.wait_ns;
    give_up();
    std::array<std::uint8_t, head_size + payload_max> octets{};
    octets[14] = 0x45;
    octets[18] = static_cast<std::uint8_t>(step.filler);
    std::fill_n(octets.begin() + head_size, step.size, step.filler);
    ParsedFrame frame;
    frame.data = octets.data();
    frame.size = static_cast<std::uint32_t>(head_size + step.size);
    frame.ip_version = 4;
    frame.l3_offset = 14;
    frame.source[15] = static_cast<std::uint8_t>(step.asset);
    FragmentPiece piece;
    piece.identification = step.identification;
    piece.protocol = 17;
    piece.more = step.more;
    piece.begin = step.begin;
    piece.octets = {octets.data() + head_size, step.size};
    std::span<std::uint8_t> whole;
    const Reason reason = table_.take(frame, piece, step.asset, now_, whole);
    compare(step, reason, whole, octets.data());
    require(table_.in_use() == slow_.waiting());
  }

  void end() {
    now_ += fragment_wait_ns;
    give_up();
    require(table_.in_use() == 0 && table_.next_deadline() == UINT64_MAX);
  }

 private:
  void compare(const Step& step, Reason reason, std::span<const std::uint8_t> whole,
               const std::uint8_t* octets) {
    SlowPiece piece;
    piece.name = {0, std::string(1, static_cast<char>(step.asset)), {}, step.identification, 17};
    piece.source = static_cast<int>(step.asset);
    piece.begin = step.begin;
    piece.more = step.more;
    piece.octets.assign(step.size, step.filler);
    piece.head.assign(octets, octets + head_size);
    std::optional<SlowWhole> expected;
    const SlowAnswer answer = slow_.take(piece, now_, expected);
    require((answer == SlowAnswer::OVERLAP) == (reason == Reason::IP_FRAGMENT_OVERLAP));
    require((answer == SlowAnswer::FULL) == (reason == Reason::IP_FRAGMENT_FULL));
    require((answer == SlowAnswer::TOO_LARGE) == (reason == Reason::IP_FRAGMENT_TOO_LARGE));
    require(expected.has_value() != whole.empty());
    if (!expected) return;
    require(reason == Reason::NONE && whole.size() >= head_size + expected->octets.size());
    require(whole[18] == expected->head[18]);  // of the first piece
    require(std::equal(expected->octets.begin(), expected->octets.end(), whole.begin() + head_size));
  }

  void give_up() {
    require(table_.next_deadline() > now_ || table_.in_use() != 0);
    std::size_t count = 0;
    ParsedFrame first;
    while (table_.expire(now_, first)) ++count;
    require(count == slow_.give_up(now_) && table_.in_use() == slow_.waiting());
    require(table_.next_deadline() > now_);
  }

  FragmentTable table_;
  SlowReassembly slow_{{fragment_packet_count, fragment_packet_count / fragment_source_share,
                        fragment_packet_size_max, fragment_piece_count_max, fragment_wait_ns}};
  std::uint64_t now_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Pair pair;
  for (; size >= step_size; data += step_size, size -= step_size) {
    Step step;
    if (read_step(data, step)) pair.take(step);
  }
  pair.end();
  return 0;
}
