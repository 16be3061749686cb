#include "couponcast/file_lock.h"

#include <gtest/gtest.h>

#include "tests/test_util.h"

namespace couponcast {
namespace {

TEST(FileLock, HasOneHolderAtATime) {
  const testing::TempFolder folder;
  const std::string path = folder.File("lock");
  auto first = FileLock::Acquire(path, "the first");
  ASSERT_OK(first.status());
  EXPECT_EQ(testing::ReadFile(path), "the first");
  const auto second = FileLock::Acquire(path, "the second");
  EXPECT_CODE(StatusCode::kIo, second.status());
  EXPECT_NE(second.status().message().find("the first"), std::string::npos);
  EXPECT_EQ(testing::ReadFile(path), "the first");
  first.value().reset();
  const auto third = FileLock::Acquire(path, "3");
  ASSERT_OK(third.status());
  EXPECT_EQ(testing::ReadFile(path), "3");
}

TEST(FileLock, ReportsAFolderThatIsNotThere) {
  const testing::TempFolder folder;
  EXPECT_CODE(StatusCode::kIo, FileLock::Acquire(folder.File("none/lock"), "x").status());
}

TEST(FileLock, RefusesANulByte) {
  const testing::TempFolder folder;
  EXPECT_CODE(StatusCode::kInvalidArgument, FileLock::Acquire(folder.File(std::string("a\0b", 3)), "x").status());
  EXPECT_TRUE(folder.Names().empty());
}

}  // namespace
}  // namespace couponcast
