#include "couponcast/kmeans_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

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
    lower_.resize(static_cast<size_t>(rows_));
    moves_.resize(k(), std::numeric_limits<double>::infinity());
    order_.resize(k());
    std::iota(order_.begin(), order_.end(), 0);
    guess_.resize(static_cast<size_t>(rows_), 0);
    for (const RowRange range : Shards(rows_, 7)) EXPECT_OK(KmeansEncode(points_, dims, centre_, steps_, range, {}, codes_, norms_));
    EncodeCentroids();
  }

  int64_t rows() const { return rows_; }
  size_t k() const { return centroids_.size() / static_cast<size_t>(dims_); }
  bool usable() const { return usable_; }
  std::vector<float>& centroids() { return centroids_; }

  void EncodeCentroids() {
    const auto columns = KmeansCodeColumns(static_cast<int64_t>(k()));
    panel_.resize(static_cast<size_t>(columns * KmeansCodeBytes(dims_)));
    starts_.resize(static_cast<size_t>(columns));
    EXPECT_OK(KmeansEncodeCentroids(centroids_, dims_, centre_, steps_, order_, kKmeansColumnsAtOnce, panel_, starts_, scale_, &usable_));
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
    KmeansPartial partial = answer.Partial();
    answer.labels = guess_;
    EXPECT_OK(
        KmeansAssignFiltered(points_, dims_, weights, centroids_, Codes(), {0, rows_}, {}, answer.labels, answer.distances, &partial));
    answer.inertia = partial.inertia;
    guess_ = answer.labels;
    return answer;
  }

  KmeansCodes Codes() { return {codes_, norms_, order_, panel_, starts_, scale_, lower_, moves_}; }

  // Replaces the centroids by the means of an answer.
  void Move(const Answer& answer) {
    std::vector<double> moves;
    for (size_t c = 0; c < k(); ++c) {
      double moved = 0;
      for (size_t d = 0; d < static_cast<size_t>(dims_); ++d) {
        const size_t at = c * static_cast<size_t>(dims_) + d;
        const float old = centroids_[at];
        if (answer.counts[c] > 0) centroids_[at] = static_cast<float>(answer.sums[at] / static_cast<double>(answer.counts[c]));
        moved += std::pow(static_cast<double>(centroids_[at]) - static_cast<double>(old), 2);
      }
      moves.push_back(std::sqrt(moved) * (1 + 1e-9));
    }
    std::ranges::sort(order_, [&](int32_t a, int32_t b) { return moves[static_cast<size_t>(a)] > moves[static_cast<size_t>(b)]; });
    for (size_t column = 0; column < k(); ++column) moves_[column] = moves[static_cast<size_t>(order_[column])];
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
  std::vector<double> moves_;
  std::vector<double> scale_ = std::vector<double>(3);
  bool usable_ = false;
};

enum class Kind { kBlobs, kIntegers, kFlat, kOutlier };

std::vector<float> Points(int64_t rows, int64_t dims, uint64_t seed, Kind kind) {
  Random random(seed);
  std::vector<float> points;
  for (int64_t row = 0; row < rows; ++row) {
    const auto blob = static_cast<double>(random.Below(5)) * 3;
    for (int64_t d = 0; d < dims; ++d) {
      double value = blob + random.Between(-2, 2);
      if (kind == Kind::kIntegers) value = static_cast<double>(random.Below(3));
      if (kind == Kind::kFlat && d % 2 == 1) value = 5;
      if (kind == Kind::kOutlier && row == 3) value *= 1e6;
      points.push_back(static_cast<float>(value));
    }
  }
  return points;
}

TEST(KmeansFilter, EqualsPlainLloydBitForBitOnEveryTarget) {
  uint64_t seed = 40;
  for (const Kind kind : {Kind::kBlobs, Kind::kIntegers, Kind::kFlat, Kind::kOutlier}) {
    for (const int64_t dims : {1, 4, 6, 33, 64}) {
      for (const int64_t k : {1, 3, 16, 50, 200}) {
        ++seed;
        ForEachTarget([&] {
          const auto points = Points(203, dims, seed, kind);
          Problem problem(points, dims, {points.begin(), points.begin() + k * dims});
          for (int iteration = 0; iteration < 6 && problem.usable(); ++iteration) {
            const Answer plain = problem.Plain();
            EXPECT_EQ(problem.Filtered(), plain) << "dims " << dims << " k " << k << " iteration " << iteration;
            problem.Move(plain);
          }
        });
      }
    }
  }
}

TEST(KmeansFilter, ManyCentroidsAreThoseOfPlainLloyd) {
  ForEachTarget([] {
    const auto points = Points(900, 8, 77, Kind::kBlobs);
    for (const int64_t k : {257, 300, 700}) {
      Problem problem(points, 8, {points.begin(), points.begin() + k * 8});
      for (int iteration = 0; iteration < 4; ++iteration) {
        const Answer plain = problem.Plain();
        EXPECT_EQ(problem.Filtered(), plain) << "k " << k << " iteration " << iteration;
        problem.Move(plain);
      }
    }
  });
}

TEST(KmeansFilter, WeightsAreThoseOfPlainLloyd) {
  const auto points = Points(100, 8, 3, Kind::kBlobs);
  Problem problem(points, 8, {points.begin(), points.begin() + 160});
  std::vector<float> weights(100);
  for (size_t i = 0; i < 100; ++i) weights[i] = static_cast<float>(i % 4) * 0.3F;
  EXPECT_EQ(problem.Filtered(weights), problem.Plain(weights));
}

TEST(KmeansFilter, EqualCentroidsAndEqualPoints) {
  const Problem same(std::vector<float>(60, 2.0F), 3, std::vector<float>(15, 1.0F));
  EXPECT_FALSE(same.usable());  // no extent: plain Lloyd takes over
  const auto points = Points(50, 4, 8, Kind::kBlobs);
  std::vector<float> centroids;
  for (int copy = 0; copy < 20; ++copy) centroids.insert(centroids.end(), points.begin(), points.begin() + 4);
  Problem problem(points, 4, centroids);
  EXPECT_EQ(problem.Filtered(), problem.Plain());
}

TEST(KmeansFilter, FarCentroidsAreRight) {
  const auto points = Points(50, 4, 9, Kind::kBlobs);
  for (const float far : {1e3F, 1e6F, 1e12F, 1e30F}) {
    std::vector<float> centroids(points.begin(), points.begin() + 12);
    centroids.insert(centroids.end(), 4, far);
    Problem problem(points, 4, centroids);
    if (problem.usable()) {
      EXPECT_EQ(problem.Filtered(), problem.Plain()) << far;
    }
  }
}

TEST(KmeansFilter, RefusesWhatDoesNotFit) {
  const auto points = Points(20, 4, 1, Kind::kBlobs);
  Problem problem(points, 4, {points.begin(), points.begin() + 12});
  Answer answer(20, 3, 4);
  KmeansPartial partial = answer.Partial();
  const auto run = [&](const KmeansCodes& codes, CancelFlag cancel = {}) {
    return KmeansAssignFiltered(points, 4, {}, problem.centroids(), codes, {0, 20}, cancel, answer.labels, answer.distances, &partial);
  };
  EXPECT_OK(run(problem.Codes()));
  KmeansCodes codes = problem.Codes();
  for (const double wrong : {-1.0, static_cast<double>(NAN), 3.0}) {
    const std::vector<double> moves = {2, 1, wrong};
    codes.moves = moves;
    EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
  }
  codes = problem.Codes();
  const std::vector<int32_t> twice = {0, 1, 1};
  codes.order = twice;
  EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
  codes = problem.Codes();
  codes.norms = codes.norms.first(3);
  EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
  EXPECT_CODE(StatusCode::kCancelled, run(problem.Codes(), Raised()));
  const std::vector<double> moved(3, 0.5);
  codes = problem.Codes();
  codes.moves = moved;
  answer.labels[7] = 3;
  EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
  answer.labels[7] = -1;
  EXPECT_CODE(StatusCode::kInvalidArgument, run(codes));
  std::vector<float> box(4);
  std::vector<float> bad = points;
  bad[5] = INFINITY;
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansBox(bad, 4, {0, 20}, {}, box, box));
  bad[5] = NAN;
  EXPECT_CODE(StatusCode::kInvalidArgument, KmeansBox(bad, 4, {0, 20}, {}, box, box));
}

}  // namespace
}  // namespace couponcast
