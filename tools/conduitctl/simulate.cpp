// conduitctl simulate: what would the gateway have done with this capture?
#include <boost/program_options.hpp>
#include <iostream>

#include "config/policy/describe.hpp"
#include "config/policy/gateway.hpp"
#include "tools/conduitctl/simulator.hpp"
#include "tools/conduitctl/stream_decoder.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr const char* help_text =
    "conduitctl simulate --policy POLICY CAPTURE [--json] [--write-out FILE] [--gateway gateway.txtpb]\n"
    "\n"
    "Runs the gateway's engine over a capture as if it had crossed the gateway, with the capture's own time. "
    "For each PDU, and\n"
    "for each frame that is denied before it comes to one: frame, verdict (forward, refuse, discard, reset, "
    "drop), reason,\n"
    "conduit, direction, rule; `observed` where the conduit only observes and it was forwarded all the same. "
    "Each side is found\n"
    "by the addresses of the policy's assets. --write-out writes every frame that would have left, those "
    "made by the gateway\n"
    "included, in order and at the time they leave. A capture taken where checksums are left to the network "
    "card shows wrong\n"
    "ones everywhere: --checksums ignore. Behind a refusal, and of what never arrived, the ends of the "
    "capture would have gone\n"
    "on differently: their segments are adjusted to that; with --verbatim they are not.\n"
    "\n"
    "Exit status: 0 all was forwarded, 1 something was not, 2 error.\n"
    "\n"
    "Examples:\n"
    "  conduitctl simulate --policy packaging-line.txtpb plant.pcap\n"
    "  conduitctl simulate --policy new.txtpb --json plant.pcap | jq -c 'select(.verdict != \"forward\")'\n"
    "\n";

bool is_json(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0;
}

class Printer final : public SimulationOutput {
 public:
  Printer(const NameTable& names, bool json, CaptureWriter* writer)
      : names_(names), json_(json), writer_(writer) {}

  void on_report(std::uint32_t frame, const ParsedFrame& parsed, const JudgementReport& report,
                 std::uint32_t policy_rule) override {
    count(report);
    Json row = ends(frame, parsed);
    row["verdict"] = verdict_name(report.verdict);
    row["observed"] = report.observed;
    row["reason"] = reason_info(report.reason).name;
    add_rule(report, policy_rule, row);
    if (report.opaque) row["opaque"] = true;
    add_pdu(report, row);
    print(row, report);
  }

  void on_never_sent(std::uint32_t frame, const ParsedFrame& parsed) override {
    Json row = ends(frame, parsed);
    row["verdict"] = verdict_name(Verdict::DISCARD);
    row["observed"] = false;
    row["reason"] = reason_info(Reason::RESPONSE_UNSOLICITED).name;
    row["never_sent"] = true;
    if (json_) {
      std::cout << row.dump() << '\n';
    } else {
      std::cout << '#' << frame << ' ' << row["src"].get<std::string>() << " > "
                << row["dst"].get<std::string>() << "  answers a refused request: would not have been sent\n";
    }
  }

  void on_leaving(std::uint64_t time_ns, std::uint8_t, Bytes frame) override {
    ++left_;
    if (writer_ != nullptr) writer_->write(time_ns, frame);
  }

  void totals(std::uint32_t frames) const {
    std::cerr << frames << " frame(s) in, " << left_ << " out; " << forwarded_
              << " PDU(s) or datagrams forwarded (" << opaque_ << " of them opaque), " << denied_
              << " denied, " << observed_ << " observed that would have been denied\n";
    for (const auto& [reason, count] : reasons_) {
      std::cerr << "  " << count << " x " << reason_info(reason).name << ": " << reason_info(reason).text
                << '\n';
    }
    if (reasons_.count(Reason::TCP_CHECKSUM_WRONG) + reasons_.count(Reason::IP_CHECKSUM_WRONG) != 0) {
      std::cerr << "note: wrong checksums; if the capture was taken with checksum offload, use --checksums "
                   "ignore\n";
    }
  }
  [[nodiscard]] bool all_forwarded() const { return denied_ == 0; }

 private:
  static Json ends(std::uint32_t frame, const ParsedFrame& parsed) {
    Json row;
    row["frame"] = frame;
    const bool ports = parsed.kind == FrameKind::TCP || parsed.kind == FrameKind::UDP;
    const bool ip = parsed.ip_version != 0;
    row["src"] = ip ? endpoint_text(parsed.source, parsed.source_port, ports) : mac_text(parsed.source_mac);
    row["dst"] = ip ? endpoint_text(parsed.destination, parsed.destination_port, ports)
                    : mac_text(parsed.destination_mac);
    return row;
  }

  void count(const JudgementReport& report) {
    const bool forwarded = report.verdict == Verdict::FORWARD;
    if (forwarded) ++forwarded_;
    if (forwarded && report.opaque) ++opaque_;
    if (!forwarded && report.observed) ++observed_;
    if (!forwarded && !report.observed) ++denied_;
    if (!forwarded) ++reasons_[report.reason];
  }

  void add_rule(const JudgementReport& report, std::uint32_t policy_rule, Json& row) const {
    const NameTable::Conduit* conduit = names_.conduit(report.conduit);
    row["conduit"] = conduit == nullptr ? Json(nullptr) : Json(conduit->id);
    const std::string from = names_.zone_of_asset(report.source_asset);
    const std::string to = names_.zone_of_asset(report.destination_asset);
    row["direction"] = from.empty() || to.empty() ? Json(nullptr) : Json{{"from", from}, {"to", to}};
    const bool permits = report.verdict == Verdict::FORWARD && report.rule != none_index;
    const NameTable::Allow* allow = permits ? names_.allow(policy_rule) : nullptr;
    row["rule"] = allow == nullptr ? Json(nullptr) : Json(allow->id);
  }

  static const char* role_name(PduKind kind) {
    switch (kind) {
      case PduKind::REQUEST: return "request";
      case PduKind::RESPONSE:
      case PduKind::RESPONSE_PART: return "response";
      case PduKind::UNSOLICITED: return "unsolicited";
      case PduKind::IMPLIED: return "confirmation";
    }
    return "request";
  }

  static void add_pdu(const JudgementReport& report, Json& row) {
    const Protocol* protocol = find_protocol(report.protocol);
    if (protocol == nullptr || report.pdu_size == 0) return;
    row["protocol"] = protocol->name;
    row["role"] = role_name(report.kind);
    PduState state;
    Operation operation;
    if (operation_of(*protocol, report, state, operation)) describe(*protocol, operation, row);
  }

  // The operation that was denied; of a permitted PDU its first. Its views may lie in `state`.
  static bool operation_of(const Protocol& protocol, const JudgementReport& report, PduState& state,
                           Operation& operation) {
    if (report.verdict != Verdict::FORWARD && report.operation != nullptr) {
      operation = *report.operation;
      return true;
    }
    const Role sender = report.client_sent ? Role::CLIENT : Role::SERVER;
    if (!protocol.open(report.pdu, sender, QUIRK_PLACE_UNKNOWN, SessionState{}, state).well_formed ||
        protocol.next(report.pdu, state, operation) != Next::OPERATION) {
      return false;
    }
    // What the conversation before it makes of the function, the PDU alone does not say.
    if (report.operation != nullptr) operation.function = report.operation->function;
    return true;
  }

  void print(const Json& row, const JudgementReport& report) const {
    if (json_) {
      std::cout << row.dump() << '\n';
      return;
    }
    std::cout << '#' << row["frame"] << ' ' << row["src"].get<std::string>() << " > "
              << row["dst"].get<std::string>() << "  " << (report.observed ? "OBSERVED would " : "")
              << verdict_name(report.verdict);
    if (report.reason != Reason::NONE) std::cout << ' ' << reason_info(report.reason).name;
    for (const char* name : {"conduit", "rule"}) {
      if (!row[name].is_null()) std::cout << ' ' << name << ' ' << row[name].get<std::string>();
    }
    const Protocol* protocol = find_protocol(report.protocol);
    PduState state;
    Operation operation;
    if (protocol != nullptr && row.contains("role") && operation_of(*protocol, report, state, operation)) {
      Json words;
      describe(*protocol, operation, words);
      std::cout << "  " << row["role"].get<std::string>() << ' ' << one_line(words);
    }
    std::cout << '\n';
  }

  const NameTable& names_;
  bool json_;
  CaptureWriter* writer_;
  std::uint64_t left_ = 0;
  std::uint64_t forwarded_ = 0;
  std::uint64_t opaque_ = 0;
  std::uint64_t denied_ = 0;
  std::uint64_t observed_ = 0;
  std::map<Reason, std::uint64_t> reasons_;
};

struct Settings {
  std::string policy;
  std::string gateway;
  std::string capture;
  std::string write_out;
  std::string checksums = "verify";
  bool json = false;
  bool verbatim = false;
};

bool load_ports(const std::string& path, GatewayPorts& ports, std::string& error) {
  std::string text;
  if (!read_document_file(path, text, error)) return false;
  const LoadedGateway gateway = load_gateway(text, is_json(path));
  for (const Diagnostic& one : gateway.diagnostics) std::cerr << one.format(path) << '\n';
  if (!gateway.good) error = path + ": has errors";
  ports = gateway.config.gateway_ports();
  return gateway.good;
}

int run(const Settings& settings) {
  std::string error;
  GatewayPorts ports;
  CompileInput input;
  if (!settings.gateway.empty()) {
    if (!load_ports(settings.gateway, ports, error)) return complain("simulate", error);
    input.ports = &ports;
  }
  if (!read_document_file(settings.policy, input.text, error)) return complain("simulate", error);
  input.json = is_json(settings.policy);
  const CompiledPolicy policy = compile_policy(input);
  for (const Diagnostic& one : policy.diagnostics) {
    if (!one.warning || !policy.good) std::cerr << one.format(settings.policy) << '\n';
  }
  if (!policy.good) return complain("simulate", settings.policy + ": the policy has errors");
  const auto reader = CaptureReader::open(settings.capture, error);
  if (reader == nullptr) return complain("simulate", error);
  std::unique_ptr<CaptureWriter> writer;
  if (!settings.write_out.empty()) {
    writer = CaptureWriter::open(settings.write_out, error);
    if (writer == nullptr) return complain("simulate", error);
  }
  Printer printer(policy.names, settings.json, writer.get());
  const auto simulator = Simulator::make(policy, input.ports, settings.checksums == "verify", printer, error);
  if (simulator == nullptr) return complain("simulate", error);
  if (settings.verbatim) simulator->take_verbatim();
  CapturedFrame frame;
  std::uint32_t frames = 0;
  ReadResult result = reader->next(frame, error);
  for (; result == ReadResult::FRAME; result = reader->next(frame, error), ++frames) simulator->add(frame);
  simulator->finish();
  std::cout.flush();
  printer.totals(frames);
  if (writer != nullptr && !writer->close())
    return complain("simulate", settings.write_out + ": cannot be written");
  if (result == ReadResult::BROKEN) return complain("simulate", settings.capture + ": " + error);
  return printer.all_forwarded() ? exit_done : exit_no;
}

}  // namespace

int simulate(const Words& words) {
  Settings settings;
  po::options_description options("Options");
  auto add = options.add_options();
  add("help,h", "this text");
  add("policy", po::value(&settings.policy), "the policy");
  add("gateway", po::value(&settings.gateway), "gateway config, for its ports and pairs");
  add("json", "one JSON object a line");
  add("write-out", po::value(&settings.write_out), "capture of what would have left the gateway");
  add("checksums", po::value(&settings.checksums)->default_value(settings.checksums), "verify or ignore");
  add("verbatim", "frames go in as captured, for captures made by hand");
  add("capture", po::value(&settings.capture), "the capture");
  po::positional_options_description positional;
  positional.add("capture", 1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words).options(options).positional(positional).run(), values);
    po::notify(values);
    if (values.count("help") != 0) {
      std::cout << help_text << options;
      return exit_done;
    }
    settings.json = values.count("json") != 0;
    settings.verbatim = values.count("verbatim") != 0;
  } catch (const po::error& wrong) {
    return complain("simulate", std::string(wrong.what()) + " (--help lists the options)");
  }
  if (settings.policy.empty() || settings.capture.empty()) {
    return complain("simulate", "write: conduitctl simulate --policy POLICY CAPTURE (--help tells more)");
  }
  if (settings.checksums != "verify" && settings.checksums != "ignore") {
    return complain("simulate", "--checksums: verify or ignore");
  }
  return run(settings);
}

}  // namespace conduit
