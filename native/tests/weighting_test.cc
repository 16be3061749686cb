#include "couponcast/weighting.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/test_util.h"

namespace couponcast {
namespace {

using testing::MatrixKinds;
using testing::Raised;
using testing::RandomMatrix;
using testing::TestMatrix;

struct Weights {
  std::vector<float> term_weight;
  std::vector<float> length;
  std::vector<float> scale;
  explicit Weights(const CsrView& documents)
      : term_weight(static_cast<size_t>(documents.cols)), length(static_cast<size_t>(documents.rows)), scale(length.size()) {}
  Status Compute(const CsrView& documents, const CsrView& terms, const WeightingParams& params, CancelFlag cancel = {}) {
    COUPONCAST_RETURN_IF_ERROR(WeighTerms(documents, terms, params, cancel, term_weight, length));
    const int64_t middle = documents.rows / 2;
    COUPONCAST_RETURN_IF_ERROR(ScaleDocuments(documents, {params, term_weight, length, {}}, {middle, documents.rows}, cancel, scale));
    return ScaleDocuments(documents, {params, term_weight, length, {}}, {0, middle}, cancel, scale);
  }
};

TEST(Weighting, CosineScalesByTheNorm) {
  const TestMatrix matrix({{3, 4, 0}, {0, 0, 0}, {0, -2, 0}});
  Weights weights(matrix.by_user());
  ASSERT_OK(weights.Compute(matrix.by_user(), matrix.by_item(), {}));
  EXPECT_FLOAT_EQ(weights.scale[0], 0.2F);
  EXPECT_EQ(weights.scale[1], 0.0F);
  EXPECT_FLOAT_EQ(weights.scale[2], 0.5F);
  EXPECT_EQ(weights.term_weight, std::vector<float>({1, 1, 1}));
}

TEST(Weighting, MatchesThePlainFormulas) {
  uint64_t seed = 100;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (int32_t w = 0; w < kNumWeightings; ++w) {
      SCOPED_TRACE(w);
      const WeightingParams params{static_cast<Weighting>(w), 1.6, 0.4, 2.5};
      Weights weights(matrix.by_user());
      ASSERT_OK(weights.Compute(matrix.by_user(), matrix.by_item(), params));
      double total = 0;
      std::vector<double> length(static_cast<size_t>(matrix.rows()), 0.0);
      for (int64_t d = 0; d < matrix.rows(); ++d) {
        for (int64_t t = 0; t < matrix.cols(); ++t) length[static_cast<size_t>(d)] += std::max(0.0, matrix.at(d, t));
        total += length[static_cast<size_t>(d)];
      }
      std::vector<double> idf(static_cast<size_t>(matrix.cols()), 1.0);
      for (int64_t t = 0; t < matrix.cols(); ++t) {
        const auto at = static_cast<size_t>(t);
        double df = 0;
        for (int64_t d = 0; d < matrix.rows(); ++d) df += matrix.at(d, t) != 0 ? 1 : 0;
        if (params.weighting == Weighting::kTfIdf || params.weighting == Weighting::kBm25) {
          idf[at] = std::max(0.0, std::log(static_cast<double>(matrix.rows()) / (1 + df)));
        }
        EXPECT_NEAR(weights.term_weight[at], idf[at], 1e-6);
      }
      for (int64_t d = 0; d < matrix.rows(); ++d) {
        const auto at = static_cast<size_t>(d);
        double expected_scale = 1;
        if (params.weighting == Weighting::kCosine || params.weighting == Weighting::kTfIdf) {
          double norm = 0;
          for (int64_t t = 0; t < matrix.cols(); ++t) {
            const double r = matrix.at(d, t);
            const double weight =
                (params.weighting == Weighting::kCosine ? r : std::copysign(std::sqrt(std::fabs(r)), r)) * idf[static_cast<size_t>(t)];
            norm += weight * weight;
          }
          expected_scale = norm > 0 ? 1 / std::sqrt(norm) : 0;
        }
        EXPECT_NEAR(weights.scale[at], expected_scale, 1e-6 * std::max(1.0, expected_scale));
        if (params.weighting == Weighting::kBm25) {
          const double mean = total > 0 ? total / static_cast<double>(matrix.rows()) : 1;
          EXPECT_NEAR(weights.length[at], params.k1 * (1 - params.b + params.b * length[at] / mean), 1e-5);
        }
        if (params.weighting == Weighting::kSaturation) {
          EXPECT_EQ(weights.length[at], 2.5F);
        }
      }
    }
  }
}

TEST(Weighting, TermFrequencies) {
  EXPECT_EQ(TermFrequency<Weighting::kCosine>(-2, 9, 9), -2.0F);
  EXPECT_EQ(TermFrequency<Weighting::kTfIdf>(9, 9, 9), 3.0F);
  EXPECT_EQ(TermFrequency<Weighting::kTfIdf>(-9, 9, 9), -3.0F);
  EXPECT_FLOAT_EQ(TermFrequency<Weighting::kBm25>(3, 1, 2.2F), 3 * 2.2F / 4);
  EXPECT_EQ(TermFrequency<Weighting::kBm25>(-3, 1, 2.2F), 0.0F);
  EXPECT_EQ(TermFrequency<Weighting::kSaturation>(3, 1, 0), 0.75F);
  EXPECT_EQ(TermFrequency<Weighting::kSaturation>(-3, 1, 0), 0.0F);
}

TEST(Weighting, RefusesBadParametersAndSizes) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const TestMatrix wide({{1, 2, 3, 4}});
  Weights weights(matrix.by_user());
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const WeightingParams& params :
       {WeightingParams{Weighting::kBm25, -1, 0.75, 1}, WeightingParams{Weighting::kBm25, kNaN, 0.75, 1},
        WeightingParams{Weighting::kBm25, kInf, 0.75, 1}, WeightingParams{Weighting::kBm25, 1.2, -0.1, 1},
        WeightingParams{Weighting::kBm25, 1.2, 1.1, 1}, WeightingParams{Weighting::kBm25, 1.2, kNaN, 1},
        WeightingParams{Weighting::kSaturation, 1.2, 0.75, 0}, WeightingParams{Weighting::kSaturation, 1.2, 0.75, kNaN},
        WeightingParams{Weighting::kSaturation, 1.2, 0.75, kInf}}) {
    EXPECT_CODE(StatusCode::kInvalidArgument, weights.Compute(matrix.by_user(), matrix.by_item(), params));
  }
  EXPECT_CODE(StatusCode::kInvalidArgument, weights.Compute(matrix.by_user(), wide.by_item(), {}));
  for (std::vector<float> Weights::* const member : {&Weights::term_weight, &Weights::length, &Weights::scale}) {
    Weights wrong(matrix.by_user());
    (wrong.*member).pop_back();
    EXPECT_CODE(StatusCode::kInvalidArgument, wrong.Compute(matrix.by_user(), matrix.by_item(), {}));
  }
}

TEST(Weighting, Cancels) {
  const TestMatrix matrix = testing::GoldenMatrix();
  Weights weights(matrix.by_user());
  for (int32_t w = 0; w < kNumWeightings; ++w) {
    EXPECT_CODE(StatusCode::kCancelled, weights.Compute(matrix.by_user(), matrix.by_item(), {static_cast<Weighting>(w)}, Raised()));
  }
}

}  // namespace
}  // namespace couponcast
