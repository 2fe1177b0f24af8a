#include <algorithm>

#include "tests/simulation/bacnet/bacnet_datagrams.hpp"
#include "tests/simulation/modbus/modbus_access.hpp"
#include "tests/simulation/modbus/modbus_model.hpp"

namespace conduit::simulation {
namespace {

// Rules of a protocol that streams carry as well, for its datagrams.
class OverUdp final : public Rules {
 public:
  explicit OverUdp(std::unique_ptr<Rules> of_streams) : rules(std::move(of_streams)) {}
  [[nodiscard]] std::vector<Text> allows() const override {
    std::vector<Text> texts = rules->allows();
    for (Text& each : texts) each.text.insert(each.text.rfind('}'), "transport: UDP ");
    return texts;
  }
  [[nodiscard]] bool permits(View request, std::uint32_t standing, bool island) const override {
    return rules->permits(request, standing, island);
  }
  std::unique_ptr<Rules> rules;
};

// Modbus over UDP: the ADU of Modbus/TCP is one datagram.
class ModbusDatagrams final : public DatagramModel {
 public:
  [[nodiscard]] const char* name() const override { return "modbus-udp"; }
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
  [[nodiscard]] bool well_formed(View request) const override {
    return modbus::read_request(request).has_value();
  }
  [[nodiscard]] Octets exchange(View pdu, bool /*is_request*/) const override {
    if (pdu.size() < 7) return {};
    return {pdu[0], pdu[1], pdu[6]};
  }
  [[nodiscard]] std::size_t front(View datagram) const override {
    const Front front = model_.front(datagram, true);
    return front.kind == Front::Kind::PDU ? front.size : 0;
  }
  [[nodiscard]] Octets other_answer(View answer, Random& random) const override {
    Octets other(answer.begin(), answer.end());
    if (other.size() < 8) return {};
    std::uint8_t& octet = other[random.pick(std::vector<std::size_t>{0, 1, 6, 7})];
    octet = static_cast<std::uint8_t>(octet ^ (1U << random.below(3)));
    return other;
  }

 private:
  const ProtocolModel& model_ = modbus_model();
};

}  // namespace

const std::vector<const DatagramModel*>& datagram_models() {
  static const ModbusDatagrams modbus;
  static const std::vector<const DatagramModel*> all{&bacnet_datagrams(), &modbus};
  return all;
}

const DatagramModel* find_datagram_model(const std::string& name) {
  for (const DatagramModel* each : datagram_models()) {
    if (name == each->name()) return each;
  }
  return nullptr;
}

}  // namespace conduit::simulation
