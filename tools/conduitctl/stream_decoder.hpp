// Decoding captures: puts each direction of a TCP conversation in order and cuts it into PDUs, as far as
// sense can be made of it. Forgiving where the engine is strict (mid-stream starts, gaps, one direction
// only): this is for reading captures, and no verdict comes from here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/engine/frame.hpp"
#include "protocols/core/decoder.hpp"

namespace conduit {

struct DecodedPdu {
  std::uint32_t frame = 0;
  const Protocol* protocol = nullptr;
  Role sender = Role::CLIENT;
  std::string source;  // "10.0.7.10:49152"
  std::string destination;
  Bytes bytes;                      // the judged part; of a malformed one what there was
  const char* malformed = nullptr;  // the field at fault
  PduHead head{};
};

// What a capture lacked, for the note at the end.
struct Missing {
  std::uint64_t streams_without_beginning = 0;
  std::uint64_t streams_one_direction = 0;
  std::uint64_t gaps = 0;
  std::uint64_t octets = 0;     // in gaps
  std::uint64_t pdus_cut = 0;   // PDUs whose end was never captured
  std::uint64_t fragments = 0;  // IP fragments, not put together
  std::uint64_t frames_unreadable = 0;
  std::uint64_t frames_cut = 0;  // captured shorter than on the wire
};

// Protocol by listening port.
using PortMap = std::map<std::pair<Transport, std::uint16_t>, const Protocol*>;
[[nodiscard]] PortMap registered_ports();

class PduSink {
 public:
  virtual void on_pdu(const DecodedPdu& pdu, PduState& state) = 0;

 protected:
  ~PduSink() = default;
};

class StreamDecoder {
 public:
  StreamDecoder(PortMap ports, PduSink& sink) : ports_(std::move(ports)), sink_(sink) {}

  void add(std::uint32_t frame, const ParsedFrame& parsed);
  // Ends all streams; call once, last.
  void finish();
  [[nodiscard]] const Missing& missing() const noexcept { return missing_; }
  [[nodiscard]] Missing& missing() noexcept { return missing_; }

 private:
  struct Key {
    Address source{};
    Address destination{};
    std::uint32_t ports = 0;
    VlanKey vlan = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Stream {
    const Protocol* protocol = nullptr;
    Role sender = Role::CLIENT;
    std::string source;
    std::string destination;
    Address source_address{};
    Address destination_address{};
    bool started = false;               // `next` is known
    std::uint32_t next = 0;             // sequence number of the next octet
    std::vector<std::uint8_t> waiting;  // in order, not yet a whole PDU
    struct Early {
      std::uint32_t frame = 0;
      std::vector<std::uint8_t> bytes;
    };
    std::map<std::uint32_t, Early> early;  // by distance from `base`
    std::uint32_t base = 0;
    SessionState* session = nullptr;              // of the connection, which both directions share
    std::vector<std::uint8_t>* pieces = nullptr;  // of a message in several datagrams
  };

  SessionState& session_of(const ParsedFrame& parsed);
  const Protocol* protocol_of(const ParsedFrame& parsed, Transport transport, Role& sender) const;
  void add_segment(std::uint32_t frame, Stream& stream, const ParsedFrame& parsed);
  void add_datagram(std::uint32_t frame, const ParsedFrame& parsed);
  void deliver(std::uint32_t frame, Stream& stream, Bytes bytes);
  void deliver_early(std::uint32_t frame, Stream& stream);  // frame 0: each with its own number
  void jump_gap(Stream& stream);
  void cut_pdus(std::uint32_t frame, Stream& stream);
  static void note_piece(const PduHead& head, std::vector<std::uint8_t>& pieces);
  void report(std::uint32_t frame, Stream& stream, Bytes bytes, const char* malformed);
  void note_associations(const Stream& stream, const Associations& told);
  [[nodiscard]] Role sender_of(const Stream& stream, const ParsedFrame& parsed, Bytes bytes) const;

  PortMap ports_;
  PduSink& sink_;
  std::map<Key, Stream> streams_;
  std::map<Key, SessionState> sessions_;             // by the lesser of a connection's two keys
  std::map<Key, std::vector<std::uint8_t>> pieces_;  // by direction
  // Connections that streams opened: who sends with this key from where to where.
  std::map<std::tuple<Address, Address, std::uint64_t>, Role> associations_;
  Missing missing_;
};

// "10.0.7.10", "fe80::1"
[[nodiscard]] std::string address_text(const Address& address);
// "10.0.7.10:502", "[fe80::1]:502"; without ports the address alone.
[[nodiscard]] std::string endpoint_text(const Address& address, std::uint16_t port, bool with_port);
[[nodiscard]] std::string mac_text(const Mac& mac);

}  // namespace conduit
