// Finding out to whom a frame or flow belongs, by the image in force. Internal to the engine.
#pragma once

#include "dataplane/engine/worker_context.hpp"

namespace conduit {

// Does the asset's declaration permit this MAC? One without declared MACs is bound to its port alone.
[[nodiscard]] bool mac_permitted(const RuleImage& image, std::uint32_t asset, const Mac& mac) noexcept;

// NONE if the rule applies at this moment (island mode, grant); else why not.
[[nodiscard]] Reason rule_in_force(const WorkerContext& context, std::uint32_t rule) noexcept;

// May one more operation of this rule pass (rate limit)? Counts it.
[[nodiscard]] bool take_limit(WorkerContext& context, std::uint32_t rule) noexcept;

// Multicast or broadcast (limited) address.
[[nodiscard]] bool is_group_address(const Address& address) noexcept;
[[nodiscard]] bool is_unspecified(const Address& address) noexcept;  // 0.0.0.0 or ::

}  // namespace conduit
