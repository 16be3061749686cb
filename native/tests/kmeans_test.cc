#include "couponcast/kmeans.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::Shards;

struct Assignment {
  std::vector<int32_t> labels;
  std::vector<float> distances;
  std::vector<double> sums;
  std::vector<int64_t> counts;
  double inertia = 0;
};

// Assigns all points in shards of `shard` and adds the shards' partial sums in their order.
Assignment Assign(const std::vector<float>& points, int64_t dims, const std::vector<float>& centroids, int64_t shard,
                  const std::vector<float>& weights = {}) {
  const int64_t rows = static_cast<int64_t>(points.size()) / dims;
  const auto k = centroids.size() / static_cast<size_t>(dims);
  Assignment all{std::vector<int32_t>(static_cast<size_t>(rows), -7), std::vector<float>(static_cast<size_t>(rows), -7.0F),
                 std::vector<double>(centroids.size(), 0.0), std::vector<int64_t>(k, 0)};
  for (const RowRange range : Shards(rows, shard)) {
    std::vector<double> sums(centroids.size(), -7.0);
    std::vector<int64_t> counts(k, -7);
    std::vector<double> weight_sums(k, -7.0);
    KmeansPartial partial{sums, weight_sums, counts, -7};
    const auto at = static_cast<size_t>(range.begin);
    const auto size = static_cast<size_t>(range.size());
    EXPECT_OK(KmeansAssign(points, dims, weights, centroids, range, {}, std::span(all.labels).subspan(at, size),
                           std::span(all.distances).subspan(at, size), &partial));
    for (size_t i = 0; i < sums.size(); ++i) all.sums[i] += sums[i];
    for (size_t i = 0; i < k; ++i) all.counts[i] += counts[i];
    all.inertia += partial.inertia;
  }
  return all;
}

std::vector<float> RandomPoints(int64_t rows, int64_t dims, uint64_t seed, bool integers) {
  Random random(seed);
  std::vector<float> points(static_cast<size_t>(rows * dims));
  for (float& value : points) value = integers ? static_cast<float>(random.Below(4)) : static_cast<float>(random.Between(-3, 3));
  return points;
}

TEST(Kmeans, GoldenConvergesToTwoClusters) {
  const std::vector<float> points = {0, 1, 10, 11};
  std::vector<float> centroids = {0, 1};
  Assignment step;
  double previous = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 10; ++i) {
    step = Assign(points, 1, centroids, 4);
    EXPECT_LE(step.inertia, previous);
    previous = step.inertia;
    for (size_t c = 0; c < 2; ++c) {
      if (step.counts[c] > 0) centroids[c] = static_cast<float>(step.sums[c] / static_cast<double>(step.counts[c]));
    }
  }
  EXPECT_EQ(centroids, std::vector<float>({0.5F, 10.5F}));
  EXPECT_EQ(step.inertia, 1.0);
  EXPECT_EQ(step.labels, std::vector<int32_t>({0, 0, 1, 1}));
  // One centre for all: the value that formulas.md gives for weights of 1.
  EXPECT_EQ(Assign(points, 1, {5.5F}, 4).inertia * 2, 202.0);
}

TEST(Kmeans, EqualsBruteForceBitForBit) {
  uint64_t seed = 800;
  for (const int64_t dims : {1, 2, 3, 7, 9, 16, 19, 40}) {
    for (const int64_t k : {1, 2, 15, 16, 17, 40}) {
      for (const bool integers : {false, true}) {
        const auto points = RandomPoints(60, dims, ++seed, integers);
        const auto centroids = RandomPoints(k, dims, ++seed, integers);  // integers: ties
        const Assignment actual = Assign(points, dims, centroids, 60);
        std::vector<double> sums(centroids.size(), 0.0);
        std::vector<int64_t> counts(static_cast<size_t>(k), 0);
        double inertia = 0;
        for (int64_t row = 0; row < 60; ++row) {
          int64_t nearest = -1;
          float best = std::numeric_limits<float>::infinity();
          for (int64_t c = 0; c < k; ++c) {
            std::array<float, 16> lanes{};
            for (int64_t d = 0; d < dims; ++d) {
              const float difference = points[static_cast<size_t>(row * dims + d)] - centroids[static_cast<size_t>(c * dims + d)];
              const volatile float square = difference * difference;
              lanes[static_cast<size_t>(d % 16)] += square;
            }
            for (size_t width = 8; width > 0; width /= 2) {
              for (size_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
            }
            const float distance = lanes[0];
            if (distance < best) {
              best = distance;
              nearest = c;
            }
          }
          EXPECT_EQ(actual.labels[static_cast<size_t>(row)], nearest);
          EXPECT_EQ(actual.distances[static_cast<size_t>(row)], best);
          inertia += static_cast<double>(best);
          ++counts[static_cast<size_t>(nearest)];
          for (int64_t d = 0; d < dims; ++d)
            sums[static_cast<size_t>(nearest * dims + d)] += static_cast<double>(points[static_cast<size_t>(row * dims + d)]);
        }
        EXPECT_TRUE(SameBits(actual.sums, sums));
        EXPECT_EQ(actual.counts, counts);
        EXPECT_EQ(actual.inertia, inertia);
        for (const int64_t shard : {1, 7}) {
          const Assignment parts = Assign(points, dims, centroids, shard);
          EXPECT_TRUE(SameBits(parts.labels, actual.labels) && SameBits(parts.distances, actual.distances) &&
                      parts.counts == actual.counts);
          if (integers) {
            EXPECT_TRUE(SameBits(parts.sums, actual.sums));
          }
        }
        ForEachTarget([&] {
          const Assignment other = Assign(points, dims, centroids, 60);
          EXPECT_TRUE(SameBits(other.labels, actual.labels) && SameBits(other.distances, actual.distances) &&
                      SameBits(other.sums, actual.sums));
        });
      }
    }
  }
}

TEST(Kmeans, AWeightIsAsManyPoints) {
  const auto points = RandomPoints(40, 3, 5, true);
  const auto centroids = RandomPoints(4, 3, 6, true);
  std::vector<float> weights(40);
  std::vector<float> repeated;
  for (size_t i = 0; i < 40; ++i) {
    weights[i] = static_cast<float>(i % 3);
    for (size_t copy = 0; copy < i % 3; ++copy)
      repeated.insert(repeated.end(), points.begin() + static_cast<int64_t>(3 * i), points.begin() + static_cast<int64_t>(3 * i + 3));
  }
  const Assignment weighted = Assign(points, 3, centroids, 40, weights);
  const Assignment plain = Assign(repeated, 3, centroids, 40);
  EXPECT_EQ(weighted.inertia, plain.inertia);
  EXPECT_EQ(weighted.sums, plain.sums);
}

TEST(Kmeans, TiesGoToTheSmallerCentroid) {
  const Assignment step = Assign({1, 1}, 1, {2, 0, 2}, 2);
  EXPECT_EQ(step.labels, std::vector<int32_t>({0, 0}));
}

TEST(Kmeans, MinDistanceKeepsTheSmaller) {
  const auto points = RandomPoints(50, 3, 1, false);
  const auto centroid = RandomPoints(1, 3, 2, false);
  std::vector<float> distances(50, 4.0F);
  double sum = -7;
  ASSERT_OK(KmeansMinDistance(points, 3, {}, centroid, {0, 50}, {}, distances, &sum));
  const Assignment reference = Assign(points, 3, centroid, 50);
  double expected = 0;
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(distances[i], std::min(4.0F, reference.distances[i]));
    expected += static_cast<double>(distances[i]);
  }
  EXPECT_EQ(sum, expected);
  std::vector<float> part(5, 4.0F);
  ASSERT_OK(KmeansMinDistance(points, 3, {}, centroid, {10, 15}, {}, part, &sum));
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(part[i], distances[10 + i]);
  std::vector<float> weighted(50, 1e9F);
  ASSERT_OK(KmeansMinDistance(points, 3, std::vector<float>(50, 3.0F), centroid, {0, 50}, {}, weighted, &sum));
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(weighted[i], 3.0F * reference.distances[i]);
}

TEST(Kmeans, RefusesWhatDoesNotFit) {
  const std::vector<float> points(12);
  const std::vector<float> centroids(6);
  std::vector<int32_t> labels(4);
  std::vector<float> distances(4);
  std::vector<double> sums(6);
  std::vector<double> weight_sums(2);
  std::vector<int64_t> counts(2);
  const auto run = [&](int64_t dims, std::span<const float> c, RowRange range, CancelFlag cancel = {}) {
    KmeansPartial partial{sums, weight_sums, counts, 0};
    return KmeansAssign(points, dims, {}, c, range, cancel, labels, distances, &partial);
  };
  EXPECT_OK(run(3, centroids, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(0, centroids, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(-3, centroids, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(5, centroids, {0, 2}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, {}, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, std::span(centroids).first(5), {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, std::span(centroids).first(3), {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, centroids, {0, 3}));
  EXPECT_CODE(StatusCode::kOutOfRange, run(3, centroids, {1, 5}));
  EXPECT_CODE(StatusCode::kCancelled, run(3, centroids, {0, 4}, Raised()));
  counts.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, centroids, {0, 4}));
  double sum = 0;
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansMinDistance(points, 3, {}, std::span(centroids).first(2), {0, 4}, {}, distances, &sum));
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansMinDistance(points, 3, {}, std::span(centroids).first(3), {0, 3}, {}, distances, &sum));
  EXPECT_CODE(StatusCode::kOutOfRange, KmeansMinDistance(points, 3, {}, std::span(centroids).first(3), {0, 5}, {}, distances, &sum));
}

}  // namespace
}  // namespace couponcast
