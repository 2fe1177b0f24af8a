// The judge by itself, with a protocol of two octets (kind, function) that does what no Modbus does.
#include <doctest/doctest.h>

#include "dataplane/engine/association_table.hpp"
#include "dataplane/engine/event_folder.hpp"
#include "dataplane/engine/worker_context.hpp"
#include "protocols/modbus/modbus_decoder.hpp"
#include "tests/unit/engine_support/plant.hpp"

namespace conduit {
namespace {

using namespace test;

PduHead open_two(Bytes pdu, Role, std::uint16_t, const SessionState&, PduState& state) noexcept {
  PduHead head;
  head.well_formed = pdu.size() == 2;
  head.kind = static_cast<PduKind>(pdu[0]);
  state.as<std::uint8_t>() = 0;
  return head;
}
Next next_two(Bytes pdu, PduState& state, Operation& operation) noexcept {
  if (state.as<std::uint8_t>()++ != 0) return Next::END;
  if (pdu[1] == 0) return Next::END;  // asks for nothing
  operation.clear();
  operation.protocol = modbus_id;
  operation.function = pdu[1];
  operation.access = AccessClass::READ;
  operation.set(modbus::UNIT, 1);
  return Next::OPERATION;
}
bool matches_two(Bytes, std::uint64_t, std::uint16_t) noexcept { return true; }

struct Bench {
  Bench() {
    ImageSource source = plant();
    source.services.resize(1);
    RuleSource tell = read_rule(5);
    tell.functions = {9};
    source.services[0].unsolicited = {tell};
    auto built = build_image(source);
    REQUIRE(built);
    buffer = std::move(*built);
    image = open_image(buffer);
    protocol.open = open_two;
    protocol.next = next_two;
    protocol.matches = matches_two;
    context.image = &image;
    context.folder = &folder;
    flow.key.ip_protocol = 6;
    flow.service = 0;
    flow.conduit = 0;
    flow.protocol = &protocol;
  }
  Judgement judge(Side sender, std::uint8_t kind, std::uint8_t function) {
    const std::uint8_t pdu[2] = {kind, function};
    return judge_pdu(context, flow, sender, frame, pdu, 2, {});
  }
  ImageBuffer buffer;
  RuleImage image;
  Protocol protocol{};
  EventFolder folder{};
  WorkerContext context{};
  Flow flow{};
  ParsedFrame frame{};
};

TEST_CASE("a request stays outstanding until its last answer") {
  Bench bench;
  REQUIRE(bench.judge(0, 0, 3).verdict == Verdict::FORWARD);
  CHECK(bench.judge(1, 3, 3).verdict == Verdict::FORWARD);
  CHECK(bench.judge(1, 3, 3).verdict == Verdict::FORWARD);
  CHECK(bench.judge(1, 1, 3).verdict == Verdict::FORWARD);
  CHECK(bench.judge(1, 1, 3).reason == Reason::RESPONSE_UNSOLICITED);
  CHECK(bench.judge(1, 3, 3).reason == Reason::RESPONSE_UNSOLICITED);
}

TEST_CASE("what the session implies needs no rule") {
  Bench bench;
  CHECK(bench.judge(0, 0, 200).verdict != Verdict::FORWARD);
  CHECK(bench.judge(0, 4, 200).verdict == Verdict::FORWARD);
  CHECK(bench.judge(1, 4, 200).verdict == Verdict::FORWARD);
  CHECK(bench.flow.outstanding_count == 0);
}

TEST_CASE("unsolicited PDUs need a rule of their own") {
  Bench bench;
  CHECK(reason_info(bench.judge(1, 2, 9).reason).name == "NONE");
  const Judgement denied = bench.judge(1, 2, 3);  // permitted as a request only
  CHECK(denied.reason == Reason::UNSOLICITED_NOT_PERMITTED);
  CHECK(denied.verdict == Verdict::DISCARD);
  CHECK(bench.judge(0, 0, 9).reason == Reason::FUNCTION_NOT_PERMITTED);
}

TEST_CASE("requests of the server and answers of the client go the wrong way") {
  Bench bench;
  CHECK(bench.judge(1, 0, 3).reason == Reason::WRONG_DIRECTION);
  CHECK(bench.judge(0, 0, 3).verdict == Verdict::FORWARD);
  CHECK(bench.judge(0, 1, 3).reason == Reason::WRONG_DIRECTION);
  CHECK(bench.judge(1, 1, 3).verdict == Verdict::FORWARD);
}

TEST_CASE("a request that asks for nothing is not permitted") {
  Bench bench;
  CHECK(bench.judge(0, 0, 0).reason == Reason::FUNCTION_NOT_PERMITTED);
}

TEST_CASE("a refusal without words of its own resets the stream and drops the datagram") {
  Bench bench;
  CHECK(bench.judge(0, 0, 7).verdict == Verdict::RESET);
  bench.flow.key.ip_protocol = 17;
  CHECK(bench.judge(0, 0, 7).verdict == Verdict::DROP);
}

TEST_CASE("what cannot be taken out any more is reset, and its event says so") {
  Bench bench;
  struct Observer final : JudgementObserver {
    void on_judgement(const JudgementReport& report) noexcept override { verdict = report.verdict; }
    Verdict verdict = Verdict::FORWARD;
  } observer;
  bench.context.config.observer = &observer;
  const std::uint8_t unasked[2] = {2, 3};
  CHECK(judge_pdu(bench.context, bench.flow, 1, bench.frame, unasked, 2, {}).verdict == Verdict::DISCARD);
  CHECK(observer.verdict == Verdict::DISCARD);
  CHECK(judge_pdu(bench.context, bench.flow, 1, bench.frame, unasked, 2, {}, false).verdict ==
        Verdict::RESET);
  CHECK(observer.verdict == Verdict::RESET);
  const std::uint8_t permitted[2] = {2, 9};
  CHECK(judge_pdu(bench.context, bench.flow, 1, bench.frame, permitted, 2, {}, false).verdict ==
        Verdict::FORWARD);
  bench.protocol.refuse = [](Bytes, Reason, const SessionState&, std::span<std::uint8_t>) noexcept {
    return std::size_t{1};
  };
  std::uint8_t reply[4];
  const std::uint8_t asked[2] = {0, 7};
  CHECK(judge_pdu(bench.context, bench.flow, 0, bench.frame, asked, 2, reply).verdict == Verdict::REFUSE);
  CHECK(judge_pdu(bench.context, bench.flow, 0, bench.frame, asked, 2, reply, false).verdict ==
        Verdict::RESET);
  CHECK(observer.verdict == Verdict::RESET);
}

TEST_CASE("bytes of another protocol are named so") {
  Plane plane(plant());
  CHECK(plane.reason(to_plc(hex("16 03 01 00 2e 01 00 00 00 00 00 00"))) == Reason::PROTOCOL_MISMATCH);
}

TEST_CASE("what is only observed goes on, and the session learns of it") {
  Bench bench;
  AssociationTable associations(1);
  bench.context.association_table = &associations;
  bench.protocol.accept = [](Bytes, Role, SessionState& session, Associations&) noexcept {
    ++session.as<std::uint8_t>();
  };
  const auto accepted = [&] { return int{bench.flow.session.as<std::uint8_t>()}; };
  CHECK(bench.judge(1, 1, 3).verdict == Verdict::DISCARD);  // answers nothing
  CHECK(accepted() == 0);
  bench.flow.observe = true;
  CHECK(bench.judge(1, 1, 3).verdict == Verdict::FORWARD);
  CHECK(accepted() == 1);
  CHECK(bench.judge(0, 0, 99).verdict == Verdict::FORWARD);  // a request that no rule permits
  CHECK(accepted() == 2);
  CHECK(bench.judge(1, 2, 99).verdict == Verdict::FORWARD);  // unasked
  CHECK(accepted() == 3);
}

}  // namespace
}  // namespace conduit
