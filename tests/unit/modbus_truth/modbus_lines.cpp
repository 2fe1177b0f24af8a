// Filter for truth.py: reads lines of "C HEX" (a client's PDU with its MBAP header) or "S HEX" (a server's)
// and prints what the room makes of each, one line each. With --vectors it prints the unit tests' well-formed
// PDUs in that form instead.
#include <iostream>
#include <string>

#include "tests/unit/modbus/modbus_support.hpp"
#include "tests/unit/modbus/modbus_vectors.hpp"

using namespace conduit;
using namespace conduit::test;

namespace {

void print_vectors() {
  static constexpr char digits[] = "0123456789abcdef";
  for (const Vector& vector : well_formed_vectors()) {
    std::string line = vector.sender == Role::CLIENT ? "C " : "S ";
    for (const std::uint8_t octet : adu(vector.pdu)) {
      line += digits[octet >> 4];
      line += digits[octet & 15];
    }
    std::cout << line << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--vectors") {
    print_vectors();
    return 0;
  }
  std::string side;
  std::string hex;
  while (std::cin >> side >> hex) {
    const Octets octets = from_hex(hex);
    const Role sender = side == "C" ? Role::CLIENT : Role::SERVER;
    std::cout << describe(octets, sender);
    if (head_of(octets, sender).negative) std::cout << " exception";
    std::cout << "\n";
  }
}
