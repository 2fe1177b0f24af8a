// Deliberate faults of the engine, to test the tests: one for each law of DESIGN §5 and each branch of the
// gate and the judge. What is shipped is built without them: `mutated` is a constant there, and nothing of a
// mutation is left in the program (a test looks for the symbol). Libraries whose names end in _mutable are
// built with CONDUIT_MUTATIONS; a test that links them puts one mutation in force at a time.
//
// With a mutation in force, images that a worker was ever given have to outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace conduit {

// X(name, what the engine does then)
#define CONDUIT_MUTATION_LIST(X)                                                                           \
  /* law 1: judge, then forward */                                                                         \
  X(FORWARD_BEFORE_JUDGING, "a segment of an open connection leaves before it is judged, and again after") \
  X(REPETITION_FORWARDED, "a repeated segment leaves as it came, its completing byte too")                 \
  X(EARLY_FORWARDED, "a segment that came too early leaves at once")                                       \
  X(EARLY_UNJUDGED, "bytes of segments that waited for a gap to close count as judged")                    \
  X(ONLY_FIRST_PDU_JUDGED, "of a segment with many PDUs only the first is judged")                         \
  X(SHORT_WAY_WITHIN_PDU, "a segment within a PDU whose head has left is judged as a PDU of its own")      \
  X(HELD_TAIL_JUDGED_ALONE, "the rest of a held PDU is judged without its head")                           \
  X(OPERATION_BEGUN, "the first octet of an operation goes on with its framing")                           \
  X(TAIL_RELEASED_UNASKED, "any repetition releases a held tail")                                          \
  X(HOLD_RELEASED, "a held tail goes on to a server that gets whole PDUs alone")                           \
  X(PARTLY_LEFT_REFUSED, "a PDU of which a part has left is taken out of the stream all the same")         \
  X(STRAY_PERMITTED, "behind a part that has left may stand what reads as another PDU")                    \
  X(SENT_ON_UNANSWERED, "behind a request that has left in parts, others follow before it is answered")    \
  X(PART_LEFT_BEFORE_RESYNC, "parts of PDUs leave though a restart may join the connection behind them")   \
  X(JOINED_UNASKED, "a connection is joined where its client says it stands")                              \
  X(JOINED_WITHIN_PDU, "a connection is joined where its server stands, be it within a PDU of the client") \
  X(DOUBT_FORGOTTEN, "a flow that was observed is enforced though its receivers may stand elsewhere")      \
  X(SERVER_UNJUDGED, "what the server sends is forwarded unread")                                          \
  X(ACKNOWLEDGES_FOR_RECEIVER, "own segments acknowledge bytes that their receiver has not acknowledged")  \
  /* law 2: two readings possible: deny */                                                                 \
  X(IP_CHECKSUM_SKIPPED, "the IPv4 header checksum is not compared")                                       \
  X(TCP_CHECKSUM_SKIPPED, "the TCP checksum is not compared")                                              \
  X(UDP_CHECKSUM_SKIPPED, "the UDP checksum is not compared")                                              \
  X(TCP_FLAGS_UNCHECKED, "any combination of TCP flags passes")                                            \
  X(FRAGMENTS_FORWARDED, "IP fragments leave as they came")                                                \
  X(FRAGMENTS_EVERYWHERE, "fragments are put together in conduits that do not permit them")                \
  X(FRAGMENT_OVERLAP_TAKEN, "of IP fragments that overlap, the last one counts")                           \
  X(TINY_FRAGMENT_TAKEN, "a first fragment may end within the transport header")                           \
  X(WHOLE_PACKET_UNJUDGED, "a packet that came in fragments leaves unjudged")                              \
  X(TTL_UNCHECKED, "packets whose time to live may end before the receiver are forwarded")                 \
  X(SYN_DATA_FORWARDED, "a SYN leaves with its data")                                                      \
  X(FAST_OPEN_FORWARDED, "a SYN leaves with its Fast Open cookie")                                         \
  X(URGENT_FORWARDED, "segments with an urgent pointer leave as they came")                                \
  X(LENGTH_FIELD_TRUSTED, "the byte count of a register write is not compared with its quantity")          \
  X(TRAILING_BYTES_IGNORED, "octets behind the last field of a request are not noticed")                   \
  X(UNKNOWN_FUNCTION_PERMITTED, "a function that no rule names is permitted")                              \
  X(MALFORMED_PDU_PERMITTED, "a PDU that is not well formed is forwarded")                                 \
  X(FOREIGN_BYTES_PERMITTED, "bytes that are no PDU of the protocol are forwarded")                        \
  X(DATAGRAM_TRAILING_FORWARDED, "a datagram may hold more than its PDU")                                  \
  /* law 3: first data wins and stays */                                                                   \
  X(LAST_DATA_WINS, "retransmissions are not compared, and leave as they came")                            \
  X(COMPARISON_CUT_SHORT, "of a retransmission only the first octet is compared")                          \
  X(DIFFERENCE_FORGIVEN, "a retransmission that differs is dropped, but its flow lives on, unreported")    \
  X(ACKNOWLEDGED_NOT_STRIPPED, "bytes that their receiver has acknowledged pass again, keep-alives too")   \
  X(WINDOW_UNCHECKED, "data beyond the receiver's window are forwarded")                                   \
  X(WINDOW_OVERRUN, "bytes that waited leave though a reply has taken their room in the window")           \
  X(OLD_DATA_UNCHECKED, "segments far below the window are taken")                                         \
  X(ACKNOWLEDGEMENT_UNCHECKED, "an acknowledgement of what was never sent is believed")                    \
  X(TIMESTAMP_UNCHECKED, "PAWS is off: segments with an old timestamp are taken")                          \
  X(RST_ANYWHERE, "any RST ends the connection")                                                           \
  X(RST_IN_WINDOW, "an RST in the window ends the connection, exact or not")                               \
  X(SYN_ON_LIVING_FORWARDED, "a SYN on a living connection reaches its receiver")                          \
  X(FIN_IN_FRONT_TAKEN, "a repetition may end the stream in front of bytes that came before")              \
  X(FIN_LOST, "the end of a stream is not passed on")                                                      \
  X(FIN_WITHIN_PDU_PERMITTED, "a stream may end within a PDU")                                             \
  X(RESYNC_UNVERIFIED, "a connection joined in mid-stream need not stand at a PDU boundary")               \
  X(DROPPED_FLOW_FORWARDS, "segments of a flow that was dropped are forwarded")                            \
  /* law 4: every operation counts; containment */                                                         \
  X(ONLY_FIRST_OPERATION, "of a PDU only the first operation is judged")                                   \
  X(INTERSECTION, "a range that a rule contains in part is permitted")                                     \
  X(UNION_OF_RULES, "a range that several rules contain together is permitted")                            \
  X(RANGE_IGNORED, "the objects of an operation are not compared with the rule's")                         \
  X(VALUE_IGNORED, "written values are not compared with the rule's")                                      \
  X(LIMIT_IGNORED, "rate limits are not asked")                                                            \
  X(CLIENT_IGNORED, "what a rule permits to one client is permitted to all of its zone")                   \
  X(PORT_IGNORED, "an address is accepted at the port of another zone")                                    \
  X(MAC_IGNORED, "an asset's declared MAC is not compared")                                                \
  /* law 5: responses answer requests */                                                                   \
  X(RESPONSE_WITHOUT_REQUEST, "a response needs no request")                                               \
  X(UNIT_IGNORED, "a response is matched by its transaction identifier, whatever its unit")                \
  X(ANSWERS_OUT_OF_ORDER, "of two requests with one key, the second may be answered first")                \
  X(ANSWER_NOT_COMPARED, "a response is matched by its key alone")                                         \
  X(REQUEST_NEVER_FORGOTTEN, "one request may be answered many times")                                     \
  X(REQUEST_FORGOTTEN, "a full table of requests forgets the oldest at once")                              \
  X(REFUSED_REQUEST_REMEMBERED, "a response to a refused request is accepted")                             \
  X(REQUESTS_SURVIVE_REOPENING, "requests of a closed connection may be answered on the next")             \
  /* law 6: policy binds living flows */                                                                   \
  X(SWAP_UNSEEN, "the worker goes on with its first image")                                                \
  X(SWAP_SPARES_FLOWS, "a flow that the new image does not permit lives on")                               \
  X(ISLAND_UNSEEN, "island mode changes nothing")                                                          \
  X(ISLAND_SPARES_FLOWS, "on living flows rules stay in force that are not essential")                     \
  /* law 7: a limit on everything, and all comes back */                                                   \
  X(BLOCK_LEAKED_BY_RESET, "a connection that ends keeps the blocks of its streams")                       \
  X(BLOCK_LEAKED_BY_REPLY, "an acknowledged reply keeps its block")                                        \
  X(HALF_OPEN_UNBOUNDED, "connections that nobody answers may take every place")                           \
  /* law 9: transparent; refusal in the session */                                                         \
  X(REFUSED_FORWARDED_TOO, "a refused request is answered and forwarded")                                  \
  X(DISCARDED_FORWARDED, "a PDU that is to be discarded is forwarded")                                     \
  X(REFUSAL_WITHOUT_REPLY, "a refused request is taken out, and nobody answers it")                        \
  X(REPLY_INSIDE_PDU, "a reply may stand inside another PDU")                                              \
  X(REPLY_BEYOND_WINDOW, "a reply does not wait for room in the client's window")                          \
  X(REPLY_NOT_REPEATED, "a lost reply is lost")                                                            \
  X(REPLY_REST_FORGOTTEN, "a reply of which a part is acknowledged is not sent again")                     \
  X(NEXT_REPLY_FORGOTTEN, "behind an acknowledged reply the next one is not sent again")                   \
  X(MAP_OFF_BY_ONE, "positions behind a removed PDU are off by one")                                       \
  X(ACKNOWLEDGEMENT_NOT_TRANSLATED, "acknowledgements keep their number in an edited stream")              \
  X(SACK_NOT_TRANSLATED, "SACK edges keep their numbers in an edited stream")                              \
  X(WINDOW_NOT_TRANSLATED, "a window does not shrink by the reply that stands in it")                      \
  X(QUOTE_NOT_TRANSLATED, "an ICMP error quotes the receiver's numbers to the sender")                     \
  X(NUMBERS_NOT_ADJUSTED, "PDUs behind a removed one keep the numbers that they carry")                    \
  X(REMOVED_UNACKNOWLEDGED, "nobody acknowledges a PDU that was taken out without a reply")                \
  X(RESET_ONE_SIDE, "a reset tells only one side")                                                         \
  X(RESET_OFF_BY_ONE, "a reset has a number that its receiver does not accept")                            \
  X(ASSOCIATION_UNJUDGED, "a connection need not have been opened")                                        \
  X(ASSOCIATION_OUTLIVES_POLICY, "a connection stays usable without what permitted it")                    \
  /* accounting */                                                                                         \
  X(EVENT_LOST, "a denied PDU leaves no event")                                                            \
  X(REASON_NOT_COUNTED, "a denied PDU is not counted by its reason")                                       \
  X(DENIAL_NOT_COUNTED, "a denied PDU is not counted for its conduit")

enum class Mutation : std::uint8_t {
  NONE = 0,
#define CONDUIT_MUTATION_ENUM(name, text) name,
  CONDUIT_MUTATION_LIST(CONDUIT_MUTATION_ENUM)
#undef CONDUIT_MUTATION_ENUM
};

#ifdef CONDUIT_MUTATIONS

struct MutationInfo {
  Mutation mutation = Mutation::NONE;
  std::string_view name{};
  std::string_view text{};
};

inline constexpr auto mutation_list = std::to_array<MutationInfo>({
#define CONDUIT_MUTATION_ROW(name, text) {Mutation::name, #name, text},
    CONDUIT_MUTATION_LIST(CONDUIT_MUTATION_ROW)
#undef CONDUIT_MUTATION_ROW
});

// The mutation of this name, or NONE.
[[nodiscard]] constexpr Mutation find_mutation(std::string_view name) noexcept {
  for (const MutationInfo& info : mutation_list) {
    if (info.name == name) return info.mutation;
  }
  return Mutation::NONE;
}

// Set by a test between two frames; one for the whole process.
inline Mutation mutation_in_force = Mutation::NONE;

[[nodiscard]] inline bool mutated(Mutation mutation) noexcept { return mutation_in_force == mutation; }

#else

[[nodiscard]] constexpr bool mutated(Mutation) noexcept { return false; }

#endif

}  // namespace conduit
