#include "couponcast/large_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace couponcast {
namespace {

TEST(LargePages, ChangeNoByteOfAnyPart) {
  std::vector<uint8_t> memory(size_t{5} << 20);
  for (size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<uint8_t>(i % 251);
  const std::vector<uint8_t> expected = memory;
  PreferLargePages({});
  for (const size_t size : {size_t{0}, size_t{1}, size_t{5000}, memory.size() - 3}) PreferLargePages(std::span(memory).subspan(3, size));
  PreferLargePages(memory);
  EXPECT_TRUE(std::ranges::equal(memory, expected));
}

}  // namespace
}  // namespace couponcast
