#include "couponcast/similarity.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/neighbours_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::ForEachTarget;
using testing::MatrixKinds;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::RandomMatrix;
using testing::SameBits;
using testing::TestMatrix;

// All pairs in float64, by the formulas of weighting.h.
class Reference {
 public:
  Reference(const TestMatrix& matrix, const WeightingParams& params)
      : matrix_(matrix), params_(params), length_(static_cast<size_t>(matrix.rows()), 0.0) {
    double total = 0;
    for (int64_t d = 0; d < matrix.rows(); ++d) {
      for (int64_t t = 0; t < matrix.cols(); ++t) length_[static_cast<size_t>(d)] += std::max(0.0, matrix.at(d, t));
      total += length_[static_cast<size_t>(d)];
    }
    mean_ = total > 0 ? total / static_cast<double>(matrix.rows()) : 1;
    for (int64_t t = 0; t < matrix.cols(); ++t) {
      double df = 0;
      for (int64_t d = 0; d < matrix.rows(); ++d) df += matrix.at(d, t) != 0 ? 1 : 0;
      const bool has_idf = params.weighting == Weighting::kTfIdf || params.weighting == Weighting::kBm25;
      idf_.push_back(has_idf ? std::max(0.0, std::log(static_cast<double>(matrix.rows()) / (1 + df))) : 1.0);
    }
  }

  double Weight(int64_t d, int64_t t) const {
    const double r = matrix_.at(d, t);
    const double positive = std::max(r, 0.0);
    const double idf = idf_[static_cast<size_t>(t)];
    switch (params_.weighting) {
      case Weighting::kCosine:
        return r;
      case Weighting::kTfIdf:
        return std::copysign(std::sqrt(std::fabs(r)), r) * idf;
      case Weighting::kBm25: {
        const double length = params_.k1 * (1 - params_.b + params_.b * length_[static_cast<size_t>(d)] / mean_);
        return positive > 0 ? positive * (params_.k1 + 1) / (positive + length) * idf : 0;
      }
      case Weighting::kSaturation:
        return positive / (positive + params_.lambda);
    }
    return 0;
  }
  double Dot(int64_t d, int64_t e, bool absolute) const {
    double sum = 0;
    for (int64_t t = 0; t < matrix_.cols(); ++t) {
      const double term = Weight(d, t) * Weight(e, t);
      sum += absolute ? std::fabs(term) : term;
    }
    return sum;
  }
  double Scale(int64_t d) const {
    if (params_.weighting == Weighting::kBm25 || params_.weighting == Weighting::kSaturation) return 1;
    const double norm = Dot(d, d, false);
    return norm > 0 ? 1 / std::sqrt(norm) : 0;
  }
  double Similarity(int64_t d, int64_t e) const { return Dot(d, e, false) * Scale(d) * Scale(e); }
  // What rounding in float32 may cost.
  double Tolerance(int64_t d, int64_t e) const { return 2e-6 * Dot(d, e, true) * Scale(d) * Scale(e) + 1e-12; }

 private:
  const TestMatrix& matrix_;
  WeightingParams params_;
  std::vector<double> length_;
  std::vector<double> idf_;
  double mean_ = 1;
};

void ExpectCorrect(const TestMatrix& matrix, const WeightingParams& params, bool include_self) {
  const Reference reference(matrix, params);
  const OwnedLists lists =
      AllSimilarRows(matrix.by_user(), matrix.by_item(), params, std::max<int64_t>(matrix.rows(), 1), include_self, 1000);
  for (int64_t d = 0; d < matrix.rows(); ++d) {
    std::vector<bool> listed(static_cast<size_t>(matrix.rows()), false);
    ASSERT_GE(lists.count(d), 0);
    for (int64_t j = 0; j < lists.k; ++j) {
      if (j >= lists.count(d)) {
        EXPECT_EQ(lists.index(d, j), -1);
        EXPECT_EQ(lists.score(d, j), 0.0F);
        continue;
      }
      const int64_t e = lists.index(d, j);
      ASSERT_GE(e, 0);
      ASSERT_LT(e, matrix.rows());
      EXPECT_FALSE(listed[static_cast<size_t>(e)]) << "twice";
      listed[static_cast<size_t>(e)] = true;
      EXPECT_TRUE(include_self || e != d);
      EXPECT_GT(lists.score(d, j), 0.0F);
      EXPECT_NEAR(lists.score(d, j), reference.Similarity(d, e), reference.Tolerance(d, e)) << d << " " << e;
      if (j > 0) {
        EXPECT_TRUE(lists.score(d, j - 1) > lists.score(d, j) || (lists.score(d, j - 1) == lists.score(d, j) && lists.index(d, j - 1) < e));
      }
    }
    for (int64_t e = 0; e < matrix.rows(); ++e) {
      if (listed[static_cast<size_t>(e)] || (e == d && !include_self)) continue;
      EXPECT_LE(reference.Similarity(d, e), reference.Tolerance(d, e)) << "left out: " << d << " " << e;
    }
  }
}

TEST(SimilarRows, GoldenCosine) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), {}, 2, false, 3);
  EXPECT_EQ(lists.indices, std::vector<int32_t>({2, 1, 2, 0, 0, 1}));
  const std::vector<double> expected = {.928571, .714286, .785714, .714286, .928571, .785714};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(lists.scores[i], expected[i], 1e-6);
}

TEST(SimilarRows, GoldenSaturation) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), {Weighting::kSaturation, 1.2, 0.75, 1.0}, 3, true, 1);
  const std::vector<std::vector<double>> expected = {
      {1.256944, 1.194444, 1.229167}, {1.194444, 1.256944, 1.208333}, {1.229167, 1.208333, 1.256944}};
  for (int64_t d = 0; d < 3; ++d) {
    ASSERT_EQ(lists.count(d), 3);
    for (int64_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(lists.score(d, j), expected[static_cast<size_t>(d)][static_cast<size_t>(lists.index(d, j))], 1e-6);
    }
  }
}

TEST(SimilarRows, HiddenCellChangesTheCosines) {
  const TestMatrix matrix({{1, 2, 0}, {3, 2, 1}, {2, 1, 3}});
  const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), {}, 2, false, 3);
  EXPECT_NEAR(lists.score(0, 0), .836660, 1e-6);
  EXPECT_EQ(lists.index(0, 0), 1);
  EXPECT_NEAR(lists.score(0, 1), .478091, 1e-6);
}

TEST(SimilarRows, EqualsBruteForce) {
  uint64_t seed = 0;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (int32_t w = 0; w < kNumWeightings; ++w) {
      SCOPED_TRACE(std::to_string(kind.rows) + " x " + std::to_string(kind.cols) + ", weighting " + std::to_string(w));
      ExpectCorrect(matrix, {static_cast<Weighting>(w), 1.2, 0.75, 2.0}, seed % 2 == 0);
    }
  }
}

TEST(SimilarRows, AnyKIsAPrefixOfTheWholeList) {
  uint64_t seed = 20;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (int32_t w = 0; w < kNumWeightings; ++w) {
      const WeightingParams params{static_cast<Weighting>(w)};
      const OwnedLists whole = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, matrix.rows(), false, 1000);
      for (const int64_t k : {1, 2, 5, 17, 300}) {
        const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, k, false, 1000);
        for (int64_t d = 0; d < matrix.rows(); ++d) {
          ASSERT_EQ(lists.count(d), std::min<int64_t>(k, whole.count(d)));
          for (int64_t j = 0; j < lists.count(d); ++j) {
            EXPECT_EQ(lists.index(d, j), whole.index(d, j));
            EXPECT_EQ(lists.score(d, j), whole.score(d, j));
          }
        }
      }
    }
  }
}

TEST(SimilarRows, TiesGoToTheSmallerRow) {
  // Ten equal documents: each has the nine others at the same similarity.
  const TestMatrix matrix(testing::Dense(10, {1, 2, 2}));
  const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), {}, 3, false, 10);
  for (int64_t d = 0; d < 10; ++d) {
    std::vector<int32_t> expected;
    for (int32_t e = 0; expected.size() < 3; ++e) {
      if (e != d) expected.push_back(e);
    }
    EXPECT_EQ(std::vector<int32_t>(lists.indices.begin() + d * 3, lists.indices.begin() + d * 3 + 3), expected);
  }
}

TEST(SimilarRows, ShardsAndTargetsGiveTheSameBytes) {
  uint64_t seed = 40;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (int32_t w = 0; w < kNumWeightings; ++w) {
      const WeightingParams params{static_cast<Weighting>(w)};
      const OwnedLists whole = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, 8, true, 1000);
      for (const int64_t shard : {1, 3, 64}) {
        const OwnedLists parts = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, 8, true, shard);
        EXPECT_TRUE(SameBits(parts.indices, whole.indices) && SameBits(parts.scores, whole.scores) && SameBits(parts.counts, whole.counts));
      }
      ForEachTarget([&] {
        const OwnedLists other = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, 8, true, 1000);
        EXPECT_TRUE(SameBits(other.indices, whole.indices) && SameBits(other.scores, whole.scores) && SameBits(other.counts, whole.counts));
      });
    }
  }
}

TEST(SimilarRows, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const TestMatrix other({{1, 2}, {0, 1}});
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  OwnedLists out(3, 2);
  const auto run = [&](const CsrView& documents, const CsrView& terms, const DocumentWeights& w, RowRange range, int64_t k) {
    return SimilarRows(documents, terms, w, range, k, false, {}, out.indices, out.scores, out.counts);
  };
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  EXPECT_OK(run(documents, terms, weights.view(), {0, 3}, 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, weights.view(), {0, 3}, 0));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, weights.view(), {0, 3}, -1));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, weights.view(), {0, 3}, 3));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, weights.view(), {0, 3}, std::numeric_limits<int64_t>::max()));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, weights.view(), {0, 2}, 2));
  EXPECT_CODE(StatusCode::kOutOfRange, run(documents, terms, weights.view(), {0, 4}, 2));
  EXPECT_CODE(StatusCode::kOutOfRange, run(documents, terms, weights.view(), {-1, 2}, 2));
  EXPECT_CODE(StatusCode::kOutOfRange, run(documents, terms, weights.view(), {3, 2}, 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, other.by_item(), weights.view(), {0, 3}, 2));
  for (std::vector<float> OwnedWeights::* const member : {&OwnedWeights::term_weight, &OwnedWeights::length, &OwnedWeights::scale}) {
    OwnedWeights wrong = weights;
    (wrong.*member).push_back(1);
    EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, wrong.view(), {0, 3}, 2));
  }
  out.counts.pop_back();
  EXPECT_CODE(StatusCode::kInvalidArgument, run(documents, terms, weights.view(), {0, 3}, 2));
}

TEST(SimilarRows, EmptyRangeAndEmptyMatrix) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  EXPECT_OK(SimilarRows(matrix.by_user(), matrix.by_item(), weights.view(), {1, 1}, 5, false, {}, {}, {}, {}));
  const TestMatrix none(testing::Dense{}, 0);
  const OwnedWeights no_weights(none.by_user(), none.by_item(), {});
  EXPECT_OK(SimilarRows(none.by_user(), none.by_item(), no_weights.view(), {0, 0}, 5, false, {}, {}, {}, {}));
}

TEST(SimilarRows, Cancels) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  OwnedLists out(3, 2);
  EXPECT_CODE(StatusCode::kCancelled, SimilarRows(matrix.by_user(), matrix.by_item(), weights.view(), {0, 3}, 2, false, Raised(),
                                                  out.indices, out.scores, out.counts));
}

// Rows without a cell cost time as well.
TEST(SimilarRows, CancelsAmongEmptyRows) {
  const TestMatrix matrix(testing::Dense(3, std::vector<float>(2, 0.0F)));
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  OwnedLists out(3, 2);
  EXPECT_CODE(StatusCode::kCancelled, SimilarRows(matrix.by_user(), matrix.by_item(), weights.view(), {0, 3}, 2, false, Raised(),
                                                  out.indices, out.scores, out.counts));
}

TEST(SimilarityWork, CountsPairsOfCells) {
  const TestMatrix matrix = RandomMatrix({30, 20, 0.3, false, false}, 77);
  std::vector<double> work(30);
  ASSERT_OK(SimilarityWork(matrix.by_user(), matrix.by_item(), {0, 30}, work));
  for (int64_t d = 0; d < 30; ++d) {
    double expected = 0;
    for (int64_t e = 0; e < 30; ++e) {
      for (int64_t t = 0; t < 20; ++t) expected += matrix.at(d, t) != 0 && matrix.at(e, t) != 0 ? 1 : 0;
    }
    EXPECT_EQ(work[static_cast<size_t>(d)], expected);
  }
  EXPECT_CODE(StatusCode::kInvalidArgument, SimilarityWork(matrix.by_user(), matrix.by_item(), {0, 29}, work));
  EXPECT_CODE(StatusCode::kOutOfRange, SimilarityWork(matrix.by_user(), matrix.by_item(), {0, 31}, work));
  EXPECT_CODE(StatusCode::kInvalidArgument, SimilarityWork(matrix.by_user(), testing::GoldenMatrix().by_item(), {0, 30}, work));
}

}  // namespace
}  // namespace couponcast
