#include "bench/native/data.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "bench/native/random.h"
#include "couponcast/similarity.h"

namespace couponcast::bench {
namespace {

constexpr uint64_t kSeed = 7;
constexpr int64_t kModelWidth = 20;

// Positions 0 .. size - 1, position r with probability proportional to 1 / (r + 1).
class Zipf {
 public:
  explicit Zipf(int64_t size) : cumulated_(static_cast<size_t>(size)) {
    double sum = 0;
    for (size_t rank = 0; rank < cumulated_.size(); ++rank) {
      sum += 1 / static_cast<double>(rank + 1);
      cumulated_[rank] = sum;
    }
  }
  size_t Draw(Random& random) const {
    const auto found = std::ranges::upper_bound(cumulated_, random.Unit() * cumulated_.back());
    return std::min(static_cast<size_t>(found - cumulated_.begin()), cumulated_.size() - 1);
  }

 private:
  std::vector<double> cumulated_;
};

std::vector<int32_t> Shuffled(int64_t size, Random& random) {
  std::vector<int32_t> places(static_cast<size_t>(size));
  std::iota(places.begin(), places.end(), 0);
  for (size_t i = places.size(); i > 1; --i) {
    std::swap(places[i - 1], places[static_cast<size_t>(random.Below(static_cast<int64_t>(i)))]);
  }
  return places;
}

float Value(Random& random) {
  const double kind = random.Unit();
  const double count = kind < 0.7 ? 1 : (kind < 0.9 ? 2 : 3);
  return static_cast<float>(count * (0.5 + random.Unit()));
}

}  // namespace

std::optional<Sizes> SizesOf(std::string_view name) {
  if (name == "tiny") return Sizes{5'000, 2'000, 50, 500, 500, 2'048, 1'000, 1'000, 10'000, 4'096, int64_t{1} << 20};
  if (name == "small") return Sizes{100'000, 20'000, 50, 1'000, 4'000, 8'192, 10'000, 10'000, 100'000, 4'096, int64_t{1} << 26};
  if (name == "large") return Sizes{1'000'000, 100'000, 50, 500, 4'000, 16'384, 10'000, 10'000, 1'000'000, 4'096, int64_t{1} << 28};
  // For a valgrind, which is fifty times as slow; users enough for every way that SimilarRows has.
  if (name == "guard") return Sizes{20'000, 5'000, 20, 256, 1'000, 2'048, 2'000, 1'000, 5'000, 2'048, int64_t{1} << 20};
  return std::nullopt;
}

OwnedMatrix::OwnedMatrix(int64_t users, int64_t items, double cells_per_user, uint64_t seed) : rows_(users), cols_(items) {
  Random random(seed);
  const Zipf zipf(items);
  const std::vector<int32_t> places = Shuffled(items, random);
  const double most = std::max(1.0, std::floor(static_cast<double>(items) / 10));
  std::vector<uint8_t> taken(static_cast<size_t>(items), 0);
  csr_.indptr.push_back(0);
  for (int64_t user = 0; user < users; ++user) {
    const double length = std::round(cells_per_user * std::exp(random.Normal() - 0.5));
    const auto wanted = static_cast<size_t>(std::clamp(length, 1.0, most));
    const size_t begin = csr_.indices.size();
    while (csr_.indices.size() - begin < wanted) {
      const int32_t item = places[zipf.Draw(random)];
      if (std::exchange(taken[static_cast<size_t>(item)], uint8_t{1}) == 0) csr_.indices.push_back(item);
    }
    std::sort(csr_.indices.begin() + static_cast<std::ptrdiff_t>(begin), csr_.indices.end());
    for (size_t i = begin; i < csr_.indices.size(); ++i) {
      taken[static_cast<size_t>(csr_.indices[i])] = 0;
      csr_.values.push_back(Value(random));
    }
    csr_.indptr.push_back(static_cast<int64_t>(csr_.indices.size()));
  }
  Transpose();
}

void OwnedMatrix::Transpose() {
  csc_.indptr.assign(static_cast<size_t>(cols_) + 1, 0);
  for (const int32_t item : csr_.indices) ++csc_.indptr[static_cast<size_t>(item) + 1];
  for (size_t i = 1; i < csc_.indptr.size(); ++i) csc_.indptr[i] += csc_.indptr[i - 1];
  csc_.indices.resize(csr_.indices.size());
  csc_.values.resize(csr_.values.size());
  std::vector<int64_t> cursor(csc_.indptr.begin(), csc_.indptr.end() - 1);
  for (int64_t user = 0; user < rows_; ++user) {
    for (auto i = static_cast<size_t>(csr_.indptr[static_cast<size_t>(user)]);
         i < static_cast<size_t>(csr_.indptr[static_cast<size_t>(user) + 1]); ++i) {
      const auto at = static_cast<size_t>(cursor[static_cast<size_t>(csr_.indices[i])]++);
      csc_.indices[at] = static_cast<int32_t>(user);
      csc_.values[at] = csr_.values[i];
    }
  }
}

OwnedWeights::OwnedWeights(const CsrView& documents, const CsrView& terms, const WeightingParams& weighting)
    : params(weighting),
      term_weight(static_cast<size_t>(documents.cols)),
      length(static_cast<size_t>(documents.rows)),
      scale(static_cast<size_t>(documents.rows)) {
  status = WeighTerms(documents, terms, params, {}, term_weight, length);
  if (status.ok()) status = ScaleDocuments(documents, view(), {0, documents.rows}, {}, scale);
}

OwnedLists::OwnedLists(int64_t num_rows, int64_t width)
    : rows(num_rows),
      k(width),
      indices(static_cast<size_t>(num_rows * width)),
      scores(indices.size()),
      counts(static_cast<size_t>(num_rows)) {}

const OwnedMatrix& Inputs::matrix() {
  if (!matrix_) matrix_.emplace(sizes_.users, sizes_.items, sizes_.cells_per_user, kSeed);
  return *matrix_;
}

const OwnedWeights& Inputs::user_weights() {
  if (!user_weights_) user_weights_.emplace(matrix().by_user(), matrix().by_item(), WeightingParams{});
  return *user_weights_;
}

const OwnedWeights& Inputs::item_weights() {
  if (!item_weights_) item_weights_.emplace(matrix().by_item(), matrix().by_user(), WeightingParams{});
  return *item_weights_;
}

const OwnedMatrix& Inputs::pair_matrix() {
  if (!pair_matrix_) pair_matrix_.emplace(sizes_.pair_users, sizes_.items, sizes_.cells_per_user, kSeed);
  return *pair_matrix_;
}

const OwnedWeights& Inputs::pair_weights() {
  if (!pair_weights_) pair_weights_.emplace(pair_matrix().by_user(), pair_matrix().by_item(), WeightingParams{});
  return *pair_weights_;
}

const OwnedLists& Inputs::model() {
  if (!model_) {
    OwnedLists lists(sizes_.items, kModelWidth);
    // The kernels that read the model check its shape, and their own results are checked against it.
    const Status status = SimilarRows(matrix().by_item(), matrix().by_user(), item_weights().view(), {0, sizes_.items}, kModelWidth, false,
                                      {}, lists.indices, lists.scores, lists.counts);
    if (!status.ok()) std::ranges::fill(lists.counts, 0);
    model_.emplace(std::move(lists));
  }
  return *model_;
}

}  // namespace couponcast::bench
