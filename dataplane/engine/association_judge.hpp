// What a PDU may do by the association that it names (part of the judge). Internal to the engine.
#pragma once

#include "dataplane/engine/association_table.hpp"
#include "dataplane/engine/worker_context.hpp"

namespace conduit {

[[nodiscard]] AssociationEnds ends_of(const Flow& flow) noexcept;

// May this PDU, sent in `role`, name the association `head.association`? Only while the policy in force
// permits what opened it, so that swaps, grants and island mode bind associations like anything else; an
// answer follows its request and needs the association alone. `rule`: that permits it, or comes nearest.
[[nodiscard]] Reason judge_association(WorkerContext& context, const Flow& flow, Role role,
                                       const PduHead& head, std::uint32_t& rule) noexcept;

}  // namespace conduit
