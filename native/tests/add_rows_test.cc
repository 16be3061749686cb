#include "base/add_rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Random;

TEST(AddRows, AddsInTheOrderOfTheIdsForEveryWidth) {
  constexpr int64_t kRows = 40;
  for (const int64_t columns : {1, 3, 4, 7, 8, 16, 17, 31, 51, 64, 65, 130}) {
    Random random(static_cast<uint64_t>(columns));
    std::vector<float> rows(static_cast<size_t>(kRows * columns));
    for (float& value : rows) value = static_cast<float>(random.Between(-0.5, 0.5));
    for (const size_t count : {size_t{0}, size_t{1}, size_t{9}, size_t{30}}) {
      std::vector<int32_t> ids;
      std::vector<float> factors;
      for (size_t i = 0; i < count; ++i) {
        ids.push_back(static_cast<int32_t>(random.Below(kRows)));
        factors.push_back(static_cast<float>(random.Between(-1, 2)));
      }
      std::vector<float> start(static_cast<size_t>(columns));
      for (float& value : start) value = static_cast<float>(random.Between(0, 1));
      std::vector<float> expected = start;
      for (size_t i = 0; i < count; ++i) {
        for (size_t c = 0; c < expected.size(); ++c) {
          expected[c] += factors[i] * rows[static_cast<size_t>(ids[i]) * expected.size() + c];
        }
      }
      ForEachTarget([&] {
        std::vector<float> sums = start;
        AddRows(ids, factors, rows.data(), columns, sums.data());
        EXPECT_EQ(sums, expected) << columns << " columns, " << count << " rows";
      });
    }
  }
}

}  // namespace
}  // namespace couponcast
