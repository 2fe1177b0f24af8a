// SHA-256, the one digest of the project (FIPS 180-4). Keeps OpenSSL inside this folder.
#pragma once

#include <array>
#include <cstdint>

#include "protocols/core/bytes.hpp"

namespace conduit {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(Bytes bytes);

}  // namespace conduit
