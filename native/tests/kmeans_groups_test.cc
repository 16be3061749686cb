#include "couponcast/kmeans_groups.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/kmeans_answer_for_test.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using Answer = testing::KmeansAnswer;
using testing::Raised;
using testing::Random;
using testing::Shards;

class Problem {
 public:
  Problem(std::vector<float> points, int64_t dims, std::vector<float> centroids)
      : points_(std::move(points)), dims_(dims), centroids_(std::move(centroids)), rows_(static_cast<int64_t>(points_.size()) / dims) {
    std::vector<float> lows(static_cast<size_t>(dims));
    std::vector<float> highs(static_cast<size_t>(dims));
    EXPECT_OK(KmeansBox(points_, dims, {0, rows_}, {}, lows, highs));
    for (size_t d = 0; d < lows.size(); ++d) {
      steps_.push_back((highs[d] - lows[d]) / 254);
      centre_.push_back(lows[d] + 128 * steps_.back());
    }
    codes_.resize(static_cast<size_t>(KmeansCodesSize(rows_, dims)));
    norms_.resize(static_cast<size_t>(rows_ * 3));
    const auto k = static_cast<int64_t>(this->k());
    lower_.resize(static_cast<size_t>(rows_ * KmeansBoundStride(k)), 0.0F);
    drifts_.resize(static_cast<size_t>(KmeansGroups(k)));
    order_.resize(this->k());
    EXPECT_OK(KmeansOrder(centroids_, dims, {}, order_));
    guess_.resize(static_cast<size_t>(rows_), 0);
    for (const RowRange range : Shards(rows_, 7)) EXPECT_OK(KmeansEncode(points_, dims, centre_, steps_, range, {}, codes_, norms_));
    EncodeCentroids();
  }

  int64_t rows() const { return rows_; }
  size_t k() const { return centroids_.size() / static_cast<size_t>(dims_); }
  bool usable() const { return usable_; }
  std::vector<float>& centroids() { return centroids_; }

  void EncodeCentroids() {
    const auto count = static_cast<int64_t>(k());
    const int64_t columns = KmeansGroups(count) * KmeansGroupColumns(count);
    panel_.resize(static_cast<size_t>(columns * KmeansCodeBytes(dims_)));
    starts_.resize(static_cast<size_t>(columns));
    EXPECT_OK(KmeansEncodeCentroids(centroids_, dims_, centre_, steps_, order_, kKmeansGroupSide, panel_, starts_, scale_, &usable_));
  }

  Answer Plain(const std::vector<float>& weights = {}) const {
    Answer answer(static_cast<size_t>(rows_), k(), static_cast<size_t>(dims_));
    KmeansPartial partial = answer.Partial();
    EXPECT_OK(KmeansAssign(points_, dims_, weights, centroids_, {0, rows_}, {}, answer.labels, answer.distances, &partial));
    answer.inertia = partial.inertia;
    return answer;
  }

  // From the labels and bounds that the last call left.
  Answer Filtered(const std::vector<float>& weights = {}) {
    Answer answer(static_cast<size_t>(rows_), k(), static_cast<size_t>(dims_));
    answer.labels = guess_;
    EXPECT_OK(
        KmeansAssignGroups(points_, dims_, weights, centroids_, Codes(), {0, rows_}, {}, answer.labels, answer.distances, &answer.inertia));
    guess_ = answer.labels;
    return answer;
  }

  KmeansGroupCodes Codes() { return {codes_, norms_, order_, panel_, starts_, scale_, lower_, drifts_}; }

  // Replaces the centroids by the means of an answer.
  void Move(const Answer& answer) {
    const auto group_columns = static_cast<size_t>(KmeansGroupColumns(static_cast<int64_t>(k())));
    std::vector<double> farthest(drifts_.size());
    for (size_t column = 0; column < k(); ++column) {
      const auto c = static_cast<size_t>(order_[column]);
      double moved = 0;
      for (size_t d = 0; d < static_cast<size_t>(dims_); ++d) {
        const size_t at = c * static_cast<size_t>(dims_) + d;
        const float old = centroids_[at];
        if (answer.counts[c] > 0) centroids_[at] = static_cast<float>(answer.sums[at] / static_cast<double>(answer.counts[c]));
        moved += std::pow(static_cast<double>(centroids_[at]) - static_cast<double>(old), 2);
      }
      double& farthest_of_group = farthest[column / group_columns];
      farthest_of_group = std::max(farthest_of_group, std::sqrt(moved));
    }
    for (size_t g = 0; g < drifts_.size(); ++g) drifts_[g] += farthest[g] * (1 + 1e-9);
    EncodeCentroids();
  }

 private:
  std::vector<float> points_;
  int64_t dims_;
  std::vector<float> centroids_;
  int64_t rows_;
  std::vector<float> centre_, steps_;
  std::vector<uint8_t> codes_;
  std::vector<float> norms_, lower_;
  std::vector<int8_t> panel_;
  std::vector<int32_t> order_, starts_, guess_;
  std::vector<double> drifts_;
  std::vector<double> scale_ = std::vector<double>(3);
  bool usable_ = false;
};

std::vector<float> Blobs(int64_t rows, int64_t dims, uint64_t seed) {
  Random random(seed);
  std::vector<float> points;
  for (int64_t row = 0; row < rows; ++row) {
    const auto blob = static_cast<double>(random.Below(5)) * 3;
    for (int64_t d = 0; d < dims; ++d) points.push_back(static_cast<float>(blob + random.Between(-2, 2)));
  }
  return points;
}

// Labels and distances; sums are not of this kernel.
void ExpectSame(const Answer& groups, const Answer& plain) {
  EXPECT_EQ(groups.labels, plain.labels);
  EXPECT_TRUE(testing::SameBits(groups.distances, plain.distances));
  EXPECT_EQ(groups.inertia, plain.inertia);
}

TEST(KmeansGroups, EqualPlainLloydBitForBitOnEveryTarget) {
  ForEachTarget([] {
    for (const int64_t dims : {1, 6, 33}) {
      const auto points = Blobs(903, dims, static_cast<uint64_t>(dims));
      for (const int64_t k : {3, 50, 257, 700}) {
        Problem problem(points, dims, {points.begin(), points.begin() + k * dims});
        for (int iteration = 0; iteration < 4 && problem.usable(); ++iteration) {
          const Answer plain = problem.Plain();
          ExpectSame(problem.Filtered(), plain);
          problem.Move(plain);
        }
      }
    }
  });
}

TEST(KmeansGroups, WeightsAreThoseOfPlainLloyd) {
  const auto points = Blobs(100, 8, 3);
  Problem problem(points, 8, {points.begin(), points.begin() + 160});
  std::vector<float> weights(100);
  for (size_t i = 0; i < 100; ++i) weights[i] = static_cast<float>(i % 4) * 0.3F;
  ExpectSame(problem.Filtered(weights), problem.Plain(weights));
}

TEST(KmeansGroups, OrderIsAChainOfNearestCentroids) {
  std::vector<int32_t> order(6);
  EXPECT_OK(KmeansOrder(std::vector<float>{0, 10, 1, 11, 1, 30}, 1, {}, order));
  EXPECT_EQ(order, (std::vector<int32_t>{0, 2, 4, 1, 3, 5}));
  EXPECT_CODE(StatusCode::kCancelled, KmeansOrder(std::vector<float>{0, 10}, 1, Raised(), std::span(order).first(2)));
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansOrder(std::vector<float>{0, 10}, 1, {}, order));
}

TEST(KmeansGroups, RefuseWhatDoesNotFit) {
  const auto points = Blobs(20, 4, 1);
  Problem problem(points, 4, {points.begin(), points.begin() + 12});
  std::vector<int32_t> labels(20);
  std::vector<float> distances(20);
  double inertia = 0;
  const auto run = [&](const KmeansGroupCodes& codes, CancelFlag cancel = {}) {
    return KmeansAssignGroups(points, 4, {}, problem.centroids(), codes, {0, 20}, cancel, labels, distances, &inertia);
  };
  EXPECT_OK(run(problem.Codes()));
  EXPECT_CODE(StatusCode::kCancelled, run(problem.Codes(), Raised()));
  KmeansGroupCodes codes = problem.Codes();
  for (const double wrong : {-1.0, static_cast<double>(NAN)}) {
    const std::vector<double> drifts(1, wrong);
    codes.drifts = drifts;
    EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
  }
  const std::vector<double> moved(1, 0.5);
  codes = problem.Codes();
  codes.drifts = moved;
  labels[7] = 3;
  EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
}

}  // namespace
}  // namespace couponcast
