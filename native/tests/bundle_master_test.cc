#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "couponcast/allocate.h"
#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::Raised;
using testing::Random;

constexpr double kNever = -std::numeric_limits<double>::infinity();

struct Bundle {
  std::vector<double> slopes;
  std::vector<double> offsets;
  std::vector<double> center;
  double step = 1;

  double Model(const std::vector<double>& y) const {
    double value = -std::numeric_limits<double>::infinity();
    for (size_t k = 0; k < offsets.size(); ++k) {
      double cut = offsets[k];
      for (size_t d = 0; d < y.size(); ++d) cut += slopes[k * y.size() + d] * y[d];
      value = std::max(value, cut);
    }
    return value;
  }
  double Objective(const std::vector<double>& y) const {
    double distance = 0;
    for (size_t d = 0; d < y.size(); ++d) distance += (y[d] - center[d]) * (y[d] - center[d]);
    return Model(y) + distance / (2 * step);
  }
};

Bundle RandomBundle(size_t cuts, size_t dims, double scale, Random* random) {
  Bundle bundle;
  for (size_t i = 0; i < cuts * dims; ++i) bundle.slopes.push_back(random->Between(-3, 3) * scale);
  for (size_t i = 0; i < cuts; ++i) bundle.offsets.push_back(random->Between(-3, 3) * scale);
  for (size_t i = 0; i < dims; ++i) bundle.center.push_back(random->Below(3) == 0 ? 0 : random->Between(0, 2));
  bundle.step = std::exp2(random->Between(-4, 3)) / scale;
  return bundle;
}

std::vector<double> Solve(const Bundle& bundle) {
  std::vector<double> y(bundle.center.size(), -7.0);
  double model = -7;
  std::vector<double> weights(bundle.offsets.size(), 0.0);
  const std::vector<double> zero(y.size(), 0.0);
  const std::vector<double> infinity(y.size(), std::numeric_limits<double>::infinity());
  EXPECT_OK(SolveBundleMaster(bundle.slopes, bundle.offsets, bundle.center, bundle.step, {zero, infinity}, kNever, {}, weights, y, &model));
  double sum = 0;
  for (const double weight : weights) sum += weight;
  EXPECT_NEAR(sum, 1, 1e-9);
  // Where it ended it nearly stays: pairwise exchange stops at its iteration limit in the worst cases.
  std::vector<double> again(y.size());
  EXPECT_OK(
      SolveBundleMaster(bundle.slopes, bundle.offsets, bundle.center, bundle.step, {zero, infinity}, kNever, {}, weights, again, &model));
  for (size_t d = 0; d < y.size(); ++d) EXPECT_NEAR(again[d], y[d], 1e-4 * std::max(1.0, std::fabs(y[d])));
  for (const double value : y) EXPECT_GE(value, 0);
  EXPECT_NEAR(model, bundle.Model(again), 1e-9 * std::max(1.0, std::fabs(model)));
  return y;
}

TEST(BundleMaster, OneCutIsAStepDownItsSlope) {
  // y = max(0, center - step * slope)
  const Bundle bundle{{2, -1, 5}, {7}, {3, 1, 1}, 0.5};
  const auto y = Solve(bundle);
  EXPECT_NEAR(y[0], 2, 1e-12);
  EXPECT_NEAR(y[1], 1.5, 1e-12);
  EXPECT_NEAR(y[2], 0, 1e-12);
}

TEST(BundleMaster, TwoCutsMeetInTheirKink) {
  // max(y, 4 - y) with a long step: the minimum is the kink at 2.
  const auto y = Solve({{1, -1}, {0, 4}, {0}, 100});
  EXPECT_NEAR(y[0], 2, 1e-9);
}

TEST(BundleMaster, OneDimensionEqualsASearch) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const Bundle bundle = RandomBundle(1 + static_cast<size_t>(random.Below(8)), 1, std::exp2(random.Between(-3, 20)), &random);
    const auto y = Solve(bundle);
    // The objective is convex: golden section.
    double low = 0;
    double high = 1000;
    for (int i = 0; i < 200; ++i) {
      const double a = low + 0.381966 * (high - low);
      const double b = low + 0.618034 * (high - low);
      (bundle.Objective({a}) < bundle.Objective({b}) ? high : low) = bundle.Objective({a}) < bundle.Objective({b}) ? b : a;
    }
    const double best = std::min(bundle.Objective({low}), bundle.Objective({0}));
    EXPECT_LE(bundle.Objective(y), best + 1e-9 * std::max(1.0, std::fabs(best))) << round;
  }
}

TEST(BundleMaster, TwoDimensionsEqualARefinedGrid) {
  Random random(2);
  for (int round = 0; round < 60; ++round) {
    const Bundle bundle = RandomBundle(1 + static_cast<size_t>(random.Below(6)), 2, 1, &random);
    const double found = bundle.Objective(Solve(bundle));
    std::vector<double> best = {0, 0};
    double width = 40;
    for (int level = 0; level < 28; ++level) {
      const std::vector<double> middle = best;
      for (int i = -10; i <= 10; ++i) {
        for (int j = -10; j <= 10; ++j) {
          const std::vector<double> y = {std::max(0.0, middle[0] + i * width / 10), std::max(0.0, middle[1] + j * width / 10)};
          if (bundle.Objective(y) < bundle.Objective(best)) best = y;
        }
      }
      width *= 0.5;
    }
    EXPECT_LE(found, bundle.Objective(best) + 1e-8 * std::max(1.0, std::fabs(found))) << round;
  }
}

TEST(BundleMaster, NoMoveImprovesInManyDimensions) {
  Random random(3);
  for (int round = 0; round < 40; ++round) {
    const auto dims = static_cast<size_t>(1 + random.Below(30));
    const Bundle bundle = RandomBundle(1 + static_cast<size_t>(random.Below(40)), dims, std::exp2(random.Between(0, 16)), &random);
    const auto y = Solve(bundle);
    const double found = bundle.Objective(y);
    for (int trial = 0; trial < 400; ++trial) {
      std::vector<double> other = y;
      const double size = std::exp2(random.Between(-30, 2));
      for (double& value : other) value = std::max(0.0, value + random.Between(-1, 1) * size);
      // Pairwise exchange stops at its iteration limit on the worst of these.
      ASSERT_GE(bundle.Objective(other), found - 1e-5 * std::max(1.0, std::fabs(found))) << round << " " << size;
    }
  }
}

// KKT: y = max(0, center - step sum a_k slope_k) for weights a of cuts that are active at y. With as many active cuts
// as dimensions + 1 the weights follow from y alone; here: with a long step and cuts whose kink is known.
TEST(BundleMaster, FindsTheKinkOfThreeCutsInTwoDimensions) {
  // Cuts through the value 5 at (2, 3), slopes whose hull holds 0 in its interior.
  const Bundle bundle{{1, 0, 0, 1, -1, -1}, {5 - 2, 5 - 3, 5 + 2 + 3}, {1, 1}, 1000};
  const auto y = Solve(bundle);
  EXPECT_NEAR(y[0], 2, 1e-8);
  EXPECT_NEAR(y[1], 3, 1e-8);
  EXPECT_NEAR(bundle.Model(y), 5, 1e-8);
}

TEST(BundleMaster, TakesEqualAndFlatCuts) {
  const Bundle equal{{1, 1, 1}, {2, 2, 2}, {5}, 1};
  EXPECT_NEAR(Solve(equal)[0], 4, 1e-12);
  const Bundle flat{{0, 0}, {2, 3}, {5}, 1};
  EXPECT_NEAR(Solve(flat)[0], 5, 1e-12);
  const Bundle no_dims{{}, {2, 3}, {}, 1};
  EXPECT_TRUE(Solve(no_dims).empty());
}

TEST(BundleMaster, RefusesWhatDoesNotFit) {
  const Bundle bundle{{1, -1}, {0, 4}, {0}, 1};
  std::vector<double> weights(2, 0.0);
  const std::vector<double> zero = {0};
  const std::vector<double> infinity = {std::numeric_limits<double>::infinity()};
  std::vector<double> y(1);
  double model = 0;
  const auto run = [&](std::span<const double> slopes, std::span<const double> offsets, double step, std::span<double> out,
                       CancelFlag cancel = {}) {
    return SolveBundleMaster(slopes, offsets, bundle.center, step, {zero, infinity}, kNever, cancel, weights, out, &model);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, run({}, {}, 1, y));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(std::span(bundle.slopes).first(1), bundle.offsets, 1, y));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(bundle.slopes, bundle.offsets, 0, y));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(bundle.slopes, bundle.offsets, -1, y));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(bundle.slopes, bundle.offsets, std::numeric_limits<double>::quiet_NaN(), y));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(bundle.slopes, bundle.offsets, 1, {}));
  EXPECT_CODE(StatusCode::kCancelled, run(bundle.slopes, bundle.offsets, 1, y, Raised()));
  EXPECT_CODE(StatusCode::kInvalidArgument,
              SolveBundleMaster(bundle.slopes, bundle.offsets, bundle.center, 1, {infinity, zero}, kNever, {}, weights, y, &model));
}

TEST(BundleMaster, StaysInItsBox) {
  // y = center - step * slope, moved into [2, 2.5].
  std::vector<double> weights = {0};
  const std::vector<double> lower = {2, 0};
  const std::vector<double> upper = {2.5, 0.25};
  std::vector<double> y(2);
  double model = 0;
  const std::vector<double> slopes = {4, -4};
  const std::vector<double> offsets = {1};
  const std::vector<double> center = {2.25, 0};
  ASSERT_OK(SolveBundleMaster(slopes, offsets, center, 1, {lower, upper}, kNever, {}, weights, y, &model));
  EXPECT_EQ(y, std::vector<double>({2, 0.25}));
  EXPECT_EQ(model, 1 + 8 - 1);
}

}  // namespace
}  // namespace couponcast
