#include <algorithm>

#include "tests/simulation/bacnet/bacnet_datagrams.hpp"
#include "tests/simulation/dnp3/dnp3_access.hpp"
#include "tests/simulation/dnp3/dnp3_model.hpp"
#include "tests/simulation/modbus/modbus_access.hpp"
#include "tests/simulation/modbus/modbus_model.hpp"

namespace conduit::simulation {
namespace {

// Rules of a protocol that streams carry as well, for its datagrams. Nothing is said unasked in these.
class OverUdp final : public Rules {
 public:
  explicit OverUdp(std::unique_ptr<Rules> of_streams) : rules(std::move(of_streams)) {}
  [[nodiscard]] std::vector<Text> allows() const override {
    std::vector<Text> texts = rules->allows();
    std::erase_if(texts, [](const Text& each) { return each.back; });
    for (Text& each : texts) each.text.insert(each.text.rfind('}'), "transport: UDP ");
    return texts;
  }
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override {
    return rules->permits(request, standing, island);
  }
  std::unique_ptr<Rules> rules;
};

// What streams carry as well: one PDU of theirs is one datagram.
class StreamDatagrams : public DatagramModel {
 public:
  StreamDatagrams(const ProtocolModel& model, const char* name) : model_(model), name_(name) {}
  [[nodiscard]] const char* name() const override { return name_; }
  [[nodiscard]] std::uint16_t port() const override { return model_.port(); }
  [[nodiscard]] std::unique_ptr<Rules> random_rules(Random& random) const override {
    return std::make_unique<OverUdp>(model_.random_rules(random));
  }
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    return model_.request(random, *dynamic_cast<const OverUdp&>(rules).rules, number);
  }
  [[nodiscard]] Octets bad_request(Random& random, std::uint32_t number) const override {
    return model_.bad_request(random, number);
  }
  [[nodiscard]] Octets answer(View request, Random& random) const override {
    return silent(request) ? Octets{} : model_.answer(request, random);
  }
  [[nodiscard]] bool answers(View response, View request) const override {
    return model_.answers(response, request);
  }
  [[nodiscard]] bool is_negative(View response) const override { return model_.is_negative(response); }
  [[nodiscard]] bool silent(View request) const override { return model_.silent(request); }
  [[nodiscard]] std::size_t front(View datagram) const override {
    const Front front = model_.front(datagram, true);
    return front.kind == Front::Kind::PDU ? front.size : 0;
  }

 protected:
  const ProtocolModel& model_;

 private:
  const char* name_;
};

class ModbusDatagrams final : public StreamDatagrams {
 public:
  ModbusDatagrams() : StreamDatagrams(modbus_model(), "modbus-udp") {}
  [[nodiscard]] bool well_formed(View request) const override {
    return modbus::read_request(request).has_value();
  }
  [[nodiscard]] Octets exchange(View pdu, bool /*is_request*/) const override {
    if (pdu.size() < 7) return {};
    return {pdu[0], pdu[1], pdu[6]};
  }
  [[nodiscard]] Octets other_answer(View answer, Random& random) const override {
    Octets other(answer.begin(), answer.end());
    if (other.size() < 8) return {};
    std::uint8_t& octet = other[random.pick(std::vector<std::size_t>{0, 1, 6, 7})];
    octet = static_cast<std::uint8_t>(octet ^ (1U << random.below(3)));
    return other;
  }
};

// Without confirmations, and without operates: what these mean depends on datagrams before.
class Dnp3Datagrams final : public StreamDatagrams {
 public:
  Dnp3Datagrams() : StreamDatagrams(dnp3_model(), "dnp3-udp") {}
  [[nodiscard]] Octets request(Random& random, const Rules& rules, std::uint32_t number) const override {
    Octets drawn = StreamDatagrams::request(random, rules, number);
    while (depends_on_others(drawn)) drawn = StreamDatagrams::request(random, rules, number);
    return drawn;
  }
  [[nodiscard]] bool well_formed(View request) const override {
    return dnp3::read_request(request).has_value();
  }
  // The master and the sequence number; a request may be for whoever is there.
  [[nodiscard]] Octets exchange(View pdu, bool is_request) const override {
    const std::optional<dnp3::Message> message = dnp3::read_message(pdu);
    if (!message) return {};
    const std::uint16_t master = is_request ? message->addresses.source : message->addresses.destination;
    Octets key{static_cast<std::uint8_t>(master >> 8), static_cast<std::uint8_t>(master)};
    if (!message->has_fragment) return key;
    const std::optional<dnp3::Head> head = dnp3::head_of(message->fragment);
    key.push_back(head ? head->sequence : 0xFF);
    return key;
  }
  [[nodiscard]] Octets other_answer(View answer, Random& random) const override {
    return model_.other_answer({}, answer, random);
  }

 private:
  [[nodiscard]] static bool depends_on_others(View request) {
    const std::optional<dnp3::Message> message = dnp3::read_message(request);
    if (!message || !message->has_fragment) return false;
    const std::optional<dnp3::Head> head = dnp3::head_of(message->fragment);
    return head && (head->function == dnp3::confirm || head->function == dnp3::operate);
  }
};

}  // namespace

const std::vector<const DatagramModel*>& datagram_models() {
  static const ModbusDatagrams modbus;
  static const Dnp3Datagrams dnp3;
  static const std::vector<const DatagramModel*> all{&bacnet_datagrams(), &modbus, &dnp3};
  return all;
}

const DatagramModel* find_datagram_model(const std::string& name) {
  for (const DatagramModel* each : datagram_models()) {
    if (name == each->name()) return each;
  }
  return nullptr;
}

}  // namespace conduit::simulation
