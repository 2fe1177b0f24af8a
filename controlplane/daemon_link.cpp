// The daemon's ear to the data plane.
#include <algorithm>
#include <cstring>

#include "config/schema/control.pb.h"
#include "controlplane/daemon.hpp"

namespace conduit {
namespace {

constexpr std::uint64_t ping_every_ns = 1'000'000'000;
constexpr std::uint64_t pong_within_ns = 3'000'000'000;
constexpr std::uint64_t load_within_ns = 2'000'000'000;

std::uint64_t hash_head(const NameTable& names) {
  std::uint64_t head = 0;
  for (std::size_t index = 0; index < 8; ++index) head = (head << 8) | names.policy_hash[index];
  return head;
}

}  // namespace

bool Daemon::ports_fit(const IpcHello& hello, std::string& wrong) const {
  bool fits = hello.port_count == config_.ports.size();
  for (std::size_t port = 0; fits && port < config_.ports.size(); ++port) {
    const auto& name = hello.port_names[port];
    fits = std::string(name.data(), ::strnlen(name.data(), name.size())) == config_.ports[port].name;
  }
  if (!fits)
    wrong =
        "its ports are not those of gateway.txtpb, in this order: start it as conduitctl dataplane-args says";
  return fits;
}

void Daemon::on_connected(const IpcHello& hello) {
  hung_ = false;
  pong_due_ = false;
  ping_ns_ = monotonic_now_ns();
  report(3001, "data plane connected",
         {{"state", "connected"},
          {"boot", hello.boot_id},
          {"workers", hello.worker_count},
          {"generation", hello.generation},
          {"back_end",
           std::string(hello.back_end.data(), ::strnlen(hello.back_end.data(), hello.back_end.size()))}});
  std::string wrong;
  ports_fit_ = ports_fit(hello, wrong);
  if (!ports_fit_) return report(3001, "data plane gets no policy: " + wrong, {{"state", "ports_differ"}});
  hand_over();
  if (island_ != (hello.island != 0)) {
    if (auto sent = link_->send_island(island_); !sent) report(3001, sent.error().text());
  }
}

void Daemon::hand_over() {
  if (!policy_) return;
  auto serial = link_->send_image(policy_->verified.image.get(), policy_->verified.image_size);
  if (!serial) return report(3001, "the accepted image could not be handed over: " + serial.error().text());
  resent_serial_ = *serial;
}

void Daemon::on_disconnected(const std::string& why) {
  report(3001, "data plane is gone: " + why + "; its link is dark until it is back",
         {{"state", "disconnected"}});
  if (pending_) {
    answer(pending_->session, schema::FAILED, "link.lost",
           "the data plane went away before it took the image");
    pending_.reset();
  }
  for (const auto& [serial, session] : std::exchange(island_sessions_, {})) {
    answer(session, schema::FAILED, "link.lost", "the data plane went away");
  }
}

void Daemon::on_image_accepted(std::uint64_t serial, std::uint64_t generation, std::uint64_t monotonic_ns) {
  if (!pending_ || pending_->serial != serial) {
    if (serial == resent_serial_ && policy_) {
      report(2002, "policy is in force: the data plane took the accepted image again",
             {{"generation", generation}});
    } else if (!pending_ && policy_) {
      // Its load was answered with a failure: what is in force must be what we say is in force.
      report(2001, "the data plane took an image too late; it gets the accepted one again");
      hand_over();
    }
    return;
  }
  Pending done = std::move(*pending_);
  pending_.reset();
  const std::uint64_t took_us = (monotonic_ns - std::min(monotonic_ns, done.sent_ns)) / 1000;
  policy_ = std::move(done.policy);
  const NameTable& names = *policy_->verified.names;
  version_floor_ = std::max(version_floor_, names.policy_version);
  KeptBundle kept;
  kept.envelope = policy_->envelope;
  kept.root = policy_->root;
  kept.version_floor = names.policy_version;
  if (auto stored = state_->keep_bundle(kept); !stored) {
    report(2001, "the policy is in force but could not be kept for the next start: " + stored.error().text());
  }
  report(
      2002,
      "policy \"" + names.policy_name + "\" version " + std::to_string(names.policy_version) + " is in force",
      {{"generation", generation}, {"signers", policy_->verified.signers}, {"swap_us", took_us}});
  answer(done.session, schema::DONE, "",
         "policy \"" + names.policy_name + "\" version " + std::to_string(names.policy_version) +
             " is in force (swapped in " + std::to_string(took_us) + " us)");
}

void Daemon::on_image_refused(std::uint64_t serial, const std::string& broken) {
  report(2001, "the data plane refused the image: " + broken, {{"broken", broken}});
  if (!pending_ || pending_->serial != serial) return;
  answer(pending_->session, schema::FAILED, "image.refused", "the data plane refused the image: " + broken);
  pending_.reset();
}

void Daemon::on_island(std::uint64_t serial, bool on) {
  const auto found = island_sessions_.find(serial);
  if (found == island_sessions_.end()) return;
  report(2004, on ? "island mode entered: only essential rules apply" : "island mode left", {{"island", on}});
  answer(found->second, schema::DONE, "", on ? "island mode is on" : "island mode is off");
  island_sessions_.erase(found);
}

void Daemon::on_pong() {
  pong_due_ = false;
  if (std::exchange(hung_, false)) report(3001, "data plane answers again", {{"state", "answers"}});
}

void Daemon::on_record(const EventRecord& record) {
  if (!folder_.first(record)) return;
  const NameTable* names = names_.find(record.generation);
  // Records from before this daemon's start: the same policy, compiled anew.
  if (names == nullptr && names_.newest() != nullptr &&
      hash_head(*names_.newest()) == record.policy_hash_head) {
    names = names_.newest();
  }
  report(enrich(record, names, config_.gateway_id));
}

void Daemon::on_records_lost(std::uint16_t worker, std::uint64_t count) {
  report(4001, std::to_string(count) + " record(s) of the data plane found no room in their ring",
         {{"worker", worker}, {"lost", count}});
}

void Daemon::watch_data_plane(std::uint64_t now_ns) {
  if (pending_ && now_ns - pending_->sent_ns > load_within_ns) {
    answer(pending_->session, schema::FAILED, "link.slow", "the data plane did not take the image in time");
    report(2001, "the data plane did not take the image in time");
    pending_.reset();
  }
  if (!link_->connected()) return;
  if (pong_due_ && !hung_ && now_ns - ping_ns_ > pong_within_ns) {
    hung_ = true;
    report(3001, "data plane does not answer (hung or stopped)", {{"state", "hung"}});
  }
  if (pong_due_ || now_ns - ping_ns_ < ping_every_ns) return;
  ping_ns_ = now_ns;
  pong_due_ = link_->send_ping().has_value();
}

}  // namespace conduit
