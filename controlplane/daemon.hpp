// The control plane: takes signed bundles, hands rule images to the data plane, turns its records into
// chained events, feeds the sinks, answers conduitctl. One thread, one poll loop; nothing in it is on the way
// of a packet.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/policy/gateway.hpp"
#include "controlplane/audit/enrich.hpp"
#include "controlplane/audit/store.hpp"
#include "controlplane/control/control_server.hpp"
#include "controlplane/link/data_plane_link.hpp"
#include "controlplane/sinks/sink.hpp"
#include "controlplane/trust/state_store.hpp"
#include "controlplane/verifier.hpp"

namespace conduit {

namespace schema {
class EventsRequest;
class IslandRequest;
class LoadRequest;
}  // namespace schema

class Daemon final : public LinkHandler, public ControlHandler {
 public:
  // Opens everything; the sandbox is entered by the caller afterwards.
  [[nodiscard]] static Expected<std::unique_ptr<Daemon>> start(const GatewayConfig& config);
  ~Daemon();
  // Until `stop_fd` becomes readable.
  void run(int stop_fd);

 private:
  struct Policy {
    VerifiedPolicy verified;
    std::string envelope;
    std::string root;  // under which it was accepted
    std::uint64_t generation = 0;
  };
  struct Pending {  // a load whose image is on its way to the data plane
    std::uint64_t session = 0;
    std::uint64_t serial = 0;
    std::uint64_t sent_ns = 0;
    Policy policy;
  };
  struct Follower {
    std::uint64_t session = 0;
    EventFilter filter;
    bool follows = false;  // else it ends with the last event that is there
  };
  struct SinkState {
    std::unique_ptr<Sink> sink;
    std::uint64_t cursor = 0;
    std::uint64_t retry_ns = 0;
    bool failing = false;
  };

  explicit Daemon(const GatewayConfig& config);
  Expected<void> open();
  Expected<void> open_trust();
  void reopen_policy(const KeptBundle& kept);

  // LinkHandler (daemon_link.cpp)
  void on_connected(const IpcHello& hello) override;
  void on_disconnected(const std::string& why) override;
  void on_image_accepted(std::uint64_t serial, std::uint64_t generation, std::uint64_t monotonic_ns) override;
  void on_image_refused(std::uint64_t serial, const std::string& broken) override;
  void on_island(std::uint64_t serial, bool on) override;
  void on_pong() override;
  void on_record(const EventRecord& record) override;
  void on_records_lost(std::uint16_t worker, std::uint64_t count) override;
  bool ports_fit(const IpcHello& hello, std::string& wrong) const;
  void hand_over();
  void watch_data_plane(std::uint64_t now_ns);

  // ControlHandler (daemon_control.cpp)
  void on_request(std::uint64_t session, ControlRole role, const schema::ControlRequest& request) override;
  void on_closed(std::uint64_t session) override;
  void on_load(std::uint64_t session, const schema::LoadRequest& request);
  void on_load_root(std::uint64_t session, const std::string& envelope);
  void activate(Pending pending);
  void on_status(std::uint64_t session);
  void on_events(std::uint64_t session, const schema::EventsRequest& request);
  void on_island_request(std::uint64_t session, const schema::IslandRequest& request);
  void answer(std::uint64_t session, int outcome, const std::string& name, const std::string& text,
              const std::string& json = {});
  [[nodiscard]] std::string status_json();
  void feed_followers();
  void feed_on(Follower& follower);
  // False: it has all, or cannot get more.
  bool feed_once(Follower& follower);
  void report_role_refusals(std::uint64_t now_ns);

  // events
  void report(Event event) { batch_.push_back(std::move(event)); }
  void report(std::uint16_t number, const std::string& message, nlohmann::ordered_json details = nullptr);
  void settle_events(std::uint64_t now_ns);
  void feed_sink(SinkState& state, std::uint64_t now_ns);

  GatewayConfig config_;
  std::optional<StateStore> state_;
  std::string root_;  // envelope of the trusted root
  std::unique_ptr<AuditStore> store_;
  std::unique_ptr<DataPlaneLink> link_;
  std::unique_ptr<ControlServer> control_;
  std::vector<SinkState> sinks_;
  NameHistory names_;
  EventFolder folder_;
  std::vector<Event> batch_;
  std::uint64_t batch_lost_ = 0;  // events that the store did not take
  std::optional<Policy> policy_;
  std::optional<Pending> pending_;
  std::uint64_t resent_serial_ = 0;  // of an image handed over without a load
  std::uint64_t generation_ = 0;
  std::uint64_t version_floor_ = 0;  // highest version ever accepted here, kept or not
  bool island_ = false;
  std::map<std::uint64_t, std::uint64_t> island_sessions_;  // serial → session
  std::vector<Follower> followers_;
  std::uint64_t ping_ns_ = 0;
  bool pong_due_ = false;
  bool ports_fit_ = false;           // those of the data plane that is connected
  std::uint64_t role_refusals_ = 0;  // not reported yet
  std::uint64_t role_refusals_next_ns_ = 0;
  bool hung_ = false;
};

}  // namespace conduit
