// Captures: reading pcap and pcapng (libpcap), writing pcap. Every frame comes out as an Ethernet frame,
// whatever the capture's link type; where it had no MACs, they are zero. Offline only; not used by the
// daemons.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "protocols/core/bytes.hpp"
#include "protocols/core/rule_image.hpp"

namespace conduit {

inline constexpr std::size_t capture_frame_size_max = 65'536 + 64;

struct CapturedFrame {
  std::uint32_t number = 0;     // 1-based, as captured
  std::uint64_t time_ns = 0;    // since 1970
  std::uint32_t wire_size = 0;  // octets on the wire
  bool cut = false;             // the capture holds less than was on the wire
  bool had_macs = false;
  std::span<std::uint8_t> bytes;  // Ethernet frame; valid until the next call
};

enum class ReadResult : std::uint8_t { FRAME, END, BROKEN };

class CaptureReader {
 public:
  // Null: `error` says what, where and what to do.
  [[nodiscard]] static std::unique_ptr<CaptureReader> open(const std::string& path, std::string& error);
  ~CaptureReader();
  CaptureReader(const CaptureReader&) = delete;
  CaptureReader& operator=(const CaptureReader&) = delete;

  // The next frame whose link layer is known. BROKEN: the file ends in the middle of a record (`error`).
  [[nodiscard]] ReadResult next(CapturedFrame& frame, std::string& error);
  [[nodiscard]] const std::string& link_type_name() const noexcept;
  // Frames that were skipped because their link-layer header is not IP or Ethernet.
  [[nodiscard]] std::uint32_t skipped() const noexcept;

 private:
  struct Impl;
  explicit CaptureReader(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

class CaptureWriter {
 public:
  [[nodiscard]] static std::unique_ptr<CaptureWriter> open(const std::string& path, std::string& error);
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;
  void write(std::uint64_t time_ns, Bytes frame);
  // False: something could not be written.
  [[nodiscard]] bool close();

 private:
  struct Impl;
  explicit CaptureWriter(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace conduit
