// Dialogues of S7comm: a connection is opened and set up, then jobs near the edges of the rules.
#include "tests/simulation/s7comm/s7comm_model.hpp"

#include <algorithm>

#include "tests/simulation/s7comm/s7comm_requests.hpp"

namespace conduit::simulation {
namespace {

using namespace s7comm;

// ISO 8073 §13.4: it repeats the reference.
bool is_confirm(View pdu, View request) {
  return pdu.size() >= 11 && pdu[5] == 0xD0 && get16(pdu, 6) == get16(request, 8);
}

// What the connection request has said holds for all that follows, once it is confirmed.
class S7commConversation final : public Conversation {
 public:
  [[nodiscard]] std::uint32_t standing(View) const override { return standing_; }
  void passed(View pdu, bool from_client) override {
    const std::optional<Place> place = from_client ? read_connect(pdu) : std::nullopt;
    if (place) {
      standing_ = as_standing(*place);
      request_.assign(pdu.begin(), pdu.end());
    }
    if (!from_client && standing_ != 0 && is_confirm(pdu, request_)) standing_ |= confirmed;
  }

 private:
  std::uint32_t standing_ = 0;
  Octets request_;
};

class Partner final : public ClientEnd {
 public:
  [[nodiscard]] Octets opening(const Rules& rules, Random& random) override {
    if (stage_ == 0) {
      Place place = dynamic_cast<const S7commRules&>(rules).place;
      if (random.chance(1, 16)) ++place.slot;
      return connect_request(place);
    }
    return stage_ == 1 ? setup_request() : Octets{};
  }
  [[nodiscard]] std::vector<Octets> on_pdu(View pdu) override {
    if (stage_ == 0 && pdu.size() > 5 && pdu[5] == 0xD0) stage_ = 1;
    // Refused (ISO 8073 §6.6.2): the same is not asked again. Who is honest hangs up.
    if (stage_ == 0 && pdu.size() > 5 && pdu[5] == 0x80) stage_ = 2;
    const std::optional<Octets> message = message_of(pdu);
    // An acknowledgement without parameters refuses the setup.
    if (stage_ == 1 && message && message->size() >= 12 && ((*message)[1] == 2 || (*message)[1] == 3))
      stage_ = 2;
    return {};
  }

 private:
  int stage_ = 0;
};

class S7commModel final : public ProtocolModel {
 public:
  [[nodiscard]] const char* name() const override { return "s7comm"; }
  [[nodiscard]] std::uint16_t port() const override { return 102; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }
  [[nodiscard]] Front front(View stream, bool) const override { return front_of(stream); }
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    return draw_request(random, dynamic_cast<const S7commRules&>(rules), number);
  }
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override {
    return draw_bad_request(random, number);
  }
  [[nodiscard]] Octets answer(View request, Random& random) const override {
    return draw_answer(request, random);
  }
  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override;
  [[nodiscard]] bool silent(View) const override { return false; }
  [[nodiscard]] bool strays(View request) const override {
    for (std::size_t at = 1; at + 6 <= request.size(); ++at) {
      const unsigned length = unsigned{request[at + 2]} << 8 | request[at + 3];
      const std::uint8_t code = request[at + 5];
      const bool acted_on = code == 0xF0 || code == 0xE0 || code == 0x80;
      if (length >= 7 && length <= 4096 && request[at + 4] >= 2 && acted_on) return true;
    }
    return false;
  }

  [[nodiscard]] std::unique_ptr<Conversation> conversation(Viewpoint) const override {
    return std::make_unique<S7commConversation>();
  }
  [[nodiscard]] std::unique_ptr<ClientEnd> client_end() const override { return std::make_unique<Partner>(); }
  [[nodiscard]] bool depends(View, View earlier) const override { return read_connect(earlier).has_value(); }
  [[nodiscard]] Octets other_answer(View request, View answer, Random& random) const override;
};

// The same reference, function and number of items; a confirmation for a connection request.
bool S7commModel::answers(View response, View request) const {
  if (response.size() < 7 || request.size() < 7) return false;
  if (request[5] == 0xE0) {
    if (response.size() < 11) return false;
    return (response[5] == 0xD0 || response[5] == 0x80) && get16(response, 6) == get16(request, 8);
  }
  const std::optional<Octets> answer = message_of(response);
  const std::optional<Octets> asked = message_of(request);
  if (!answer || !asked || answer->size() < 12 || asked->size() < 10) return false;
  const View a(*answer);
  const View q(*asked);
  if (a[0] != 0x32 || get16(a, 4) != get16(q, 4)) return false;
  if (q[1] == 7) {
    if (a[1] != 7 || q.size() < 18 || a.size() < 22) return false;
    return a[14] == 0x12 && a[15] == q[15] + 0x40 && a[16] == q[16];
  }
  if (a[1] != 2 && a[1] != 3) return false;
  if (get16(a, 6) + get16(a, 8) + 12 != a.size()) return false;
  if (get16(a, 10) != 0) return true;
  if (a.size() < 13 || q.size() < 11 || a[12] != q[10]) return false;
  if (q[10] != read_var && q[10] != write_var) return true;
  return a.size() > 13 && q.size() > 11 && a[13] == q[11];
}

// An answer to a read or write in which no item has succeeded.
bool all_failed(View message) {
  if (message.size() < 14 || (message[12] != read_var && message[12] != write_var)) return false;
  const std::size_t count = message[13];
  const std::size_t each = message[12] == read_var ? 4 : 1;
  if (message.size() != 14 + each * count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    if (message[14 + each * i] == 0xFF) return false;
  }
  return true;
}

bool S7commModel::is_negative(View response) const {
  if (response.size() < 7) return false;
  if (response[5] == 0x80) return true;
  const std::optional<Octets> message = message_of(response);
  if (!message || message->size() < 12) return false;
  if ((*message)[1] == 2 || (*message)[1] == 3) return get16(*message, 10) != 0 || all_failed(*message);
  return (*message)[1] == 7 && message->size() >= 22 && get16(*message, 20) != 0;
}

Octets S7commModel::other_answer(View, View answer, Random& random) const {
  const std::optional<Octets> message = message_of(answer);
  if (!message || message->size() < 13) return {};
  Octets other = *message;
  switch (random.below(4)) {
    case 0: ++other[5]; break;                                 // reference
    case 1: other[1] = 1; break;                               // a job
    case 2: other[1] == 3 ? ++other[12] : ++other[16]; break;  // function
    default: other[4] ^= 0x80;
  }
  return wrapped(other);
}

}  // namespace

const ProtocolModel& s7comm_model() {
  static const S7commModel model;
  return model;
}

}  // namespace conduit::simulation
