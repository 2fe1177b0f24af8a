// conduitctl decode CAPTURE: what we understand of a capture.
#include <boost/program_options.hpp>
#include <iostream>
#include <sstream>

#include "config/policy/describe.hpp"
#include "dataplane/engine/engine.hpp"
#include "dataplane/io/pcap/capture.hpp"
#include "tools/conduitctl/port_option.hpp"
#include "tools/conduitctl/stream_decoder.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr const char* help_text =
    "conduitctl decode CAPTURE [--json] [--port NUMBER=PROTOCOL]...\n"
    "\n"
    "Prints every operation of the industrial protocols in a capture (pcap, pcapng; Ethernet, Linux cooked, "
    "raw IP,\n"
    "loopback). With --json one object a line: frame, src, dst, protocol, role, function, function_name, "
    "then the\n"
    "protocol's own dimensions by their policy names; `malformed` with the field at fault for what is not "
    "well formed.\n"
    "What the capture lacks (a beginning, a direction, octets) is said at the end, on standard error.\n"
    "\n"
    "Exit status: 0 decoded, 1 nothing of a known protocol in it, 2 error.\n"
    "\n"
    "Examples:\n"
    "  conduitctl decode plant.pcapng\n"
    "  conduitctl decode --json --port 1502=modbus plant.pcap | grep WRITE_\n"
    "\n";

const char* role_name(const DecodedPdu& pdu) {
  if (pdu.malformed != nullptr) return pdu.sender == Role::CLIENT ? "request" : "response";
  switch (pdu.head.kind) {
    case PduKind::REQUEST: return "request";
    case PduKind::RESPONSE:
    case PduKind::RESPONSE_PART: return "response";
    case PduKind::IMPLIED: return pdu.head.association != 0 ? "connected" : "confirmation";
    case PduKind::UNSOLICITED: return "unsolicited";
  }
  return "request";
}

class Printer final : public PduSink {
 public:
  explicit Printer(bool json) : json_(json) {}

  void on_pdu(const DecodedPdu& pdu, PduState& state) override {
    ++pdus_;
    if (pdu.malformed != nullptr) {
      ++malformed_;
      Json rest;
      rest["malformed"] = pdu.malformed;
      return line(pdu, rest);
    }
    Operation operation;
    bool any = false;
    Next next = pdu.protocol->next(pdu.bytes, state, operation);
    for (; next == Next::OPERATION; next = pdu.protocol->next(pdu.bytes, state, operation)) {
      Json rest;
      describe(*pdu.protocol, operation, rest);
      if (pdu.head.negative) rest["negative"] = true;
      add_association(pdu, rest);
      line(pdu, rest);
      any = true;
      operation = Operation{};
    }
    if (next == Next::MALFORMED || !any) {
      Json rest;
      rest["function"] = pdu.head.function;
      if (pdu.head.negative) rest["negative"] = true;
      add_association(pdu, rest);
      if (next == Next::MALFORMED) {
        ++malformed_;
        rest["malformed"] = "operation";
      }
      line(pdu, rest);
    }
  }

  [[nodiscard]] std::uint64_t pdus() const { return pdus_; }
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  static void add_association(const DecodedPdu& pdu, Json& rest) {
    if (pdu.head.association != 0) rest["association"] = pdu.head.association;
  }
  void line(const DecodedPdu& pdu, const Json& rest) const {
    if (json_) {
      Json object;
      object["frame"] = pdu.frame;
      object["src"] = pdu.source;
      object["dst"] = pdu.destination;
      object["protocol"] = pdu.protocol->name;
      object["role"] = role_name(pdu);
      object.update(rest);
      std::cout << object.dump() << '\n';
      return;
    }
    std::cout << '#' << pdu.frame << ' ' << pdu.source << " > " << pdu.destination << ' '
              << pdu.protocol->name << ' ' << role_name(pdu) << ' ' << one_line(rest) << '\n';
  }

  bool json_;
  std::uint64_t pdus_ = 0;
  std::uint64_t malformed_ = 0;
};

void say(std::uint64_t count, const char* what) {
  if (count != 0) std::cerr << "missing: " << count << ' ' << what << '\n';
}

void say_missing(const Missing& missing, const CaptureReader& reader) {
  say(missing.streams_without_beginning, "TCP stream(s) whose beginning was not captured");
  say(missing.streams_one_direction, "TCP stream(s) of which one direction only was captured");
  say(missing.gaps, "gap(s) in TCP streams");
  say(missing.octets, "octet(s) in these gaps");
  say(missing.pdus_cut, "PDU(s) whose end was not captured");
  say(missing.fragments, "IP fragment(s), not put together");
  say(missing.frames_unreadable, "frame(s) whose headers cannot be read");
  say(missing.frames_cut, "frame(s) captured shorter than they were");
  say(reader.skipped(), "frame(s) of another link layer");
}

int run(const std::string& path, bool json, PortMap ports) {
  std::string error;
  const std::unique_ptr<CaptureReader> reader = CaptureReader::open(path, error);
  if (reader == nullptr) return complain("decode", error);
  Printer printer(json);
  StreamDecoder decoder(std::move(ports), printer);
  CapturedFrame frame;
  ReadResult result = reader->next(frame, error);
  for (; result == ReadResult::FRAME; result = reader->next(frame, error)) {
    if (frame.cut) ++decoder.missing().frames_cut;
    ParsedFrame parsed;
    parse_frame(frame.bytes.data(), static_cast<std::uint32_t>(frame.bytes.size()), 0,
                FRAME_CHECKSUMS_UNKNOWN, 0, parsed);
    decoder.add(frame.number, parsed);
  }
  decoder.finish();
  std::cout.flush();
  say_missing(decoder.missing(), *reader);
  std::cerr << printer.pdus() << " PDU(s) decoded, " << printer.malformed() << " of them malformed\n";
  if (result == ReadResult::BROKEN) return complain("decode", path + ": " + error);
  return printer.pdus() == 0 ? exit_no : exit_done;
}

}  // namespace

int decode(const Words& words) {
  std::string path;
  std::vector<std::string> assigned;
  po::options_description options("Options");
  options.add_options()("help,h", "this text")("json", "one JSON object a line")(
      "port", po::value(&assigned)->composing(), "NUMBER=PROTOCOL, for ports other than the registered ones")(
      "capture", po::value(&path), "the capture");
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
    if (path.empty())
      return complain("decode", "which capture? write: conduitctl decode CAPTURE (--help tells more)");
    PortMap ports = registered_ports();
    std::string error;
    for (const std::string& text : assigned) {
      if (!assign_port(text, ports, error)) return complain("decode", error);
    }
    return run(path, values.count("json") != 0, std::move(ports));
  } catch (const po::error& wrong) {
    return complain("decode", std::string(wrong.what()) + " (--help lists the options)");
  }
}

}  // namespace conduit
