#include "tests/unit/trust/key_vectors.hpp"

#include "tests/support/hex.hpp"

namespace conduit::test {
namespace {

std::string octets(std::string_view text) {
  const auto bytes = hex(text);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string p256_compressed_der() {
  return octets(
      "3039301306072a8648ce3d020106082a8648ce3d03010703220003dfd585c195a7a35b0095cefa3b051c065475487759"
      "6f3f2f293ac1d9f5381027");
}

std::string p256_explicit_der() {
  return octets(
      "3082014b3082010306072a8648ce3d02013081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000"
      "000000000000000000ffffffffffffffffffffffff305b0420ffffffff00000001000000000000000000000000ffffff"
      "fffffffffffffffffc04205ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d"
      "360886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a139"
      "45d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000"
      "ffffffffffffffffbce6faada7179e84f3b9cac2fc63255102010103420004dfd585c195a7a35b0095cefa3b051c0654"
      "754877596f3f2f293ac1d9f53810276af6f20f45a7cb6d566cfcb1c57491b7756e6df28b5544be8441af6b08cc6b9d");
}

std::string p384_der() {
  return octets(
      "3076301006072a8648ce3d020106052b8104002203620004eeb63df90cb9b401746dabae2978cc3c300a61b896da8d52"
      "482a97b00f755908248f63baa31af96043ff8f6717678b4681fb51d589d7b5b1fec36b9295b23d03353e36c4a0e5ecc4"
      "221b082aa1183df7fc1ee193c8b5acda1f8bf54d90196326");
}

std::string rsa_der() {
  return octets(
      "30819f300d06092a864886f70d010101050003818d0030818902818100c52d36fe5922cd0fae8a5dc6397cb6b887657f"
      "6e8c06ffa1f74fda41cd466c1a1cdda5231669e7fb1d1d6491aa502b6a095a3f6aeb94c3c9fad59f56d284990f2a2f79"
      "82012742d7d4d3f078c190961568e5d4f806d5bac73d6747fee41ed5a746cec2f5ee7710d06c8487187065778d4e9b25"
      "9bccecdcad1ec8a30041bed0750203010001");
}

}  // namespace conduit::test
