#include "controlplane/trust/digest.hpp"

#include <openssl/evp.h>

#include <cstdlib>

namespace conduit {

Digest sha256(Bytes bytes) {
  Digest digest{};
  // Fails only when the library cannot allocate or has no SHA-256: nothing could be trusted then.
  if (::EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, ::EVP_sha256(), nullptr) != 1)
    std::abort();
  return digest;
}

}  // namespace conduit
