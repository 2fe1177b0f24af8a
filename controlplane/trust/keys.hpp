// Keys: Ed25519 (what `keygen` makes) and ECDSA P-256. The only users of OpenSSL in the project are the files
// of this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/error.hpp"
#include "controlplane/trust/digest.hpp"

struct evp_pkey_st;

namespace conduit {

// A public key, or a key pair. Movable; thread-compatible.
class SigningKey {
 public:
  [[nodiscard]] static Expected<SigningKey> generate();  // Ed25519
  // PEM: PKCS#8 private key.
  [[nodiscard]] static Expected<SigningKey> read_private(const std::string& path);
  // PEM: SubjectPublicKeyInfo.
  [[nodiscard]] static Expected<SigningKey> read_public(const std::string& path);
  // DER SubjectPublicKeyInfo, Ed25519 or P-256, in the one form that public_der gives: one key, one id.
  [[nodiscard]] static Expected<SigningKey> from_der(const std::string& der);

  [[nodiscard]] std::string public_der() const;
  [[nodiscard]] std::string public_pem() const;
  [[nodiscard]] std::string private_pem() const;
  [[nodiscard]] Digest id() const;  // SHA-256 of public_der

  [[nodiscard]] Expected<std::string> sign(const std::string& message) const;
  [[nodiscard]] bool verify(const std::string& message, const std::string& signature) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  explicit SigningKey(evp_pkey_st* key) noexcept : key_(key) {}
  static Expected<SigningKey> checked(evp_pkey_st* key, const std::string& where);
  std::unique_ptr<evp_pkey_st, Free> key_;
};

[[nodiscard]] std::string hex_text(const std::string& bytes);
[[nodiscard]] std::string digest_bytes(const Digest& digest);

}  // namespace conduit
