#include "couponcast/dbscan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/kd_tree_for_test.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::PlainSquared;
using testing::Raised;
using testing::Random;
using testing::Shards;
using testing::TestTree;

struct Labels {
  std::vector<int32_t> labels;
  std::vector<int32_t> cores;
  int64_t clusters = 0;
  bool operator==(const Labels&) const = default;
};

// The kernels as the library calls them, in shards of `shard` leaves on `lanes` threads.
Labels Cluster(const std::vector<float>& points, int64_t dims, const DbscanOptions& options, const std::vector<double>& weights = {},
               int64_t shard = 1000, size_t lanes = 1) {
  const TestTree owner(points, dims);
  const KdTree tree = owner.tree();
  std::vector<int32_t> masks(static_cast<size_t>(tree.leaves()));
  std::vector<std::vector<int32_t>> forests(lanes, std::vector<int32_t>(static_cast<size_t>(tree.rows)));
  for (auto& forest : forests) std::iota(forest.begin(), forest.end(), 0);
  std::vector<std::vector<int32_t>> joined(lanes, std::vector<int32_t>(static_cast<size_t>(2 * tree.leaves() - 1), -1));
  Labels result;
  result.labels.resize(static_cast<size_t>(tree.rows));
  for (const RowRange leaves : Shards(tree.leaves(), shard)) EXPECT_OK(DbscanCores(tree, weights, options, leaves, {}, {}, masks));
  size_t lane = 0;
  for (const RowRange leaves : Shards(tree.leaves(), shard)) {
    EXPECT_OK(DbscanLinks(tree, options.eps, masks, leaves, {}, {}, forests[lane], joined[lane]));
    lane = (lane + 1) % lanes;
  }
  for (size_t i = 1; i < lanes; ++i) EXPECT_OK(MergeForests(forests[i], {}, forests[0]));
  EXPECT_OK(NumberClusters(tree.order, masks, forests[0], result.labels, &result.clusters));
  for (const RowRange leaves : Shards(tree.leaves(), shard))
    EXPECT_OK(DbscanBorders(tree, options.eps, masks, leaves, {}, {}, result.labels));
  result.cores.resize(static_cast<size_t>(tree.rows));
  for (int64_t position = 0; position < tree.rows; ++position) {
    const auto mask = static_cast<uint32_t>(masks[static_cast<size_t>(position / kLeafPoints)]);
    result.cores[static_cast<size_t>(tree.order[static_cast<size_t>(position)])] =
        static_cast<int32_t>(mask >> (position % kLeafPoints) & 1U);
  }
  return result;
}

// Scikit-learn's loop: clusters grow one after the other from the first core row without a label.
Labels Plain(const std::vector<float>& points, int64_t dims, const DbscanOptions& options, const std::vector<double>& weights = {}) {
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  const auto near = [&](int64_t a, int64_t b) { return PlainSquared(points, dims, a, b) <= options.eps * options.eps; };
  Labels result;
  result.labels.assign(static_cast<size_t>(rows), -1);
  for (int64_t a = 0; a < rows; ++a) {
    double found = 0;
    for (int64_t b = 0; b < rows; ++b) {
      if (near(a, b)) found += weights.empty() ? 1.0 : weights[static_cast<size_t>(b)];
    }
    result.cores.push_back(found >= options.min_samples ? 1 : 0);
  }
  for (int64_t start = 0; start < rows; ++start) {
    if (result.cores[static_cast<size_t>(start)] == 0 || result.labels[static_cast<size_t>(start)] != -1) continue;
    const auto number = static_cast<int32_t>(result.clusters++);
    std::vector<int64_t> stack = {start};
    result.labels[static_cast<size_t>(start)] = number;
    while (!stack.empty()) {
      const int64_t a = stack.back();
      stack.pop_back();
      if (result.cores[static_cast<size_t>(a)] == 0) continue;
      for (int64_t b = 0; b < rows; ++b) {
        if (result.labels[static_cast<size_t>(b)] != -1 || !near(a, b)) continue;
        result.labels[static_cast<size_t>(b)] = number;
        stack.push_back(b);
      }
    }
  }
  return result;
}

// Groups of points around centres, with stragglers; small whole numbers give distances of exactly eps and equal points.
std::vector<float> Groups(int64_t rows, int64_t dims, uint64_t seed, bool integers) {
  Random random(seed);
  std::vector<float> points;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t group = random.Below(6);
    for (int64_t dim = 0; dim < dims; ++dim) {
      const double centre = group == 5 ? 0.0 : static_cast<double>((group * 7 + dim * 3) % 11);
      const double spread = group == 5 ? 12.0 : 1.5;
      const double value = centre + random.Between(-spread, spread);
      points.push_back(static_cast<float>(integers ? std::round(value) : value));
    }
  }
  return points;
}

TEST(Dbscan, Golden) {
  const std::vector<float> points = {0, 0, 0, 1, 1, 0, 1, 1, 2.5, 0, 4, 0, 4, 1, 5, 0, 5, 1, 9, 9};
  ForEachTarget([&] {
    const Labels found = Cluster(points, 2, {1.5, 4});
    EXPECT_EQ(found.labels, (std::vector<int32_t>{0, 0, 0, 0, 0, 1, 1, 1, 1, -1}));
    EXPECT_EQ(found.clusters, 2);
  });
}

TEST(Dbscan, EqualsThePlainLoopOnEveryTarget) {
  struct Case {
    int64_t rows;
    int64_t dims;
    double eps;
    double min_samples;
    bool integers;
  };
  const std::vector<Case> cases = {{1, 1, 1, 1, false},       {33, 1, 0.1, 2, false},  {64, 2, 1, 4, true},      {500, 2, 0.6, 5, false},
                                   {700, 2, 1, 9, true},      {600, 3, 1, 4, false},   {600, 3, 1, 8, true},     {800, 4, 1.2, 6, false},
                                   {400, 9, 3.5, 4, true},    {300, 17, 6, 3, false},  {900, 2, 40, 5, false},   {900, 2, 1e-3, 2, false},
                                   {900, 1, 0.05, 30, false}, {500, 2, 2, 501, false}, {500, 2, 1e99, 500, true}};
  ForEachTarget([&] {
    uint64_t seed = 1;
    for (const Case& c : cases) {
      const std::vector<float> points = Groups(c.rows, c.dims, seed++, c.integers);
      const Labels expected = Plain(points, c.dims, {c.eps, c.min_samples});
      EXPECT_EQ(Cluster(points, c.dims, {c.eps, c.min_samples}), expected) << c.rows << " x " << c.dims << " eps " << c.eps;
      EXPECT_EQ(Cluster(points, c.dims, {c.eps, c.min_samples}, {}, 3, 4), expected) << "shards of 3 leaves, 4 lanes";
    }
  });
}

TEST(Dbscan, WeightsAlsoNegativeOnes) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const std::vector<float> points = Groups(400, 2, seed, seed % 2 == 0);
    Random random(seed);
    std::vector<double> weights(400);
    for (double& weight : weights) weight = static_cast<double>(random.Below(5) - (seed > 3 ? 2 : 0));
    EXPECT_EQ(Cluster(points, 2, {0.8, 6}, weights, 5, 2), Plain(points, 2, {0.8, 6}, weights)) << seed;
  }
}

TEST(Dbscan, EqualPointsAreOneCluster) {
  const std::vector<float> points(3000, 7.0F);
  EXPECT_EQ(Cluster(points, 3, {1e-9, 1000}).labels, std::vector<int32_t>(1000, 0));
  EXPECT_EQ(Cluster(points, 3, {1e-9, 1001}).labels, std::vector<int32_t>(1000, -1));
}

TEST(Dbscan, HugeAndTinyCoordinates) {
  for (const float scale : {1e-30F, 1e-20F, 1e18F, 1e37F}) {
    std::vector<float> points = Groups(300, 2, 5, false);
    for (float& value : points) value *= scale;
    const DbscanOptions options{static_cast<double>(scale), 5};
    EXPECT_EQ(Cluster(points, 2, options), Plain(points, 2, options)) << scale;
  }
}

TEST(Dbscan, ClustersDoNotDependOnShardsOrLanes) {
  const std::vector<float> points = Groups(20'000, 3, 9, false);
  const Labels once = Cluster(points, 3, {0.3, 6});
  EXPECT_GT(once.clusters, 1);
  EXPECT_EQ(Cluster(points, 3, {0.3, 6}, {}, 7, 3), once);
  EXPECT_EQ(Cluster(points, 3, {0.3, 6}, {}, 64, 2), once);
}

TEST(Dbscan, RefusesAndStops) {
  const std::vector<float> points = Groups(100, 2, 1, false);
  const TestTree owner(points, 2);
  const KdTree tree = owner.tree();
  const RowRange all{0, tree.leaves()};
  std::vector<int32_t> cores(static_cast<size_t>(tree.leaves()), -1);
  std::vector<int32_t> forest(100);
  std::vector<int32_t> joined(static_cast<size_t>(2 * tree.leaves() - 1), -1);
  std::vector<int32_t> labels(100);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double eps : {0.0, -1.0, kNan, 1e101}) {
    EXPECT_CODE(StatusCode::kInvalidArgument, DbscanCores(tree, {}, {eps, 4}, all, {}, {}, cores));
    EXPECT_CODE(StatusCode::kInvalidArgument, DbscanLinks(tree, eps, cores, all, {}, {}, forest, joined));
    EXPECT_CODE(StatusCode::kInvalidArgument, DbscanBorders(tree, eps, cores, all, {}, {}, labels));
  }
  EXPECT_CODE(StatusCode::kInvalidArgument, DbscanCores(tree, {}, {1, 0}, all, {}, {}, cores));
  EXPECT_CODE(StatusCode::kInvalidArgument, DbscanCores(tree, {}, {1, kNan}, all, {}, {}, cores));
  EXPECT_CODE(StatusCode::kInvalidArgument, DbscanCores(tree, std::vector<double>(99, 1), {1, 4}, all, {}, {}, cores));
  EXPECT_CODE(StatusCode::kInvalidArgument, DbscanCores(tree, std::vector<double>(100, kNan), {1, 4}, all, {}, {}, cores));
  EXPECT_CODE(StatusCode::kOutOfRange, DbscanCores(tree, {}, {1, 4}, {0, 99}, {}, {}, cores));
  EXPECT_CODE(StatusCode::kCancelled, DbscanCores(tree, {}, {1, 4}, all, Raised(), {}, cores));
  EXPECT_CODE(StatusCode::kCancelled, DbscanLinks(tree, 0.1, std::vector<int32_t>(cores.size(), 7), all, Raised(), {}, forest, joined));
  EXPECT_CODE(StatusCode::kCancelled, DbscanBorders(tree, 1, std::vector<int32_t>(cores.size(), 7), all, Raised(), {}, labels));
  EXPECT_CODE(StatusCode::kCancelled, MergeForests(forest, Raised(), labels));
  EXPECT_CODE(StatusCode::kInvalidArgument, MergeForests(forest, {}, cores));
}

}  // namespace
}  // namespace couponcast
