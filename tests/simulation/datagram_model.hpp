// What the simulation knows of a protocol whose PDUs are datagrams, as ProtocolModel does of streams: one PDU
// is the whole of one datagram.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/protocol.hpp"

namespace conduit::simulation {

// What readers of the datagrams between two ports put together of those that are parts of one PDU.
class PartReader {
 public:
  virtual ~PartReader() = default;
  // A PDU has come to them: what some reader has as a whole now, each as one PDU.
  [[nodiscard]] virtual std::vector<Octets> take(View pdu) = 0;
  // What the other side has said of that: some of it is done with.
  virtual void answered(View pdu) = 0;
};

class DatagramModel {
 public:
  virtual ~DatagramModel() = default;
  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Their allows say that they are for datagrams, where the protocol knows both.
  [[nodiscard]] virtual std::unique_ptr<Rules> random_rules(Random& random) const = 0;

  [[nodiscard]] virtual Octets request(Random& random, const Rules& rules, std::uint32_t number) const = 0;
  [[nodiscard]] virtual Octets bad_request(Random& random, std::uint32_t number) const = 0;
  [[nodiscard]] virtual Octets answer(View request, Random& random) const = 0;
  // Is it an answer that fits this request (its own function, or a negative reply to it)?
  [[nodiscard]] virtual bool answers(View response, View request) const = 0;
  [[nodiscard]] virtual bool is_negative(View response) const = 0;
  // May the request stay without an answer?
  [[nodiscard]] virtual bool silent(View request) const = 0;
  // Is a malformed request refused all the same? Else it vanishes.
  [[nodiscard]] virtual bool well_formed(View request) const = 0;

  // Either side may ask, between the port of the protocol on both: what is an answer shows in itself. Else
  // what comes from that port is.
  [[nodiscard]] virtual bool both_ask() const { return false; }
  [[nodiscard]] virtual bool is_answer(View /*pdu*/) const { return false; }
  // For protocols whose PDUs may be parts of a larger one; the others leave these as they are.
  // Is it a part, or does it ask for an answer in parts?
  [[nodiscard]] virtual bool in_parts(View /*pdu*/) const { return false; }
  // Does who has asked say it of an exchange that is under way?
  [[nodiscard]] virtual bool goes_on(View /*pdu*/) const { return false; }
  [[nodiscard]] virtual std::unique_ptr<PartReader> part_reader() const { return nullptr; }
  // The request in parts.
  [[nodiscard]] virtual std::vector<Octets> cut(View /*request*/, Random& /*random*/) const { return {}; }

  // The same for a request and its answers, and unlike that of other requests under way between two ports.
  [[nodiscard]] virtual Octets exchange(View pdu, bool is_request) const = 0;
  // Octets of the PDU at the front by its own account, for receivers that do not look at the rest; 0: none.
  [[nodiscard]] virtual std::size_t front(View datagram) const = 0;
  // An answer to the request from which nothing but its number is different, or its function.
  [[nodiscard]] virtual Octets other_answer(View answer, Random& random) const = 0;
};

[[nodiscard]] const std::vector<const DatagramModel*>& datagram_models();
// Null: there is none of this name.
[[nodiscard]] const DatagramModel* find_datagram_model(const std::string& name);

}  // namespace conduit::simulation
