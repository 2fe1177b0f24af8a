#include "dataplane/engine/tcp_build.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/engine/block_pool.hpp"
#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/worker_context.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t ethernet_size = 14;
constexpr std::uint32_t ipv4_size = 20;
constexpr std::uint32_t ipv6_size = 40;
constexpr std::uint32_t tcp_size = 20;
constexpr std::uint32_t timestamp_option_size = 12;  // NOP, NOP, timestamps
constexpr std::uint8_t own_ttl = 64;
constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_nop = 1;
constexpr std::uint8_t option_fast_open = 34;

// Length fields of IP by payload_offset and payload_size; IPv4: its checksum.
void store_ip_length(ParsedFrame& frame) noexcept {
  std::uint8_t* const l3 = frame.data + frame.l3_offset;
  const std::uint32_t size = std::uint32_t{frame.payload_offset} + frame.payload_size - frame.l3_offset;
  if (frame.ip_version == 6) {
    store_u16be(l3 + 4, static_cast<std::uint16_t>(size - ipv6_size));
    return;
  }
  store_u16be(l3 + 2, static_cast<std::uint16_t>(size));
  std::memset(l3 + 10, 0, 2);
  const std::uint16_t sum = checksum_finish(checksum_add(l3, ipv4_size, 0));
  std::memcpy(l3 + 10, &sum, 2);
}

// What lies behind the IP packet is padding now. The buffer of a changed frame is never shorter than it was.
void pad(ParsedFrame& frame) noexcept {
  const std::uint32_t end = std::uint32_t{frame.payload_offset} + frame.payload_size;
  frame.size = std::max(end, std::min<std::uint32_t>(frame.size, frame_size_min));
  std::fill(frame.data + end, frame.data + frame.size, std::uint8_t{0});
}

// Overwrites options of one kind with NOPs. The options are well formed (parse_frame).
bool clear_option(ParsedFrame& frame, std::uint8_t kind) noexcept {
  std::uint8_t* at = frame.data + frame.l4_offset + tcp_size;
  std::uint8_t* const end = frame.data + frame.payload_offset;
  bool found = false;
  while (at < end && *at != option_end) {
    if (*at == option_nop) {
      ++at;
      continue;
    }
    std::uint8_t* const next = at + at[1];
    if (*at == kind) {
      std::fill(at, next, option_nop);
      found = true;
    }
    at = next;
  }
  return found;
}

void write_link(std::uint8_t* at, const Flow& flow, Side from) noexcept {
  const LinkTags& tags = flow.tags[from];
  std::memcpy(at, flow.mac[other(from)].data(), 6);
  std::memcpy(at + 6, flow.mac[from].data(), 6);
  std::memcpy(at + 12, tags.octets.data(), tags.size);
  store_u16be(at + 12 + tags.size, flow.ip_version == 6 ? std::uint16_t{0x86DD} : std::uint16_t{0x0800});
}

void write_ip(std::uint8_t* at, const Flow& flow, Side from) noexcept {
  const Address& source = flow.key.address[from];
  const Address& destination = flow.key.address[other(from)];
  if (flow.ip_version == 6) {
    std::memset(at, 0, ipv6_size);
    at[0] = 0x60;
    at[6] = flow.key.ip_protocol;
    at[7] = own_ttl;
    std::memcpy(at + 8, source.data(), 16);
    std::memcpy(at + 24, destination.data(), 16);
    return;
  }
  std::memset(at, 0, ipv4_size);
  at[0] = 0x45;
  at[6] = 0x40;  // don't fragment, so that the identification means nothing
  at[8] = own_ttl;
  at[9] = flow.key.ip_protocol;
  std::memcpy(at + 12, source.data() + 12, 4);
  std::memcpy(at + 16, destination.data() + 12, 4);
}

void write_tcp(std::uint8_t* at, const Flow& flow, const OwnSegment& segment) noexcept {
  const std::uint32_t size = tcp_size + (segment.has_timestamp ? timestamp_option_size : 0);
  std::memset(at, 0, size);
  store_u16be(at, flow.key.l4_port[segment.from]);
  store_u16be(at + 2, flow.key.l4_port[other(segment.from)]);
  store_u32be(at + 4, segment.sequence);
  store_u32be(at + 8, segment.acknowledgement);
  at[12] = static_cast<std::uint8_t>((size / 4) << 4);
  at[13] = segment.flags;
  store_u16be(at + 14, segment.window);
  if (segment.has_timestamp) {
    store_u32be(at + 20, 0x0101080A);
    store_u32be(at + 24, segment.timestamp);
    store_u32be(at + 28, segment.timestamp_echo);
  }
}

bool send_built(WorkerContext& context, ParsedFrame& frame, std::uint8_t port) noexcept {
  store_ip_length(frame);
  store_l4_checksum(frame);
  return context.emit(port, {frame.data, frame.size});
}

}  // namespace

bool send_own(WorkerContext& context, const Flow& flow, const OwnSegment& segment) noexcept {
  ParsedFrame frame;
  frame.data = context.blocks->frame.data();
  frame.kind = FrameKind::TCP;
  frame.ip_version = flow.ip_version;
  frame.ip_protocol = flow.key.ip_protocol;
  const std::uint32_t l3 = ethernet_size + flow.tags[segment.from].size;
  const std::uint32_t l4 = l3 + (flow.ip_version == 6 ? ipv6_size : ipv4_size);
  const std::uint32_t payload = l4 + tcp_size + (segment.has_timestamp ? timestamp_option_size : 0);
  if (segment.payload.size() > frame_size_max - payload) return false;
  frame.l3_offset = static_cast<std::uint16_t>(l3);
  frame.l4_offset = static_cast<std::uint16_t>(l4);
  frame.payload_offset = static_cast<std::uint16_t>(payload);
  frame.payload_size = static_cast<std::uint16_t>(segment.payload.size());
  write_link(frame.data, flow, segment.from);
  write_ip(frame.data + l3, flow, segment.from);
  write_tcp(frame.data + l4, flow, segment);
  if (!segment.payload.empty()) {
    std::memcpy(frame.data + payload, segment.payload.data(), segment.payload.size());
  }
  frame.size = frame_size_min;
  pad(frame);
  return send_built(context, frame, flow.gateway_port[other(segment.from)]);
}

bool send_like(WorkerContext& context, const ParsedFrame& like, std::uint32_t sequence, std::uint8_t flags,
               Bytes payload) noexcept {
  if (payload.size() > frame_size_max - like.payload_offset) return false;
  ParsedFrame frame = like;
  frame.data = context.blocks->frame.data();
  std::memcpy(frame.data, like.data, like.payload_offset);
  if (!payload.empty()) std::memcpy(frame.data + like.payload_offset, payload.data(), payload.size());
  frame.payload_size = static_cast<std::uint16_t>(payload.size());
  store_u32be(frame.data + frame.l4_offset + 4, sequence);
  frame.data[frame.l4_offset + 13] =
      static_cast<std::uint8_t>((like.data[like.l4_offset + 13] & 0xC0U) | (flags & 0x3FU));
  frame.size = frame_size_min;
  pad(frame);
  return send_built(context, frame, like.port_out);
}

void strip_payload(ParsedFrame& frame) noexcept {
  frame.payload_size = 0;
  frame.data[frame.l4_offset + 13] =
      static_cast<std::uint8_t>(frame.data[frame.l4_offset + 13] & ~(TCP_FIN | TCP_PSH));
}

void set_sack_block(ParsedFrame& frame, std::uint8_t index, std::uint32_t left,
                    std::uint32_t right) noexcept {
  std::uint8_t* const at = frame.data + frame.sack_offset + 8 * index;
  store_u32be(at, left);
  store_u32be(at + 4, right);
}

void shorten_sack(ParsedFrame& frame, std::uint8_t count) noexcept {
  if (count == frame.sack_count) return;
  std::uint8_t* const option = frame.data + frame.sack_offset - 2;
  const std::uint32_t size = count == 0 ? 0 : 2U + 8U * count;
  std::fill(option + size, option + 2 + 8 * frame.sack_count, option_nop);
  if (count != 0) option[1] = static_cast<std::uint8_t>(size);
  frame.sack_count = count;
}

void clear_fast_open(ParsedFrame& frame) noexcept { (void)clear_option(frame, option_fast_open); }

void set_sequence(ParsedFrame& frame, std::uint32_t sequence) noexcept {
  store_u32be(frame.data + frame.l4_offset + 4, sequence);
}

void set_acknowledgement(ParsedFrame& frame, std::uint32_t acknowledgement) noexcept {
  store_u32be(frame.data + frame.l4_offset + 8, acknowledgement);
}

void set_window(ParsedFrame& frame, std::uint16_t window) noexcept {
  store_u16be(frame.data + frame.l4_offset + 14, window);
}

void clear_urgent(ParsedFrame& frame) noexcept {
  std::uint8_t* const l4 = frame.data + frame.l4_offset;
  l4[13] = static_cast<std::uint8_t>(l4[13] & ~TCP_URG);
  store_u16be(l4 + 18, 0);
  frame.tcp_flags = static_cast<std::uint8_t>(frame.tcp_flags & ~TCP_URG);
}

void clear_fin(ParsedFrame& frame) noexcept {
  std::uint8_t& flags = frame.data[frame.l4_offset + 13];
  flags = static_cast<std::uint8_t>(flags & ~TCP_FIN);
  frame.tcp_flags = static_cast<std::uint8_t>(frame.tcp_flags & ~TCP_FIN);
}

void finish_changed(ParsedFrame& frame) noexcept {
  pad(frame);
  store_ip_length(frame);
  store_l4_checksum(frame);
}

}  // namespace conduit
