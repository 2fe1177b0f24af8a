#include "dataplane/io/pcap/capture.hpp"

#include <pcap/pcap.h>

#include <cstring>
#include <vector>

namespace conduit {
namespace {

constexpr std::size_t ethernet_size = 14;

// Where the network layer begins and what it is; false where it cannot be told.
struct NetworkLayer {
  std::size_t offset = 0;
  std::uint16_t ethertype = 0;
  std::array<std::uint8_t, 6> source{};
  bool had_source = false;
};

bool ip_version(Bytes bytes, std::size_t offset, NetworkLayer& layer) noexcept {
  if (bytes.size() <= offset) return false;
  const unsigned version = bytes[offset] >> 4;
  layer.offset = offset;
  layer.ethertype = version == 4 ? 0x0800 : 0x86DD;
  return version == 4 || version == 6;
}

// LINKTYPE_LINUX_SLL: packet type 2, ARPHRD 2, address length 2, address 8, protocol 2.
bool linux_cooked(Bytes bytes, NetworkLayer& layer) noexcept {
  if (bytes.size() < 16) return false;
  layer.offset = 16;
  layer.ethertype = load_u16be(&bytes[14]);
  layer.had_source = load_u16be(&bytes[4]) == 6;
  if (layer.had_source) std::memcpy(layer.source.data(), &bytes[6], 6);
  return true;
}

// LINKTYPE_LINUX_SLL2: protocol 2, reserved 2, interface 4, ARPHRD 2, packet type 1, address length 1,
// address 8.
bool linux_cooked_v2(Bytes bytes, NetworkLayer& layer) noexcept {
  if (bytes.size() < 20) return false;
  layer.offset = 20;
  layer.ethertype = load_u16be(&bytes[0]);
  layer.had_source = bytes[11] == 6;
  if (layer.had_source) std::memcpy(layer.source.data(), &bytes[12], 6);
  return true;
}

bool network_layer(int link_type, Bytes bytes, NetworkLayer& layer) noexcept {
  switch (link_type) {
    case DLT_LINUX_SLL: return linux_cooked(bytes, layer);
    case DLT_LINUX_SLL2: return linux_cooked_v2(bytes, layer);
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6: return ip_version(bytes, 0, layer);
    case DLT_NULL:
    case DLT_LOOP:
      return ip_version(bytes, 4, layer);  // the family's number differs by system: the version tells
    default: return false;
  }
}

bool known(int link_type) noexcept {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_NULL:
    case DLT_LOOP: return true;
    default: return false;
  }
}

}  // namespace

struct CaptureReader::Impl {
  pcap_t* file = nullptr;
  int link_type = 0;
  std::string link_type_name;
  std::uint32_t number = 0;
  std::uint32_t skipped = 0;
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(capture_frame_size_max);
  ~Impl() {
    if (file != nullptr) ::pcap_close(file);
  }
};

CaptureReader::CaptureReader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
CaptureReader::~CaptureReader() = default;

std::unique_ptr<CaptureReader> CaptureReader::open(const std::string& path, std::string& error) {
  char text[PCAP_ERRBUF_SIZE] = {};
  auto impl = std::make_unique<Impl>();
  impl->file = ::pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, text);
  if (impl->file == nullptr) {
    error = path + ": not a capture that can be read (pcap or pcapng): " + text;
    return nullptr;
  }
  impl->link_type = ::pcap_datalink(impl->file);
  const char* name = ::pcap_datalink_val_to_name(impl->link_type);
  impl->link_type_name = name == nullptr ? std::to_string(impl->link_type) : name;
  if (!known(impl->link_type)) {
    error = path + ": link type " + impl->link_type_name +
            " is not supported; supported are Ethernet, Linux cooked (v1, v2), raw IP and loopback";
    return nullptr;
  }
  return std::unique_ptr<CaptureReader>(new CaptureReader(std::move(impl)));
}

ReadResult CaptureReader::next(CapturedFrame& frame, std::string& error) {
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int result = ::pcap_next_ex(impl_->file, &header, &data);
    if (result == PCAP_ERROR_BREAK) return ReadResult::END;
    if (result != 1) {
      error = std::string("the capture breaks off after frame ") + std::to_string(impl_->number) + ": " +
              ::pcap_geterr(impl_->file);
      return ReadResult::BROKEN;
    }
    ++impl_->number;
    const Bytes bytes(data, header->caplen);
    std::size_t size = bytes.size();
    NetworkLayer layer;
    const bool ethernet = impl_->link_type == DLT_EN10MB;
    if (!ethernet) {
      if (!network_layer(impl_->link_type, bytes, layer) || bytes.size() < layer.offset) {
        ++impl_->skipped;
        continue;
      }
      size = bytes.size() - layer.offset + ethernet_size;
    }
    if (size > impl_->buffer.size() || size == 0) {
      ++impl_->skipped;
      continue;
    }
    std::uint8_t* out = impl_->buffer.data();
    if (ethernet) {
      std::memcpy(out, bytes.data(), size);
    } else {
      std::memset(out, 0, ethernet_size);
      if (layer.had_source) std::memcpy(out + 6, layer.source.data(), 6);
      store_u16be(out + 12, layer.ethertype);
      std::memcpy(out + ethernet_size, bytes.data() + layer.offset, bytes.size() - layer.offset);
    }
    frame.number = impl_->number;
    frame.time_ns = static_cast<std::uint64_t>(header->ts.tv_sec) * 1'000'000'000ULL +
                    static_cast<std::uint64_t>(header->ts.tv_usec);  // nanoseconds, as asked for
    frame.wire_size = header->len;
    frame.cut = header->caplen < header->len;
    frame.had_macs = ethernet;
    frame.bytes = {out, size};
    return ReadResult::FRAME;
  }
}

const std::string& CaptureReader::link_type_name() const noexcept { return impl_->link_type_name; }
std::uint32_t CaptureReader::skipped() const noexcept { return impl_->skipped; }

struct CaptureWriter::Impl {
  pcap_t* handle = nullptr;
  pcap_dumper_t* file = nullptr;
  ~Impl() {
    if (file != nullptr) ::pcap_dump_close(file);
    if (handle != nullptr) ::pcap_close(handle);
  }
};

CaptureWriter::CaptureWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
CaptureWriter::~CaptureWriter() = default;

std::unique_ptr<CaptureWriter> CaptureWriter::open(const std::string& path, std::string& error) {
  auto impl = std::make_unique<Impl>();
  impl->handle = ::pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 262'144, PCAP_TSTAMP_PRECISION_NANO);
  if (impl->handle != nullptr) impl->file = ::pcap_dump_open(impl->handle, path.c_str());
  if (impl->file == nullptr) {
    error = path +
            ": cannot be written: " + (impl->handle == nullptr ? "no memory" : ::pcap_geterr(impl->handle));
    return nullptr;
  }
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(std::move(impl)));
}

void CaptureWriter::write(std::uint64_t time_ns, Bytes frame) {
  pcap_pkthdr header{};
  header.ts.tv_sec = static_cast<time_t>(time_ns / 1'000'000'000ULL);
  header.ts.tv_usec = static_cast<suseconds_t>(time_ns % 1'000'000'000ULL);
  header.caplen = header.len = static_cast<bpf_u_int32>(frame.size());
  ::pcap_dump(reinterpret_cast<u_char*>(impl_->file), &header, frame.data());
}

bool CaptureWriter::close() { return ::pcap_dump_flush(impl_->file) == 0; }

}  // namespace conduit
