// The daemon's answers to conduitctl.
#include <algorithm>

#include "config/schema/control.pb.h"
#include "controlplane/daemon.hpp"
#include "controlplane/trust/trusted_set.hpp"

namespace conduit {
namespace {

constexpr std::uint32_t events_per_answer = 500;
constexpr std::uint64_t role_refusals_every_ns = 1'000'000'000;
constexpr std::size_t backlog_max = 4UL * 1024 * 1024;

ControlRole needed(const schema::ControlRequest& request) {
  switch (request.what_case()) {
    case schema::ControlRequest::kLoad: return ControlRole::INTEGRATOR;
    case schema::ControlRequest::kIsland: return ControlRole::OPERATOR;
    default: return ControlRole::VIEWER;
  }
}

nlohmann::ordered_json counters_json(const WorkerCounters& counters, const NameTable* names) {
  nlohmann::ordered_json json;
  json["flows"] = {{"live", counters.flows_live},
                   {"half_open", counters.flows_half_open},
                   {"created", counters.flows_created},
                   {"removed", counters.flows_removed}};
  json["operations_judged"] = counters.operations_judged;
  json["tails"] = {{"held", counters.tails_held}, {"released", counters.tails_released}};
  json["refusals"] = {{"sent", counters.refusals_sent}, {"repeated", counters.refusals_repeated}};
  json["resets_sent"] = counters.resets_sent;
  json["tolerances_used"] = counters.quirks_used;
  json["events"] = {{"written", counters.events_written}, {"lost", counters.events_lost}};
  for (std::size_t number = 1; number < reason_number_end; ++number) {
    if (counters.reason[number] == 0) continue;
    json["reasons"][std::string(reason_info(static_cast<Reason>(number)).name)] = counters.reason[number];
  }
  for (std::size_t index = 0; names != nullptr && index < names->conduits.size(); ++index) {
    const ConduitCounters& one = counters.conduit[std::min(index, conduit_counter_count - 1)];
    const std::uint64_t all = one.messages_inspected + one.messages_opaque;
    nlohmann::ordered_json& conduit = json["conduits"][names->conduits[index].id];
    conduit["mode"] = names->conduits[index].observes ? "OBSERVE" : "ENFORCE";
    conduit["messages_inspected"] = one.messages_inspected;
    conduit["messages_opaque"] = one.messages_opaque;
    conduit["inspected_share"] =
        all == 0 ? 1.0 : static_cast<double>(one.messages_inspected) / static_cast<double>(all);
    conduit["denied"] = one.denied;
    conduit["observed"] = one.observed;
  }
  for (std::size_t port = 0; names != nullptr && port < names->ports.size() && port < port_count_max;
       ++port) {
    json["ports"][names->ports[port]] = {{"frames_in", counters.port[port].frames_in},
                                         {"frames_out", counters.port[port].frames_out}};
  }
  return json;
}

}  // namespace

void Daemon::answer(std::uint64_t session, int outcome, const std::string& name, const std::string& text,
                    const std::string& json) {
  schema::ControlResponse response;
  response.set_outcome(static_cast<schema::Outcome>(outcome));
  response.set_error_name(name);
  response.set_text(text);
  response.set_json(json);
  if (!control_->respond(session, response)) return;
}

void Daemon::on_request(std::uint64_t session, ControlRole role, const schema::ControlRequest& request) {
  if (role < needed(request)) {
    ++role_refusals_;
    return answer(session, schema::REFUSED, "control.role",
                  "you may not do this; the groups that may stand in gateway.txtpb under roles");
  }
  switch (request.what_case()) {
    case schema::ControlRequest::kLoad: return on_load(session, request.load());
    case schema::ControlRequest::kStatus: return on_status(session);
    case schema::ControlRequest::kEvents: return on_events(session, request.events());
    case schema::ControlRequest::kIsland: return on_island_request(session, request.island());
    case schema::ControlRequest::WHAT_NOT_SET: break;
  }
  answer(session, schema::FAILED, "control.request",
         "this daemon does not know the request; update conduitctl");
}

// Anybody may connect and be refused; the audit store must not be filled by that.
void Daemon::report_role_refusals(std::uint64_t now_ns) {
  if (role_refusals_ == 0 || now_ns < role_refusals_next_ns_) return;
  const std::uint64_t count = std::exchange(role_refusals_, 0);
  role_refusals_next_ns_ = now_ns + role_refusals_every_ns;
  report(2001,
         std::to_string(count) +
             " request(s) on the control socket refused: not a member of a group that may do this",
         {{"count", count}});
}

void Daemon::on_closed(std::uint64_t session) {
  std::erase_if(followers_, [&](const Follower& one) { return one.session == session; });
}

void Daemon::on_load(std::uint64_t session, const schema::LoadRequest& load) {
  if (pending_)
    return answer(session, schema::FAILED, "load.busy", "another bundle is being loaded; try again");
  if (load.root()) return on_load_root(session, load.bundle());
  VerifyRequest request;
  request.root = root_;
  request.bundle = load.bundle();
  request.gateway_id = config_.gateway_id;
  request.version_floor = version_floor_;
  request.now_unix = wall_now_ns() / 1'000'000'000ULL;
  request.ports = config_.gateway_ports();
  request.generation = ++generation_;
  auto verified = verify_bundle(request);
  if (!verified) {
    const Error& error = verified.error();
    report(2001, "bundle refused, the last good one stays in force: " + error.text(),
           {{"error", error.name}});
    return answer(session, schema::REFUSED, error.name, error.text());
  }
  if (load.verify_only()) return answer(session, schema::DONE, "", "the gateway would take this bundle");
  names_.add(request.generation, verified->names);
  Pending pending;
  pending.session = session;
  pending.policy = Policy{std::move(*verified), load.bundle(), root_, request.generation};
  activate(std::move(pending));
}

void Daemon::on_load_root(std::uint64_t session, const std::string& envelope) {
  const auto version = verify_root(root_, envelope, wall_now_ns() / 1'000'000'000ULL);
  if (!version) {
    const Error& error = version.error();
    report(2001, "root of trust refused, the last one stays: " + error.text(), {{"error", error.name}});
    return answer(session, schema::REFUSED, error.name, error.text());
  }
  if (auto kept = state_->keep_root(envelope); !kept) {
    return answer(session, schema::FAILED, kept.error().name, kept.error().text());
  }
  root_ = envelope;
  const std::string text = "root of trust version " + std::to_string(*version) + " is in force";
  report(2002, text, {{"root", *version}});
  answer(session, schema::DONE, "", text);
}

void Daemon::activate(Pending pending) {
  if (!link_->connected() || !ports_fit_) {
    // Nothing is forwarded without a data plane; one whose ports fit gets this policy when it comes.
    const NameTable& names = *pending.policy.verified.names;
    KeptBundle kept;
    kept.envelope = pending.policy.envelope;
    kept.root = pending.policy.root;
    kept.version_floor = names.policy_version;
    const std::string text = "policy \"" + names.policy_name + "\" version " +
                             std::to_string(names.policy_version) +
                             " is accepted; it comes into force when the data plane connects";
    if (auto stored = state_->keep_bundle(kept); !stored) {
      return answer(pending.session, schema::FAILED, stored.error().name, stored.error().text());
    }
    version_floor_ = std::max(version_floor_, names.policy_version);
    policy_ = std::move(pending.policy);
    report(2002, text);
    return answer(pending.session, schema::DONE, "", text);
  }
  pending.sent_ns = monotonic_now_ns();
  const VerifiedPolicy& verified = pending.policy.verified;
  auto serial = link_->send_image(verified.image.get(), verified.image_size);
  if (!serial) return answer(pending.session, schema::FAILED, serial.error().name, serial.error().text());
  pending.serial = *serial;
  pending_ = std::move(pending);
}

void Daemon::on_status(std::uint64_t session) { answer(session, schema::DONE, "", "", status_json()); }

std::string Daemon::status_json() {
  nlohmann::ordered_json json;
  json["gateway"] = config_.gateway_id;
  json["data_plane"] = !link_->connected() ? "not connected" : hung_ ? "hung" : "connected";
  json["island"] = island_;
  const NameTable* names = policy_ ? policy_->verified.names.get() : nullptr;
  if (names != nullptr) {
    json["policy"] = {{"name", names->policy_name}, {"version", names->policy_version}};
    json["generation"] = policy_->generation;
  }
  const std::optional<WorkerCounters> counters = link_->counters();
  if (counters) {
    json["enforced_generation"] = counters->generation;
    json["counters"] = counters_json(*counters, names);
  }
  json["audit"] = {
      {"first", store_->first_sequence()}, {"last", store_->last_sequence()}, {"head", store_->head_hex()}};
  for (const SinkState& sink : sinks_) {
    json["sinks"][sink.sink->name()] = {{"sent", sink.cursor}, {"failing", sink.failing}};
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Daemon::on_events(std::uint64_t session, const schema::EventsRequest& request) {
  Follower follower;
  follower.session = session;
  follower.filter.after_sequence = request.after_sequence();
  follower.filter.since_wall_ns = request.since_wall_ns();
  follower.filter.conduit = request.conduit();
  follower.filter.count_max = events_per_answer;
  follower.follows = request.follow();
  if (follower.follows || feed_once(follower)) followers_.push_back(follower);
}

bool Daemon::feed_once(Follower& follower) {
  while (control_->backlog(follower.session) <= backlog_max) {
    const auto events = store_->read(follower.filter);
    if (!events) {
      answer(follower.session, schema::FAILED, events.error().name, events.error().text());
      return false;
    }
    const bool more = events->size() == events_per_answer;
    schema::ControlResponse response;
    response.set_outcome(schema::DONE);
    for (const StoredEvent& event : *events) response.add_event(event.line());
    response.set_more(more);
    if (!control_->respond(follower.session, response) || !more) return false;
    follower.filter.after_sequence = events->back().sequence;
  }
  return true;
}

void Daemon::feed_on(Follower& follower) {
  if (follower.filter.after_sequence >= store_->last_sequence()) return;
  if (control_->backlog(follower.session) > backlog_max) return;  // reads slowly: gets the rest later
  const auto events = store_->read(follower.filter);
  if (!events || events->empty()) {
    if (events) follower.filter.after_sequence = store_->last_sequence();
    return;
  }
  schema::ControlResponse response;
  response.set_outcome(schema::DONE);
  response.set_more(true);
  for (const StoredEvent& event : *events) response.add_event(event.line());
  follower.filter.after_sequence = events->back().sequence;
  if (!control_->respond(follower.session, response)) return;
}

void Daemon::feed_followers() {
  std::erase_if(followers_, [this](Follower& follower) {
    if (!follower.follows) return !feed_once(follower);
    feed_on(follower);
    return false;
  });
}

void Daemon::on_island_request(std::uint64_t session, const schema::IslandRequest& request) {
  island_ = request.on();
  if (!link_->connected()) {
    report(2004, island_ ? "island mode is set; the data plane is not connected" : "island mode is unset",
           {{"island", island_}});
    return answer(session, schema::DONE, "", "noted; it holds when the data plane connects");
  }
  auto serial = link_->send_island(island_);
  if (!serial) return answer(session, schema::FAILED, serial.error().name, serial.error().text());
  island_sessions_[*serial] = session;
}

}  // namespace conduit
