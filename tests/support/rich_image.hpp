// An image in which every section has records, for the tests that break it.
#pragma once

#include <algorithm>

#include "tests/support/image_sources.hpp"

namespace conduit::test_image {

[[nodiscard]] ImageSource rich_source();

// An image that may be changed in place.
class Mutable {
 public:
  explicit Mutable(const ImageSource& source) : buffer_(build_image(source).value()) {}
  [[nodiscard]] Bytes bytes() const noexcept { return buffer_.bytes(); }
  [[nodiscard]] ImageHeader& header() noexcept { return *reinterpret_cast<ImageHeader*>(buffer_.data()); }
  [[nodiscard]] SectionRef& ref(Section section) noexcept {
    return header().section[static_cast<std::size_t>(section)];
  }
  template <typename Record>
  [[nodiscard]] std::span<Record> all(Section section) noexcept {
    return {reinterpret_cast<Record*>(buffer_.data() + ref(section).offset), ref(section).count};
  }

  // One record more, all zeros, in a section; those behind it move.
  void grow(Section section) {
    const SectionRef grown = ref(section);
    const std::size_t split = (grown.offset + std::size_t{grown.count} * grown.record_size + 63) / 64 * 64;
    ImageBuffer larger(header().total_size + 64);
    const Bytes old = bytes();
    const std::size_t kept = std::min(split, old.size());
    std::copy_n(old.data(), kept, larger.data());
    std::copy(old.begin() + static_cast<std::ptrdiff_t>(kept), old.end(), larger.data() + kept + 64);
    buffer_ = std::move(larger);
    header().total_size += 64;
    for (SectionRef& behind : header().section) behind.offset += behind.offset >= split ? 64 : 0;
    ++ref(section).count;
  }

 private:
  ImageBuffer buffer_;
};

}  // namespace conduit::test_image
