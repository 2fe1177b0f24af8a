// Dialogues of IEC 60870-5-104: data transfer is started, then commands, selections and interrogations near
// the edges of the rules; both ends number their frames, and acknowledge.
#include "tests/simulation/iec104/iec104_model.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>

#include "tests/simulation/iec104/iec104_rules.hpp"

namespace conduit::simulation {
namespace {

using namespace iec104;

std::uint32_t after(std::uint32_t number) { return (number + 1) % modulus; }
// How far `to` is beyond `from`.
std::uint32_t distance(std::uint32_t from, std::uint32_t to) { return (to + modulus - from) % modulus; }

bool is_i(View apdu) {
  const std::optional<Apci> apci = read_apci(apdu);
  return apci && apci->format == Format::I;
}

// One direction's numbers as its receiver counts them, and what the other side has sent.
struct Count {
  std::uint32_t next = 0;   // N(S) that is due
  std::uint32_t acked = 0;  // last N(R)
  std::uint32_t other = 0;  // N(S) that is due in the other direction

  [[nodiscard]] bool acknowledges(const Apci& apci) const {
    return distance(acked, apci.receive) <= distance(acked, other);
  }
  void take(const Apci& apci) {
    if (apci.format == Format::U) return;
    if (apci.format == Format::I && apci.send == next) next = after(next);
    if (acknowledges(apci)) acked = apci.receive;
  }
  // Frames of the other side may be told of twice.
  void take_other(View apdu) {
    const std::optional<Apci> apci = read_apci(apdu);
    if (apci && apci->format == Format::I && distance(other, apci->send) < modulus / 2)
      other = after(apci->send);
  }
};

class Iec104Conversation final : public Conversation {
 public:
  explicit Iec104Conversation(Viewpoint whose) : whose_(whose) {}

  [[nodiscard]] std::uint32_t standing(View request) const override {
    const std::optional<Apci> apci = read_apci(request);
    if (!apci || apci->format == Format::U) return 0;
    const std::uint32_t right = known | (count_.acknowledges(*apci) ? acknowledges : 0);
    if (apci->format == Format::S) return right;
    const std::uint32_t due = apci->send == count_.next ? in_sequence : 0;
    return right | due | (started_ ? started : 0) | (is_selected(request) ? selected : 0);
  }
  void passed(View pdu, bool from_client) override {
    const std::optional<Apci> apci = read_apci(pdu);
    if (!apci) return;
    if (!from_client) {
      if (apci->format == Format::U && apci->control == 0x0B) started_ = true;
      if (whose_ == Viewpoint::CLIENT) count_.take_other(pdu);
      return note_confirmation(pdu);
    }
    if (apci->format == Format::I) note_command(pdu);
    count_.take(*apci);
  }
  void refused(View request) override {
    if (const std::optional<Apci> apci = read_apci(request)) count_.take(*apci);
  }
  void said(View pdu) override {
    if (whose_ == Viewpoint::SERVER) count_.take_other(pdu);
  }
  void asked(View request) override { told_.take_other(request); }
  [[nodiscard]] const char* heard(View pdu) override {
    const std::optional<Apci> apci = read_apci(pdu);
    if (!apci || apci->format == Format::U) return nullptr;
    const char* wrong = nullptr;
    if (apci->format == Format::I && apci->send != told_.next) wrong = "a frame out of its sequence";
    if (!told_.acknowledges(*apci)) wrong = "acknowledges what was not sent, or goes back";
    told_.take(*apci);
    return wrong;
  }

 private:
  struct Selection {
    Asdu asdu;
    bool confirmed = false;
  };
  static Asdu without_select(Asdu asdu) {
    if (const std::optional<std::size_t> at = qualifier_at(asdu)) asdu.element[*at] &= 0x7F;
    return asdu;
  }
  [[nodiscard]] bool is_selected(View request) const {
    const std::optional<Asdu> asdu = read_asdu(request);
    if (!asdu || !is_command(asdu->type) || !qualifier_at(*asdu) || selects(*asdu)) return false;
    return std::any_of(selections_.begin(), selections_.end(), [&](const Selection& each) {
      return each.confirmed && each.asdu.originator == asdu->originator &&
             same_command(without_select(each.asdu), *asdu);
    });
  }
  void note_command(View request) {
    const std::optional<Asdu> asdu = read_asdu(request);
    if (!asdu || !is_command(asdu->type) || !qualifier_at(*asdu)) return;
    if (selects(*asdu) && asdu->cause == activation) {
      selections_.push_back({*asdu, false});
      if (selections_.size() > 2) selections_.pop_front();
      return;
    }
    selections_.erase(std::remove_if(selections_.begin(), selections_.end(),
                                     [&](const Selection& each) {
                                       return same_command(without_select(each.asdu), without_select(*asdu));
                                     }),
                      selections_.end());
  }
  void note_confirmation(View pdu) {
    const std::optional<Asdu> asdu = is_i(pdu) ? read_asdu(pdu) : std::nullopt;
    if (!asdu || asdu->cause != activation_con || asdu->negative) return;
    for (Selection& each : selections_) each.confirmed = each.confirmed || same_command(each.asdu, *asdu);
  }

  Viewpoint whose_;
  bool started_ = false;
  Count count_;  // of the client's frames
  Count told_;   // of the server's frames
  std::deque<Selection> selections_;
};

// Numbers of one end (104 §5.1).
struct Numbers {
  std::uint32_t send = 0;
  std::uint32_t receive = 0;
  std::uint32_t unacknowledged = 0;  // received
  std::uint64_t sent_count = 0;
  std::uint32_t acknowledged = 0;  // the other side's last N(R)

  void take(View apdu) {
    const std::optional<Apci> apci = read_apci(apdu);
    if (!apci || apci->format == Format::U) return;
    acknowledged = apci->receive;
    if (apci->format != Format::I) return;
    receive = after(apci->send);
    ++unacknowledged;
  }
  [[nodiscard]] Octets numbered(Octets apdu, std::uint32_t ahead) const {
    return with_numbers(std::move(apdu), (send + ahead) % modulus, receive);
  }
  void sent(View apdu) {
    if (!is_i(apdu)) return;
    send = after(send);
    ++sent_count;
    unacknowledged = 0;
  }
  [[nodiscard]] std::uint64_t acknowledged_count() const { return sent_count - distance(acknowledged, send); }
  // An S-frame in time (104 §5.5: w; 1: t2 is over).
  [[nodiscard]] std::vector<Octets> acknowledge(std::uint32_t most) {
    if (unacknowledged < most) return {};
    unacknowledged = 0;
    return {s_frame(receive)};
  }
};

class ControllingStation final : public ClientEnd {
 public:
  [[nodiscard]] Octets numbered(Octets pdu, std::uint8_t ahead) const override {
    return numbers_.numbered(std::move(pdu), ahead);
  }
  void sent(View pdu) override { numbers_.sent(pdu); }
  [[nodiscard]] Octets opening(const Rules&, Random&) override { return open_ ? Octets{} : u_frame(startdt); }
  [[nodiscard]] std::vector<Octets> acknowledge() override { return numbers_.acknowledge(1); }
  [[nodiscard]] std::uint64_t sent_count() const override { return numbers_.sent_count; }
  [[nodiscard]] std::uint64_t acknowledged_count() const override { return numbers_.acknowledged_count(); }
  [[nodiscard]] std::vector<Octets> on_pdu(View pdu) override {
    const std::optional<Apci> apci = read_apci(pdu);
    if (!apci) return {};
    if (apci->format == Format::U && apci->control == 0x0B) open_ = true;
    numbers_.take(pdu);
    return numbers_.acknowledge(3);
  }

 private:
  bool open_ = false;
  Numbers numbers_;
};

Octets report(std::uint16_t station, std::uint8_t cause, Random& random) {
  Asdu asdu;
  asdu.type = random.chance(1, 2) ? 1 : 11;
  asdu.cause = cause;
  asdu.common_address = station;
  asdu.object_address = static_cast<std::uint32_t>(1 + random.below(10));
  asdu.sequence = random.chance(1, 2);
  asdu.count = static_cast<std::uint8_t>(random.between(1, 3));
  for (std::uint8_t i = 0; i < asdu.count; ++i) {
    if (i != 0 && !asdu.sequence)
      asdu.element.insert(asdu.element.end(), {static_cast<std::uint8_t>(20 + i), 0, 0});
    if (asdu.type == 11)
      asdu.element.insert(asdu.element.end(), {static_cast<std::uint8_t>(random.below(100)), 0});
    asdu.element.push_back(static_cast<std::uint8_t>(asdu.type == 1 ? random.below(2) : 0));
  }
  return write_asdu(asdu);
}

class ControlledStation final : public ServerEnd {
 public:
  using ServerEnd::ServerEnd;
  [[nodiscard]] Octets numbered(Octets pdu, std::uint8_t ahead) const override {
    return numbers_.numbered(std::move(pdu), ahead);
  }
  void sent(View pdu) override { numbers_.sent(pdu); }
  [[nodiscard]] std::vector<Octets> acknowledge() override { return numbers_.acknowledge(1); }
  [[nodiscard]] std::uint64_t sent_count() const override { return numbers_.sent_count; }
  [[nodiscard]] std::uint64_t acknowledged_count() const override { return numbers_.acknowledged_count(); }
  [[nodiscard]] Reaction on_request(View request, Random& random) override {
    Reaction reaction;
    reaction.answer = protocol_.answer(request, random);
    numbers_.take(request);
    const std::optional<Asdu> asdu = is_i(request) ? read_asdu(request) : std::nullopt;
    if (!asdu) return reaction;
    add_more(*asdu, reaction, random);
    if (random.chance(1, 5)) reaction.unasked.push_back(report(asdu->common_address, 3, random));
    return reaction;
  }

 private:
  static void add_more(const Asdu& asked, Reaction& reaction, Random& random) {
    const std::optional<Asdu> answer = read_asdu(reaction.answer);
    if (!answer || answer->negative || answer->cause != activation_con) return;
    const bool executes = is_command(asked.type) && !selects(asked);
    // Interrogations are always terminated (101 §7.4.5, §7.4.8): else another one for the same would have to
    // be told from what is left of the first.
    const bool interrogates = asked.type == 100 || asked.type == 101;
    if (!executes && !interrogates) return;
    if (asked.type == 100) reaction.more.push_back(report(asked.common_address, asked.element[0], random));
    if (executes && random.chance(1, 8)) return;  // many never say that they are through
    Asdu end = *answer;
    end.cause = termination;
    reaction.more.push_back(write_asdu(end));
  }

  Numbers numbers_;
};

std::uint32_t near(Random& random, const std::vector<Span>& spans, std::uint32_t otherwise) {
  if (spans.empty()) return 1 + static_cast<std::uint32_t>(random.below(otherwise));
  const Span& span = random.pick(spans);
  if (random.chance(2, 3)) return static_cast<std::uint32_t>(random.between(span.first, span.last));
  const std::uint32_t edge = random.chance(1, 2) ? span.first : span.last;
  if (random.chance(1, 2)) return edge;
  return random.chance(1, 2) || edge == 0 ? edge + 1 : edge - 1;
}

double draw_value(Random& random, const Allow& allow) {
  if (allow.values.empty()) return static_cast<double>(random.below(200)) - 50;
  const auto& [low, high] = random.pick(allow.values);
  switch (random.below(6)) {
    case 0: return low;
    case 1: return high;
    case 2: return low - 1;
    case 3: return high + 1;
    default: return low + static_cast<double>(random.below(static_cast<std::uint64_t>(high - low) + 1));
  }
}

// Behind a command that has one; now and then an invalid one.
void put_time(Asdu& asdu, Random& random) {
  if (asdu.type < timed_command) return;
  const auto second = static_cast<std::uint8_t>(random.below(0xE0));
  const std::uint8_t invalid = random.chance(1, 16) ? 0x80 : 0;
  asdu.element.insert(asdu.element.end(),
                      {0x10, second, static_cast<std::uint8_t>(30 | invalid), 12, 28, 11, 26});
}

void put_command(Asdu& asdu, Random& random, const Allow& allow) {
  const double value = draw_value(random, allow);
  const auto qualifier = static_cast<std::uint8_t>(near(random, allow.qualifiers, 3));
  bool select = random.chance(1, 2);
  if (!allow.selects.empty() && random.chance(3, 4)) select = random.pick(allow.selects) == 1;
  const auto select_bit = static_cast<std::uint8_t>(select ? 0x80 : 0);
  const int type = asdu.type >= timed_command ? asdu.type - 13 : asdu.type;
  if (type <= 46) {
    const int state = type == 45 ? static_cast<int>(random.below(2)) : static_cast<int>(random.between(1, 2));
    asdu.element = {static_cast<std::uint8_t>(select_bit | (qualifier & 0x1F) << 2 | state)};
    return put_time(asdu, random);
  }
  if (type == 49) {
    const auto scaled = static_cast<std::int16_t>(value);
    asdu.element = {static_cast<std::uint8_t>(scaled), static_cast<std::uint8_t>(scaled >> 8)};
  } else {
    const auto narrow =
        random.chance(1, 24) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(value);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &narrow, sizeof bits);
    for (int i = 0; i < 4; ++i) asdu.element.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
  }
  asdu.element.push_back(static_cast<std::uint8_t>(select_bit | (qualifier & 0x7F)));
  put_time(asdu, random);
}

std::uint16_t draw_function(Random& random, const Allow& allow) {
  static const std::vector<std::uint16_t> usual{45,  45,  46,  49,  50,  58,  62, 100,
                                                100, 102, 101, 103, 105, 323, 275};
  if (!allow.functions.empty() && random.chance(4, 5)) {
    const std::uint16_t function = random.pick(allow.functions);
    return function == link_control + startdt ? 100 : function;
  }
  if (!allow.classes.empty() && random.chance(2, 3)) {
    if (allow.classes[0] == Class::READ) return random.chance(1, 2) ? 100 : 102;
    if (allow.classes[0] == Class::OPERATE) return random.pick(std::vector<std::uint16_t>{45, 49, 59, 63});
    return random.chance(1, 2) ? 103 : 105;
  }
  return random.pick(usual);
}

// Well framed, wrong inside: from the type on.
const std::vector<Octets>& bad_asdus() {
  static const std::vector<Octets> all{
      {45, 2, 6, 0, 1, 0, 1, 0, 0, 1, 2, 0, 0, 1},  // two commands in one
      {45, 0x81, 6, 0, 1, 0, 1, 0, 0, 1},           // a sequence of commands
      {45, 1, 6, 0, 0, 0, 1, 0, 0, 1},              // nobody's
      {45, 1, 6, 0, 1, 0, 1, 0, 0, 3},              // a reserved bit
      {45, 1, 6, 0, 1, 0, 1, 0, 0, 1, 0},           // an octet too many
      {45, 1, 6, 0, 1, 0, 1, 0, 0},                 // one too few
      {45, 1, 7, 0, 1, 0, 1, 0, 0, 1},              // a confirmation from a client
      {45, 1, 0x46, 0, 1, 0, 1, 0, 0, 1},           // negative
      {45, 1, 3, 0, 1, 0, 1, 0, 0, 1},              // spontaneous
      {45, 1, 6, 0, 0xFF, 0xFF, 1, 0, 0, 1},        // to all stations
      {46, 1, 6, 0, 1, 0, 1, 0, 0, 0},              // neither off nor on
      {46, 1, 6, 0, 1, 0, 1, 0, 0, 3},
      {45, 0, 6, 0, 1, 0},                // no object
      {100, 1, 6, 0, 1, 0, 1, 0, 0, 20},  // an address where there is none
      {100, 1, 5, 0, 1, 0, 0, 0, 0, 20},
      {102, 1, 6, 0, 1, 0, 1, 0, 0},
      {103, 1, 6, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 1, 1, 26},
      {1, 1, 3, 0, 1, 0, 1, 0, 0, 1},  // reports from a client
      {0, 1, 6, 0, 1, 0, 1, 0, 0, 1},
      {200, 1, 6, 0, 1, 0, 1, 0, 0, 1},                                   // a private type
      {59, 1, 6, 0, 1, 0, 1, 0, 0, 1},                                    // without its time
      {58, 1, 6, 0, 1, 0, 1, 0, 0, 1, 0x60, 0xEA, 30, 12, 28, 11, 26},    // a minute of 60 000 ms
      {58, 1, 6, 0, 1, 0, 1, 0, 0, 1, 0x10, 0x27, 0x5E, 12, 28, 11, 26},  // a reserved bit
  };
  return all;
}

class Iec104Model final : public ProtocolModel {
 public:
  [[nodiscard]] const char* name() const override { return "iec104"; }
  [[nodiscard]] std::uint16_t port() const override { return 2404; }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return draw_rules(random);
  }
  [[nodiscard]] Front front(View stream, bool) const override { return front_of(stream); }
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override;
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override;
  [[nodiscard]] Octets answer(View request, Random& random) const override;
  [[nodiscard]] bool answers(View response, View request) const override;
  [[nodiscard]] bool is_negative(View response) const override;
  [[nodiscard]] bool silent(View request) const override {
    const std::optional<Apci> apci = read_apci(request);
    return apci && apci->format == Format::S;
  }

  [[nodiscard]] bool only_acknowledges(View pdu) const override { return silent(pdu); }
  [[nodiscard]] Octets plain(View pdu) const override {
    Octets octets(pdu.begin(), pdu.end());
    const std::optional<Apci> apci = read_apci(pdu);
    if (!apci || apci->format == Format::U) return octets;
    if (apci->format == Format::S) return s_frame(0);
    return with_numbers(std::move(octets), 0, 0);
  }
  [[nodiscard]] bool renumbers() const override { return true; }
  [[nodiscard]] std::unique_ptr<Conversation> conversation(Viewpoint whose) const override {
    return std::make_unique<Iec104Conversation>(whose);
  }
  [[nodiscard]] std::unique_ptr<ClientEnd> client_end() const override {
    return std::make_unique<ControllingStation>();
  }
  [[nodiscard]] std::unique_ptr<ServerEnd> server_end() const override {
    return std::make_unique<ControlledStation>(*this);
  }
  [[nodiscard]] Octets follow_up(View request, std::uint32_t number, Random& random) const override;
  [[nodiscard]] bool follow_up_waits() const override { return true; }
  [[nodiscard]] std::size_t answers_most(View request) const override { return is_i(request) ? 4 : 1; }
  [[nodiscard]] bool depends(View request, View earlier) const override {
    const std::optional<Apci> before = read_apci(earlier);
    if (!before || before->format == Format::S) return false;
    if (before->format == Format::U) return before->control == startdt;
    const std::optional<Asdu> now = is_i(request) ? read_asdu(request) : std::nullopt;
    const std::optional<Asdu> then = read_asdu(earlier);
    return now && then && is_command(now->type) && now->type == then->type &&
           now->object_address == then->object_address;
  }
  [[nodiscard]] Octets other_answer(View request, View answer, Random& random) const override;
};

Octets Iec104Model::request(Random& random, const Rules& rules, std::uint32_t) const {
  const Allow& allow = random.pick(dynamic_cast<const Iec104Rules&>(rules).list);
  const std::uint16_t function = draw_function(random, allow);
  if (function >= link_control) return u_frame(static_cast<std::uint8_t>(function - link_control));
  Asdu asdu;
  asdu.type = static_cast<std::uint8_t>(function);
  asdu.count = 1;
  asdu.cause = activation;
  asdu.originator = static_cast<std::uint8_t>(random.chance(1, 4) ? 3 : 0);
  asdu.test = random.chance(1, 24);
  asdu.common_address = allow.common_addresses.empty() ? 1 : random.pick(allow.common_addresses);
  if (random.chance(1, 12)) asdu.common_address = static_cast<std::uint16_t>(random.between(1, 4));
  if (random.chance(1, 40)) asdu.common_address = 0xFFFF;
  switch (function) {
    case 100:
      asdu.element = {static_cast<std::uint8_t>(20 + (near(random, allow.qualifiers, 3) - 1) % 17)};
      if (!allow.qualifiers.empty())
        asdu.element = {static_cast<std::uint8_t>(near(random, allow.qualifiers, 1))};
      if (random.chance(1, 8)) asdu.cause = deactivation;
      break;
    case 101: asdu.element = {static_cast<std::uint8_t>(random.chance(3, 4) ? 5 : 0x45)}; break;
    case 102:
      asdu.cause = 5;
      asdu.object_address = near(random, allow.object_addresses, 20);
      break;
    case 103: asdu.element = {0x10, 0x27, 30, 12, 28, 11, 26}; break;
    case 105: asdu.element = {1}; break;
    default: asdu.object_address = near(random, allow.object_addresses, 20); put_command(asdu, random, allow);
  }
  Octets apdu = write_asdu(asdu);
  if (!random.chance(1, 30)) return apdu;
  apdu.push_back(0);  // an octet too many
  apdu[1] = static_cast<std::uint8_t>(apdu[1] + 1);
  return apdu;
}

Octets Iec104Model::bad_request(Random& random, std::uint32_t) const {
  switch (random.below(10)) {
    case 0: return {0x68, 4, 0x0F, 0, 0, 0};  // two functions
    case 1: return {0x68, 4, 0x43, 0, 1, 0};  // reserved bits
    case 2: return {0x68, 5, 0x43, 0, 0, 0, 0};
    case 3: return {0x68, 4, 0x0B, 0, 0, 0};  // a confirmation that nobody waits for
    default: break;
  }
  Octets apdu{0x68, 0, 0, 0, 0, 0};
  const Octets& asdu = random.pick(bad_asdus());
  apdu.insert(apdu.end(), asdu.begin(), asdu.end());
  apdu[1] = static_cast<std::uint8_t>(apdu.size() - 2);
  return apdu;
}

Octets Iec104Model::answer(View request, Random& random) const {
  const std::optional<Apci> apci = read_apci(request);
  if (!apci || !read_request(request)) return {};
  if (apci->format == Format::U)
    return u_frame(static_cast<std::uint8_t>((apci->control & 3) | (apci->control & 0xFC) << 1));
  Asdu asdu = *read_asdu(request);
  if (asdu.type == 102) {
    asdu.type = 11;
    asdu.element = {static_cast<std::uint8_t>(random.below(100)), 0, 0};
    return write_asdu(asdu);
  }
  // 101 §7.2.6.22: values have the qualifier as their cause, and there are none for others than 20 to 36.
  const bool no_group = asdu.type == 100 && (asdu.element[0] < 20 || asdu.element[0] > 36);
  asdu.cause = asdu.cause == deactivation ? deactivation_con : activation_con;
  asdu.negative = no_group || random.chance(1, 16);
  if (random.chance(1, 6)) asdu.originator = 0;
  if (is_command(asdu.type) && asdu.type >= timed_command && random.chance(1, 2)) asdu.element.back() = 27;
  return write_asdu(asdu);
}

Octets Iec104Model::follow_up(View request, std::uint32_t, Random& random) const {
  std::optional<Asdu> asdu = is_i(request) ? read_asdu(request) : std::nullopt;
  if (!asdu || !read_request(request) || !is_command(asdu->type) || !selects(*asdu)) return {};
  asdu->element[*qualifier_at(*asdu)] &= 0x7F;
  if (asdu->type >= timed_command) ++asdu->element.back();  // another time than of the selection
  // Another object or value than was selected.
  if (random.chance(1, 8)) ++asdu->object_address;
  if (random.chance(1, 8) && qualifier_at(*asdu) != 0) ++asdu->element[0];
  return write_asdu(*asdu);
}

// 101 §7.2.3, 104 §5.3: mirrors, and what was asked for.
bool Iec104Model::answers(View response, View request) const {
  const std::optional<Apci> apci = read_apci(response);
  const std::optional<Apci> wish = read_apci(request);
  if (!apci || !wish || apci->format != wish->format || apci->format == Format::S) return false;
  if (apci->format == Format::U)
    return apci->control == ((wish->control & 3) | static_cast<std::uint8_t>((wish->control & 0xFC) << 1));
  const std::optional<Asdu> answer = read_asdu(response);
  const std::optional<Asdu> asked = read_asdu(request);
  if (!answer || !asked || answer->common_address != asked->common_address) return false;
  if (answer->type != asked->type) {
    if (!read_report(response)) return false;
    if (asked->type == 100) return answer->cause == asked->element[0];
    return asked->type == 102 && answer->cause == 5 && answer->count == 1 &&
           answer->object_address == asked->object_address;
  }
  if (answer->object_address != asked->object_address || answer->test != asked->test) return false;
  if (answer->originator != asked->originator && answer->originator != 0) return false;
  const bool timed = asked->type >= timed_command && is_command(asked->type);
  if (timed ? !same_command(*answer, *asked) : asked->type != 103 && answer->element != asked->element)
    return false;
  if (answer->cause >= 44 && answer->cause <= 47) return true;
  if (asked->cause == deactivation) return answer->cause == deactivation_con;
  return answer->cause == activation_con || (answer->cause == termination && !answer->negative);
}

bool Iec104Model::is_negative(View response) const {
  const std::optional<Asdu> asdu = is_i(response) ? read_asdu(response) : std::nullopt;
  return asdu && (asdu->negative || (asdu->cause >= 44 && asdu->cause <= 47));
}

Octets Iec104Model::other_answer(View, View answer, Random& random) const {
  std::optional<Asdu> asdu = is_i(answer) ? read_asdu(answer) : std::nullopt;
  if (!asdu) return {};
  const std::optional<Apci> apci = read_apci(answer);
  switch (random.below(5)) {
    case 0: ++asdu->common_address; break;
    case 1: ++asdu->object_address; break;
    case 2: asdu->cause = activation; break;
    case 3: asdu->type = 51; break;
    default: return with_numbers(write_asdu(*asdu), apci->send + 1, apci->receive);
  }
  return with_numbers(write_asdu(*asdu), apci->send, apci->receive);
}

}  // namespace

const ProtocolModel& iec104_model() {
  static const Iec104Model model;
  return model;
}

}  // namespace conduit::simulation
