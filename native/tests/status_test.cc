#include "couponcast/status.h"

#include <gtest/gtest.h>

namespace couponcast {
namespace {

TEST(Status, IsOkByDefault) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().code(), StatusCode::kOk);
}

TEST(Status, CodesAreStable) {
  // src/errors.ts maps these numbers; a change here breaks callers.
  EXPECT_EQ(static_cast<int>(InvalidArgument("x").code()), 1);
  EXPECT_EQ(static_cast<int>(CorruptFile("x").code()), 2);
  EXPECT_EQ(static_cast<int>(StatusCode::kVersionMismatch), 3);
  EXPECT_EQ(static_cast<int>(IoError("x").code()), 4);
  EXPECT_EQ(static_cast<int>(StatusCode::kOutOfMemory), 5);
  EXPECT_EQ(static_cast<int>(OutOfRange("x").code()), 6);
  EXPECT_EQ(static_cast<int>(StatusCode::kInfeasible), 7);
  EXPECT_EQ(static_cast<int>(Cancelled().code()), 8);
  EXPECT_EQ(static_cast<int>(StatusCode::kClosed), 9);
  EXPECT_EQ(static_cast<int>(StatusCode::kUnsupportedPlatform), 10);
  EXPECT_EQ(static_cast<int>(StatusCode::kInternal), 11);
}

TEST(Result, HoldsEither) {
  Result<int> value = 7;
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value.value(), 7);
  EXPECT_TRUE(value.status().ok());
  const Result<int> none = IoError("no disk");
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.status().message(), "no disk");
}

TEST(Status, MacroReturnsTheFirstError) {
  int steps = 0;
  const auto run = [&]() -> Status {
    COUPONCAST_RETURN_IF_ERROR(Status());
    ++steps;
    COUPONCAST_RETURN_IF_ERROR(OutOfRange("second"));
    ++steps;
    return {};
  };
  EXPECT_EQ(run().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(steps, 1);
}

}  // namespace
}  // namespace couponcast
