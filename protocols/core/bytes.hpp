// Cursor: bounds-checked reading of bytes that somebody else owns.
//
// Rule of every member: false means nothing was read and nothing was written. Lengths are compared by
// subtraction, so no sum can overflow. A length-prefixed part is read through a child cursor (`take`), which
// cannot reach outside its part. Not thread-safe; copying is cheap and gives an independent position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace conduit {

using Bytes = std::span<const std::uint8_t>;

class Cursor {
 public:
  constexpr Cursor() noexcept = default;
  constexpr explicit Cursor(Bytes bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] constexpr std::size_t remaining() const noexcept {
    return static_cast<std::size_t>(end_ - at_);
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return at_ == end_; }
  [[nodiscard]] constexpr Bytes rest() const noexcept { return {at_, remaining()}; }

  [[nodiscard]] constexpr bool u8(std::uint8_t& value) noexcept {
    if (remaining() < 1) return false;
    value = *at_++;
    return true;
  }
  [[nodiscard]] constexpr bool u16be(std::uint16_t& value) noexcept {
    if (remaining() < 2) return false;
    value = static_cast<std::uint16_t>((at_[0] << 8) | at_[1]);
    at_ += 2;
    return true;
  }
  [[nodiscard]] constexpr bool u16le(std::uint16_t& value) noexcept {
    if (remaining() < 2) return false;
    value = static_cast<std::uint16_t>((at_[1] << 8) | at_[0]);
    at_ += 2;
    return true;
  }
  [[nodiscard]] constexpr bool u32be(std::uint32_t& value) noexcept {
    if (remaining() < 4) return false;
    value =
        (std::uint32_t{at_[0]} << 24) | (std::uint32_t{at_[1]} << 16) | (std::uint32_t{at_[2]} << 8) | at_[3];
    at_ += 4;
    return true;
  }
  [[nodiscard]] constexpr bool u32le(std::uint32_t& value) noexcept {
    if (remaining() < 4) return false;
    value =
        (std::uint32_t{at_[3]} << 24) | (std::uint32_t{at_[2]} << 16) | (std::uint32_t{at_[1]} << 8) | at_[0];
    at_ += 4;
    return true;
  }
  // The next `size` bytes as a view.
  [[nodiscard]] constexpr bool bytes(std::size_t size, Bytes& view) noexcept {
    if (remaining() < size) return false;
    view = {at_, size};
    at_ += size;
    return true;
  }
  // The next `size` bytes as a child cursor; this cursor moves behind them.
  [[nodiscard]] constexpr bool take(std::size_t size, Cursor& child) noexcept {
    Bytes view;
    if (!bytes(size, view)) return false;
    child = Cursor(view);
    return true;
  }
  [[nodiscard]] constexpr bool skip(std::size_t size) noexcept {
    if (remaining() < size) return false;
    at_ += size;
    return true;
  }

 private:
  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
};

// Unchecked big-endian access to bytes whose presence the caller has checked.
[[nodiscard]] constexpr std::uint16_t load_u16be(const std::uint8_t* at) noexcept {
  return static_cast<std::uint16_t>((at[0] << 8) | at[1]);
}
[[nodiscard]] constexpr std::uint32_t load_u32be(const std::uint8_t* at) noexcept {
  return (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) | (std::uint32_t{at[2]} << 8) | at[3];
}
constexpr void store_u16be(std::uint8_t* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
constexpr void store_u32be(std::uint8_t* at, std::uint32_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 24);
  at[1] = static_cast<std::uint8_t>(value >> 16);
  at[2] = static_cast<std::uint8_t>(value >> 8);
  at[3] = static_cast<std::uint8_t>(value);
}

}  // namespace conduit
