#include "dataplane/io/nfqueue/destination_mac.hpp"

#include <cstring>

#include "config/abi/packet_mark.hpp"

namespace conduit {
namespace {

constexpr std::uint8_t unknown_mac[6] = {0x02, 0, 0, 0, 0, 0};

}  // namespace

bool is_unknown_mac(const std::uint8_t* mac) noexcept { return std::memcmp(mac, unknown_mac, 6) == 0; }

void group_mac(std::uint32_t mark, const std::uint8_t* packet, std::size_t size, std::uint8_t* mac) noexcept {
  std::memcpy(mac, unknown_mac, 6);
  if (mark == mark_broadcast) std::memset(mac, 0xFF, 6);
  if (mark != mark_multicast) return;
  mac[0] = 0x01;
  if (size >= 20 && (packet[0] >> 4) == 4 && (packet[16] & 0xF0) == 0xE0) {
    mac[2] = 0x5E;
    mac[3] = static_cast<std::uint8_t>(packet[17] & 0x7F);
    std::memcpy(mac + 4, packet + 18, 2);
  } else if (size >= 40 && (packet[0] >> 4) == 6 && packet[24] == 0xFF) {
    mac[0] = mac[1] = 0x33;
    std::memcpy(mac + 2, packet + 36, 4);
  }
}

void Neighbours::learn(std::uint8_t port, const std::uint8_t* frame, std::size_t size) noexcept {
  Entry entry;
  if (!read_key(port, frame, size, false, entry)) return;
  std::memcpy(entry.mac, frame + 6, 6);
  entries_[slot_of(entry)] = entry;
}

void Neighbours::resolve(std::uint8_t port, std::uint8_t* frame, std::size_t size) const noexcept {
  Entry wanted;
  if (!read_key(port, frame, size, true, wanted)) return;
  const Entry& found = entries_[slot_of(wanted)];
  if (found.used && found.port == wanted.port && std::memcmp(found.address, wanted.address, 16) == 0) {
    std::memcpy(frame, found.mac, 6);
  }
}

bool Neighbours::read_key(std::uint8_t port, const std::uint8_t* frame, std::size_t size, bool destination,
                          Entry& entry) noexcept {
  const bool v4 = size >= ethernet_size + 20 && (frame[ethernet_size] >> 4) == 4;
  const bool v6 = size >= ethernet_size + 40 && (frame[ethernet_size] >> 4) == 6;
  if (v4) std::memcpy(entry.address, frame + ethernet_size + (destination ? 16 : 12), 4);
  if (v6) std::memcpy(entry.address, frame + ethernet_size + (destination ? 24 : 8), 16);
  entry.port = port;
  entry.used = v4 || v6;
  return entry.used;
}

std::size_t Neighbours::slot_of(const Entry& entry) noexcept {
  std::uint32_t hash = 2166136261U ^ entry.port;
  for (const std::uint8_t octet : entry.address) hash = (hash ^ octet) * 16777619U;
  return hash % slot_count;
}

}  // namespace conduit
