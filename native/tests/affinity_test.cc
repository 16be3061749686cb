#include "couponcast/affinity.h"

#include <gtest/gtest.h>

#include "tests/neighbours_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::ForEachTarget;
using testing::MatrixKinds;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;
using testing::TestMatrix;

constexpr WeightingParams kCosine = {};
constexpr WeightingParams kSaturation = {Weighting::kSaturation, 1.2, 0.75, 1.5};

struct OwnedScopes {
  int64_t items;
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;

  // Coupons cover nothing, everything, or a random part.
  OwnedScopes(int64_t num_items, int64_t coupons, uint64_t seed) : items(num_items) {
    Random random(seed);
    for (int64_t c = 0; c < coupons; ++c) {
      for (int32_t item = 0; item < num_items; ++item) {
        if (c != 0 && (c == 1 || random.Below(3) == 0)) indices.push_back(item);
      }
      indptr.push_back(static_cast<int64_t>(indices.size()));
    }
  }
  ScopeView view() const { return {items, indptr, indices}; }
  // 1 where coupon c covers the item; the column behind the coupons covers all.
  double Covers(int64_t c, int64_t item) const {
    if (c == static_cast<int64_t>(indptr.size()) - 1) return 1;
    for (int64_t i = indptr[static_cast<size_t>(c)]; i < indptr[static_cast<size_t>(c) + 1]; ++i) {
      if (indices[static_cast<size_t>(i)] == item) return 1;
    }
    return 0;
  }
};

std::vector<float> ItemWeights(const OwnedLists& model, const OwnedScopes& scopes, int64_t shard) {
  const int64_t columns = AffinityColumns(scopes.view());
  std::vector<float> weights(static_cast<size_t>(model.rows * columns), -7.0F);
  for (const RowRange range : Shards(model.rows, shard)) {
    EXPECT_OK(ScopeWeightsOfItems(
        model.view(), scopes.view(), range, {},
        std::span(weights).subspan(static_cast<size_t>(range.begin * columns), static_cast<size_t>(range.size() * columns))));
  }
  return weights;
}

std::vector<float> FromItems(const TestMatrix& matrix, const std::vector<float>& weights, int64_t columns, const WeightingParams& transform,
                             int64_t shard) {
  std::vector<float> affinity(static_cast<size_t>(matrix.rows() * columns), -7.0F);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(AffinityFromItems(
        matrix.by_user(), weights, columns, transform, range, {},
        std::span(affinity).subspan(static_cast<size_t>(range.begin * columns), static_cast<size_t>(range.size() * columns))));
  }
  return affinity;
}

std::vector<float> UserWeights(const TestMatrix& matrix, const OwnedScopes& scopes, int64_t shard) {
  const int64_t columns = AffinityColumns(scopes.view());
  std::vector<float> weights(static_cast<size_t>(matrix.rows() * columns), -7.0F);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(ScopeWeightsOfUsers(
        matrix.by_user(), scopes.view(), range, {},
        std::span(weights).subspan(static_cast<size_t>(range.begin * columns), static_cast<size_t>(range.size() * columns))));
  }
  return weights;
}

std::vector<float> FromUsers(const TestMatrix& matrix, const std::vector<float>& weights, int64_t columns, int64_t k, int64_t shard) {
  const OwnedWeights document_weights(matrix.by_user(), matrix.by_item(), kCosine);
  std::vector<float> affinity(static_cast<size_t>(matrix.rows() * columns), -7.0F);
  for (const RowRange range : Shards(matrix.rows(), shard)) {
    EXPECT_OK(AffinityFromUsers(
        matrix.by_user(), matrix.by_item(), document_weights.view(), k, weights, columns, range, {},
        std::span(affinity).subspan(static_cast<size_t>(range.begin * columns), static_cast<size_t>(range.size() * columns))));
  }
  return affinity;
}

TEST(Affinity, OfItemsIsTheSumOfItemScoresOverTheScope) {
  uint64_t seed = 500;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    for (const WeightingParams& transform : {kCosine, kSaturation}) {
      const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), transform, 7, true, 1000);
      const OwnedScopes scopes(matrix.cols(), 37, seed);
      const int64_t columns = AffinityColumns(scopes.view());
      ASSERT_EQ(columns, 38);
      const std::vector<float> affinity = FromItems(matrix, ItemWeights(model, scopes, 1000), columns, transform, 1000);
      for (int64_t u = 0; u < matrix.rows(); ++u) {
        for (int64_t c = 0; c < columns; ++c) {
          double expected = 0;
          double magnitude = 0;
          for (int64_t i = 0; i < matrix.cols(); ++i) {
            double value = matrix.at(u, i);
            if (transform.weighting == Weighting::kSaturation) value = value > 0 ? value / (value + 1.5) : 0;
            if (value == 0) continue;
            for (int64_t p = 0; p < model.count(i); ++p) {
              const double term = value * static_cast<double>(model.score(i, p)) * scopes.Covers(c, model.index(i, p));
              expected += term;
              magnitude += std::fabs(term);
            }
          }
          ASSERT_NEAR(affinity[static_cast<size_t>(u * columns + c)], expected, 4e-6 * magnitude);
        }
      }
    }
  }
}

TEST(Affinity, OfUsersIsTheSumOfUserKnnScoresOverTheScope) {
  uint64_t seed = 600;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), kCosine, 6, false, 1000);
    const OwnedScopes scopes(matrix.cols(), 11, seed);
    const int64_t columns = AffinityColumns(scopes.view());
    const std::vector<float> affinity = FromUsers(matrix, UserWeights(matrix, scopes, 1000), columns, 6, 1000);
    for (int64_t u = 0; u < matrix.rows(); ++u) {
      for (int64_t c = 0; c < columns; ++c) {
        double expected = 0;
        double magnitude = 0;
        for (int64_t p = 0; p < lists.count(u); ++p) {
          for (int64_t j = 0; j < matrix.cols(); ++j) {
            const double term = static_cast<double>(lists.score(u, p)) * matrix.at(lists.index(u, p), j) * scopes.Covers(c, j);
            expected += term;
            magnitude += std::fabs(term);
          }
        }
        ASSERT_NEAR(affinity[static_cast<size_t>(u * columns + c)], expected, 4e-6 * magnitude);
      }
    }
  }
}

TEST(Affinity, ShardsAndTargetsGiveTheSameBytes) {
  uint64_t seed = 700;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kCosine, 5, false, 1000);
    for (const int64_t coupons : {0, 1, 14, 15, 16, 31}) {
      const OwnedScopes scopes(matrix.cols(), coupons, seed);
      const int64_t columns = coupons + 1;
      const auto item_weights = ItemWeights(model, scopes, 1000);
      const auto items = FromItems(matrix, item_weights, columns, kCosine, 1000);
      const auto user_weights = UserWeights(matrix, scopes, 1000);
      const auto users = FromUsers(matrix, user_weights, columns, 4, 1000);
      for (const int64_t shard : {1, 13}) {
        EXPECT_TRUE(SameBits(ItemWeights(model, scopes, shard), item_weights));
        EXPECT_TRUE(SameBits(FromItems(matrix, item_weights, columns, kCosine, shard), items));
        EXPECT_TRUE(SameBits(UserWeights(matrix, scopes, shard), user_weights));
        EXPECT_TRUE(SameBits(FromUsers(matrix, user_weights, columns, 4, shard), users));
      }
      ForEachTarget([&] {
        EXPECT_TRUE(SameBits(FromItems(matrix, item_weights, columns, kCosine, 1000), items));
        EXPECT_TRUE(SameBits(FromUsers(matrix, user_weights, columns, 4, 1000), users));
      });
    }
  }
}

TEST(AffinitySums, GroupsUsersBySegmentAndInAll) {
  // Two coupons and the total; user 1 has no affinity, user 3 no segment.
  const std::vector<float> affinity = {1, 2, 4, 0, 0, 0, 3, 0, 6, 5, 5, 10};
  const std::vector<int32_t> labels = {1, 1, 0, -1};
  std::vector<double> sums(9, -7.0);
  std::vector<double> shares(2, -7.0);
  std::vector<int64_t> counts(3, -7);
  ASSERT_OK(AffinitySums(affinity, 3, labels, 2, {0, 4}, sums, shares, counts));
  EXPECT_EQ(sums, std::vector<double>({3, 0, 6, 1, 2, 4, 9, 7, 20}));
  EXPECT_EQ(shares, std::vector<double>({0.25 + 0.5 + 0.5, 0.5 + 0.0 + 0.5}));
  EXPECT_EQ(counts, std::vector<int64_t>({1, 1, 3}));
  ASSERT_OK(AffinitySums(affinity, 3, labels, 2, {1, 3}, sums, shares, counts));
  EXPECT_EQ(counts, std::vector<int64_t>({1, 0, 1}));
  const auto run = [&](int64_t columns, int64_t segments, RowRange range) {
    return AffinitySums(affinity, columns, labels, segments, range, sums, shares, counts);
  };
  EXPECT_CODE(StatusCode::kOutOfRange, run(3, 2, {0, 5}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(0, 2, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(2, 2, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, 1, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, -1, {0, 4}));
  EXPECT_CODE(StatusCode::kInvalidArgument, run(3, int64_t{1} << 62, {0, 4}));
  const std::vector<int32_t> unknown = {1, 2, 0, -1};
  EXPECT_CODE(StatusCode::kOutOfRange, AffinitySums(affinity, 3, unknown, 2, {0, 4}, sums, shares, counts));
}

TEST(Affinity, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const OwnedLists model = AllSimilarRows(matrix.by_item(), matrix.by_user(), kCosine, 2, false, 3);
  const OwnedWeights document_weights(matrix.by_user(), matrix.by_item(), kCosine);
  const OwnedScopes scopes(3, 4, 1);
  std::vector<float> weights(15);
  std::vector<float> affinity(15);
  const std::span<float> too_few = std::span(weights).first(14);
  EXPECT_CODE(StatusCode::kInvalidArgument, ScopeWeightsOfItems(model.view(), scopes.view(), {0, 3}, {}, too_few));
  EXPECT_CODE(StatusCode::kInvalidArgument, ScopeWeightsOfUsers(matrix.by_user(), scopes.view(), {0, 3}, {}, too_few));
  EXPECT_CODE(StatusCode::kOutOfRange, ScopeWeightsOfItems(model.view(), scopes.view(), {0, 4}, {}, weights));
  EXPECT_CODE(StatusCode::kOutOfRange, ScopeWeightsOfUsers(matrix.by_user(), scopes.view(), {2, 1}, {}, weights));
  const auto bad_scopes = [&](auto&& change, StatusCode code) {
    OwnedScopes bad = scopes;
    change(bad);
    EXPECT_CODE(code, ScopeWeightsOfItems(model.view(), bad.view(), {0, 3}, {}, weights));
    EXPECT_CODE(code, ScopeWeightsOfUsers(matrix.by_user(), bad.view(), {0, 3}, {}, weights));
  };
  bad_scopes([](OwnedScopes& s) { s.items = 4; }, StatusCode::kInvalidArgument);
  bad_scopes([](OwnedScopes& s) { s.indices.pop_back(); }, StatusCode::kInvalidArgument);
  bad_scopes([](OwnedScopes& s) { s.indptr[0] = 1; }, StatusCode::kInvalidArgument);
  bad_scopes([](OwnedScopes& s) { s.indptr[1] = 100; }, StatusCode::kInvalidArgument);
  bad_scopes([](OwnedScopes& s) { s.indices[0] = 3; }, StatusCode::kOutOfRange);
  bad_scopes([](OwnedScopes& s) { s.indices[0] = -1; }, StatusCode::kOutOfRange);
  bad_scopes([](OwnedScopes& s) { s.indptr.clear(); }, StatusCode::kInvalidArgument);
  NeighbourLists torn = model.view();
  torn.counts = torn.counts.first(2);
  EXPECT_CODE(StatusCode::kInvalidArgument, ScopeWeightsOfItems(torn, scopes.view(), {0, 3}, {}, weights));

  EXPECT_CODE(StatusCode::kInvalidArgument, AffinityFromItems(matrix.by_user(), too_few, 5, kCosine, {0, 3}, {}, affinity));
  EXPECT_CODE(StatusCode::kInvalidArgument, AffinityFromItems(matrix.by_user(), weights, 5, kCosine, {0, 2}, {}, affinity));
  EXPECT_CODE(StatusCode::kInvalidArgument, AffinityFromItems(matrix.by_user(), {}, 0, kCosine, {0, 3}, {}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, AffinityFromItems(matrix.by_user(), weights, 5, kCosine, {0, 4}, {}, affinity));
  const auto from_users = [&](int64_t k, std::span<const float> w, RowRange range, CancelFlag cancel) {
    return AffinityFromUsers(matrix.by_user(), matrix.by_item(), document_weights.view(), k, w, 5, range, cancel, affinity);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, from_users(0, weights, {0, 3}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, from_users(2, too_few, {0, 3}, {}));
  EXPECT_CODE(StatusCode::kInvalidArgument, from_users(2, weights, {0, 2}, {}));
  EXPECT_CODE(StatusCode::kOutOfRange, from_users(2, weights, {0, 4}, {}));

  EXPECT_CODE(StatusCode::kCancelled, ScopeWeightsOfItems(model.view(), scopes.view(), {0, 3}, Raised(), weights));
  EXPECT_CODE(StatusCode::kCancelled, ScopeWeightsOfUsers(matrix.by_user(), scopes.view(), {0, 3}, Raised(), weights));
  EXPECT_CODE(StatusCode::kCancelled, AffinityFromItems(matrix.by_user(), weights, 5, kCosine, {0, 3}, Raised(), affinity));
  EXPECT_CODE(StatusCode::kCancelled, from_users(2, weights, {0, 3}, Raised()));
}

}  // namespace
}  // namespace couponcast
