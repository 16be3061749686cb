// The behaviour matrix: whatever the bytes, a typed error; what passes the checks must be safe for every kernel.
#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include "aligned_input.h"
#include "couponcast/all_pairs.h"
#include "couponcast/matrix.h"
#include "couponcast/pair_tiles.h"
#include "couponcast/recommend.h"
#include "couponcast/similarity.h"
#include "couponcast/weighting.h"
#include "similarity/tiled_rows.h"
#include "store/digest.h"

namespace couponcast::fuzz {
namespace {

constexpr double kMaxWork = 1e5;  // multiply-adds an input may cost
constexpr int64_t kNeighbours = 3;

void Require(const Status& status) {
  if (!status.ok()) std::abort();
}

void LookUp(const IdView& ids) {
  for (int64_t i = 0; i < ids.size(); ++i) {
    const std::string_view id = ids.At(i);
    const int64_t found = ids.Find(id);
    if (found < -1 || found >= ids.size()) std::abort();
    if (found >= 0 && ids.At(found) != id) std::abort();
  }
  static_cast<void>(ids.Find(""));
  static_cast<void>(ids.Find("\xff\xff"));
}

// The ways that take each pair once, over the same matrix. Status: that of the first call that refuses.
Status RunAllPairs(const CsrView& documents, const CsrView& terms, const DocumentWeights& weights, std::span<int32_t> indices,
                   std::span<float> scores, std::span<int32_t> counts) {
  const auto rows = static_cast<size_t>(documents.rows);
  const RowRange all{0, documents.rows};
  std::vector<int32_t> order(rows);
  Require(OrderByDegree(documents, order));
  int32_t largest = 0;
  Require(LargestWhole(documents, weights, all, {}, &largest));
  const int64_t square_ranks = SquareRanks(documents, order, largest);
  const int64_t strip_ranks = StripRanks(documents, order, square_ranks);
  std::vector<PairLists::Place> places(static_cast<size_t>(terms.rows) + 1);
  Require(PlanPairs(documents, terms, order, largest, strip_ranks, {0, terms.rows}, {}, std::span(places).subspan(1)));
  Require(SumPairPlaces(places));
  const PairLayout layout = PairLayoutOf(largest);
  std::vector<float> head(static_cast<size_t>(places.back().row * layout.row_floats), 0.0F);
  std::vector<uint8_t> tail(static_cast<size_t>(places.back().cell * layout.cell_bytes));
  std::vector<int32_t> before(static_cast<size_t>(documents.nnz()));
  std::vector<float> square(static_cast<size_t>(square_ranks * square_ranks));
  std::vector<float> strip(static_cast<size_t>(strip_ranks) * rows);
  const PairLists lists{largest, order, places, head, tail, before, square_ranks, square, strip_ranks, strip};
  std::vector<double> work(rows);
  bool applies = false;
  const Status filled = FillPairLists(documents, terms, weights, {0, terms.rows}, {}, lists, work, &applies);
  if (filled.code() != StatusCode::kCorruptFile) Require(filled);
  if (filled.ok() && applies) {
    Require(SumPairSquare(documents, terms, weights, order, 0, 1, {}, square_ranks, square));
    Require(SumPairStrip(documents, terms, weights, order, 0, 1, {}, square_ranks, strip_ranks, strip));
    std::vector<uint64_t> entries(rows * static_cast<size_t>(BestListCapacity(kNeighbours)));
    std::vector<int32_t> used(rows, 0);
    std::vector<float> thresholds(rows, 0.0F);
    std::vector<float> bounds(rows, 0.0F);
    const BestLists best{entries, used, thresholds, bounds};
    Require(AddPairs(documents, terms, weights, lists, all, kNeighbours, true, {}, best));
    Require(MergeBestLists(order, best, 1, all, kNeighbours, indices, scores, counts));
  }
  std::vector<ScoredIndex> entries(rows * static_cast<size_t>(CandidateCapacity(kNeighbours)));
  std::vector<int32_t> used(rows, 0);
  std::vector<float> kth_lower(rows, 0.0F);
  std::vector<float> error(rows, 0.0F);
  const CandidateLists candidates{entries, used, kth_lower, error};
  Require(AddPairTiles(documents, terms, weights, all, all, kNeighbours, {}, candidates, &applies));
  if (!applies) return CorruptFile("not for this way");
  return AnswerPairTiles(documents, terms, weights, all, kNeighbours, true, {}, candidates, indices, scores, counts);
}

void RunKernels(const BehaviourMatrix& matrix) {
  const CsrView& users = matrix.by_user();
  const CsrView& items = matrix.by_item();
  // Both orientations are valid, but only Verify knows that one is the other's transpose: kernels must be safe anyway.
  for (const auto& [documents, terms] : {std::pair(users, items), std::pair(items, users)}) {
    std::vector<double> work(static_cast<size_t>(documents.rows));
    Require(SimilarityWork(documents, terms, {0, documents.rows}, work));
    if (std::accumulate(work.begin(), work.end(), 0.0) > kMaxWork) return;
    for (int32_t weighting = 0; weighting < kNumWeightings; ++weighting) {
      std::vector<float> term_weight(static_cast<size_t>(documents.cols));
      std::vector<float> length(static_cast<size_t>(documents.rows));
      std::vector<float> scale(length.size());
      const WeightingParams params{static_cast<Weighting>(weighting)};
      Require(WeighTerms(documents, terms, params, {}, term_weight, length));
      Require(ScaleDocuments(documents, {params, term_weight, length, {}}, {0, documents.rows}, {}, scale));
      std::vector<int32_t> indices(static_cast<size_t>(documents.rows * kNeighbours));
      std::vector<float> scores(indices.size());
      std::vector<int32_t> counts(static_cast<size_t>(documents.rows));
      const DocumentWeights weights{params, term_weight, length, scale};
      const RowRange all{0, documents.rows};
      const bool include_self = weighting % 2 == 0;
      const auto check_lists = [&] {
        for (int64_t row = 0; row < documents.rows; ++row) {
          for (int64_t j = 0; j < counts[static_cast<size_t>(row)]; ++j) {
            const int32_t index = indices[static_cast<size_t>(row * kNeighbours + j)];
            if (index < 0 || index >= documents.rows) std::abort();
          }
        }
      };
      Require(SimilarRows(documents, terms, weights, all, kNeighbours, include_self, {}, indices, scores, counts));
      check_lists();
      // Matrices as small as these never take this way by themselves. One weighting: its tables take long to set up.
      if (weighting != documents.rows % kNumWeightings) continue;
      bool applies = true;
      Require(SimilarRowsTiled(documents, terms, weights, all, kNeighbours, include_self, {}, {}, indices, scores, counts, &applies));
      if (applies) check_lists();
      if (RunAllPairs(documents, terms, weights, indices, scores, counts).ok()) check_lists();
    }
  }
  Require(RankPopularItems(users, items, {}, 0, {}).status());
}

// Replaces the digest by the right one, so that the checks behind it are reached.
void RepairDigest(std::span<std::byte> bytes) {
  constexpr std::string_view kField = R"("digest":")";
  constexpr size_t kDigits = 16;
  uint64_t header_bytes = 0;
  std::copy_n(bytes.data(), 8, reinterpret_cast<std::byte*>(&header_bytes));
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, header_bytes);
  const size_t at = header.find(kField);
  if (at == std::string_view::npos || at + kField.size() + kDigits > header.size()) return;
  const auto place = bytes.subspan(8 + at + kField.size(), kDigits);
  std::ranges::fill(place, std::byte{'0'});
  Digest digest;
  digest.Update(bytes.subspan(8));
  const std::string hex = digest.Hex();
  std::ranges::copy(std::as_bytes(std::span(hex)), place.begin());
}

}  // namespace
}  // namespace couponcast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using couponcast::BehaviourMatrix;
  using couponcast::TensorFile;
  couponcast::fuzz::AlignedInput input(data, size);
  for (const bool repaired : {false, true}) {
    auto file = TensorFile::Parse(input.bytes(), "fuzz");
    if (!file.ok()) return 0;
    const auto matrix = BehaviourMatrix::FromFile(std::move(file.value()));
    if (!matrix.ok()) return 0;
    if (!repaired) {
      couponcast::fuzz::LookUp(matrix.value().users());
      couponcast::fuzz::LookUp(matrix.value().items());
      if (matrix.value().EnsureValid().ok()) couponcast::fuzz::RunKernels(matrix.value());
    }
    static_cast<void>(matrix.value().Verify());
    if (!repaired) couponcast::fuzz::RepairDigest(input.bytes());
  }
  return 0;
}
