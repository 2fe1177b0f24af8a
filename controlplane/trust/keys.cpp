#include "controlplane/trust/keys.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>

namespace conduit {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
};
struct FreeBio {
  void operator()(BIO* bio) const noexcept { ::BIO_free(bio); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;
using MemoryBio = std::unique_ptr<BIO, FreeBio>;

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Ed25519 hashes by itself; ECDSA wants its digest named.
const EVP_MD* digest_of(EVP_PKEY* key) {
  return ::EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : ::EVP_sha256();
}

std::string content(const MemoryBio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size <= 0 ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

bool is_p256(EVP_PKEY* key) {
  char group[64] = {};
  return ::EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         ::EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::string(group) == "prime256v1";
}

// A P-256 key can be written in several ways (compressed point, explicit curve). Ids are hashes of what is
// written, so all keys are brought to one form: else one key could count twice for a threshold.
bool make_canonical(EVP_PKEY* key) {
  return ::EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                          OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1 &&
         ::EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_GROUP) == 1;
}

}  // namespace

void SigningKey::Free::operator()(evp_pkey_st* key) const noexcept { ::EVP_PKEY_free(key); }

Expected<SigningKey> SigningKey::checked(evp_pkey_st* key, const std::string& where) {
  if (key == nullptr) return fail("key.unreadable", "this is not a key that can be read", where);
  SigningKey owned(key);
  if (::EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) return owned;
  if (is_p256(key) && make_canonical(key)) return owned;
  return fail("key.algorithm", "keys are Ed25519 or ECDSA P-256", where, "make one with conduitctl keygen");
}

Expected<SigningKey> SigningKey::generate() {
  return checked(::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), "new key");
}

Expected<SigningKey> SigningKey::read_private(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return fail("key.file", "cannot be read", path);
  return checked(::PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr), path);
}

Expected<SigningKey> SigningKey::read_public(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return fail("key.file", "cannot be read", path);
  return checked(::PEM_read_PUBKEY(file.get(), nullptr, nullptr, nullptr), path);
}

Expected<SigningKey> SigningKey::from_der(const std::string& der) {
  const unsigned char* at = octets(der);
  auto key = checked(::d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())), "public key");
  if (key && key->public_der() != der) {
    return fail("key.encoding", "a public key is written in its one canonical form", {},
                "uncompressed point, named curve, nothing behind it");
  }
  return key;
}

std::string SigningKey::public_der() const {
  unsigned char* data = nullptr;
  const int size = ::i2d_PUBKEY(key_.get(), &data);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

std::string SigningKey::public_pem() const {
  const MemoryBio bio(::BIO_new(::BIO_s_mem()));
  if (bio == nullptr || ::PEM_write_bio_PUBKEY(bio.get(), key_.get()) != 1) return {};
  return content(bio);
}

std::string SigningKey::private_pem() const {
  const MemoryBio bio(::BIO_new(::BIO_s_mem()));
  const int done = bio == nullptr ? 0
                                  : ::PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr,
                                                                    0, nullptr, nullptr);
  return done == 1 ? content(bio) : std::string();
}

Digest SigningKey::id() const {
  const std::string der = public_der();
  return sha256(Bytes(octets(der), der.size()));
}

Expected<std::string> SigningKey::sign(const std::string& message) const {
  const Context context(::EVP_MD_CTX_new());
  std::size_t size = 0;
  if (context == nullptr ||
      ::EVP_DigestSignInit(context.get(), nullptr, digest_of(key_.get()), nullptr, key_.get()) != 1 ||
      ::EVP_DigestSign(context.get(), nullptr, &size, octets(message), message.size()) != 1) {
    return fail("key.sign", "this key cannot sign (is it the private one?)");
  }
  std::string signature(size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (::EVP_DigestSign(context.get(), out, &size, octets(message), message.size()) != 1) {
    return fail("key.sign", "signing failed");
  }
  signature.resize(size);
  return signature;
}

bool SigningKey::verify(const std::string& message, const std::string& signature) const {
  const Context context(::EVP_MD_CTX_new());
  return context != nullptr &&
         ::EVP_DigestVerifyInit(context.get(), nullptr, digest_of(key_.get()), nullptr, key_.get()) == 1 &&
         ::EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message),
                            message.size()) == 1;
}

std::string hex_text(const std::string& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto octet = static_cast<unsigned char>(c);
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

std::string digest_bytes(const Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

}  // namespace conduit
