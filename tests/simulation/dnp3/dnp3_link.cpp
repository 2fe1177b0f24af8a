#include "tests/simulation/dnp3/dnp3_link.hpp"

#include <algorithm>

namespace conduit::simulation::dnp3 {
namespace {

constexpr std::size_t header_size = 10;  // with its checksum
constexpr std::size_t fragment_max = 2048;

// Of a frame whose length octet says so.
std::size_t frame_size(std::uint8_t length) {
  const std::size_t data = length - 5U;
  return header_size + data + 2 * ((data + 15) / 16);
}
bool is_user_data(std::uint8_t control) { return (control & 0x40) != 0 && (control & 0x0F) == 4; }

// Its user data; nothing: a checksum is wrong.
std::optional<Octets> user_data(View whole) {
  Octets data;
  for (std::size_t at = header_size; at < whole.size();) {
    const std::size_t block = std::min<std::size_t>(16, whole.size() - at - 2);
    if (crc(whole.subspan(at, block)) != get_le(whole, at + block, 2)) return {};
    data.insert(data.end(), whole.begin() + static_cast<std::ptrdiff_t>(at),
                whole.begin() + static_cast<std::ptrdiff_t>(at + block));
    at += block + 2;
  }
  return data;
}

// The header of a frame, if it is there and right (clause 9.2.4).
enum class Header : std::uint8_t { MORE, GOOD, WRONG };
Header look_at(View stream) {
  if (!stream.empty() && stream[0] != 0x05) return Header::WRONG;
  if (stream.size() >= 2 && stream[1] != 0x64) return Header::WRONG;
  if (stream.size() >= 3 && stream[2] < 5) return Header::WRONG;
  if (stream.size() < header_size) return Header::MORE;
  return crc(stream.first(8)) == get_le(stream, 8, 2) ? Header::GOOD : Header::WRONG;
}

}  // namespace

// Clause 9.2.5: x^16 + x^13 + x^12 + x^11 + x^10 + x^8 + x^6 + x^5 + x^2 + 1, lowest bit first, inverted.
std::uint16_t crc(View octets) {
  static const std::vector<std::uint16_t> table = [] {
    std::vector<std::uint16_t> all;
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xA6BC : value >> 1;
      all.push_back(static_cast<std::uint16_t>(value));
    }
    return all;
  }();
  std::uint16_t value = 0;
  for (const std::uint8_t octet : octets)
    value = static_cast<std::uint16_t>(value >> 8 ^ table[(value ^ octet) & 0xFF]);
  return static_cast<std::uint16_t>(~value);
}

Octets frame(std::uint8_t control, Addresses addresses, View data) {
  Octets octets{0x05, 0x64, static_cast<std::uint8_t>(5 + data.size()), control};
  put_le(octets, addresses.destination, 2);
  put_le(octets, addresses.source, 2);
  put_le(octets, crc(octets), 2);
  for (std::size_t at = 0; at < data.size(); at += 16) {
    const View block = data.subspan(at, std::min<std::size_t>(16, data.size() - at));
    octets.insert(octets.end(), block.begin(), block.end());
    put_le(octets, crc(block), 2);
  }
  return octets;
}

Octets frames(std::uint8_t control, Addresses addresses, View fragment, std::uint8_t sequence,
              std::size_t most) {
  Octets all;
  for (std::size_t at = 0; at < fragment.size();) {
    const std::size_t size = std::min(most, fragment.size() - at);
    const bool last = at + size == fragment.size();
    Octets data{static_cast<std::uint8_t>((last ? 0x80 : 0) | (at == 0 ? 0x40 : 0) | (sequence++ & 0x3F))};
    data.insert(data.end(), fragment.begin() + static_cast<std::ptrdiff_t>(at),
                fragment.begin() + static_cast<std::ptrdiff_t>(at + size));
    const Octets one = frame(control, addresses, data);
    all.insert(all.end(), one.begin(), one.end());
    at += size;
  }
  return all;
}

// A fragment ends with the frame whose transport octet says FIN (clause 8.2).
Front front_of(View stream) {
  std::size_t at = 0;
  while (true) {
    const View rest = stream.subspan(at);
    const Header header = look_at(rest);
    if (header == Header::WRONG) return {Front::Kind::GARBAGE, 0};
    if (header == Header::MORE) return {};
    const std::size_t size = frame_size(rest[2]);
    if (rest.size() < size) return {};
    // A frame of the link layer's own; in front of the end of a fragment it belongs to nothing.
    const bool data = is_user_data(rest[3]) && rest[2] > 5;
    if (!data) return at == 0 ? Front{Front::Kind::PDU, size} : Front{Front::Kind::GARBAGE, 0};
    const std::uint8_t transport = rest[header_size];
    if (((transport & 0x40) != 0) != (at == 0)) {
      if (at != 0) return {Front::Kind::GARBAGE, 0};
      return {Front::Kind::PDU, size};  // begins nothing
    }
    at += size;
    if ((transport & 0x80) != 0) return {Front::Kind::PDU, at};
  }
}

std::optional<Message> read_message(View pdu) {
  Message message;
  std::uint8_t sequence = 0;
  for (std::size_t at = 0; at < pdu.size();) {
    const View rest = pdu.subspan(at);
    if (look_at(rest) != Header::GOOD || rest.size() < frame_size(rest[2])) return {};
    const std::size_t size = frame_size(rest[2]);
    const Addresses addresses{static_cast<std::uint16_t>(get_le(rest, 4, 2)),
                              static_cast<std::uint16_t>(get_le(rest, 6, 2))};
    const std::optional<Octets> data = user_data(rest.first(size));
    if (!data) return {};
    if (at == 0) {
      message.control = rest[3];
      message.addresses = addresses;
    }
    if (message.control != rest[3] || message.addresses != addresses) return {};
    at += size;
    if (!is_user_data(rest[3])) {
      if (!data->empty() || at != pdu.size()) return {};
      return message;
    }
    if (data->size() < 2) return {};
    const std::uint8_t transport = (*data)[0];
    const bool first = !message.has_fragment;
    if (((transport & 0x40) != 0) != first || ((transport & 0x80) != 0) != (at == pdu.size())) return {};
    if (!first && (transport & 0x3F) != ((sequence + 1) & 0x3F)) return {};
    sequence = transport & 0x3F;
    message.has_fragment = true;
    message.fragment.insert(message.fragment.end(), data->begin() + 1, data->end());
  }
  if (message.fragment.size() > fragment_max || !message.has_fragment) return {};
  return message;
}

}  // namespace conduit::simulation::dnp3
