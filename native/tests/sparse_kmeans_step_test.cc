#include "couponcast/sparse_kmeans_step.h"

#include <gtest/gtest.h>

#include "tests/sparse_kmeans_for_test.h"
#include "tests/test_util.h"
#include "tests/threads_for_test.h"

namespace couponcast {
namespace {

using testing::ForEachTarget;
using testing::MatrixKind;
using testing::Raised;
using testing::Random;
using testing::SameBits;
using testing::SparseCodes;
using testing::SparseMeans;
using testing::SparseRows;

constexpr int64_t kClusters = 21;
constexpr double kShortScale = 4096;

struct Rows : SparseRows {
  Rows(const MatrixKind& kind, uint64_t seed) : SparseRows(kind, seed, true), codes(matrix.by_user(), factors, kind.rows) {}

  SparseCodes codes;
};

// Centroids, and what an iteration from them gives.
struct State {
  explicit State(const Rows& rows)
      : means(rows.matrix.by_user().cols, kClusters),
        centroids(means.centroids.size()),
        norms(kClusters),
        labels(rows.factors.size()),
        counts(kClusters) {}

  SparseKmeansCentroids out() { return {means.centroids, means.shorts, kShortScale}; }

  void Begin(const std::vector<float>& from) {
    centroids = from;
    std::ranges::fill(norms, 0.0);
    for (size_t i = 0; i < from.size(); ++i) {
      const size_t c = i % static_cast<size_t>(SparseKmeansLanes(kClusters));
      if (c < norms.size()) norms[c] += static_cast<double>(from[i]) * static_cast<double>(from[i]);
    }
    const int64_t items = static_cast<int64_t>(from.size()) / SparseKmeansLanes(kClusters);
    EXPECT_OK(SparseKmeansShorten(centroids, kClusters, kShortScale, {0, items}, {}, means.shorts));
  }

  // Its shorts are those of `centroids` before the iteration.
  SparseMeans means;
  std::vector<float> centroids;
  std::vector<double> norms;
  std::vector<int32_t> labels;
  std::vector<int64_t> counts;
};

// Labels and then means, each in a call of its own, with no sums kept.
void Apart(const Rows& rows, State& state) {
  const CsrView by_user = rows.matrix.by_user();
  EXPECT_OK(SparseKmeansLabels(by_user, rows.factors, rows.squares, state.centroids, state.norms, rows.codes.view(), state.means.shorts,
                               kShortScale, {0, by_user.rows}, {}, state.labels, state.counts));
  std::vector<double> scale(kClusters, 0.0);
  for (size_t c = 0; c < scale.size(); ++c) scale[c] = state.counts[c] == 0 ? 0 : 1 / static_cast<double>(state.counts[c]);
  EXPECT_OK(SparseKmeansMeans(rows.matrix.by_item(), rows.factors, {}, state.labels, scale, state.centroids, {0, by_user.cols}, {}, {},
                              state.out(), state.means.totals(), &state.means.largest));
}

void Together(const Rows& rows, int64_t threads, const SparseKmeansKeptSums& kept, State& state) {
  std::vector<int32_t> counters(kSparseKmeansStepCounters);
  std::vector<int64_t> counts(static_cast<size_t>(threads * kClusters));
  std::vector<float> largest(static_cast<size_t>(threads));
  testing::OnThreads(threads, [&](int64_t call) {
    EXPECT_OK(SparseKmeansStep(rows.matrix.by_user(), rows.matrix.by_item(), rows.factors, rows.squares, state.centroids, state.norms,
                               rows.codes.view(), kShortScale, {}, {counters, counts, call}, state.labels, kept, state.out(),
                               state.means.totals(), &largest[static_cast<size_t>(call)]));
  });
  std::ranges::fill(state.counts, 0);
  for (size_t i = 0; i < counts.size(); ++i) state.counts[i % kClusters] += counts[i];
  state.means.largest = std::ranges::max(largest);
}

TEST(SparseKmeansStep, IsLabelsAndThenMeans) {
  std::vector<MatrixKind> kinds = testing::MatrixKinds();
  kinds.push_back({.rows = 60, .cols = 4100, .density = 0.02});
  kinds.push_back({.rows = 3000, .cols = 40, .density = 0.1});
  uint64_t seed = 500;
  for (const MatrixKind& kind : kinds) {
    const Rows rows(kind, ++seed);
    const CsrView by_user = rows.matrix.by_user();
    ForEachTarget([&] {
      for (const int64_t threads : {1, 2, 3}) {
        Random random(seed);
        State apart(rows);
        State together(rows);
        std::vector<float> from(apart.centroids.size());
        for (size_t i = 0; i < from.size(); ++i) {
          if (i % static_cast<size_t>(SparseKmeansLanes(kClusters)) < kClusters) from[i] = static_cast<float>(random.Between(0, 1));
        }
        std::vector<double> sums(from.size(), 7.0);
        std::vector<int32_t> before;
        for (int iteration = 0; iteration < 5; ++iteration) {
          apart.Begin(from);
          together.Begin(from);
          Apart(rows, apart);
          Together(rows, threads, {&by_user, before, sums}, together);
          EXPECT_TRUE(SameBits(apart.labels, together.labels) && SameBits(apart.counts, together.counts));
          ExpectSame(apart.means, together.means);
          before = together.labels;
          from = together.means.centroids;
        }
      }
    });
  }
}

TEST(SparseKmeansStep, RefusesWhatDoesNotFit) {
  const Rows rows({.rows = 6, .cols = 4, .density = 1}, 3);
  const CsrView by_user = rows.matrix.by_user();
  State state(rows);
  state.Begin(state.centroids);
  std::vector<double> sums(state.centroids.size());
  std::vector<int32_t> counters(kSparseKmeansStepCounters);
  std::vector<int64_t> counts(2 * kClusters);
  float largest = 0;
  const auto step = [&](const SparseKmeansShared& shared, CancelFlag cancel = {}) {
    return SparseKmeansStep(by_user, rows.matrix.by_item(), rows.factors, rows.squares, state.centroids, state.norms, rows.codes.view(),
                            kShortScale, cancel, shared, state.labels, {&by_user, {}, sums}, state.out(), state.means.totals(), &largest);
  };
  EXPECT_CODE(StatusCode::kCancelled, step({counters, counts, 0}, Raised()));
  // Its part was taken and is never finished: others are told.
  EXPECT_CODE(StatusCode::kCancelled, step({counters, counts, 1}, Raised()));
  std::ranges::fill(counters, 0);
  EXPECT_CODE(StatusCode::kInvalidArgument, step({std::span(counters).first(5), counts, 0}));
  EXPECT_CODE(StatusCode::kInvalidArgument, step({counters, std::span(counts).first(kClusters + 1), 0}));
  EXPECT_CODE(StatusCode::kOutOfRange, step({counters, counts, 2}));
  EXPECT_CODE(StatusCode::kOutOfRange, step({counters, counts, -1}));
  EXPECT_OK(step({counters, counts, 1}));
  EXPECT_OK(step({counters, counts, 0}));
  state.means.shifts.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, step({counters, counts, 0}));
}

}  // namespace
}  // namespace couponcast
