// Public keys (DER SubjectPublicKeyInfo) that a root must not list.
#pragma once

#include <string>

namespace conduit::test {

[[nodiscard]] std::string p256_compressed_der();  // The key P256 with its point compressed.
[[nodiscard]] std::string p256_explicit_der();    // The key P256 with its curve spelled out.
[[nodiscard]] std::string p384_der();             // A key on P-384.
[[nodiscard]] std::string rsa_der();              // An RSA key.

}  // namespace conduit::test
