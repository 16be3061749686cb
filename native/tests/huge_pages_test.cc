#include "couponcast/huge_pages.h"

#include <gtest/gtest.h>

#include <vector>

namespace couponcast {
namespace {

TEST(HugePages, AreAHintThatChangesNothing) {
  std::vector<std::byte> memory((size_t{5} << 20U) + 3, std::byte{7});
  AdviseHugePages(memory);
  AdviseHugePages(std::span(memory).subspan(1, 100));
  AdviseHugePages({});
  EXPECT_EQ(memory, std::vector<std::byte>(memory.size(), std::byte{7}));
}

}  // namespace
}  // namespace couponcast
