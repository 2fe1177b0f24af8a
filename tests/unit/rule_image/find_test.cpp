// The finders, and the shape in which the builder lays assets, conduits and services.
#include <doctest/doctest.h>

#include "tests/support/rich_image.hpp"

using namespace conduit;

namespace {

struct Opened {
  ImageBuffer buffer;
  RuleImage image;
  explicit Opened(const ImageSource& source) : buffer(build_image(source).value()) {
    const char* broken = nullptr;
    image = RuleImage::open(buffer.bytes(), broken);
    REQUIRE(image.valid());
  }
};

}  // namespace

TEST_CASE("assets are found by address, port and VLAN") {
  const Opened opened(test_image::rich_source());
  const RuleImage& image = opened.image;
  const Address client = ipv4_address(10, 0, 7, 10);
  CHECK(image.find_asset(0, 0, client) == 0);
  CHECK(image.find_asset(0, 5, client) == 0);
  CHECK(image.find_asset(0, 6, client) == none_index);
  CHECK(image.find_asset(1, 0, client) == none_index);
  CHECK(image.find_asset_anywhere(client) == 0);
  CHECK(image.find_asset(1, 0, ipv4_address(10, 0, 7, 1)) == 1);
  CHECK(image.find_asset(0, 0, ipv4_address(10, 0, 7, 11)) == none_index);
  CHECK(image.find_asset_anywhere(ipv4_address(10, 0, 7, 11)) == none_index);
  // prefixes
  CHECK(image.find_asset(0, 0, ipv4_address(10, 1, 9, 9)) == 2);
  CHECK(image.find_asset(0, 0, ipv4_address(10, 2, 0, 1)) == none_index);
  CHECK(image.find_asset_anywhere(ipv4_address(10, 1, 9, 9)) == 2);
}

TEST_CASE("the longest prefix wins, an address before any") {
  ImageSource source = test_image::two_assets();
  source.assets.resize(4);
  source.assets[2].prefixes = {{ipv4_address(10, 0, 0, 0), 104}};
  source.assets[3].prefixes = {{ipv4_address(10, 0, 7, 8), 125}};
  const Opened opened(source);
  CHECK(opened.image.find_asset(0, 0, ipv4_address(10, 0, 7, 10)) == 0);
  CHECK(opened.image.find_asset(0, 0, ipv4_address(10, 0, 7, 15)) == 3);
  CHECK(opened.image.find_asset(0, 0, ipv4_address(10, 0, 7, 16)) == 2);
  CHECK(opened.image.find_asset(0, 0, ipv4_address(11, 0, 7, 16)) == none_index);
}

TEST_CASE("MACs: own ones are found, behind a router the router's are listed") {
  const Opened opened(test_image::rich_source());
  const RuleImage& image = opened.image;
  const Mac router{2, 0, 0, 0, 0, 1};
  CHECK(image.find_asset_by_mac(0, 0, router) == 0);
  CHECK(image.find_asset_by_mac(0, 5, router) == 0);
  CHECK(image.find_asset_by_mac(1, 0, router) == none_index);
  CHECK(image.find_asset_by_mac(1, 0, {2, 0, 0, 0, 0, 2}) == 1);
  REQUIRE(image.macs_of(image.assets()[2]).size() == 1);
  CHECK(image.macs_of(image.assets()[2])[0].mac == router);
}

TEST_CASE("conduits are found from either side") {
  const Opened opened(test_image::rich_source());
  CHECK(opened.image.find_conduit(0, 1) == 0);
  CHECK(opened.image.find_conduit(1, 0) == 0);
  CHECK(opened.image.find_conduit(2, 0) == 1);
  CHECK(opened.image.find_conduit(1, 2) == none_index);
  CHECK(opened.image.find_conduit(0, 0) == none_index);
}

TEST_CASE("services are found by pair, transport, port and opener") {
  ImageSource source = test_image::two_assets();
  const auto add = [&source](OpenedBy opener, std::uint16_t first, std::uint16_t last, Transport transport) {
    ServiceSource service = test_image::service_of(test_image::stretches(1));
    service.opened_by = opener;
    service.port_first = first;
    service.port_last = last;
    service.transport = transport;
    source.services.push_back(service);
  };
  add(OpenedBy::CLIENT, 1, 65535, Transport::TCP);
  add(OpenedBy::SERVER, 502, 502, Transport::TCP);
  add(OpenedBy::EITHER, 500, 510, Transport::UDP);
  const Opened opened(source);
  const RuleImage& image = opened.image;
  const auto find = [&image](Transport transport, std::uint16_t port, OpenedBy opener) -> int {
    const std::uint32_t found = image.find_service(0, 1, transport, port, opener);
    if (found == none_index) return -1;
    return static_cast<int>(image.services()[found].opened_by);
  };
  CHECK(find(Transport::TCP, 502, OpenedBy::CLIENT) == 0);
  CHECK(find(Transport::TCP, 502, OpenedBy::SERVER) == 1);
  CHECK(find(Transport::TCP, 503, OpenedBy::SERVER) == -1);
  CHECK(find(Transport::TCP, 503, OpenedBy::EITHER) == 0);
  CHECK(find(Transport::TCP, 0, OpenedBy::EITHER) == -1);
  CHECK(find(Transport::UDP, 500, OpenedBy::CLIENT) == 2);
  CHECK(find(Transport::UDP, 510, OpenedBy::SERVER) == 2);
  CHECK(find(Transport::UDP, 511, OpenedBy::EITHER) == -1);
  CHECK(find(Transport::ICMP, 8, OpenedBy::EITHER) == -1);
  CHECK(image.find_service(1, 0, Transport::TCP, 502, OpenedBy::CLIENT) == none_index);
  CHECK(image.pair_exists(0, 1));
  CHECK(image.pair_exists(1, 0));
  CHECK_FALSE(image.pair_exists(0, 0));
}

TEST_CASE("thousands of assets are each found") {
  ImageSource source = test_image::two_assets();
  for (std::uint32_t i = 0; i < 5000; ++i) {
    AssetSource asset;
    asset.addresses = {ipv4_address(10, 9, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i))};
    asset.macs = {{2, 1, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
    source.assets.push_back(asset);
  }
  const Opened opened(source);
  std::uint32_t found = 0;
  for (std::uint32_t i = 2; i < source.assets.size(); ++i) {
    found += opened.image.find_asset(0, 0, source.assets[i].addresses[0]) == i ? 1U : 0U;
    found += opened.image.find_asset_by_mac(0, 0, source.assets[i].macs[0]) == i ? 1U : 0U;
  }
  CHECK(found == 10'000);
}
