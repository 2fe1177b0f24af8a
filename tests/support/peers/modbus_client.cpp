// A Modbus/TCP client on libmodbus, driven line by line from standard input over ONE connection. Each command
// is answered by one line, at once:
//   ok 1000 1001 1002          values read, or how many were written
//   exception 3 Illegal data value
//   failed Connection timed out
//
//   modbus_client ADDRESS [PORT [TIMEOUT_MS]]      connects at the first command that needs it
//
// Commands: unit N | coils A N | inputs A N | holding A N | registers A N | write A V | coil A V |
// write-many A V… | write-coils A B… | mask A AND OR | exchange WA V RA N | identify | raw OCTETS(hex PDU) |
// close | time (answers of all commands so far: longest, in microseconds)
#include <modbus/modbus.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Numbers = std::vector<int>;

struct Client {
  modbus_t* context = nullptr;
  bool connected = false;
  int unit = 1;
  long longest_us = 0;
};

template <typename T>
void show(int count, const std::vector<T>& values) {
  std::string text = "ok";
  for (int index = 0; index < count; ++index)
    text += ' ' + std::to_string(values[static_cast<size_t>(index)]);
  std::puts(text.c_str());
}

// libmodbus numbers exceptions from MODBUS_ENOBASE on; everything else is an errno or an error of its own.
void show_failure(Client& client) {
  const int error = errno;
  const int exception = error - MODBUS_ENOBASE;
  if (exception > 0 && exception < MODBUS_EXCEPTION_MAX) {
    std::printf("exception %d %s\n", exception, modbus_strerror(error));
    return;
  }
  std::printf("failed %s\n", modbus_strerror(error));
  if (error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == EBADF) {
    modbus_close(client.context);
    client.connected = false;
  }
}

void show_count(Client& client, int count) {
  if (count < 0) return show_failure(client);
  std::printf("ok %d\n", count);
}

std::vector<std::uint8_t> octets_of(const std::string& hex, int unit) {
  std::vector<std::uint8_t> octets{static_cast<std::uint8_t>(unit)};
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    std::uint8_t octet = 0;
    std::from_chars(hex.data() + at, hex.data() + at + 2, octet, 16);
    octets.push_back(octet);
  }
  return octets;
}

void raw(Client& client, const std::string& hex) {
  std::vector<std::uint8_t> request = octets_of(hex, client.unit);
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> answer{};
  int size = modbus_send_raw_request(client.context, request.data(), static_cast<int>(request.size()));
  if (size >= 0) size = modbus_receive_confirmation(client.context, answer.data());
  if (size < 0) return show_failure(client);
  if (size > 8 && (answer[7] & 0x80) != 0) {
    std::printf("exception %d %s\n", answer[8], modbus_strerror(MODBUS_ENOBASE + answer[8]));
    return;
  }
  std::string text = "ok ";
  for (int index = 7; index < size; ++index) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", answer[static_cast<std::size_t>(index)]);
    text += two.data();
  }
  std::puts(text.c_str());
}

void read(Client& client, const std::string& verb, int address, int count) {
  std::vector<std::uint8_t> bits(static_cast<std::size_t>(count) + 8);
  std::vector<std::uint16_t> words(static_cast<std::size_t>(count) + 8);
  int done = -1;
  if (verb == "coils") done = modbus_read_bits(client.context, address, count, bits.data());
  if (verb == "inputs") done = modbus_read_input_bits(client.context, address, count, bits.data());
  if (verb == "holding") done = modbus_read_registers(client.context, address, count, words.data());
  if (verb == "registers") done = modbus_read_input_registers(client.context, address, count, words.data());
  if (done < 0) return show_failure(client);
  verb == "coils" || verb == "inputs" ? show(done, bits) : show(done, words);
}

void write_many(Client& client, const std::string& verb, const Numbers& n) {
  std::vector<std::uint8_t> bits;
  std::vector<std::uint16_t> words;
  for (std::size_t index = 1; index < n.size(); ++index) {
    bits.push_back(n[index] != 0);
    words.push_back(static_cast<std::uint16_t>(n[index]));
  }
  const int count = static_cast<int>(words.size());
  show_count(client, verb == "write-coils"
                         ? modbus_write_bits(client.context, n[0], count, bits.data())
                         : modbus_write_registers(client.context, n[0], count, words.data()));
}

void exchange(Client& client, const Numbers& n) {
  const auto word = static_cast<std::uint16_t>(n[1]);
  std::vector<std::uint16_t> words(static_cast<std::size_t>(n[3]) + 8);
  const int done = modbus_write_and_read_registers(client.context, n[0], 1, &word, n[2], n[3], words.data());
  done < 0 ? show_failure(client) : show(done, words);
}

bool run(Client& client, const std::string& verb, const Numbers& n) {
  modbus_t* context = client.context;
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> identity{};
  if ((verb == "coils" || verb == "inputs" || verb == "holding" || verb == "registers") && n.size() == 2) {
    read(client, verb, n[0], n[1]);
  } else if (verb == "write" && n.size() == 2) {
    show_count(client, modbus_write_register(context, n[0], static_cast<std::uint16_t>(n[1])));
  } else if (verb == "coil" && n.size() == 2) {
    show_count(client, modbus_write_bit(context, n[0], n[1]));
  } else if ((verb == "write-many" || verb == "write-coils") && n.size() >= 2) {
    write_many(client, verb, n);
  } else if (verb == "mask" && n.size() == 3) {
    show_count(client, modbus_mask_write_register(context, n[0], static_cast<std::uint16_t>(n[1]),
                                                  static_cast<std::uint16_t>(n[2])));
  } else if (verb == "exchange" && n.size() == 4) {
    exchange(client, n);
  } else if (verb == "identify") {
    show_count(client, modbus_report_slave_id(context, static_cast<int>(identity.size()), identity.data()));
  } else {
    return false;
  }
  return true;
}

// False: the line is no command.
bool obey(Client& client, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  words >> verb;
  if (verb == "time") return std::printf("ok %ld\n", client.longest_us) > 0;
  if (verb == "unit") {
    words >> client.unit;
    return modbus_set_slave(client.context, client.unit) == 0 && std::puts("ok") >= 0;
  }
  if (verb == "close") {
    modbus_close(client.context);
    client.connected = false;
    return std::puts("ok") >= 0;
  }
  if (!client.connected && modbus_connect(client.context) != 0) {
    const bool silent = errno == EINPROGRESS;  // libmodbus: its timeout was over before any answer came
    std::printf("failed %s\n", silent ? "No answer to the connection request" : modbus_strerror(errno));
    return true;
  }
  client.connected = true;
  if (verb == "raw") {
    std::string hex;
    words >> hex;
    raw(client, hex);
    return true;
  }
  Numbers numbers;
  for (std::string text; words >> text;) numbers.push_back(std::stoi(text, nullptr, 0));
  return run(client, verb, numbers);
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: modbus_client ADDRESS [PORT [TIMEOUT_MS]] <COMMANDS\n");
    return 2;
  }
  const int port = count > 2 ? std::stoi(words[2]) : 502;
  const unsigned timeout_ms = count > 3 ? static_cast<unsigned>(std::stoi(words[3])) : 2000U;
  Client client;
  client.context = modbus_new_tcp(words[1], port);
  if (client.context == nullptr) return 2;
  modbus_set_slave(client.context, client.unit);
  modbus_set_response_timeout(client.context, timeout_ms / 1000, timeout_ms % 1000 * 1000);
  for (std::string line; std::getline(std::cin, line);) {
    const auto begun = std::chrono::steady_clock::now();
    if (!line.empty() && !obey(client, line)) std::printf("failed no such command: %s\n", line.c_str());
    const auto spent = std::chrono::steady_clock::now() - begun;
    const long spent_us = std::chrono::duration_cast<std::chrono::microseconds>(spent).count();
    if (spent_us > client.longest_us) client.longest_us = spent_us;
    std::fflush(stdout);
  }
  modbus_close(client.context);
  modbus_free(client.context);
}
