// A Modbus/TCP server on libmodbus that writes down every request it received, one JSON object a line:
//   {"connection":1,"unit":1,"function":6,"pdu":"06002803e8"}
// What is not in that file did not reach the server, whatever the client was told.
//
//   modbus_server LOG ADDRESS[:PORT]…     until SIGTERM; 1000 coils, inputs and registers, address 0 to 999
//
// One thread a connection, so that a client which sends slowly holds up nobody but itself.
#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int object_count = 1000;
constexpr std::size_t header_size = 7;  // MBAP

struct Plant {
  std::mutex mutex;
  modbus_mapping_t* mapping = nullptr;
  std::FILE* log = nullptr;
  int connection_count = 0;
};

std::string hex(const std::uint8_t* octets, std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t index = 0; index < count; ++index) {
    text += digits[octets[index] >> 4];
    text += digits[octets[index] & 15];
  }
  return text;
}

void write_down(Plant& plant, int connection, const std::uint8_t* request, std::size_t size) {
  if (size <= header_size) return;
  std::fprintf(plant.log, "{\"connection\":%d,\"unit\":%u,\"function\":%u,\"pdu\":\"%s\"}\n", connection,
               request[header_size - 1], request[header_size],
               hex(request + header_size, size - header_size).c_str());
  std::fflush(plant.log);
}

void serve(Plant& plant, int socket) {
  int connection = 0;
  {
    const std::lock_guard lock(plant.mutex);
    connection = ++plant.connection_count;
  }
  modbus_t* context =
      modbus_new_tcp("127.0.0.1", 502);  // of the address nothing is used: the socket is given
  modbus_set_socket(context, socket);
  modbus_set_byte_timeout(context, 30, 0);  // requests may arrive an octet at a time
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> request{};
  for (;;) {
    const int size = modbus_receive(context, request.data());
    if (size < 0) break;
    if (size == 0) continue;
    const std::lock_guard lock(plant.mutex);
    write_down(plant, connection, request.data(), static_cast<std::size_t>(size));
    if (modbus_reply(context, request.data(), size, plant.mapping) < 0) break;
  }
  modbus_close(context);
  modbus_free(context);
}

int listen_on(const std::string& where) {
  const std::size_t colon = where.find(':');
  const std::string address = where.substr(0, colon);
  std::uint16_t port = 502;
  if (colon != std::string::npos)
    std::from_chars(where.data() + colon + 1, where.data() + where.size(), port);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1 ||
      ::bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(socket, 16) != 0) {
    std::fprintf(stderr, "modbus_server: %s: %s\n", where.c_str(), std::strerror(errno));
    return -1;
  }
  return socket;
}

void accept_all(Plant& plant, int listener) {
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    std::thread(serve, std::ref(plant), socket).detach();
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: modbus_server LOG ADDRESS[:PORT]…\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  static Plant plant;  // outlives the threads, which end with the process
  plant.log = std::fopen(words[1], "ae");
  plant.mapping = modbus_mapping_new(object_count, object_count, object_count, object_count);
  if (plant.log == nullptr || plant.mapping == nullptr) {
    std::fprintf(stderr, "modbus_server: %s: %s\n", words[1], std::strerror(errno));
    return 2;
  }
  for (int index = 0; index < object_count; ++index) {
    plant.mapping->tab_registers[index] = static_cast<std::uint16_t>(1000 + index);
    plant.mapping->tab_input_registers[index] = static_cast<std::uint16_t>(2000 + index);
  }
  std::vector<int> listeners;
  for (int index = 2; index < count; ++index) {
    listeners.push_back(listen_on(words[index]));
    if (listeners.back() < 0) return 2;
  }
  std::vector<std::thread> threads;
  for (const int listener : listeners) threads.emplace_back(accept_all, std::ref(plant), listener);
  std::printf("listening\n");
  std::fflush(stdout);
  for (std::thread& thread : threads) thread.join();
}
