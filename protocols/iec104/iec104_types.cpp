// What is known of type identifications (101 §7.2.1, §7.3; 104 §6).
#include "protocols/iec104/iec104_pdu.hpp"

namespace conduit::iec104 {
namespace {

constexpr std::uint8_t cp24 = 3;
constexpr std::uint8_t cp56 = 7;

using Table = std::array<TypeRow, 128>;

constexpr QualifierPlace no_qualifier{};
constexpr QualifierPlace command_qualifier{0, 2, 0x1F};  // QU between state and select bit
constexpr QualifierPlace octet(std::uint8_t at) { return {at, 0, 0xFF}; }
constexpr QualifierPlace set_point_qualifier(std::uint8_t at) { return {at, 0, 0x7F}; }  // QL

constexpr void data(Table& rows, std::uint8_t type, std::string_view name, Number number, std::uint8_t size,
                    std::uint8_t tag_size, bool sequence) {
  rows[type] = {.name = name,
                .number = number,
                .access = AccessClass::READ,
                .size = static_cast<std::uint8_t>(size + tag_size),
                .tag_size = tag_size,
                .sequence = sequence};
}

constexpr void lay_data(Table& rows) {
  data(rows, 1, "M_SP_NA_1", Number::BIT, 1, 0, true);
  data(rows, 2, "M_SP_TA_1", Number::BIT, 1, cp24, false);
  data(rows, 3, "M_DP_NA_1", Number::STATE, 1, 0, true);
  data(rows, 4, "M_DP_TA_1", Number::STATE, 1, cp24, false);
  data(rows, 5, "M_ST_NA_1", Number::STEP, 2, 0, true);
  data(rows, 6, "M_ST_TA_1", Number::STEP, 2, cp24, false);
  data(rows, 7, "M_BO_NA_1", Number::BITS, 5, 0, true);
  data(rows, 8, "M_BO_TA_1", Number::BITS, 5, cp24, false);
  data(rows, 9, "M_ME_NA_1", Number::NORMALISED, 3, 0, true);
  data(rows, 10, "M_ME_TA_1", Number::NORMALISED, 3, cp24, false);
  data(rows, 11, "M_ME_NB_1", Number::SCALED, 3, 0, true);
  data(rows, 12, "M_ME_TB_1", Number::SCALED, 3, cp24, false);
  data(rows, 13, "M_ME_NC_1", Number::FLOAT, 5, 0, true);
  data(rows, 14, "M_ME_TC_1", Number::FLOAT, 5, cp24, false);
  data(rows, 15, "M_IT_NA_1", Number::COUNTER, 5, 0, true);
  data(rows, 16, "M_IT_TA_1", Number::COUNTER, 5, cp24, false);
  data(rows, 17, "M_EP_TA_1", Number::OCTETS, 3, cp24, false);
  data(rows, 18, "M_EP_TB_1", Number::OCTETS, 4, cp24, false);
  data(rows, 19, "M_EP_TC_1", Number::OCTETS, 4, cp24, false);
  data(rows, 20, "M_PS_NA_1", Number::OCTETS, 5, 0, true);
  data(rows, 21, "M_ME_ND_1", Number::NORMALISED, 2, 0, true);
  data(rows, 30, "M_SP_TB_1", Number::BIT, 1, cp56, false);
  data(rows, 31, "M_DP_TB_1", Number::STATE, 1, cp56, false);
  data(rows, 32, "M_ST_TB_1", Number::STEP, 2, cp56, false);
  data(rows, 33, "M_BO_TB_1", Number::BITS, 5, cp56, false);
  data(rows, 34, "M_ME_TD_1", Number::NORMALISED, 3, cp56, false);
  data(rows, 35, "M_ME_TE_1", Number::SCALED, 3, cp56, false);
  data(rows, 36, "M_ME_TF_1", Number::FLOAT, 5, cp56, false);
  data(rows, 37, "M_IT_TB_1", Number::COUNTER, 5, cp56, false);
  data(rows, 38, "M_EP_TD_1", Number::OCTETS, 3, cp56, false);
  data(rows, 39, "M_EP_TE_1", Number::OCTETS, 4, cp56, false);
  data(rows, 40, "M_EP_TF_1", Number::OCTETS, 4, cp56, false);
  data(rows, M_EI_NA_1, "M_EI_NA_1", Number::NONE, 1, 0, false);
  rows[M_EI_NA_1].qualifier = octet(0);
  rows[M_EI_NA_1].single = true;
  rows[M_EI_NA_1].no_address = true;
}

constexpr void control(Table& rows, std::uint8_t type, std::string_view name, Number number,
                       AccessClass access, QualifierPlace qualifier, std::uint8_t size,
                       std::uint8_t tag_size = 0) {
  rows[type] = {.name = name,
                .number = number,
                .access = access,
                .qualifier = qualifier,
                .size = static_cast<std::uint8_t>(size + tag_size),
                .tag_size = tag_size,
                .single = true};
}

constexpr void lay_control(Table& rows) {
  using enum AccessClass;
  control(rows, 45, "C_SC_NA_1", Number::BIT, OPERATE, command_qualifier, 1);
  control(rows, 46, "C_DC_NA_1", Number::STATE, OPERATE, command_qualifier, 1);
  control(rows, 47, "C_RC_NA_1", Number::STATE, OPERATE, command_qualifier, 1);
  control(rows, 48, "C_SE_NA_1", Number::NORMALISED, OPERATE, set_point_qualifier(2), 3);
  control(rows, 49, "C_SE_NB_1", Number::SCALED, OPERATE, set_point_qualifier(2), 3);
  control(rows, 50, "C_SE_NC_1", Number::FLOAT, OPERATE, set_point_qualifier(4), 5);
  control(rows, 51, "C_BO_NA_1", Number::BITS, OPERATE, no_qualifier, 4);
  control(rows, 58, "C_SC_TA_1", Number::BIT, OPERATE, command_qualifier, 1, cp56);
  control(rows, 59, "C_DC_TA_1", Number::STATE, OPERATE, command_qualifier, 1, cp56);
  control(rows, 60, "C_RC_TA_1", Number::STATE, OPERATE, command_qualifier, 1, cp56);
  control(rows, 61, "C_SE_TA_1", Number::NORMALISED, OPERATE, set_point_qualifier(2), 3, cp56);
  control(rows, 62, "C_SE_TB_1", Number::SCALED, OPERATE, set_point_qualifier(2), 3, cp56);
  control(rows, 63, "C_SE_TC_1", Number::FLOAT, OPERATE, set_point_qualifier(4), 5, cp56);
  control(rows, 64, "C_BO_TA_1", Number::BITS, OPERATE, no_qualifier, 4, cp56);
  control(rows, 100, "C_IC_NA_1", Number::NONE, READ, octet(0), 1);
  control(rows, 101, "C_CI_NA_1", Number::NONE, READ, octet(0), 1);  // the qualifier decides
  control(rows, 102, "C_RD_NA_1", Number::NONE, READ, no_qualifier, 0);
  control(rows, 103, "C_CS_NA_1", Number::CLOCK, MANAGE, no_qualifier, 0, cp56);
  control(rows, 104, "C_TS_NA_1", Number::SHORT, SESSION, no_qualifier, 2);
  control(rows, 105, "C_RP_NA_1", Number::NONE, MANAGE, octet(0), 1);
  control(rows, 106, "C_CD_NA_1", Number::SHORT, MANAGE, no_qualifier, 2);
  control(rows, 107, "C_TS_TA_1", Number::SHORT, SESSION, no_qualifier, 2, cp56);
  control(rows, 110, "P_ME_NA_1", Number::NORMALISED, MANAGE, octet(2), 3);
  control(rows, 111, "P_ME_NB_1", Number::SCALED, MANAGE, octet(2), 3);
  control(rows, 112, "P_ME_NC_1", Number::FLOAT, MANAGE, octet(4), 5);
  control(rows, 113, "P_AC_NA_1", Number::NONE, MANAGE, octet(0), 1);
  for (const std::uint8_t type :
       {C_IC_NA_1, C_CI_NA_1, C_CS_NA_1, C_TS_NA_1, C_RP_NA_1, C_CD_NA_1, C_TS_TA_1})
    rows[type].no_address = true;
  // Of files, who sends them and what for decides (`next_operation`).
  control(rows, 120, "F_FR_NA_1", Number::NONE, READ, octet(5), 6);
  control(rows, 121, "F_SR_NA_1", Number::NONE, READ, octet(6), 7);
  control(rows, 122, "F_SC_NA_1", Number::NONE, READ, octet(3), 4);
  control(rows, 123, "F_LS_NA_1", Number::NONE, READ, octet(3), 5);
  control(rows, 124, "F_AF_NA_1", Number::NONE, READ, octet(3), 4);
  control(rows, 125, "F_SG_NA_1", Number::OCTETS, READ, no_qualifier, 4);
  control(rows, 126, "F_DR_TA_1", Number::NONE, READ, no_qualifier, 6, cp56);
  control(rows, 127, "F_SC_NB_1", Number::NONE, READ, no_qualifier, 16);
  rows[F_DR_TA_1].single = false;
  rows[F_DR_TA_1].sequence = true;
}

constexpr Table all_rows = [] {
  Table rows{};
  lay_data(rows);
  lay_control(rows);
  return rows;
}();

constexpr bool one_of(std::uint8_t cause, std::initializer_list<Cause> causes) noexcept {
  for (const Cause one : causes) {
    if (cause == one) return true;
  }
  return false;
}

constexpr bool interrogated(std::uint8_t cause) noexcept {
  return cause >= INTERROGATED_FIRST && cause <= INTERROGATED_LAST;
}

bool client_may(std::uint8_t type, std::uint8_t cause) noexcept {
  if (cause == ACTIVATION) return can_activate(type);
  if (cause == DEACTIVATION) return can_deactivate(type);
  if (cause == SPONTANEOUS) return type == C_CD_NA_1;
  const bool selects_files = type == F_SC_NA_1 || type == F_SC_NB_1;
  if (cause == REQUEST) return type == C_RD_NA_1 || selects_files;
  return cause == FILE_TRANSFER && is_file(type) && type != F_DR_TA_1;
}

bool server_may(std::uint8_t type, std::uint8_t cause) noexcept {
  if (cause >= UNKNOWN_TYPE && cause <= UNKNOWN_OBJECT_ADDRESS)
    return true;  // the mirror of what it was sent
  if (is_data(type)) {
    const bool counter = type == M_IT_NA_1 || type == M_IT_TA_1 || type == M_IT_TB_1;
    if (cause >= COUNTERS_FIRST && cause <= COUNTERS_LAST) return counter;
    return interrogated(cause) ||
           one_of(cause, {PERIODIC, BACKGROUND, SPONTANEOUS, REQUEST, REMOTE_COMMAND, LOCAL_COMMAND});
  }
  switch (cause) {
    case INITIALIZED: return type == M_EI_NA_1;
    case ACTIVATION_CON: return can_activate(type);
    case DEACTIVATION_CON: return can_deactivate(type);
    case ACTIVATION_TERMINATION: return is_command(type) || type == C_IC_NA_1 || type == C_CI_NA_1;
    case SPONTANEOUS: return type == C_CS_NA_1 || type == F_DR_TA_1;
    case REQUEST: return type == F_DR_TA_1;
    case FILE_TRANSFER: return is_file(type) && type != F_DR_TA_1 && type != F_SC_NB_1;
    default: return is_parameter(type) && interrogated(cause);
  }
}

bool may_be_negative(std::uint8_t cause) noexcept {
  return one_of(cause, {ACTIVATION_CON, DEACTIVATION_CON, ACTIVATION_TERMINATION, UNKNOWN_TYPE, UNKNOWN_CAUSE,
                        UNKNOWN_COMMON_ADDRESS, UNKNOWN_OBJECT_ADDRESS});
}

bool may_go_to_all(std::uint8_t type) noexcept {
  return type == C_IC_NA_1 || type == C_CI_NA_1 || type == C_CS_NA_1 || type == C_RP_NA_1;  // 101 §7.2.4
}

}  // namespace

constinit const Table type_rows = all_rows;

bool well_placed(const Fields& fields) noexcept {
  // Only some can be sent to all stations; a mirror of what could not says so.
  if (fields.broadcast && !(fields.from_client ? may_go_to_all(fields.type) : fields.negative)) return false;
  if (fields.from_client) return !fields.negative && client_may(fields.type, fields.cause);
  return (!fields.negative || may_be_negative(fields.cause)) && server_may(fields.type, fields.cause);
}

}  // namespace conduit::iec104
