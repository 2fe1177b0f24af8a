// Thumbprint of a certificate: SHA-1 of its DER form (Part 6 §6.2.2), as the policy spells it. It names a
// certificate; whether the peer holds its key is for the server to find out.
#pragma once

#include <cstdint>
#include <span>

#include "protocols/core/bytes.hpp"

namespace conduit::opcua {

inline constexpr std::size_t thumbprint_text_size = 40;

// SHA-1 (FIPS 180-4 §6.1).
void sha1(Bytes data, std::span<std::uint8_t, 20> digest) noexcept;

// The first certificate of a chain: the outermost DER element. Empty: there is none.
[[nodiscard]] Bytes leaf_certificate(Bytes chain) noexcept;

// 40 small hexadecimal digits to `out`.
void spell_thumbprint(Bytes certificate, std::span<std::uint8_t, thumbprint_text_size> out) noexcept;

}  // namespace conduit::opcua
