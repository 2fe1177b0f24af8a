// What a conversation remembers: TSAPs, the negotiated size, blocks on their way, jobs of the server.
#include <array>

#include "protocols/s7comm/s7comm_pdu.hpp"

namespace conduit::s7comm {
namespace {

// Of a Transfer.
constexpr std::uint8_t transfer_none = 0;
constexpr std::uint8_t transfer_asked = 1;  // the request has passed
constexpr std::uint8_t transfer_open = 2;   // upload: the answer said which id it has

// Of Continued.
constexpr std::uint8_t continued_none = 0;
constexpr std::uint8_t continued_asked = 1;
constexpr std::uint8_t continued_open = 2;  // more parts were announced

void accept_control(Bytes pdu, Role sender, Session& session) noexcept {
  Control control;
  if (read_control(pdu, control) != nullptr) return;
  const bool client = sender == Role::CLIENT;
  switch (control.code) {
    case CONNECT_REQUEST:
      session.connect_asked = true;
      session.connect_reference = control.source_reference;
      session.asked_tsaps = tsaps_of(control);
      return;
    case CONNECT_CONFIRM:
      if (!session.connect_asked || session.connect_reference != control.destination_reference) return;
      session.connected = true;
      session.tsaps = session.asked_tsaps;
      return;
    case DISCONNECT_REQUEST:
      if (client) session.client_disconnects = true;
      if (!client && session.connected) session.server_disconnects = true;
      if (!client && !session.connected) session.connect_asked = false;
      return;
    case ERROR_TPDU:
      if (!client && !session.connected) session.connect_asked = false;
      return;
    default: return;
  }
}

void accept_client_job(const Header& header, Session& session) noexcept {
  Bytes name;
  const std::uint8_t function = header.parameter[0];
  if (function != REQUEST_DOWNLOAD && function != START_UPLOAD) return;
  if (file_of_job(header.parameter, name) != nullptr) return;
  Transfer& transfer =
      function == REQUEST_DOWNLOAD ? session.download : session.uploads[session.upload_next & 1U];
  if (function == START_UPLOAD) ++session.upload_next;
  transfer.block = block_of_file(name);
  transfer.state = transfer_asked;
  transfer.reference = header.reference;
  transfer.id = 0;
}

void accept_server_job(const Header& header, Session& session) noexcept {
  constexpr std::size_t count = std::size(Session{}.jobs);
  ServerJob* place = &session.jobs[session.job_next % count];
  for (ServerJob& job : session.jobs) {
    if (job.live && job.reference == header.reference) place = &job;  // asked again
  }
  if (place == &session.jobs[session.job_next % count]) ++session.job_next;
  place->reference = header.reference;
  place->function = header.parameter[0];
  place->live = true;
}

void accept_client_answer(const Header& header, Session& session) noexcept {
  for (ServerJob& job : session.jobs) {
    if (!job.live || job.reference != header.reference) continue;
    job.live = false;
    if (job.function == DOWNLOAD_ENDED) session.download.state = transfer_none;
    return;
  }
}

void accept_server_answer(const Header& header, Session& session) noexcept {
  const bool failed = header.error != 0;
  Transfer& download = session.download;
  if (failed && download.state != transfer_none && download.reference == header.reference) {
    download.state = transfer_none;
  }
  for (Transfer& upload : session.uploads) {
    if (upload.state != transfer_asked || upload.reference != header.reference) continue;
    upload.id = upload_id(header.parameter);
    upload.state = failed ? transfer_none : transfer_open;
    break;
  }
  const Bytes parameter = header.parameter;
  if (!failed && parameter.size() == 8 && parameter[0] == SETUP_COMMUNICATION) {
    session.pdu_size = load_u16be(&parameter[6]);
  }
}

void accept_userdata(const Header& header, Role sender, Session& session) noexcept {
  Userdata userdata;
  if (read_userdata(header, userdata) != nullptr) return;
  Continued& continued = session.continued;
  const std::uint16_t function = userdata.function();
  if (sender == Role::SERVER) {
    const bool first = continued.state == continued_asked && continued.reference == header.reference;
    if (!userdata.response() || !(first || continues(session, userdata))) return;
    continued.sequence = userdata.sequence;
    continued.state = userdata.last ? continued_none : continued_open;
    return;
  }
  if (!userdata.request() || (function != READ_SZL && function != LIST_BLOCKS_OF_TYPE)) return;
  if (userdata.payload.size() < 2) return;
  continued.function = function;
  continued.reference = header.reference;
  continued.detail = load_u16be(userdata.payload.data());
  continued.state = continued_asked;
}

void accept_plus(Bytes tsdu, Role sender, Session& session) noexcept {
  PlusPart& part = session.plus[static_cast<std::size_t>(sender)];
  const Plus plus = read_plus(tsdu, part);
  if (!plus.continues) part.answered = plus.opcode == plus_response;
  part.function = plus.function;
  part.sequence = plus.sequence;
  part.more = plus.more ? plus.version : std::uint8_t{0};
  if (sender == Role::SERVER && plus.opcode == plus_response && plus.function == S7PLUS_INIT_SSL) {
    session.tls = true;
  }
  if (sender == Role::CLIENT && plus.function == S7PLUS_OPAQUE) session.opaque = true;
}

void accept_s7(Bytes tsdu, Role sender, Session& session) noexcept {
  Header header;
  if (read_header(tsdu, header) != nullptr) return;
  const bool client = sender == Role::CLIENT;
  if (header.rosctr == USERDATA_PDU) return accept_userdata(header, sender, session);
  if (header.rosctr == JOB) {
    if (header.parameter.empty()) return;
    return client ? accept_client_job(header, session) : accept_server_job(header, session);
  }
  return client ? accept_client_answer(header, session) : accept_server_answer(header, session);
}

}  // namespace

Tsaps tsaps_of(const Control& control) noexcept {
  Tsaps tsaps;
  if (control.destination_tsap.size() == 2) {
    tsaps.destination_known = true;
    tsaps.connection_type = control.destination_tsap[0];
    tsaps.slot = control.destination_tsap[1];
  }
  if (control.source_tsap.size() == 2) {
    tsaps.source_known = true;
    tsaps.source = load_u16be(control.source_tsap.data());
  }
  return tsaps;
}

const Transfer* find_upload(const Session& session, std::uint32_t id) noexcept {
  for (const Transfer& upload : session.uploads) {
    if (upload.state == transfer_open && upload.id == id) return &upload;
  }
  return nullptr;
}

const ServerJob* find_job(const Session& session, std::uint16_t reference) noexcept {
  for (const ServerJob& job : session.jobs) {
    if (job.live && job.reference == reference) return &job;
  }
  return nullptr;
}

bool download_awaited(const Session& session, const BlockName& block) noexcept {
  return session.download.state != transfer_none && session.download.block.same(block);
}

bool continues(const Session& session, const Userdata& userdata) noexcept {
  const Continued& continued = session.continued;
  return continued.state == continued_open && continued.function == userdata.function() &&
         continued.sequence == userdata.sequence;
}

void accept(Bytes pdu, Role sender, SessionState& state, Associations&) noexcept {
  Session& session = state.as<Session>();
  std::array<std::uint8_t, pdu_scratch_size> scratch;
  if (pdu.size() < data_header_size) return;
  if (pdu[tpkt_header_size + 1] != DATA) return accept_control(pdu, sender, session);
  Bytes tsdu;
  if (read_data(pdu, scratch, tsdu) != nullptr || tsdu.empty()) return;
  if (tsdu[0] == s7_protocol) return accept_s7(tsdu, sender, session);
  if (tsdu[0] == s7plus_protocol) return accept_plus(tsdu, sender, session);
  if (sender == Role::CLIENT) session.opaque = true;
}

}  // namespace conduit::s7comm
