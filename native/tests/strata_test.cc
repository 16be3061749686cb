#include "couponcast/strata.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/portable_math.h"
#include "test_util.h"

namespace couponcast {
namespace {

using testing::Random;

struct Data {
  DesignRows view() const {
    return {.rows = rows, .cols = cols, .dense_cols = dense_cols, .dense = dense, .indices = indices, .values = values};
  }
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t dense_cols = 0;
  std::vector<float> dense;
  std::vector<int32_t> indices;
  std::vector<float> values;
  std::vector<uint8_t> outcomes;
  std::vector<double> beta;                // [logits, cols + 1]
  std::vector<std::vector<double>> plain;  // [rows, cols + 1] with the intercept's ones
};

// Each slot has `choices` columns of its own.
Data MakeData(int64_t rows, int64_t dense_cols, int64_t slots, int64_t choices, size_t logits, uint64_t seed) {
  Random random(seed);
  Data data;
  data.rows = rows;
  data.dense_cols = dense_cols;
  data.cols = dense_cols + slots * choices;
  data.dense.resize(static_cast<size_t>((rows + 63) / 64 * 64 * dense_cols));
  for (float& value : data.dense) value = static_cast<float>(random.Between(-2, 2));
  for (int64_t k = 0; k < slots; ++k) data.values.push_back(static_cast<float>(random.Between(0.2, 1.5)));
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<double> plain(static_cast<size_t>(data.cols) + 1, 0.0);
    plain.back() = 1;
    for (int64_t c = 0; c < dense_cols; ++c) {
      plain[static_cast<size_t>(c)] = static_cast<double>(data.dense[static_cast<size_t>(((row / 64) * dense_cols + c) * 64 + row % 64)]);
    }
    for (int64_t k = 0; k < slots; ++k) {
      const int64_t column = dense_cols + k * choices + random.Below(choices);
      data.indices.push_back(static_cast<int32_t>(column));
      plain[static_cast<size_t>(column)] = static_cast<double>(data.values[static_cast<size_t>(k)]);
    }
    data.plain.push_back(plain);
    data.outcomes.push_back(static_cast<uint8_t>(random.Below(logits == 1 ? 2 : 5)));
  }
  for (size_t i = 0; i < logits * static_cast<size_t>(data.cols + 1); ++i) data.beta.push_back(random.Between(-0.5, 0.5));
  return data;
}

struct Sums {
  double loss = 0;
  std::vector<double> gradient;
  std::vector<double> information;
};

std::vector<double> LogitsOf(const Data& data, size_t row) {
  const size_t dims = data.plain[row].size();
  std::vector<double> logits(data.beta.size() / dims);
  for (size_t p = 0; p < logits.size(); ++p) {
    for (size_t d = 0; d < dims; ++d) logits[p] += data.plain[row][d] * data.beta[p * dims + d];
  }
  return logits;
}

// The chance of each outcome of a row, whichever group it is in.
std::vector<double> ChancesOf(const std::vector<double>& logits) {
  std::array<double, 3> p = {};
  for (size_t i = 0; i < logits.size(); ++i) p[i] = 1 / (1 + std::exp(-logits[i]));
  const auto [a, u, s] = p;
  return {1 - a, a, (1 - a) * (1 - s), a * (1 - u), a * u + (1 - a) * s};
}

// Derivatives by central differences of the logits; the information as the mean of their products over what might have been.
Sums BruteForce(const Data& data, RowRange range) {
  constexpr double kStep = 1e-6;
  const size_t dims = data.plain.front().size();
  const size_t logits = data.beta.size() / dims;
  Sums sums{0, std::vector<double>(logits * dims), std::vector<double>(logits * (logits + 1) / 2 * dims * (dims + 1) / 2)};
  for (auto row = static_cast<size_t>(range.begin); row < static_cast<size_t>(range.end); ++row) {
    const std::vector<double> z = LogitsOf(data, row);
    const std::vector<double> chances = ChancesOf(z);
    const size_t seen = data.outcomes[row];
    std::array<std::array<double, 3>, 5> by = {};  // d ln chance / d logit, of each outcome
    for (size_t p = 0; p < logits; ++p) {
      std::vector<double> up = z;
      std::vector<double> down = z;
      up[p] += kStep;
      down[p] -= kStep;
      for (size_t o = 0; o < by.size(); ++o) by[o][p] = (std::log(ChancesOf(up)[o]) - std::log(ChancesOf(down)[o])) / (2 * kStep);
    }
    sums.loss -= std::log(chances[seen]);
    const std::vector<size_t> possible = seen < 2 ? std::vector<size_t>{0, 1} : std::vector<size_t>{2, 3, 4};
    size_t pair = 0;
    for (size_t p = 0; p < logits; ++p) {
      for (size_t d = 0; d < dims; ++d) sums.gradient[p * dims + d] -= by[seen][p] * data.plain[row][d];
      for (size_t q = 0; q <= p; ++q, ++pair) {
        double weight = 0;
        for (const size_t o : possible) weight += chances[o] * by[o][p] * by[o][q];
        double* to = sums.information.data() + pair * (dims * (dims + 1) / 2);
        for (size_t i = 0; i < dims; ++i) {
          for (size_t j = 0; j <= i; ++j) *to++ += weight * data.plain[row][i] * data.plain[row][j];
        }
      }
    }
  }
  return sums;
}

Status Partial(const Data& data, RowRange range, bool wants_information, Sums* sums, CancelFlag cancel = {}) {
  const auto dims = static_cast<size_t>(data.cols) + 1;
  const size_t logits = data.beta.size() == dims ? 1 : 3;
  sums->gradient.assign(logits * dims, -1);
  sums->information.assign(wants_information ? logits * (logits + 1) / 2 * (dims * (dims + 1) / 2) : 0, -1);
  return StrataPartial(data.view(), data.outcomes, data.beta, range, cancel, &sums->loss, sums->gradient, sums->information);
}

void ExpectNear(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tolerance * (1 + std::fabs(expected[i]))) << i;
}

TEST(Strata, LossGradientAndInformationAreThoseOfPlainCodeOnEveryTarget) {
  struct Shape {
    int64_t dense_cols;
    int64_t slots;
    int64_t choices;
  };
  for (const size_t logits : {size_t{1}, size_t{3}}) {
    for (const auto& [dense_cols, slots, choices] : {Shape{5, 3, 4}, Shape{0, 2, 3}, Shape{9, 0, 1}}) {
      const Data data = MakeData(333, dense_cols, slots, choices, logits, 7 + logits);
      for (const RowRange range : {RowRange{0, 333}, RowRange{64, 200}, RowRange{128, 128}}) {
        const Sums expected = BruteForce(data, range);
        Sums first;
        ASSERT_OK(Partial(data, range, true, &first));
        testing::ForEachTarget([&] {
          Sums sums;
          ASSERT_OK(Partial(data, range, true, &sums));
          EXPECT_NEAR(sums.loss, expected.loss, 1e-9 * (1 + expected.loss));
          ExpectNear(sums.gradient, expected.gradient, 1e-7);
          ExpectNear(sums.information, expected.information, 1e-7);
          EXPECT_EQ(sums.loss, first.loss);
          EXPECT_EQ(sums.gradient, first.gradient);
          EXPECT_EQ(sums.information, first.information);
          Sums without;
          ASSERT_OK(Partial(data, range, false, &without));
          EXPECT_EQ(without.loss, first.loss);
          EXPECT_EQ(without.gradient, first.gradient);
        });
      }
    }
  }
}

TEST(Strata, ScoresAreTheLogits) {
  for (const size_t logits : {size_t{1}, size_t{3}}) {
    const Data data = MakeData(150, 4, 2, 3, logits, 3);
    testing::ForEachTarget([&] {
      std::vector<double> scores(logits * 86);
      ASSERT_OK(StrataScores(data.view(), data.beta, {64, 150}, {}, scores));
      for (size_t row = 64; row < 150; ++row) {
        const std::vector<double> expected = LogitsOf(data, row);
        for (size_t p = 0; p < logits; ++p) EXPECT_NEAR(scores[(row - 64) * logits + p], expected[p], 1e-12);
      }
    });
  }
}

TEST(Strata, LogitsFarFromZeroStayFinite) {
  Data data = MakeData(5, 1, 0, 1, 3, 1);
  data.outcomes = {0, 1, 2, 3, 4};
  for (const float far : {1000.0F, -1000.0F}) {
    data.dense.assign(64, far);
    data.beta = {1, 0, 1, 0, 1, 0};
    Sums sums;
    ASSERT_OK(Partial(data, {0, 5}, true, &sums));
    // Of a far logit the loss is the distance where the outcome says the opposite: idle 1000 or redeemed without a or s.
    EXPECT_NEAR(sums.loss, far > 0 ? 1000.0 + 2000.0 + 1000.0 : 1000.0 + 1000.0 + 1000.0, 1e-9);
    for (const double g : sums.gradient) EXPECT_TRUE(std::isfinite(g));
    for (const double h : sums.information) EXPECT_TRUE(std::isfinite(h));
  }
}

TEST(Strata, ALogitsLossHasTheBitsOfPortableMath) {
  Random random(11);
  Data data = MakeData(1, 1, 0, 1, 1, 1);
  data.outcomes = {0};
  data.beta = {1, 0};
  for (int i = 0; i < 2000; ++i) {
    const double size = i % 2 == 0 ? 4 : 800;
    const auto z = static_cast<float>(random.Between(-size, size));
    data.dense.assign(64, z);
    const auto wide = static_cast<double>(z);
    testing::ForEachTarget([&] {
      Sums sums;
      ASSERT_OK(Partial(data, {0, 1}, false, &sums));
      EXPECT_EQ(sums.loss, std::max(wide, 0.0) + Log1p(Exp(-std::fabs(wide)))) << z;
    });
  }
}

TEST(Strata, BadInputIsNamed) {
  const Data good = MakeData(100, 3, 2, 4, 3, 5);
  Sums sums;
  ASSERT_OK(Partial(good, {0, 100}, true, &sums));
  const auto expect_bad = [&](const Data& data, const char* what) {
    const Status status = Partial(data, {0, 100}, false, &sums);
    EXPECT_CODE(StatusCode::kInvalidArgument, status);
    EXPECT_NE(status.message().find(what), std::string::npos) << status.message();
  };
  Data bad = good;
  bad.outcomes[70] = 5;
  expect_bad(bad, "row 70");
  bad = good;
  bad.indices[9] = 11;
  expect_bad(bad, "row 4");
  bad = good;
  bad.indices[8] = 2;
  expect_bad(bad, "row 4");
  bad = good;
  std::swap(bad.indices[0], bad.indices[1]);
  expect_bad(bad, "row 0");
  bad = good;
  bad.dense.resize(64);
  expect_bad(bad, "dense columns");
  bad = good;
  bad.dense[3] = NAN;
  expect_bad(bad, "finite");
  bad = good;
  bad.beta.pop_back();
  expect_bad(bad, "beta");
  bad = good;
  bad.outcomes.pop_back();
  expect_bad(bad, "outcomes");
  bad = MakeData(100, 3, 2, 4, 1, 5);
  bad.outcomes[1] = 2;
  expect_bad(bad, "row 1");
  EXPECT_CODE(StatusCode::kInvalidArgument, Partial(good, {1, 100}, false, &sums));
  EXPECT_CODE(StatusCode::kOutOfRange, Partial(good, {0, 101}, false, &sums));
  EXPECT_EQ(Partial(good, {0, 100}, false, &sums, testing::Raised()).code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace couponcast
