// Reassembly of IP fragments as the RFCs word it (791 §3.2, 5722, 6946, 7112, 8200 §4.5), octet by octet and
// without a thought for speed or memory: what the engine is held against. Knows nothing of the engine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace conduit::test {

// What may be asked of a gateway, and not of a host: bounds.
struct SlowBounds {
  std::size_t packets = 0;
  std::size_t packets_of_source = 0;
  std::size_t packet_size = 0;  // IP header included
  std::size_t pieces = 0;
  std::uint64_t wait_ns = 0;
};

enum class SlowAnswer { KEPT, WHOLE, MALFORMED, UNKNOWN_PROTOCOL, TOO_LARGE, TINY, OVERLAP, FULL };

struct SlowPiece {
  // What tells packets apart: side, addresses, identification, protocol.
  using Name = std::tuple<int, std::string, std::string, std::uint32_t, int>;
  Name name;
  int source = 0;  // who sent it, as far as places are shared out
  bool ipv6 = false;
  std::size_t begin = 0;
  bool more = false;
  std::vector<std::uint8_t> octets{};
  std::vector<std::uint8_t> head{};  // link and IP header; of the first piece they become the whole packet's
  [[nodiscard]] std::size_t end() const { return begin + octets.size(); }
  [[nodiscard]] int protocol() const { return std::get<4>(name); }
};

struct SlowWhole {
  std::vector<std::uint8_t> head;
  std::vector<std::uint8_t> octets;
};

class SlowReassembly {
 public:
  explicit SlowReassembly(const SlowBounds& bounds) : bounds_(bounds) {}

  SlowAnswer take(const SlowPiece& piece, std::uint64_t now, std::optional<SlowWhole>& whole) {
    whole.reset();
    const SlowAnswer alone = by_itself(piece);
    if (alone != SlowAnswer::KEPT) return alone;
    if (piece.begin == 0 && !piece.more) {  // atomic: no other fragment matters (RFC 6946 §4)
      whole = {piece.head, piece.octets};
      return SlowAnswer::WHOLE;
    }
    auto found = packets_.find(piece.name);
    if (found == packets_.end()) {
      const auto same = [&](const auto& entry) { return entry.second.source == piece.source; };
      const auto of_source = std::count_if(packets_.begin(), packets_.end(), same);
      const bool share_used = static_cast<std::size_t>(of_source) >= bounds_.packets_of_source;
      if (packets_.size() >= bounds_.packets || share_used) return SlowAnswer::FULL;
      found = packets_.emplace(piece.name, Packet{piece.source, now + bounds_.wait_ns, {}, {}}).first;
    }
    Packet& packet = found->second;
    if (packet.condemned) return *packet.condemned;
    if (contains(packet, piece)) return SlowAnswer::KEPT;
    if (two_readings(packet, piece)) packet.condemned = SlowAnswer::OVERLAP;
    if (!packet.condemned && packet.pieces.size() == bounds_.pieces) packet.condemned = SlowAnswer::TOO_LARGE;
    if (packet.condemned) return *packet.condemned;
    packet.pieces.push_back(piece);
    whole = put_together(packet);
    if (!whole) return SlowAnswer::KEPT;
    packets_.erase(found);
    return SlowAnswer::WHOLE;
  }

  // Gives up what has waited too long; how many packets that were not condemned before.
  std::size_t give_up(std::uint64_t now) {
    std::size_t count = 0;
    for (auto at = packets_.begin(); at != packets_.end();) {
      const bool over = at->second.deadline_ns <= now;
      if (over && !at->second.condemned) ++count;
      at = over ? packets_.erase(at) : std::next(at);
    }
    return count;
  }

  [[nodiscard]] std::size_t waiting() const { return packets_.size(); }

 private:
  struct Packet {
    int source = 0;
    std::uint64_t deadline_ns = 0;
    std::optional<SlowAnswer> condemned{};
    std::vector<SlowPiece> pieces{};
  };

  [[nodiscard]] SlowAnswer by_itself(const SlowPiece& piece) const {
    const std::size_t header = piece.ipv6 ? 40 : 20;
    if (piece.octets.empty() || (piece.more && piece.octets.size() % 8 != 0)) return SlowAnswer::MALFORMED;
    if (header + piece.end() > 65535) return SlowAnswer::MALFORMED;
    const bool icmp = piece.protocol() == (piece.ipv6 ? 58 : 1);
    if (piece.protocol() != 6 && piece.protocol() != 17 && !icmp) return SlowAnswer::UNKNOWN_PROTOCOL;
    if (header + piece.end() > bounds_.packet_size) return SlowAnswer::TOO_LARGE;
    return piece.begin == 0 && piece.more && !has_header(piece) ? SlowAnswer::TINY : SlowAnswer::KEPT;
  }

  static bool has_header(const SlowPiece& piece) {
    std::size_t needed = 8;
    if (piece.protocol() == 6) {
      needed = 20;
      if (piece.octets.size() >= 20) needed = std::max<std::size_t>(20, (piece.octets[12] >> 4) * 4U);
    }
    return piece.octets.size() >= needed;
  }

  static bool contains(const Packet& packet, const SlowPiece& piece) {
    return std::any_of(packet.pieces.begin(), packet.pieces.end(), [&](const SlowPiece& other) {
      return other.begin == piece.begin && other.more == piece.more && other.octets == piece.octets;
    });
  }

  static bool two_readings(const Packet& packet, const SlowPiece& piece) {
    for (const SlowPiece& other : packet.pieces) {
      for (std::size_t at = piece.begin; at < piece.end(); ++at) {
        if (at >= other.begin && at < other.end()) return true;
      }
      if (!other.more && piece.end() > other.end()) return true;
      if (!piece.more && other.end() > piece.end()) return true;
      if (!piece.more && !other.more) return true;
    }
    return false;
  }

  static std::optional<SlowWhole> put_together(const Packet& packet) {
    std::map<std::size_t, std::uint8_t> octets;
    std::optional<std::size_t> end;
    SlowWhole whole;
    for (const SlowPiece& piece : packet.pieces) {
      for (std::size_t i = 0; i < piece.octets.size(); ++i) octets[piece.begin + i] = piece.octets[i];
      if (!piece.more) end = piece.end();
      if (piece.begin == 0) whole.head = piece.head;
    }
    if (!end) return {};
    for (std::size_t at = 0; at < *end; ++at) {
      if (octets.count(at) == 0) return {};
      whole.octets.push_back(octets[at]);
    }
    return whole;
  }

  SlowBounds bounds_;
  std::map<SlowPiece::Name, Packet> packets_{};
};

}  // namespace conduit::test
