// Frame parser: whatever it accepts lies inside the frame, and changes to it keep it acceptable. First octet
// of the input: FrameFlag; the rest: the frame.
#include "dataplane/engine/frame.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "dataplane/engine/engine.hpp"

namespace {

using namespace conduit;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto frame = std::make_unique<std::uint8_t[]>(size - 1);
  std::copy(data + 1, data + size, frame.get());
  const auto frame_size = static_cast<std::uint32_t>(size - 1);
  require(owner_of({frame.get(), frame_size}, 4) < 4);
  ParsedFrame parsed;
  parse_frame(frame.get(), frame_size, 0, data[0] & 7, 2, parsed);
  if (parsed.reason != Reason::NONE) return 0;
  require(parsed.l3_offset >= 14 && parsed.l3_offset <= frame_size);
  require(parsed.payload_offset + std::uint32_t{parsed.payload_size} <= frame_size);
  require(parsed.sack_offset + 8U * parsed.sack_count <= parsed.payload_offset || parsed.sack_count == 0);
  const bool has_l4 = parsed.kind == FrameKind::TCP || parsed.kind == FrameKind::UDP ||
                      parsed.kind == FrameKind::ICMP || parsed.kind == FrameKind::ICMPV6;
  if (!has_l4) return 0;
  require(parsed.l4_offset >= parsed.l3_offset + 20U && parsed.payload_offset >= parsed.l4_offset + 8U);
  // Mended checksums are good ones, and clearing options leaves a frame that parses to the same segment.
  if (parsed.kind == FrameKind::TCP) {
    clear_unknown_tcp_options(parsed);
  } else if (!parsed.udp_checksum_absent) {
    store_l4_checksum(parsed);
  }
  ParsedFrame again;
  parse_frame(frame.get(), frame_size, 0, FRAME_IP_CHECKSUM_GOOD, 2, again);
  require((data[0] & FRAME_CHECKSUMS_UNKNOWN) != 0 || again.reason == Reason::NONE);
  require(again.payload_size == parsed.payload_size && !again.unknown_option);
  require(again.mss == parsed.mss && again.timestamp == parsed.timestamp);
  return 0;
}
