// Dialogues of DNP3: requests near the edges of the rules, selects and their operates, answers and reports of
// an outstation, some of which ask for a confirmation.
#include "tests/simulation/dnp3/dnp3_model.hpp"

#include <algorithm>
#include <set>

#include "tests/simulation/dnp3/dnp3_requests.hpp"

namespace conduit::simulation {
namespace {

using namespace dnp3;

std::optional<Head> head_in(const std::optional<Message>& message) {
  if (!message || !message->has_fragment) return {};
  return head_of(message->fragment);
}

// Which select may be operated (clause 4.4.3), and which fragments may be confirmed.
class Dnp3Conversation final : public Conversation {
 public:
  [[nodiscard]] std::uint32_t standing(View request) const override {
    const std::optional<Message> message = read_message(request);
    const std::optional<Head> head = head_in(message);
    if (!head || message->control != from_master_data) return 0;
    if (head->function == confirm)
      return to_confirm_.contains(place(message->addresses, *head)) ? confirms : 0;
    if (head->function != operate || !selected_ || selected_->addresses != message->addresses) return 0;
    const Octets& before = selected_->fragment;
    const Octets& now = message->fragment;
    const bool next = ((before[0] + 1) & 0x0F) == (now[0] & 0x0F);
    return next && std::equal(before.begin() + 2, before.end(), now.begin() + 2, now.end()) ? follows_select
                                                                                            : 0;
  }
  void passed(View pdu, bool from_client) override {
    const std::optional<Message> message = read_message(pdu);
    const std::optional<Head> head = head_in(message);
    if (!head) return;
    if (!from_client) {
      const Addresses back{message->addresses.source, message->addresses.destination};
      if (head->confirm) to_confirm_.insert(place(back, *head));
      return;
    }
    if (head->function == confirm || (head->function == operate && standing(pdu) != 0)) return;
    selected_.reset();
    if (head->function == select) selected_ = message;
  }

 private:
  using Place = std::pair<std::uint32_t, std::uint32_t>;
  static Place place(Addresses addresses, const Head& head) {
    return {std::uint32_t{addresses.destination} << 16 | addresses.source,
            head.sequence | (head.unsolicited ? 0x10U : 0)};
  }
  std::optional<Message> selected_;
  std::set<Place> to_confirm_;
};

class Master final : public ClientEnd {
 public:
  [[nodiscard]] std::vector<Octets> on_pdu(View pdu) override {
    const std::optional<Message> message = read_message(pdu);
    const std::optional<Head> head = head_in(message);
    if (!head || !head->confirm) return {};
    const Octets fragment{static_cast<std::uint8_t>(0xC0 | (head->unsolicited ? 0x10 : 0) | head->sequence),
                          confirm};
    return {frames(from_master_data, {message->addresses.source, message->addresses.destination}, fragment)};
  }
};

// At most one fragment of each kind waits for its confirmation.
class Outstation final : public ServerEnd {
 public:
  using ServerEnd::ServerEnd;
  [[nodiscard]] Reaction on_request(View request, Random& random) override {
    Reaction reaction;
    const std::optional<Message> message = read_message(request);
    if (!message) return reaction;
    const std::optional<Head> head = head_in(message);
    if (head && head->function == confirm) {
      (head->unsolicited ? reporting_ : waiting_) = false;
      return reaction;
    }
    const bool asks = !waiting_ && random.chance(1, 6);
    reaction.answer = draw_answer(*message, asks && message->has_fragment, random);
    waiting_ = waiting_ || (asks && message->has_fragment && !reaction.answer.empty());
    if (message->addresses.destination >= 0xFFFC || reporting_ || random.chance(5, 6)) return reaction;
    reporting_ = random.chance(2, 3);
    reaction.unasked.push_back(draw_unsolicited({message->addresses.source, message->addresses.destination},
                                                sequence_++, reporting_, random));
    return reaction;
  }

 private:
  bool waiting_ = false;
  bool reporting_ = false;
  std::uint8_t sequence_ = 0;
};

class Dnp3Model final : public ProtocolModel {
 public:
  [[nodiscard]] const char* name() const override { return "dnp3"; }
  [[nodiscard]] std::uint16_t port() const override { return 20000; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }
  [[nodiscard]] Front front(View stream, bool) const override { return front_of(stream); }
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    return draw_request(random, dynamic_cast<const Dnp3Rules&>(rules), number);
  }
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override {
    return draw_bad_request(random, number);
  }
  [[nodiscard]] Octets answer(View request, Random& random) const override {
    const std::optional<Message> message = read_message(request);
    return message ? draw_answer(*message, false, random) : Octets{};
  }
  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override;
  [[nodiscard]] bool silent(View request) const override {
    const std::optional<Message> message = read_message(request);
    return message && wants_no_answer(*message);
  }

  [[nodiscard]] std::unique_ptr<Conversation> conversation(Viewpoint) const override {
    return std::make_unique<Dnp3Conversation>();
  }
  [[nodiscard]] std::unique_ptr<ClientEnd> client_end() const override { return std::make_unique<Master>(); }
  [[nodiscard]] std::unique_ptr<ServerEnd> server_end() const override {
    return std::make_unique<Outstation>(*this);
  }
  [[nodiscard]] Octets follow_up(View request, std::uint32_t number, Random& random) const override {
    return draw_operate(request, number, random);
  }
  [[nodiscard]] bool depends(View request, View earlier) const override;
  [[nodiscard]] Octets other_answer(View request, View answer, Random& random) const override;
};

// The same stations and sequence number, the outstation's direction (clauses 4.2.2.4, 9.2.4).
bool Dnp3Model::answers(View octets, View request) const {
  const std::optional<Message> message = read_message(octets);
  const std::optional<Message> asked = read_message(request);
  if (!message || !asked || wants_no_answer(*asked)) return false;
  if (message->addresses.destination != asked->addresses.source) return false;
  const bool anyone = asked->addresses.destination == self_address;
  if (!anyone && message->addresses.source != asked->addresses.destination) return false;
  if (message->has_fragment != asked->has_fragment) return false;
  if (!asked->has_fragment) {
    if (message->control == 0x0F) return true;
    return message->control == ((asked->control & 0x0F) == 9 ? 0x0B : 0x00);
  }
  const std::optional<Head> head = head_of(message->fragment);
  const std::optional<Head> wish = head_of(asked->fragment);
  if (!head || !wish || message->control != from_outstation_data || message->fragment.size() < 4)
    return false;
  return head->function == response && !head->unsolicited && head->first && head->last &&
         head->sequence == wish->sequence;
}

bool Dnp3Model::is_negative(View octets) const {
  const std::optional<Message> message = read_message(octets);
  if (!message) return false;
  if (!message->has_fragment) return message->control == 0x0F;
  return message->fragment.size() == 4 && message->fragment[1] == response &&
         (message->fragment[3] & 0x17) != 0;
}

bool Dnp3Model::depends(View request, View earlier) const {
  const std::optional<Head> now = head_in(read_message(request));
  const std::optional<Head> before = head_in(read_message(earlier));
  return now && before && now->function == operate && before->function == select;
}

Octets Dnp3Model::other_answer(View, View answer, Random& random) const {
  std::optional<Message> message = read_message(answer);
  if (!message) return {};
  if (!message->has_fragment) return frame(message->control ^ 0x0B, message->addresses, {});
  switch (random.below(6)) {
    case 0: ++message->addresses.destination; break;
    case 1: ++message->addresses.source; break;
    case 2: message->fragment[0] ^= 0x01; break;
    case 3: message->fragment[1] = static_cast<std::uint8_t>(unsolicited); break;
    case 4: message->fragment[1] = 1; break;
    case 5: message->control ^= 0x80; break;
    default: break;
  }
  return frames(message->control, message->addresses, message->fragment);
}

}  // namespace

const ProtocolModel& dnp3_model() {
  static const Dnp3Model model;
  return model;
}

}  // namespace conduit::simulation
