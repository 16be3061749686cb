#include "couponcast/version.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/test_util.h"

namespace couponcast {
namespace {

TEST(Version, IsThatOfPackageJson) {
  const std::string package = testing::ReadFile(std::string(COUPONCAST_SOURCE_DIR) + "/package.json");
  EXPECT_NE(package.find("\"version\": \"" + std::string(CoreVersion()) + "\""), std::string::npos) << CoreVersion();
}

TEST(Version, NamesEachTargetOnce) {
  const std::vector<std::string> targets = SimdTargets();
  EXPECT_EQ(targets.size(), hwy::SupportedAndGeneratedTargets().size());
  EXPECT_EQ(std::set<std::string>(targets.begin(), targets.end()).size(), targets.size());
  EXPECT_FALSE(targets.front().empty());
}

}  // namespace
}  // namespace couponcast
