#include "couponcast/kd_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kd_tree_for_test.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::PlainSquared;
using testing::Raised;
using testing::Random;
using testing::Shards;
using testing::TestTree;

std::vector<float> RandomPoints(int64_t rows, int64_t dims, uint64_t seed, bool integers) {
  Random random(seed);
  std::vector<float> points(static_cast<size_t>(rows * dims));
  for (float& value : points) value = integers ? static_cast<float>(random.Below(4)) : static_cast<float>(random.Between(-3, 3));
  return points;
}

TEST(KdTree, EveryPointOnceInTightBoxes) {
  for (const int64_t rows : {1, 31, 32, 33, 500, 3000}) {
    for (const bool integers : {false, true}) {
      const std::vector<float> points = RandomPoints(rows, 3, static_cast<uint64_t>(rows), integers);
      const TestTree owner(points, 3);
      const KdTree tree = owner.tree();
      std::vector<int32_t> sorted = owner.order();
      std::ranges::sort(sorted);
      for (int64_t row = 0; row < rows; ++row) EXPECT_EQ(sorted[static_cast<size_t>(row)], row);
      for (int64_t leaf = 0; leaf < tree.leaves(); ++leaf) {
        const KdNode node = FindNode(Root(tree), {leaf, leaf + 1});
        ASSERT_EQ(node.leaves.begin, leaf);
        ASSERT_TRUE(node.IsLeaf());
        for (int64_t dim = 0; dim < 3; ++dim) {
          float least = std::numeric_limits<float>::infinity();
          float greatest = -least;
          for (int64_t slot = 0; slot < NumPoints(tree, node); ++slot) {
            const float value = BlockOf(tree, leaf)[dim * kLeafPoints + slot];
            const int64_t row = tree.order[static_cast<size_t>(leaf * kLeafPoints + slot)];
            EXPECT_EQ(value, points[static_cast<size_t>(row * 3 + dim)]);
            least = std::min(least, value);
            greatest = std::max(greatest, value);
          }
          EXPECT_EQ(BoxOf(tree, node.id)[dim], least);
          EXPECT_EQ(BoxOf(tree, node.id)[3 + dim], greatest);
        }
      }
    }
  }
}

TEST(KdTree, TheSameInAnyNumberOfCalls) {
  const std::vector<float> points = RandomPoints(4000, 2, 3, true);
  const TestTree once(points, 2);
  for (const int64_t levels : {1, 2, 5}) {
    const TestTree pieces(points, 2, levels);
    EXPECT_EQ(pieces.order(), once.order());
    EXPECT_EQ(pieces.boxes(), once.boxes());
  }
}

TEST(KdTree, KthDistancesEqualSortedOnesOnEveryTarget) {
  ForEachTarget([] {
    for (const int64_t dims : {1, 2, 5, 20}) {
      for (const bool integers : {false, true}) {
        const int64_t rows = 300;
        const std::vector<float> points = RandomPoints(rows, dims, static_cast<uint64_t>(dims), integers);
        const TestTree owner(points, dims);
        const KdTree tree = owner.tree();
        for (const int64_t k : {1, 2, 7, 40, 300}) {
          std::vector<double> found(static_cast<size_t>(rows), -1);
          for (const RowRange leaves : Shards(tree.leaves(), 3)) EXPECT_OK(KthDistances(tree, k, leaves, {}, {}, found));
          for (int64_t row = 0; row < rows; ++row) {
            std::vector<double> all;
            for (int64_t other = 0; other < rows; ++other) all.push_back(std::sqrt(PlainSquared(points, dims, row, other)));
            std::ranges::sort(all);
            EXPECT_EQ(found[static_cast<size_t>(row)], all[static_cast<size_t>(k - 1)]) << "row " << row << " k " << k;
          }
        }
      }
    }
  });
}

TEST(KdTree, SortsAnyNumber) {
  for (const size_t size : {0, 1, 2, 65'536, 65'537, 300'001}) {
    Random random(size);
    std::vector<double> values(size);
    for (double& value : values) value = random.Below(3) == 0 ? 0 : random.Between(-1, 1);
    std::vector<double> expected = values;
    std::ranges::sort(expected);
    EXPECT_OK(SortAscending(values, {}));
    EXPECT_EQ(values, expected);
  }
  std::vector<double> two = {2, 1};
  EXPECT_CODE(StatusCode::kCancelled, SortAscending(two, Raised()));
}

TEST(KdTree, RefusesAndStops) {
  std::vector<float> points = RandomPoints(100, 2, 1, false);
  std::vector<int32_t> order(100);
  std::vector<float> blocks(256);
  std::vector<float> boxes(28);
  const KdTreeOut out{order, blocks, boxes};
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree({}, 2, {0, 4}, 9, {}, out));
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree(points, 0, {0, 4}, 9, {}, out));
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree(points, 3, {0, 4}, 9, {}, out));
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree(points, 2, {0, 3}, 9, {}, out));
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree(points, 2, {1, 1}, 9, {}, out));
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree(points, 2, {0, 4}, -1, {}, out));
  EXPECT_CODE(StatusCode::kOutOfRange, BuildKdTree(points, 2, {0, 5}, 9, {}, out));
  EXPECT_CODE(StatusCode::kCancelled, BuildKdTree(points, 2, {0, 4}, 9, Raised(), out));
  EXPECT_OK(BuildKdTree(points, 2, {0, 4}, 9, {}, out));
  const KdTree tree{100, 2, order, blocks, boxes};
  std::vector<double> distances(100);
  EXPECT_CODE(StatusCode::kInvalidArgument, KthDistances(tree, 0, {0, 4}, {}, {}, distances));
  EXPECT_CODE(StatusCode::kInvalidArgument, KthDistances(tree, 101, {0, 4}, {}, {}, distances));
  EXPECT_CODE(StatusCode::kOutOfRange, KthDistances(tree, 5, {0, 5}, {}, {}, distances));
  EXPECT_CODE(StatusCode::kCancelled, KthDistances(tree, 5, {0, 4}, Raised(), {}, distances));
  points[17] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CODE(StatusCode::kInvalidArgument, BuildKdTree(points, 2, {0, 4}, 9, {}, out));
}

}  // namespace
}  // namespace couponcast
