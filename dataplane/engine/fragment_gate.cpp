#include "dataplane/engine/fragment_gate.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/engine/checksum.hpp"
#include "dataplane/engine/classify.hpp"
#include "protocols/core/mutation.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t ipv4_size = 20;
constexpr std::uint32_t ipv6_size = 40;
constexpr std::uint32_t fragment_header_size = 8;
constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmpv6 = 58;

[[nodiscard]] bool is_transport(std::uint8_t version, std::uint8_t protocol) noexcept {
  return protocol == protocol_tcp || protocol == protocol_udp ||
         protocol == (version == 4 ? protocol_icmp : protocol_icmpv6);
}

// Does a first fragment hold the whole header of the upper layer? (RFC 1858, RFC 7112)
[[nodiscard]] bool header_whole(const FragmentPiece& piece) noexcept {
  if (piece.protocol != protocol_tcp) return piece.octets.size() >= 8;
  return piece.octets.size() >= 20 && piece.octets.size() >= (piece.octets[12] >> 4) * 4U;
}

// What the headers of a fragment say.
[[nodiscard]] FragmentPiece read_headers(const ParsedFrame& frame) noexcept {
  FragmentPiece piece;
  piece.octets = frame.payload();
  if (frame.ip_version == 4) {
    const std::uint8_t* const at = frame.data + frame.l3_offset;
    const std::uint16_t place = load_u16be(at + 6);
    piece.identification = load_u16be(at + 4);
    piece.protocol = frame.ip_protocol;
    piece.more = (place & 0x2000) != 0;
    piece.begin = (place & 0x1FFFU) * 8;
    return piece;
  }
  const std::uint8_t* const at = frame.data + frame.payload_offset - fragment_header_size;
  const std::uint16_t place = load_u16be(at + 2);
  piece.identification = load_u32be(at + 4);
  piece.protocol = at[0];
  piece.more = (place & 1) != 0;
  piece.begin = place & 0xFFF8U;
  return piece;
}

[[nodiscard]] Reason check_piece(const ParsedFrame& frame, const FragmentPiece& piece) noexcept {
  const std::size_t size = piece.octets.size();
  const std::uint32_t header = frame.ip_version == 4 ? ipv4_size : ipv6_size;
  // Other extension headers would have to be in every fragment, or to be read from the first one.
  const bool chained =
      frame.ip_version == 6 && frame.payload_offset != frame.l3_offset + ipv6_size + fragment_header_size;
  if (chained) return Reason::IPV6_EXTENSION_NOT_PERMITTED;
  if (size == 0 || (piece.more && size % 8 != 0) || piece.begin + size > 65535 - header) {
    return Reason::IP_HEADER_MALFORMED;
  }
  if (!is_transport(frame.ip_version, piece.protocol)) return Reason::IP_FRAGMENT_NOT_PERMITTED;
  if (piece.begin + size > fragment_packet_size_max - header) return Reason::IP_FRAGMENT_TOO_LARGE;
  const bool tiny = piece.begin == 0 && piece.more && !header_whole(piece);
  return tiny && !mutated(Mutation::TINY_FRAGMENT_TAKEN) ? Reason::IP_FRAGMENT_TINY : Reason::NONE;
}

// Fragments are put together only for those who may talk at all, in a conduit that permits fragments. A piece
// that may die on its way is none that the receiver would have (law 2).
[[nodiscard]] Reason admit(const RuleImage& image, const ParsedFrame& frame, std::uint32_t& asset) noexcept {
  constexpr Reason denied = Reason::IP_FRAGMENT_NOT_PERMITTED;
  asset = image.find_asset(frame.port_in, frame.vlan, frame.source);
  const std::uint32_t receiver = image.find_asset(frame.port_out, frame.vlan, frame.destination);
  if (asset == none_index || receiver == none_index || !mac_permitted(image, asset, frame.source_mac)) {
    return denied;
  }
  const std::uint32_t conduit = image.find_conduit(image.assets()[asset].zone, image.assets()[receiver].zone);
  if (conduit == none_index || !image.pair_exists(asset, receiver)) return denied;
  const std::uint16_t flags = image.conduits()[conduit].flags;
  const bool tolerated = (flags & CONDUIT_FRAGMENTS) != 0 || mutated(Mutation::FRAGMENTS_EVERYWHERE);
  if (!tolerated) return denied;
  const bool dying = frame.ttl_low && !frame.group && !mutated(Mutation::TTL_UNCHECKED);
  return dying && (flags & CONDUIT_LOW_TTL) == 0 ? Reason::TTL_TOO_LOW : Reason::NONE;
}

}  // namespace

FragmentTable::FragmentTable() : places_(std::make_unique<Place[]>(fragment_packet_count)) {}

// The place of the packet that this piece is of, or a new one; null: no room.
FragmentTable::Place* FragmentTable::find(const ParsedFrame& frame, const FragmentPiece& piece,
                                          std::uint32_t asset, std::uint64_t now) noexcept {
  Place* free = nullptr;
  std::uint32_t of_source = 0;
  for (Place& place : std::span(places_.get(), fragment_packet_count)) {
    if (!place.live) {
      if (free == nullptr) free = &place;
      continue;
    }
    if (place.asset == asset) ++of_source;
    const ParsedFrame& first = place.first;
    if (place.identification == piece.identification && place.protocol == piece.protocol &&
        first.port_in == frame.port_in && first.vlan == frame.vlan &&
        same_address(first.source, frame.source) && same_address(first.destination, frame.destination)) {
      return &place;
    }
  }
  if (free == nullptr || of_source >= fragment_packet_count / fragment_source_share) return nullptr;
  free->live = true;
  free->denied = Reason::NONE;
  free->first = frame;
  free->first.data = nullptr;
  free->first.size = 0;
  free->identification = piece.identification;
  free->protocol = piece.protocol;
  free->asset = asset;
  free->deadline_ns = now + fragment_wait_ns;
  free->total = free->received = free->piece_count = free->head_size = 0;
  next_deadline_ = std::min(next_deadline_, free->deadline_ns);
  ++in_use_;
  return free;
}

// Law 2: pieces that overlap, or that disagree on where the packet ends, have several readings (RFC 5722). A
// piece that is there already, octet by octet, has one.
Reason FragmentTable::add(Place& place, const ParsedFrame& frame, const FragmentPiece& piece) noexcept {
  const std::uint32_t end = piece.begin + static_cast<std::uint32_t>(piece.octets.size());
  const bool overlapping = !mutated(Mutation::FRAGMENT_OVERLAP_TAKEN);
  const bool beyond = place.total != 0 && (end > place.total || (!piece.more && end != place.total));
  if (beyond && overlapping) return Reason::IP_FRAGMENT_OVERLAP;
  for (std::uint32_t i = 0; i < place.piece_count && overlapping; ++i) {
    const Stretch& other = place.pieces[i];
    if (!piece.more && end < other.end) return Reason::IP_FRAGMENT_OVERLAP;
    if (piece.begin >= other.end || end <= other.begin) continue;
    const bool repeated =
        piece.begin == other.begin && end == other.end && piece.more == (end != place.total) &&
        std::equal(piece.octets.begin(), piece.octets.end(), place.octets.begin() + piece.begin);
    return repeated ? Reason::NONE : Reason::IP_FRAGMENT_OVERLAP;
  }
  if (place.piece_count == fragment_piece_count_max) return Reason::IP_FRAGMENT_TOO_LARGE;
  if (!piece.more) place.total = end;
  place.pieces[place.piece_count++] = {static_cast<std::uint16_t>(piece.begin),
                                       static_cast<std::uint16_t>(end)};
  place.received += end - piece.begin;
  std::copy(piece.octets.begin(), piece.octets.end(), place.octets.begin() + piece.begin);
  if (piece.begin == 0) {
    place.head_size = frame.l3_offset + (frame.ip_version == 4 ? ipv4_size : ipv6_size);
    std::memcpy(place.head.data(), frame.data, place.head_size);
  }
  return Reason::NONE;
}

// `head`: link and IP header of the first fragment.
std::span<std::uint8_t> FragmentTable::join(Bytes head, Bytes octets, std::uint8_t ip_version,
                                            std::uint8_t protocol) noexcept {
  std::memcpy(whole_.data(), head.data(), head.size());
  std::memcpy(whole_.data() + head.size(), octets.data(), octets.size());
  if (ip_version == 4) {
    std::uint8_t* const at = whole_.data() + head.size() - ipv4_size;
    store_u16be(at + 2, static_cast<std::uint16_t>(ipv4_size + octets.size()));
    std::memset(at + 6, 0, 2);
    std::memset(at + 10, 0, 2);
    const std::uint16_t sum = checksum_finish(checksum_ipv4_header(at));
    std::memcpy(at + 10, &sum, 2);
  } else {
    std::uint8_t* const at = whole_.data() + head.size() - ipv6_size;
    store_u16be(at + 4, static_cast<std::uint16_t>(octets.size()));
    at[6] = protocol;
  }
  std::size_t size = head.size() + octets.size();
  if (size < frame_size_min) {
    std::memset(whole_.data() + size, 0, frame_size_min - size);
    size = frame_size_min;
  }
  return {whole_.data(), size};
}

void FragmentTable::give_back(Place& place) noexcept {
  place.live = false;
  if (--in_use_ == 0) next_deadline_ = UINT64_MAX;
}

Reason FragmentTable::take(const ParsedFrame& frame, const FragmentPiece& piece, std::uint32_t asset,
                           std::uint64_t now, std::span<std::uint8_t>& whole) noexcept {
  whole = {};
  if (piece.begin == 0 && !piece.more) {  // an atomic fragment stands for itself (RFC 6946)
    whole = join({frame.data, std::size_t{frame.l3_offset} + ipv6_size}, piece.octets, 6, piece.protocol);
    return Reason::NONE;
  }
  Place* const place = find(frame, piece, asset, now);
  if (place == nullptr) return Reason::IP_FRAGMENT_FULL;
  if (place->denied == Reason::NONE) place->denied = add(*place, frame, piece);
  if (place->denied != Reason::NONE) return place->denied;
  if (place->total == 0 || place->received < place->total || place->head_size == 0) return Reason::NONE;
  whole = join({place->head.data(), place->head_size}, {place->octets.data(), place->total}, frame.ip_version,
               piece.protocol);
  give_back(*place);
  return Reason::NONE;
}

bool FragmentTable::expire(std::uint64_t now, ParsedFrame& first) noexcept {
  if (now < next_deadline_) return false;
  next_deadline_ = UINT64_MAX;
  for (Place& place : std::span(places_.get(), fragment_packet_count)) {
    if (!place.live) continue;
    if (place.deadline_ns > now) {
      next_deadline_ = std::min(next_deadline_, place.deadline_ns);
      continue;
    }
    give_back(place);
    if (place.denied != Reason::NONE) continue;
    first = place.first;
    next_deadline_ = now;  // there may be more
    return true;
  }
  return false;
}

std::span<std::uint8_t> fragment_gate(WorkerContext& context, const ParsedFrame& frame) noexcept {
  std::uint32_t asset = none_index;
  Reason reason = admit(*context.image, frame, asset);
  std::span<std::uint8_t> whole;
  if (reason == Reason::NONE) {
    const FragmentPiece piece = read_headers(frame);
    reason = check_piece(frame, piece);
    if (reason == Reason::NONE) reason = context.fragments->take(frame, piece, asset, context.now_ns, whole);
  }
  if (reason != Reason::NONE) deny_frame(context, nullptr, frame, Verdict::DROP, reason);
  return whole;
}

void fragments_due(WorkerContext& context) noexcept {
  ParsedFrame first;
  while (context.fragments->expire(context.now_ns, first)) {
    deny_frame(context, nullptr, first, Verdict::DROP, Reason::IP_FRAGMENT_INCOMPLETE);
  }
}

}  // namespace conduit
