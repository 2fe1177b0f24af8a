// What the simulation knows of a protocol: a small generator of dialogues and rules, and a slow, simple
// judge. Written from the protocol's specification and the policy language; it uses nothing of protocols/ or
// dataplane/. A new protocol joins by a folder of its own here: <name>/<name>_model.hpp, <name>_model().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/packet.hpp"
#include "tests/simulation/random.hpp"

namespace conduit::simulation {

// Of what has to be known of a request (`standing`): the gateway may have joined its connection after a
// restart, and so know nothing of what came before. The other bits are the protocol's own.
inline constexpr std::uint32_t may_be_joined = 0x80000000;

// The allows of one service (client asset, server asset, protocol), as the reference understands them.
class Rules {
 public:
  virtual ~Rules() = default;
  // Their text: for each allow, what stands within `allow { … }` besides id, client, server, reason and
  // on_deny; and whether it is essential.
  struct Text {
    std::string text;  // e.g. "modbus { unit: 1 access: READ }"
    bool essential = false;
    bool back = false;  // of the direction from the server's zone: what the server says unasked
  };
  [[nodiscard]] virtual std::vector<Text> allows() const = 0;
  // Would a policy with these rules let this request pass (one whole PDU, malformed ones: false)? `standing`:
  // as its conversation says. `island`: only the essential ones count. Rate limits are left out.
  [[nodiscard]] virtual bool permits(View request, std::uint32_t standing, bool island) const = 0;
  // … this PDU of the server that answers nothing?
  [[nodiscard]] virtual bool permits_unasked(View /*pdu*/, bool /*island*/) const { return false; }
};

// What has passed on one connection as one reader sees it, for protocols in which the meaning of a PDU
// depends on those before it. Told of PDUs in the order in which they pass.
class Conversation {
 public:
  virtual ~Conversation() = default;
  // What has to be known of a request besides its octets, if it came now. 0: nothing.
  [[nodiscard]] virtual std::uint32_t standing(View request) const = 0;
  virtual void passed(View pdu, bool from_client) = 0;
  // A request that does not pass, as its client counts it.
  virtual void refused(View /*request*/) {}
  // A PDU of the server has come to the gateway; it may not pass.
  virtual void said(View /*pdu*/) {}
  // Of a reader of the server's stream: the client has sent this; and: what is wrong with the place of a PDU
  // in the stream, null if nothing is.
  virtual void asked(View /*request*/) {}
  [[nodiscard]] virtual const char* heard(View /*pdu*/) { return nullptr; }
};
// Whose numbers the PDUs have that a reader sees: the gateway may change them on the way.
enum class Viewpoint : std::uint8_t { CLIENT, SERVER };

// What stands at the front of a stream.
struct Front {
  enum class Kind : std::uint8_t { MORE, PDU, GARBAGE };
  Kind kind = Kind::MORE;
  std::size_t size = 0;  // PDU: its octets
};

// One end of a connection, as far as it has to remember something.
class End {
 public:
  virtual ~End() = default;
  // With the numbers that a PDU has on this connection if `ahead` others are sent before it; and: it is sent.
  [[nodiscard]] virtual Octets numbered(Octets pdu, std::uint8_t /*ahead*/) const { return pdu; }
  virtual void sent(View /*pdu*/) {}
  // Where PDUs are acknowledged by number: what it says when it has said nothing else for a while, and how
  // many of its PDUs it has sent, and knows to have come.
  [[nodiscard]] virtual std::vector<Octets> acknowledge() { return {}; }
  [[nodiscard]] virtual std::uint64_t sent_count() const { return 0; }
  [[nodiscard]] virtual std::uint64_t acknowledged_count() const { return 0; }
};

class ClientEnd : public End {
 public:
  // The next PDU of the exchange that opens a conversation, each when the one before has been answered.
  // Empty: it is open, or needs none.
  [[nodiscard]] virtual Octets opening(const Rules& /*rules*/, Random& /*random*/) { return {}; }
  // A PDU has come: what goes back at once and is no request (a confirmation).
  [[nodiscard]] virtual std::vector<Octets> on_pdu(View /*pdu*/) { return {}; }
};

class ProtocolModel;

class ServerEnd : public End {
 public:
  explicit ServerEnd(const ProtocolModel& protocol) : protocol_(protocol) {}
  // A request has come: its answer (empty: none), what belongs to it and comes later, and what the server
  // says besides, unasked.
  struct Reaction {
    Octets answer;
    std::vector<Octets> more;
    std::vector<Octets> unasked;
  };
  [[nodiscard]] virtual Reaction on_request(View request, Random& random);

 protected:
  const ProtocolModel& protocol_;
};

class ProtocolModel {
 public:
  virtual ~ProtocolModel() = default;
  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Rules> random_rules(Random& random) const = 0;

  [[nodiscard]] virtual Front front(View stream, bool from_client) const = 0;
  // First octets of a request that are framing alone. 0: none, or a PDU may take several frames.
  [[nodiscard]] virtual std::size_t framing_size() const { return 0; }
  // A request, near the edges of `rules`: about half of them permitted. `number` counts the requests of a
  // connection (for transaction numbers; some clients use one number for all).
  [[nodiscard]] virtual Octets request(Random& random, const Rules& rules, std::uint32_t number) const = 0;
  // A malformed or ambiguous request: lengths that disagree, unknown functions, trailing octets…
  [[nodiscard]] virtual Octets bad_request(Random& random, std::uint32_t number) const = 0;
  // What a device answers to a request it accepts; sometimes its own negative reply. Empty: no answer.
  [[nodiscard]] virtual Octets answer(View request, Random& random) const = 0;
  // Is it an answer that fits this request (its own function, or a negative reply to it)?
  [[nodiscard]] virtual bool answers(View response, View request) const = 0;
  [[nodiscard]] virtual bool is_negative(View response) const = 0;
  // May the request stay without an answer (broadcast)?
  [[nodiscard]] virtual bool silent(View request) const = 0;

  // Could a server that gives up a part of it find another request in the rest? In parts it may not pass.
  [[nodiscard]] virtual bool strays(View /*request*/) const { return false; }

  // How many operations a rate limit may count of it, at most.
  [[nodiscard]] virtual std::size_t operations_most(View request) const { return request.size(); }

  // For protocols with a memory; the others leave these as they are.
  // Without what may be changed on the way (numbers of a PDU's place in the stream).
  [[nodiscard]] virtual Octets plain(View pdu) const { return {pdu.begin(), pdu.end()}; }
  // Are they? From the first denial on, such a connection passes whole PDUs alone.
  [[nodiscard]] virtual bool renumbers() const { return false; }
  // Null: no PDU depends on those before it, and no server says anything unasked.
  [[nodiscard]] virtual std::unique_ptr<Conversation> conversation(Viewpoint /*whose*/) const {
    return nullptr;
  }
  [[nodiscard]] virtual std::unique_ptr<ClientEnd> client_end() const {
    return std::make_unique<ClientEnd>();
  }
  [[nodiscard]] virtual std::unique_ptr<ServerEnd> server_end() const {
    return std::make_unique<ServerEnd>(*this);
  }
  // What a client asks right behind `request`, if anything: operates what was selected, or nearly that.
  [[nodiscard]] virtual Octets follow_up(View /*request*/, std::uint32_t /*number*/,
                                         Random& /*random*/) const {
    return {};
  }
  // Is that only after the answer?
  [[nodiscard]] virtual bool follow_up_waits() const { return false; }
  // How many PDUs may answer it.
  [[nodiscard]] virtual std::size_t answers_most(View /*request*/) const { return 1; }
  // Does the standing of `request` depend on whether `earlier` has passed?
  [[nodiscard]] virtual bool depends(View /*request*/, View /*earlier*/) const { return false; }
  // Does a PDU of the server only acknowledge others?
  [[nodiscard]] virtual bool only_acknowledges(View /*pdu*/) const { return false; }
  // Something like `answer` that does not answer the request, and is well-formed. Empty: there is none.
  [[nodiscard]] virtual Octets other_answer(View /*request*/, View /*answer*/, Random& /*random*/) const {
    return {};
  }
};

// All protocols that have a folder here, in the order of their names.
[[nodiscard]] const std::vector<const ProtocolModel*>& protocols();
// Throws std::invalid_argument where there is none of this name.
[[nodiscard]] const ProtocolModel& find_model(const std::string& name);
// Null: none is spoken there.
[[nodiscard]] const ProtocolModel* protocol_at(std::uint16_t port);

}  // namespace conduit::simulation
