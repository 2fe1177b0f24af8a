// Verdict and Reason: what was done with a frame or PDU, and the one named cause.
//
// One X-list gives the enum, the text, the event class, its severity and the requirement it is evidence for.
// Numbers are explicit and never reused (tests/unit/reason_numbers.txt holds them against accidents). Zero is
// "nothing decided".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace conduit {

// What happens on the wire. A zeroed verdict drops.
enum class Verdict : std::uint8_t {
  DROP = 0,  // datagrams and frames vanish; on TCP the flow is removed, the other side gets an RST
  FORWARD = 1,
  REFUSE = 2,   // the sender gets the protocol's own negative reply, the receiver nothing
  DISCARD = 3,  // the PDU is taken out of the stream without a reply
  RESET = 4,    // both sides get an RST
  HOLD = 5,     // not decided: waiting for the rest (never reported)
};

// Columns: number, name, event class (catalogue of the SOC events), OCSF severity (1–6), requirement, text.
#define CONDUIT_REASONS(X)                                                                                   \
  X(0, NONE, 0, 1, "", "no objection")                                                                       \
  /* layer 2 */                                                                                              \
  X(100, FRAME_MALFORMED, 1004, 3, "CR 3.5", "frame shorter than its headers say")                           \
  X(101, VLAN_STACK_TOO_DEEP, 1004, 3, "CR 3.5", "more than two VLAN tags")                                  \
  X(102, ETHERTYPE_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "no rule permits this ethertype")                   \
  X(103, LLC_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "no rule permits this 802.3 LLC frame")                   \
  X(104, STP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "spanning tree BPDU without a rule")                      \
  X(105, LLDP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "LLDP without a rule")                                   \
  X(106, MRP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "media redundancy (MRP) without a rule")                  \
  X(107, PRP_HSR_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "PRP/HSR supervision or HSR tag without a rule")      \
  X(108, PTP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "precision time protocol without a rule")                 \
  X(109, PROFINET_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "PROFINET RT or DCP without a rule")                 \
  X(110, DHCP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "DHCP or BOOTP without a rule")                          \
  X(111, IGMP_MLD_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "IGMP or MLD without a rule")                        \
  X(112, GROUP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "multicast or broadcast without a rule")                \
  X(113, GOOSE_SV_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1",                                                      \
    "GOOSE, GSE management or sampled values without a rule")                                                \
  X(114, LINK_LOCAL_CONTROL, 1001, 3, "SR 5.2 RE1", "802.1 reserved group address without a rule")           \
  /* network layer */                                                                                        \
  X(119, IP_FRAGMENT_FULL, 3006, 3, "SR 7.1", "no room for another fragmented IP packet")                    \
  X(120, IP_HEADER_MALFORMED, 1004, 3, "CR 3.5", "IP header whose lengths or fields disagree")               \
  X(121, IP_CHECKSUM_WRONG, 1005, 3, "CR 3.5", "IPv4 header checksum is wrong")                              \
  X(122, IP_OPTIONS_NOT_PERMITTED, 1005, 3, "CR 3.5", "IPv4 options")                                        \
  X(123, IP_FRAGMENT_NOT_PERMITTED, 1005, 4, "CR 3.5", "IP fragment")                                        \
  X(124, IPV6_EXTENSION_NOT_PERMITTED, 1005, 3, "CR 3.5", "IPv6 extension header unknown or chain too long") \
  X(125, TTL_TOO_LOW, 1005, 3, "CR 3.5", "time to live so low that the receiver may never see the packet")   \
  X(126, IP_PROTOCOL_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "IP protocol other than TCP, UDP, ICMP")          \
  X(127, SOURCE_UNKNOWN, 1001, 3, "SR 5.2 RE1", "source address is not a declared asset of this zone")       \
  X(128, DESTINATION_UNKNOWN, 1001, 3, "SR 5.2 RE1",                                                         \
    "destination address is not a declared asset beyond the gateway")                                        \
  X(129, SOURCE_WRONG_ZONE, 1001, 4, "SR 5.2 RE1", "source address belongs to an asset of another zone")     \
  X(130, SOURCE_MAC_MISMATCH, 1001, 4, "SR 5.2 RE1", "source MAC is not the one declared for the asset")     \
  X(131, CONDUIT_UNDOCUMENTED, 1001, 3, "SR 5.2 RE1", "no conduit joins these two zones")                    \
  X(132, FLOW_UNDOCUMENTED, 1001, 3, "SR 5.2 RE1", "no rule documents this flow")                            \
  X(133, NO_POLICY, 1001, 3, "SR 5.2 RE1", "no policy is loaded: nothing is forwarded")                      \
  X(134, PORT_UNPAIRED, 1001, 3, "SR 5.1", "the port has no counterpart")                                    \
  X(135, LAND_PACKET, 1005, 4, "CR 3.5", "source and destination are the same")                              \
  X(136, IP_FRAGMENT_OVERLAP, 1005, 4, "CR 3.5", "IP fragments overlap, or disagree on the packet's end")    \
  X(137, IP_FRAGMENT_TINY, 1005, 4, "CR 3.5", "first IP fragment without the whole transport header")        \
  X(138, IP_FRAGMENT_TOO_LARGE, 1005, 3, "CR 3.5", "fragmented IP packet too large, or in too many pieces")  \
  X(139, IP_FRAGMENT_INCOMPLETE, 1005, 3, "CR 3.5", "the rest of a fragmented IP packet did not come")       \
  /* address resolution */                                                                                   \
  X(140, ARP_MALFORMED, 1004, 3, "CR 3.5", "ARP packet that is not a well-formed Ethernet/IPv4 one")         \
  X(141, ARP_BINDING_VIOLATED, 1005, 4, "SR 5.2 RE1",                                                        \
    "ARP or NDP claims an address that is bound elsewhere")                                                  \
  X(142, ARP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "ARP or NDP between addresses that share no conduit")     \
  X(143, NDP_MALFORMED, 1004, 3, "CR 3.5", "neighbour discovery message that is not well formed")            \
  X(144, MAC_CHANGED, 1005, 3, "SR 6.2", "an asset answers from another MAC than before")                    \
  /* ICMP and UDP */                                                                                         \
  X(150, ICMP_MALFORMED, 1004, 3, "CR 3.5", "ICMP message shorter than its type asks, or checksum wrong")    \
  X(151, ICMP_NOT_PERMITTED, 1001, 3, "SR 5.2 RE1", "no rule permits this ICMP type")                        \
  X(152, ICMP_QUOTE_UNKNOWN, 1005, 3, "CR 3.5", "ICMP error that quotes no living flow")                     \
  X(155, UDP_MALFORMED, 1004, 3, "CR 3.5", "UDP length disagrees with the IP length")                        \
  X(156, UDP_CHECKSUM_WRONG, 1005, 3, "CR 3.5", "UDP checksum is wrong")                                     \
  X(157, UDP_CHECKSUM_ABSENT, 1005, 3, "CR 3.5", "UDP over IPv4 without checksum, not permitted by rule")    \
  /* TCP */                                                                                                  \
  X(160, TCP_MALFORMED, 1004, 3, "CR 3.5", "TCP header or options whose lengths disagree")                   \
  X(161, TCP_CHECKSUM_WRONG, 1005, 3, "CR 3.5", "TCP checksum is wrong")                                     \
  X(162, TCP_FLAGS_INVALID, 1005, 4, "CR 3.5", "combination of TCP flags that no stack sends")               \
  X(163, TCP_NO_FLOW, 1005, 3, "CR 3.5", "segment of a connection whose beginning was not seen")             \
  X(164, TCP_SYN_DATA, 1005, 4, "CR 3.5", "data in a SYN")                                                   \
  X(165, TCP_URGENT, 1005, 4, "CR 3.5", "urgent pointer")                                                    \
  X(166, TCP_OUT_OF_WINDOW, 1005, 3, "CR 3.5", "sequence or acknowledgement outside the window")             \
  X(167, TCP_RST_NOT_EXACT, 1005, 3, "CR 3.5",                                                               \
    "RST that does not lie exactly where the receiver expects it")                                           \
  X(168, TCP_RETRANSMISSION_DIFFERS, 1005, 5, "CR 3.5",                                                      \
    "retransmission carries other bytes than the first time")                                                \
  X(169, TCP_TIMESTAMP_OLD, 1005, 3, "CR 3.5", "TCP timestamp older than one already accepted")              \
  X(170, TCP_HANDSHAKE_VIOLATED, 1005, 3, "CR 3.5", "segment that does not fit the handshake")               \
  X(171, TCP_OUT_OF_ORDER_FULL, 3006, 2, "SR 7.1", "no room to keep a segment that came too early")          \
  X(172, TCP_HOLD_FULL, 3006, 2, "SR 7.1", "no room to hold the rest of a cut PDU")                          \
  X(173, TCP_RETAINED_FULL, 3006, 2, "SR 7.1", "bound of forwarded, unacknowledged bytes reached")           \
  X(174, TCP_MAP_FULL, 3006, 3, "SR 7.1",                                                                    \
    "too many refusals in one connection: no room in the position map")                                      \
  X(175, TCP_BACKED_OFF, 1005, 2, "SR 7.1", "new connection held back after repeated resets of this pair")   \
  X(176, TCP_IDLE_TIMEOUT, 1001, 2, "SR 3.8", "connection was idle longer than its timeout")                 \
  X(177, TCP_HALF_OPEN_FULL, 3006, 3, "SR 7.1",                                                              \
    "no room for another connection that is not yet established")                                            \
  X(178, FLOW_TABLE_FULL, 3006, 4, "SR 7.1", "no room for another flow")                                     \
  X(179, TCP_STREAM_GAP, 1005, 3, "CR 3.5", "stream cannot be followed: bytes were never seen")              \
  X(180, TCP_FAST_OPEN, 1005, 3, "CR 3.5", "TCP Fast Open")                                                  \
  X(181, TCP_CHALLENGED, 1005, 2, "CR 3.5", "SYN on a living connection: receiver is asked to confirm")      \
  X(182, FLOW_NO_LONGER_PERMITTED, 1001, 3, "SR 5.2 RE1",                                                    \
    "the policy now in force permits nothing on this flow")                                                  \
  X(183, TCP_HOLD_TIMEOUT, 1005, 3, "CR 3.5", "the rest of a cut PDU did not come")                          \
  X(184, TCP_REPLY_UNACKNOWLEDGED, 1005, 3, "SR 7.1",                                                        \
    "the sender of a refused request never acknowledged the reply")                                          \
  X(185, SOURCE_FLOWS_FULL, 3006, 3, "SR 7.1", "one source has used up its share of flows")                  \
  /* PDU */                                                                                                  \
  X(200, PDU_MALFORMED, 1004, 3, "CR 3.5", "PDU is not well formed")                                         \
  X(201, PROTOCOL_MISMATCH, 1006, 3, "SR 5.2", "bytes are not the protocol that the rule names")             \
  X(202, FUNCTION_NOT_PERMITTED, 1002, 4, "SR 5.2 RE1", "no rule permits this function to this client")      \
  X(203, OBJECT_NOT_PERMITTED, 1002, 4, "SR 5.2 RE1", "function is permitted, but not on this object")       \
  X(204, VALUE_NOT_PERMITTED, 1003, 4, "SR 5.2 RE1", "value lies outside the permitted range")               \
  X(205, RATE_EXCEEDED, 1003, 4, "SR 7.1", "more operations than the rule's limit")                          \
  X(206, GRANT_REQUIRED, 1002, 4, "SR 1.13 RE1", "the rule needs a grant that is not active")                \
  X(207, ISLAND_MODE, 1001, 3, "SR 5.2 RE2", "island mode: only essential rules apply")                      \
  X(208, RESPONSE_UNSOLICITED, 1007, 3, "CR 3.1", "response without an outstanding request")                 \
  X(209, RESPONSE_MISMATCHED, 1007, 3, "CR 3.1", "response does not fit the request it answers")             \
  X(210, OUTSTANDING_FULL, 3006, 3, "SR 7.1", "too many requests without an answer")                         \
  X(211, UNSOLICITED_NOT_PERMITTED, 1007, 3, "SR 5.2 RE1", "unsolicited PDU without a rule")                 \
  X(212, DATAGRAM_TRAILING_BYTES, 1004, 3, "CR 3.5", "datagram holds more than its PDU")                     \
  X(213, OPERATION_PERMITTED, 1010, 1, "SR 2.8", "permitted operation that the rule wants recorded")         \
  X(214, WRONG_DIRECTION, 1002, 4, "SR 5.2 RE1", "PDU travels in a direction that no rule documents")        \
  X(218, ASSOCIATION_UNKNOWN, 1007, 4, "SR 5.2 RE1",                                                         \
    "PDU names a connection that was not opened, or is not permitted any more")                              \
  X(219, ASSOCIATION_FULL, 3006, 3, "SR 7.1", "no room for another connection beside its flow")              \
  X(220, ASSEMBLY_FULL, 3006, 3, "SR 7.1", "no room for another message that comes in several datagrams")    \
  X(221, ASSEMBLY_TOO_LARGE, 1005, 3, "CR 3.5", "message in several datagrams is too large to be judged")    \
  /* the gateway itself */                                                                                   \
  X(300, OUTPUT_FULL, 3006, 3, "SR 7.1", "no buffer or queue space for an outgoing frame")

enum class Reason : std::uint16_t {
#define CONDUIT_REASON_ENUM(number, name, event, severity, requirement, text) name = number,
  CONDUIT_REASONS(CONDUIT_REASON_ENUM)
#undef CONDUIT_REASON_ENUM
};
inline constexpr std::size_t reason_number_end = 320;  // counters are indexed by reason number

struct ReasonInfo {
  Reason reason;
  std::string_view name;         // "FUNCTION_NOT_PERMITTED"
  std::uint16_t event_class;     // 1002
  std::uint8_t severity;         // OCSF 1 (informational) to 6 (fatal)
  std::string_view requirement;  // "SR 5.2 RE1"
  std::string_view text;
};

// Entry of a reason; an unknown number yields an entry named "UNKNOWN".
[[nodiscard]] const ReasonInfo& reason_info(Reason reason) noexcept;
[[nodiscard]] std::string_view verdict_name(Verdict verdict) noexcept;  // "forward", "refuse", …

}  // namespace conduit
