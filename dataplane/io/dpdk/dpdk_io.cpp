#include "dataplane/io/dpdk/dpdk_io.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/io/dpdk/dpdk_queue.hpp"

namespace conduit {

struct DpdkIo::Impl {
  DpdkShared shared;
  std::vector<std::unique_ptr<DpdkQueue>> queues;
};

namespace {

constexpr std::uint16_t descriptor_count = 256;
constexpr std::uint32_t cache_size = 128;

bool failed(std::string& error, const std::string& what, const std::string& where, int code) {
  error = where + ": " + what;
  if (code != 0) error += std::string(": ") + rte_strerror(code < 0 ? -code : code);
  return false;
}

bool start_eal(const DpdkConfig& config, std::string& error) {
  std::vector<std::string> words{"conduit-dataplane", "--no-telemetry"};  // it would listen on a socket
  words.insert(words.end(), config.eal_arguments.begin(), config.eal_arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    return failed(error, "DPDK does not start (its own messages are above)", "--eal", rte_errno);
  }
  return true;
}

bool start_port(DpdkShared& shared, DpdkPort& port, const PortConfig& config, std::string& error) {
  if (rte_eth_dev_get_port_by_name(config.device.c_str(), &port.id) != 0) {
    return failed(error, "DPDK knows no device of this name; name it in the EAL arguments", config.device, 0);
  }
  rte_eth_dev_info info{};
  if (const int code = rte_eth_dev_info_get(port.id, &info); code != 0) {
    return failed(error, "cannot be asked for its abilities", config.device, code);
  }
  port.receive_queues =
      std::min<std::uint16_t>(shared.worker_count, std::max<std::uint16_t>(1, info.max_rx_queues));
  port.transmit_queues = info.max_tx_queues >= shared.worker_count ? shared.worker_count : std::uint16_t{1};
  if (port.receive_queues < shared.worker_count) port.receive_queues = 1;
  rte_eth_conf settings{};
  settings.rxmode.mq_mode = port.receive_queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE;
  if (port.receive_queues > 1)
    settings.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IP & info.flow_type_rss_offloads;
  port.vouches = info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  settings.rxmode.offloads = port.vouches;
  settings.intr_conf.rxq = config.interface.empty() ? 1 : 0;
  int code = rte_eth_dev_configure(port.id, port.receive_queues, port.transmit_queues, &settings);
  if (code != 0 &&
      settings.intr_conf.rxq != 0) {  // a PMD without receive interrupts: the loop sleeps by the clock
    settings.intr_conf.rxq = 0;
    code = rte_eth_dev_configure(port.id, port.receive_queues, port.transmit_queues, &settings);
  }
  if (code != 0) return failed(error, "cannot be configured", config.device, code);
  port.interrupts = settings.intr_conf.rxq != 0;
  const int socket = rte_eth_dev_socket_id(port.id);
  const auto numa = socket < 0 ? static_cast<unsigned>(SOCKET_ID_ANY) : static_cast<unsigned>(socket);
  for (std::uint16_t queue = 0; queue < port.receive_queues; ++queue) {
    code = rte_eth_rx_queue_setup(port.id, queue, descriptor_count, numa, nullptr, shared.buffers);
    if (code != 0) return failed(error, "receive queue cannot be set up", config.device, code);
  }
  for (std::uint16_t queue = 0; queue < port.transmit_queues; ++queue) {
    code = rte_eth_tx_queue_setup(port.id, queue, descriptor_count, numa, nullptr);
    if (code != 0) return failed(error, "transmit queue cannot be set up", config.device, code);
  }
  rte_eth_promiscuous_enable(port.id);  // a bump in the wire has no address of its own
  if (code = rte_eth_dev_start(port.id); code != 0)
    return failed(error, "cannot be started", config.device, code);
  return true;
}

bool make_rings(DpdkShared& shared, std::string& error) {
  for (std::uint16_t worker = 0; worker < shared.worker_count; ++worker) {
    const std::string name = "to_worker_" + std::to_string(worker);
    rte_ring* ring = rte_ring_create(name.c_str(), 1024, SOCKET_ID_ANY, RING_F_SC_DEQ);
    if (ring == nullptr) return failed(error, "no memory for the ring between workers", "dpdk", rte_errno);
    shared.rings.push_back(ring);
  }
  return true;
}

}  // namespace

std::unique_ptr<DpdkIo> DpdkIo::start(const DpdkConfig& config, std::string& error) {
  if (!start_eal(config, error)) return nullptr;
  auto impl = std::make_unique<Impl>();
  DpdkShared& shared = impl->shared;
  shared.worker_count = config.worker_count;
  shared.buffers = rte_pktmbuf_pool_create("frames", config.buffer_count, cache_size, 0,
                                           RTE_MBUF_DEFAULT_BUF_SIZE, static_cast<int>(rte_socket_id()));
  if (shared.buffers == nullptr) {
    failed(error, "no memory for frame buffers; give EAL more (-m)", "dpdk", rte_errno);
    return nullptr;
  }
  shared.ports.resize(config.ports.size());
  for (std::size_t port = 0; port < config.ports.size(); ++port) {
    if (!start_port(shared, shared.ports[port], config.ports[port], error)) return nullptr;
  }
  if (!make_rings(shared, error)) return nullptr;
  for (std::uint16_t worker = 0; worker < config.worker_count; ++worker) {
    auto queue = DpdkQueue::Impl::make(shared, config.ports, worker, error);
    if (queue == nullptr) return nullptr;
    impl->queues.push_back(std::make_unique<DpdkQueue>(std::move(queue)));
  }
  for (std::unique_ptr<DpdkQueue>& queue : impl->queues) shared.wakes.push_back(queue.get());
  return std::unique_ptr<DpdkIo>(new DpdkIo(std::move(impl)));
}

DpdkIo::DpdkIo(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

DpdkIo::~DpdkIo() {
  for (const DpdkPort& port : impl_->shared.ports) {
    rte_eth_dev_stop(port.id);
    rte_eth_dev_close(port.id);
  }
  rte_eal_cleanup();
}

DpdkQueue& DpdkIo::queue(std::uint16_t worker) noexcept { return *impl_->queues[worker]; }

void DpdkIo::enter_thread() noexcept { rte_thread_register(); }

}  // namespace conduit
