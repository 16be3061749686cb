// AddPairs and MergeBestLists give the bits of SimilarRows, whatever the parts, the shards, the lanes and the processor.
#include "couponcast/all_pairs.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "tests/neighbours_for_test.h"
#include "tests/threads_for_test.h"

namespace couponcast {
namespace {

using testing::AllSimilarRows;
using testing::ForEachTarget;
using testing::MatrixKinds;
using testing::OnThreads;
using testing::OwnedLists;
using testing::OwnedWeights;
using testing::Raised;
using testing::Random;
using testing::RandomMatrix;
using testing::SameBits;
using testing::Shards;
using testing::TestMatrix;

struct OwnedPairs {
  int32_t largest = 0;
  std::vector<int32_t> order;
  std::vector<PairLists::Place> sizes;  // of each term
  std::vector<PairLists::Place> places;
  std::vector<float> head;
  std::vector<uint8_t> tail;
  std::vector<int32_t> before;
  int64_t square_ranks = 0;
  std::vector<float> square;
  int64_t strip_ranks = 0;
  std::vector<float> strip;
  std::vector<double> work;  // of what was filled in last

  OwnedPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, int64_t part)
      : order(static_cast<size_t>(documents.rows)),
        sizes(static_cast<size_t>(terms.rows)),
        before(static_cast<size_t>(documents.nnz())),
        work(order.size()) {
    EXPECT_OK(OrderByDegree(documents, order));
    EXPECT_OK(LargestWhole(documents, weights, {0, documents.rows}, {}, &largest));
    square_ranks = SquareRanks(documents, order, largest);
    strip_ranks = StripRanks(documents, order, square_ranks);
    Plan(documents, terms, part);
    Place();
  }
  void Plan(const CsrView& documents, const CsrView& terms, int64_t part) {
    for (const RowRange range : Shards(terms.rows, part)) {
      const auto shard = std::span(sizes).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()));
      EXPECT_OK(PlanPairs(documents, terms, order, largest, strip_ranks, range, {}, shard));
    }
  }
  void Place() {
    places.assign(1, {0, 0});
    places.insert(places.end(), sizes.begin(), sizes.end());
    EXPECT_OK(SumPairPlaces(places));
    const PairLayout layout = PairLayoutOf(largest);
    head.assign(static_cast<size_t>(places.back().row * layout.row_floats), 0.0F);
    tail.assign(static_cast<size_t>(places.back().cell * layout.cell_bytes), 0);
    square.assign(static_cast<size_t>(square_ranks * square_ranks), 0.0F);
    strip.assign(static_cast<size_t>(strip_ranks * std::ssize(order)), 0.0F);
  }
  // Another depth than the planned one.
  void Deepen(const TestMatrix& matrix, size_t term, int32_t depth) {
    int32_t cells = 0;
    for (auto rank = static_cast<size_t>(depth * PairLayoutOf(largest).row_ranks); rank < order.size(); ++rank) {
      cells += static_cast<int32_t>(matrix.dense()[static_cast<size_t>(order[rank])][term] != 0);
    }
    sizes[term] = {depth, cells};
  }
  PairLists view() { return {largest, order, places, head, tail, before, square_ranks, square, strip_ranks, strip}; }
};

struct OwnedBest {
  std::vector<uint64_t> entries;
  std::vector<int32_t> counts;
  std::vector<float> thresholds;
  std::vector<float> bounds;

  OwnedBest(int64_t documents, int64_t lanes, int64_t k)
      : entries(static_cast<size_t>(documents * lanes * BestListCapacity(k))),
        counts(static_cast<size_t>(documents * lanes), 0),
        thresholds(counts.size(), 0.0F),
        bounds(static_cast<size_t>(documents), 0.0F) {}
  BestLists all() { return {entries, counts, thresholds, bounds}; }
  BestLists lane(int64_t lane, int64_t documents) {
    const auto size = static_cast<size_t>(documents);
    const size_t width = counts.empty() ? 0 : entries.size() / counts.size();
    const size_t at = static_cast<size_t>(lane) * size;
    return {std::span(entries).subspan(at * width, size * width), std::span(counts).subspan(at, size),
            std::span(thresholds).subspan(at, size), bounds};
  }
};

struct Ways {
  int64_t part;                                       // terms that are filled in at once
  int64_t shard;                                      // ranks of a call
  int64_t lanes;                                      // as many threads
  std::function<void(OwnedPairs&)> change = nullptr;  // another plan
};

OwnedLists AllPairs(const TestMatrix& matrix, const WeightingParams& params, int64_t k, bool include_self, const Ways& ways) {
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, params);
  OwnedPairs pairs(documents, terms, weights.view(), ways.part);
  if (ways.change) ways.change(pairs);
  pairs.Place();
  for (const RowRange part : Shards(terms.rows, ways.part)) {
    bool applies = false;
    EXPECT_OK(FillPairLists(documents, terms, weights.view(), part, {}, pairs.view(), pairs.work, &applies));
    EXPECT_TRUE(applies);
  }
  OnThreads(ways.lanes, [&](int64_t part) {
    EXPECT_OK(SumPairSquare(documents, terms, weights.view(), pairs.order, part, ways.lanes, {}, pairs.square_ranks, pairs.square));
    EXPECT_OK(SumPairStrip(documents, terms, weights.view(), pairs.order, part, ways.lanes, {}, pairs.square_ranks, pairs.strip_ranks,
                           pairs.strip));
  });
  OwnedBest best(documents.rows, ways.lanes, k);
  const std::vector<RowRange> shards = Shards(documents.rows, ways.shard);
  std::atomic<size_t> next = 0;
  OnThreads(ways.lanes, [&](int64_t lane) {
    for (size_t s = next++; s < shards.size(); s = next++) {
      EXPECT_OK(AddPairs(documents, terms, weights.view(), pairs.view(), shards[s], k, include_self, {}, best.lane(lane, documents.rows)));
    }
  });
  OwnedLists lists(documents.rows, k);
  for (const RowRange range : Shards(documents.rows, 37)) {
    const auto at = static_cast<size_t>(range.begin * k);
    const auto size = static_cast<size_t>(range.size() * k);
    EXPECT_OK(MergeBestLists(pairs.order, best.all(), ways.lanes, range, k, std::span(lists.indices).subspan(at, size),
                             std::span(lists.scores).subspan(at, size),
                             std::span(lists.counts).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()))));
  }
  return lists;
}

void ExpectSame(const TestMatrix& matrix, const WeightingParams& params, int64_t k, bool include_self, const Ways& ways) {
  const OwnedLists found = AllPairs(matrix, params, k, include_self, ways);
  const OwnedLists expected = AllSimilarRows(matrix.by_user(), matrix.by_item(), params, k, include_self, 1000);
  EXPECT_EQ(found.counts, expected.counts);
  EXPECT_EQ(found.indices, expected.indices);
  EXPECT_TRUE(SameBits(found.scores, expected.scores));
}

void ExpectSame(const TestMatrix& matrix, int64_t k, const Ways& ways) {
  for (int32_t weighting = 0; weighting < kNumWeightings; ++weighting) {
    for (const bool include_self : {false, true}) {
      SCOPED_TRACE("weighting " + std::to_string(weighting) + ", k " + std::to_string(k) + ", lanes " + std::to_string(ways.lanes));
      ExpectSame(matrix, {static_cast<Weighting>(weighting)}, k, include_self, ways);
    }
  }
}

TEST(AllPairs, SameAsSimilarRows) {
  uint64_t seed = 100;
  for (const auto& kind : MatrixKinds()) {
    const TestMatrix matrix = RandomMatrix(kind, ++seed);
    SCOPED_TRACE(std::to_string(kind.rows) + " x " + std::to_string(kind.cols));
    for (const int64_t k : {1, 3, 20, 300}) ExpectSame(matrix, k, {1000, 1000, 1});
    ExpectSame(matrix, 5, {1, 1, 3});
    ExpectSame(matrix, 5, {7, 11, 2});
  }
}

TEST(AllPairs, SameOnEveryTarget) {
  const TestMatrix matrix = RandomMatrix({.rows = 1200, .cols = 60, .density = 0.2}, 5);
  ForEachTarget([&] { ExpectSame(matrix, 10, {50, 100, 2}); });
}

TEST(AllPairs, ListsThatAreCutKeepTheSmallerIndexOfEqualScores) {
  // 700 documents of three kinds: hundreds of equal scores, met in the order of the degree.
  testing::Dense dense;
  for (int64_t row = 0; row < 700; ++row) {
    dense.push_back({1, row % 2 == 0 ? 1.0F : 0.0F, row % 3 == 0 ? 1.0F : 0.0F, row % 5 == 0 ? 1.0F : 0.0F});
  }
  ExpectSame(TestMatrix(dense), 10, {1000, 90, 2});
}

// What makes similarity symmetric: the sums have one order, and the product of the scales as well.
TEST(AllPairs, SimilarityIsSymmetricBitForBit) {
  const TestMatrix matrix = RandomMatrix({.rows = 60, .cols = 40, .density = 0.3}, 9);
  for (int32_t weighting = 0; weighting < kNumWeightings; ++weighting) {
    const OwnedLists lists = AllSimilarRows(matrix.by_user(), matrix.by_item(), {static_cast<Weighting>(weighting)}, 60, false, 7);
    std::vector<std::vector<float>> table(60, std::vector<float>(60, 0.0F));
    for (int64_t d = 0; d < 60; ++d) {
      for (int64_t j = 0; j < lists.count(d); ++j)
        table[static_cast<size_t>(d)][static_cast<size_t>(lists.index(d, j))] = lists.score(d, j);
    }
    for (size_t d = 0; d < 60; ++d) {
      for (size_t e = 0; e < d; ++e) EXPECT_EQ(table[d][e], table[e][d]) << weighting;
    }
  }
}

// The values of a random matrix as whole numbers up to `largest`, times `scale`.
TestMatrix WholeMatrix(const testing::MatrixKind& kind, uint64_t seed, int largest, float scale = 1) {
  testing::Dense dense = RandomMatrix(kind, seed).dense();
  Random random(seed);
  for (auto& row : dense) {
    for (float& value : row) value = value == 0 ? 0.0F : static_cast<float>(1 + random.Below(largest)) * scale;
  }
  return TestMatrix(dense);
}

TEST(AllPairs, WorkIsTheMultiplyAdds) {
  const TestMatrix matrix = WholeMatrix({.rows = 600, .cols = 30, .density = 0.4}, 12, 3);
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, {});
  OwnedPairs pairs(documents, terms, weights.view(), 1000);
  ASSERT_EQ(pairs.largest, 3);
  for (size_t t = 0; t < 30; ++t) pairs.Deepen(matrix, t, static_cast<int32_t>(t % 3));
  pairs.Place();
  bool applies = false;
  std::vector<double> work(static_cast<size_t>(documents.rows));
  for (const RowRange part : Shards(terms.rows, 7)) {
    EXPECT_OK(FillPairLists(documents, terms, weights.view(), part, {}, pairs.view(), pairs.work, &applies));
    EXPECT_TRUE(applies);
    for (size_t rank = 0; rank < work.size(); ++rank) work[rank] += pairs.work[rank];
  }
  for (size_t rank = 0; rank < work.size(); ++rank) {
    const auto document = static_cast<size_t>(pairs.order[rank]);
    size_t madds = 0;
    for (size_t t = 0; t < 30; ++t) {
      if (matrix.dense()[document][t] == 0) continue;
      const size_t depth = t % 3;
      madds += 4 * std::min(depth, rank / 256 + 1);
      for (size_t other = depth * 256; other < rank; ++other) {
        madds += static_cast<size_t>(matrix.dense()[static_cast<size_t>(pairs.order[other])][t] != 0);
      }
    }
    EXPECT_EQ(work[rank], static_cast<double>(madds));
  }
}

TEST(AllPairs, SameWithAnyDepth) {
  for (const int largest : {1, 3, 15}) {
    const TestMatrix matrix = WholeMatrix({.rows = 700, .cols = 40, .density = 0.3}, 21, largest);
    for (const int32_t deepest : {0, 1, 2, 3}) {
      SCOPED_TRACE(std::to_string(largest) + ", depth " + std::to_string(deepest));
      ExpectSame(matrix, 7, {13, 50, 2, [&](OwnedPairs& pairs) {
                               if (pairs.largest == 0) return;
                               for (size_t t = 0; t < pairs.sizes.size(); ++t) {
                                 pairs.Deepen(matrix, t, (static_cast<int32_t>(t) + deepest) % 4);
                               }
                             }});
    }
  }
}

TEST(AllPairs, SameWithAnySquare) {
  // More terms than a block of the square or of the strip has.
  const TestMatrix matrix = RandomMatrix({.rows = 300, .cols = 4300, .density = 0.02}, 8);
  for (const auto& [ranks, strip] : {std::pair(0, 0), {64, 0}, {64, 64}, {256, 0}, {256, 64}, {256, 192}, {256, 256}}) {
    const auto change = [&, ranks = ranks, strip = strip](OwnedPairs& pairs) {
      pairs.square_ranks = ranks;
      pairs.strip_ranks = strip;
      pairs.Plan(matrix.by_user(), matrix.by_item(), 500);
    };
    SCOPED_TRACE(std::to_string(ranks) + " ranks, " + std::to_string(strip) + " of the strip");
    ForEachTarget([&] { ExpectSame(matrix, 7, {500, 50, 3, change}); });
    ExpectSame(matrix, 7, {500, 33, 1, change});
  }
}

TEST(AllPairs, StripHoldsTheRanksThatMostTermsHave) {
  // Of 3200 terms a tile of 64 must have 100 cells a rank; 80 cells a document leave memory for 160 ranks.
  testing::Dense dense(300, std::vector<float>(3200, 0.0F));
  for (size_t row = 0; row < 300; ++row) {
    for (size_t col = 0; col < (row < 140 ? 110 : 54); ++col) dense[row][(row + col) % 3200] = 0.5F;
  }
  const TestMatrix matrix(dense);
  std::vector<int32_t> order(300);
  EXPECT_OK(OrderByDegree(matrix.by_user(), order));
  EXPECT_EQ(StripRanks(matrix.by_user(), order, 256), 128);
  EXPECT_EQ(StripRanks(matrix.by_user(), order, 64), 64);
  EXPECT_EQ(StripRanks(matrix.by_user(), order, 0), 0);
  for (size_t row = 140; row < 300; ++row) std::fill(dense[row].begin() + 1, dense[row].end(), 0.0F);
  const TestMatrix less(dense);
  EXPECT_EQ(StripRanks(less.by_user(), order, 256), 64);
}

TEST(AllPairs, SquareHoldsTheRanksThatManyTermsHave) {
  testing::Dense dense(300, std::vector<float>(200, 0.0F));
  for (size_t row = 0; row < 300; ++row) {
    for (size_t col = 0; col < (row < 140 ? 2 : 1); ++col) dense[row][(row + col) % 200] = 0.5F;
  }
  const TestMatrix matrix(dense);
  std::vector<int32_t> order(300);
  EXPECT_OK(OrderByDegree(matrix.by_user(), order));
  EXPECT_EQ(SquareRanks(matrix.by_user(), order, 0), 128);
  EXPECT_EQ(SquareRanks(matrix.by_user(), order, 3), 0);
}

// Steps from rank to rank of more than 16 bits, of the first cell and of later ones, and the largest of 16.
TEST(AllPairs, SameForManyDocuments) {
  testing::Dense dense(kMostRankStep + 2000, std::vector<float>(200, 0.0F));
  Random random(6);
  for (auto& row : dense) row[static_cast<size_t>(random.Below(197))] = 0.3F + static_cast<float>(random.Below(100));
  dense[7].assign(199, 0.7F);  // the first rank
  dense[7].push_back(0.0F);
  for (const auto& [row, col] : {std::pair(0, 197), {100, 197}, {1, 198}, {165, 198}, {2, 199}, {3, 199}, {300, 199}}) {
    auto& weights = dense[static_cast<size_t>(kMostRankStep + row)];
    weights.assign(200, 0.0F);
    weights[static_cast<size_t>(col)] = col == 198 ? -0.5F : 0.5F;
  }
  ExpectSame(TestMatrix(dense), {}, 3, false, {70, 20'000, 2});
}

// Sums of more rows than a byte holds, of which many are whole, and of more than 16 bits hold.
TEST(AllPairs, ManyLargeWholeWeights) {
  for (const float value : {1.0F, 3.0F, 15.0F}) {
    testing::Dense dense(20, std::vector<float>(9000, value));
    dense[7][3] = 0;
    const TestMatrix matrix(dense);
    ForEachTarget([&] { ExpectSame(matrix, 4, {1000, 1000, 1}); });
  }
}

TEST(AllPairs, LargestWholeIsThatOfSmallWholeNumbers) {
  const auto largest = [](const testing::Dense& dense, Weighting weighting) {
    const TestMatrix matrix(dense);
    const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {weighting});
    int32_t value = -1;
    EXPECT_OK(LargestWhole(matrix.by_user(), weights.view(), {0, matrix.by_user().rows}, {}, &value));
    return value;
  };
  EXPECT_EQ(largest({{1, 0}, {3, 15}}, Weighting::kCosine), 15);
  EXPECT_EQ(largest({{1, 0}, {3, 16}}, Weighting::kCosine), 0);
  EXPECT_EQ(largest({{1, 0}, {3, 0.5F}}, Weighting::kCosine), 0);
  EXPECT_EQ(largest({{1, 0}, {3, -1}}, Weighting::kCosine), 0);
  EXPECT_EQ(largest({{1, 0}, {3, 2}}, Weighting::kTfIdf), 0);
  EXPECT_EQ(largest({std::vector<float>(80'000, 15)}, Weighting::kCosine), 0);
}

TEST(AllPairs, PlanCountsWhatIsBehindTheHead) {
  const TestMatrix matrix = WholeMatrix({.rows = 900, .cols = 50, .density = 0.5}, 4, 3);
  const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
  OwnedPairs pairs(matrix.by_user(), matrix.by_item(), weights.view(), 7);
  const std::vector<PairLists::Place> planned = pairs.sizes;
  int32_t rows = 0;
  for (size_t t = 0; t < planned.size(); ++t) {
    pairs.Deepen(matrix, t, planned[t].row);
    EXPECT_EQ(pairs.sizes[t].cell, planned[t].cell);
    EXPECT_LE(planned[t].row * 64, matrix.by_item().degree(static_cast<int64_t>(t)) * 12);
    rows += planned[t].row;
  }
  EXPECT_GT(rows, 0);
}

TEST(AllPairs, OrderIsByDegreeThenIndex) {
  const TestMatrix matrix({{1, 0, 0}, {1, 1, 1}, {0, 0, 0}, {0, 1, 0}, {1, 1, 1}, {1, 1, 0}});
  std::vector<int32_t> order(6);
  EXPECT_OK(OrderByDegree(matrix.by_user(), order));
  EXPECT_EQ(order, (std::vector<int32_t>{1, 4, 5, 0, 3, 2}));
  EXPECT_CODE(StatusCode::kInvalidArgument, OrderByDegree(matrix.by_user(), std::span(order).first(5)));
}

TEST(AllPairs, DoesNotApplyToHugeWeights) {
  for (const float value : {1e20F, -1e20F, std::numeric_limits<float>::max()}) {
    const TestMatrix matrix({{1, 2, 0}, {2, value, 1}, {0, 1, 1}});
    const OwnedWeights weights(matrix.by_user(), matrix.by_item(), {});
    OwnedPairs pairs(matrix.by_user(), matrix.by_item(), weights.view(), 1000);
    bool applies = true;
    EXPECT_OK(FillPairLists(matrix.by_user(), matrix.by_item(), weights.view(), {0, 3}, {}, pairs.view(), pairs.work, &applies));
    EXPECT_FALSE(applies);
  }
}

TEST(AllPairs, RefusesWhatDoesNotFit) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, {});
  OwnedPairs pairs(documents, terms, weights.view(), 1000);
  bool applies = false;
  const auto fill = [&](const PairLists& lists, RowRange range) {
    return FillPairLists(documents, terms, weights.view(), range, {}, lists, pairs.work, &applies);
  };
  EXPECT_CODE(StatusCode::kOutOfRange, fill(pairs.view(), {0, 4}));
  PairLists lists = pairs.view();
  lists.tail = lists.tail.first(0);
  EXPECT_CODE(StatusCode::kInvalidArgument, fill(lists, {0, 3}));
  lists = pairs.view();
  lists.places = lists.places.first(1);
  EXPECT_CODE(StatusCode::kInvalidArgument, fill(lists, {0, 3}));
  lists = pairs.view();
  lists.largest = 16;
  EXPECT_CODE(StatusCode::kInvalidArgument, fill(lists, {0, 3}));
  EXPECT_OK(fill(pairs.view(), {0, 3}));

  OwnedBest best(3, 1, 2);
  const auto add = [&](RowRange range, int64_t k, const BestLists& to) {
    return AddPairs(documents, terms, weights.view(), pairs.view(), range, k, false, {}, to);
  };
  EXPECT_CODE(StatusCode::kOutOfRange, add({1, 4}, 2, best.all()));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 3}, 0, best.all()));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 3}, 200, best.all()));
  EXPECT_CODE(StatusCode::kInvalidArgument, add({0, 3}, std::numeric_limits<int64_t>::max(), best.all()));
  EXPECT_OK(add({0, 3}, 2, best.all()));

  std::vector<float> square(size_t{64} * 64);
  const auto sum = [&](int64_t part, int64_t parts, int64_t ranks) {
    const auto sums = std::span(square).first(static_cast<size_t>(ranks * ranks));
    return SumPairSquare(documents, terms, weights.view(), pairs.order, part, parts, {}, ranks, sums);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, sum(0, 1, 64));  // more than there are
  EXPECT_CODE(StatusCode::kInvalidArgument, sum(0, 1, 2));
  EXPECT_CODE(StatusCode::kInvalidArgument, sum(1, 1, 0));
  EXPECT_CODE(StatusCode::kInvalidArgument, sum(-1, 1, 0));
  EXPECT_OK(sum(0, 1, 0));
  lists = pairs.view();
  lists.square_ranks = 64;
  EXPECT_CODE(StatusCode::kInvalidArgument, fill(lists, {0, 3}));
  lists = pairs.view();
  lists.strip_ranks = 64;
  EXPECT_CODE(StatusCode::kInvalidArgument, fill(lists, {0, 3}));

  const auto sum_strip = [&](int64_t part, int64_t parts, int64_t square_ranks, int64_t ranks) {
    return SumPairStrip(documents, terms, weights.view(), pairs.order, part, parts, {}, square_ranks, ranks, {});
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, sum_strip(0, 1, 0, 64));  // more than the square's
  EXPECT_CODE(StatusCode::kInvalidArgument, sum_strip(0, 1, 64, 0));  // more than there are
  EXPECT_CODE(StatusCode::kInvalidArgument, sum_strip(2, 2, 0, 0));
  EXPECT_OK(sum_strip(0, 1, 0, 0));
  const auto plan = [&](int32_t largest, int64_t strip_ranks) {
    return PlanPairs(documents, terms, pairs.order, largest, strip_ranks, {0, terms.rows}, {}, pairs.sizes);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, plan(0, 4));
  EXPECT_CODE(StatusCode::kInvalidArgument, plan(0, -1));
  EXPECT_CODE(StatusCode::kInvalidArgument, plan(3, 3));

  OwnedLists out(3, 2);
  const auto merge = [&](int64_t lanes, RowRange range) {
    return MergeBestLists(pairs.order, best.all(), lanes, range, 2, out.indices, out.scores, out.counts);
  };
  EXPECT_CODE(StatusCode::kInvalidArgument, merge(2, {0, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, merge(-1, {0, 3}));
  EXPECT_CODE(StatusCode::kInvalidArgument, merge(1, {0, 2}));
  EXPECT_CODE(StatusCode::kOutOfRange, merge(1, {0, 4}));
  EXPECT_OK(merge(1, {0, 3}));
}

TEST(AllPairs, RefusesAnOrderOrCountsWithoutSense) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, {});
  OwnedPairs pairs(documents, terms, weights.view(), 1000);
  OwnedBest best(3, 1, 2);
  bool applies = false;
  for (const std::array<int32_t, 3>& order : {std::array<int32_t, 3>{0, 1, 3}, {0, 0, 1}, {-1, 0, 1}}) {
    pairs.order.assign(order.begin(), order.end());
    EXPECT_CODE(StatusCode::kInvalidArgument,
                FillPairLists(documents, terms, weights.view(), {0, 3}, {}, pairs.view(), pairs.work, &applies));
    EXPECT_CODE(StatusCode::kInvalidArgument, AddPairs(documents, terms, weights.view(), pairs.view(), {0, 3}, 2, false, {}, best.all()));
    EXPECT_CODE(StatusCode::kInvalidArgument, PlanPairs(documents, terms, pairs.order, 0, 0, {0, terms.rows}, {}, pairs.sizes));
  }
  OwnedLists out(3, 2);
  const std::vector<int32_t> order{0, 1, 2};
  best.counts[1] = 1000;
  EXPECT_CODE(StatusCode::kInvalidArgument, MergeBestLists(order, best.all(), 1, {0, 3}, 2, out.indices, out.scores, out.counts));
}

TEST(AllPairs, PlacesAreSums) {
  std::vector<PairLists::Place> places{{0, 0}, {2, 1}, {0, 0}, {1, 5}};
  EXPECT_OK(SumPairPlaces(places));
  const auto holds = [&](size_t term, int32_t row, int32_t cell) { return places[term].row == row && places[term].cell == cell; };
  EXPECT_TRUE(holds(0, 0, 0) && holds(1, 2, 1) && holds(2, 2, 1) && holds(3, 3, 6));
  EXPECT_OK(SumPairPlaces({}));
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  for (const PairLists::Place bad : {PairLists::Place{-1, 0}, {0, -1}, {kMost, 0}, {0, kMost}}) {
    std::vector<PairLists::Place> sizes{{0, 0}, {1, 1}, bad};
    EXPECT_CODE(StatusCode::kInvalidArgument, SumPairPlaces(sizes));
  }
}

TEST(AllPairs, EmptyMatrix) {
  const TestMatrix none(testing::Dense{}, 0);
  const OwnedLists lists = AllPairs(none, {}, 5, false, {10, 10, 1});
  EXPECT_EQ(lists.rows, 0);
}

TEST(AllPairs, Cancels) {
  const TestMatrix matrix = testing::GoldenMatrix();
  const CsrView documents = matrix.by_user();
  const CsrView terms = matrix.by_item();
  const OwnedWeights weights(documents, terms, {});
  OwnedPairs pairs(documents, terms, weights.view(), 1000);
  bool applies = false;
  EXPECT_CODE(StatusCode::kCancelled,
              FillPairLists(documents, terms, weights.view(), {0, 3}, Raised(), pairs.view(), pairs.work, &applies));
  OwnedBest best(3, 1, 2);
  EXPECT_CODE(StatusCode::kCancelled, AddPairs(documents, terms, weights.view(), pairs.view(), {0, 3}, 2, false, Raised(), best.all()));

  const TestMatrix more = RandomMatrix({.rows = 64, .cols = 10, .density = 0.5}, 1);
  const OwnedWeights more_weights(more.by_user(), more.by_item(), {});
  std::vector<int32_t> order(64);
  EXPECT_OK(OrderByDegree(more.by_user(), order));
  std::vector<float> square(size_t{64} * 64);
  EXPECT_CODE(StatusCode::kCancelled,
              SumPairSquare(more.by_user(), more.by_item(), more_weights.view(), order, 0, 1, Raised(), 64, square));
  EXPECT_CODE(StatusCode::kCancelled,
              SumPairStrip(more.by_user(), more.by_item(), more_weights.view(), order, 0, 1, Raised(), 64, 64, square));
}

}  // namespace
}  // namespace couponcast
