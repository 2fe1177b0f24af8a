#include "controlplane/daemon.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdio>

#include "controlplane/trust/trusted_set.hpp"

namespace conduit {
namespace {

constexpr int turn_ms = 10;  // how long a record may lie in its ring before it is read
constexpr std::size_t drain_records_max = 4096;
constexpr std::uint32_t sink_batch_max = 512;
constexpr std::uint64_t sink_retry_ns = 1'000'000'000;
constexpr std::size_t batch_max = 100'000;  // events kept while the store does not take them

}  // namespace

Daemon::Daemon(const GatewayConfig& config)
    : config_(config),
      folder_(std::uint64_t{config.fold_seconds} * 1'000'000'000ULL),
      generation_(wall_now_ns() / 1'000'000'000ULL) {}  // rises over restarts of this daemon, too

Daemon::~Daemon() = default;

Expected<std::unique_ptr<Daemon>> Daemon::start(const GatewayConfig& config) {
  std::unique_ptr<Daemon> daemon(new Daemon(config));
  if (auto done = daemon->open(); !done) return tl::unexpected(done.error());
  return daemon;
}

Expected<void> Daemon::open() {
  auto state = StateStore::open(config_.state_folder);
  if (!state) return tl::unexpected(state.error());
  state_.emplace(std::move(*state));
  auto store = AuditStore::open(config_.audit_path, config_.events_max);
  if (!store) return tl::unexpected(store.error());
  store_ = std::move(*store);
  for (const std::string& path : config_.json_lines) {
    SinkState sink;
    sink.sink = make_json_lines_sink(path);
    sink.cursor = store_->cursor(sink.sink->name());
    sinks_.push_back(std::move(sink));
  }
  if (auto done = open_trust(); !done) return done;
  ControlAccess access;
  for (const auto& [names, gids] : {std::pair{&config_.viewer_groups, &access.viewer_gids},
                                    std::pair{&config_.operator_groups, &access.operator_gids},
                                    std::pair{&config_.integrator_groups, &access.integrator_gids}}) {
    for (const std::string& name : *names) {
      auto gid = group_id(name);
      if (!gid) return tl::unexpected(gid.error());
      gids->push_back(*gid);
    }
  }
  auto link = DataPlaneLink::listen(config_.link_socket, *this);
  if (!link) return tl::unexpected(link.error());
  link_ = std::move(*link);
  auto control = ControlServer::listen(config_.control_socket, std::move(access), *this);
  if (!control) return tl::unexpected(control.error());
  control_ = std::move(*control);
  // A damaged record must not pass for "nothing was ever accepted": an old bundle could be loaded.
  const auto kept = state_->bundle();
  if (!kept) return tl::unexpected(kept.error());
  report(3001, "control plane started", {{"gateway", config_.gateway_id}});
  reopen_policy(*kept);
  return {};
}

// The state folder's root counts; the file named in the config is only the first one.
Expected<void> Daemon::open_trust() {
  auto kept = state_->root();
  if (!kept) return tl::unexpected(kept.error());
  root_ = *kept;
  if (root_.empty()) {
    auto first = read_file(config_.trust_root, root_size_max);
    if (!first) return tl::unexpected(first.error());
    root_ = *first;
  }
  if (auto set = TrustedSet::from_root(root_); !set) {
    Error error = set.error();
    error.where = config_.trust_root;
    return tl::unexpected(error);
  }
  if (kept->empty()) return state_->keep_root(root_);
  return {};
}

void Daemon::reopen_policy(const KeptBundle& kept) {
  version_floor_ = kept.version_floor;
  if (kept.envelope.empty()) return;
  VerifyRequest request;
  request.root = kept.root;
  request.bundle = kept.envelope;
  request.gateway_id = config_.gateway_id;
  request.reopen = true;
  request.ports = config_.gateway_ports();
  request.generation = ++generation_;
  auto verified = verify_bundle(request);
  if (!verified) {
    return report(2001, "the kept bundle is not in force: " + verified.error().text(),
                  {{"error", verified.error().name}});
  }
  names_.add(generation_, verified->names);
  policy_ = Policy{std::move(*verified), kept.envelope, kept.root, generation_};
}

void Daemon::report(std::uint16_t number, const std::string& message, nlohmann::ordered_json details) {
  Event event = control_event(number, message, std::move(details));
  event.body["gateway"] = config_.gateway_id;
  if (policy_) {
    event.body["policy"] = {{"name", policy_->verified.names->policy_name},
                            {"version", policy_->verified.names->policy_version}};
  }
  std::fprintf(stderr, "conduit-controlplane: %s\n", message.c_str());
  report(std::move(event));
}

void Daemon::settle_events(std::uint64_t now_ns) {
  for (const EventRecord& record : folder_.due(now_ns)) {
    report(enrich(record, names_.find(record.generation), config_.gateway_id));
  }
  if (batch_lost_ != 0 && batch_.size() < batch_max) {
    const std::uint64_t lost = std::exchange(batch_lost_, 0);
    report(4001, std::to_string(lost) + " event(s) were lost: the audit store did not take them",
           {{"lost", lost}});
  }
  if (batch_.empty()) return;
  if (auto done = store_->append(batch_); !done) {
    // Verdicts are not touched by it; events wait, and beyond the bound the newest are counted as lost.
    if (batch_.size() > batch_max) {
      batch_lost_ += batch_.size() - batch_max;
      batch_.resize(batch_max);
    }
    return;
  }
  batch_.clear();
}

void Daemon::feed_sink(SinkState& state, std::uint64_t now_ns) {
  if (now_ns < state.retry_ns || state.cursor >= store_->last_sequence()) return;
  if (state.cursor + 1 < store_->first_sequence()) {
    const std::uint64_t lost = store_->first_sequence() - 1 - state.cursor;
    state.cursor = store_->first_sequence() - 1;
    report(4001,
           std::to_string(lost) + " event(s) were removed from the full store before " + state.sink->name() +
               " took them",
           {{"sink", state.sink->name()}, {"lost", lost}});
  }
  EventFilter filter;
  filter.after_sequence = state.cursor;
  filter.count_max = sink_batch_max;
  const auto events = store_->read(filter);
  const auto taken =
      events ? state.sink->send(*events) : Expected<std::size_t>(tl::unexpected(events.error()));
  if (!taken) {
    state.retry_ns = now_ns + sink_retry_ns;
    if (!std::exchange(state.failing, true)) {
      report(4001, "sink does not take events: " + taken.error().text(), {{"sink", state.sink->name()}});
    }
    return;
  }
  if (std::exchange(state.failing, false)) {
    report(4001, "sink takes events again", {{"sink", state.sink->name()}});
  }
  if (*taken == 0) return;
  state.cursor = (*events)[*taken - 1].sequence;
  if (auto done = store_->set_cursor(state.sink->name(), state.cursor); !done) {
    state.retry_ns = now_ns + sink_retry_ns;  // sent again after a restart: at least once
  }
}

void Daemon::run(int stop_fd) {
  for (;;) {
    std::vector<pollfd> entries{{stop_fd, POLLIN, 0}, {link_->listener(), POLLIN, 0}};
    if (link_->connection() >= 0) entries.push_back({link_->connection(), POLLIN, 0});
    const std::size_t control_first = entries.size();
    control_->add_poll(entries);
    ::poll(entries.data(), entries.size(), turn_ms);
    const bool stop = entries[0].revents != 0;
    if (entries[1].revents != 0) link_->accept_ready();
    if (control_first == 3 && entries[2].revents != 0 && entries[2].fd == link_->connection()) {
      link_->receive_ready();
    }
    for (std::size_t index = control_first; index < entries.size(); ++index) control_->serve(entries[index]);
    link_->drain(drain_records_max);
    const std::uint64_t now = monotonic_now_ns();
    watch_data_plane(now);
    report_role_refusals(now);
    if (stop) report(3001, "control plane stops; the data plane keeps enforcing");
    settle_events(stop ? UINT64_MAX : now);
    for (SinkState& sink : sinks_) feed_sink(sink, now);
    feed_followers();
    if (stop) return;
  }
}

}  // namespace conduit
