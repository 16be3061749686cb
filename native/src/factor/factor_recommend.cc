#include "couponcast/factor_recommend.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/axpy.h"
#include "base/check.h"
#include "base/top_k.h"
#include "couponcast/als.h"
#include "factor/factor_tiles.h"
#include "recommend/check_options.h"
#include "recommend/check_scopes.h"
#include "recommend/row_answer.h"

namespace couponcast {
namespace {

// Queries that share a pass over the tiles: their lists stay in the second cache.
constexpr int64_t kQueries = 128;
constexpr int64_t kRowsPerPoll = 1024;
constexpr const char* kNotFinite = "expected finite factors";

Status CheckVectors(const char* name, std::span<const float> vectors, int64_t factors) {
  if (factors < 1 || factors > kMaxFactors || vectors.size() % static_cast<size_t>(factors) != 0) {
    return InvalidArgument(std::string("expected ") + name + " of " + std::to_string(factors) + " factors each, 1 to " +
                           std::to_string(kMaxFactors));
  }
  return {};
}

// The lists of rows of `range`: `vector_of(row)` is what to search with, `refused(row, found)` what not to find,
// `write(row, list)` takes the answer.
template <typename VectorOf, typename Refused, typename Write>
Status SearchRows(const FactorTiles& tiles, RowRange range, int64_t k, CancelFlag cancel, VectorOf&& vector_of, Refused&& refused,
                  Write&& write) {
  if (!tiles.finite()) return CorruptFile(kNotFinite);
  std::vector<TopK> best(static_cast<size_t>(std::min(kQueries, range.size())), TopK(k));
  std::vector<const float*> queries;
  for (int64_t begin = range.begin; begin < range.end; begin += kQueries) {
    queries.clear();
    for (int64_t row = begin; row < std::min(begin + kQueries, range.end); ++row) queries.push_back(vector_of(row));
    COUPONCAST_RETURN_IF_ERROR(tiles.Search(
        queries, best, cancel, [&](size_t query, int32_t found) { return refused(begin + static_cast<int64_t>(query), found); }));
    for (size_t query = 0; query < queries.size(); ++query) write(begin + static_cast<int64_t>(query), best[query].Sorted());
  }
  return {};
}

}  // namespace

Status RecommendFromFactors(const CsrView& users, const FactorsView& model, RowRange range, const RecommendOptions& options,
                            CancelFlag cancel, const RecommendOutput& output) {
  COUPONCAST_RETURN_IF_ERROR(CheckVectors("users", model.users, model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckVectors("items", model.items, model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("users", model.users.size(), users.rows * model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items", model.items.size(), users.cols * model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckOptions(options, users.cols));
  if (!options.fallback.labels.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", options.fallback.labels.size(), users.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckOutput(output, range.size(), options.n));
  const FactorTiles tiles(model.items, model.factors, options.allowed);
  const RowAnswer answer(options);
  return SearchRows(
      tiles, range, options.n, cancel, [&](int64_t user) { return model.users.data() + user * model.factors; },
      [&](int64_t user, int32_t item) { return options.filter_seen && std::ranges::binary_search(users.row_indices(user), item); },
      [&](int64_t user, std::span<const ScoredIndex> best) {
        answer.Write(best, user, users.row_indices(user), user - range.begin, output);
      });
}

Status SimilarFactors(std::span<const float> rows, int64_t factors, RowRange range, int64_t k, CancelFlag cancel,
                      std::span<int32_t> indices, std::span<float> scores, std::span<int32_t> counts) {
  COUPONCAST_RETURN_IF_ERROR(CheckVectors("rows", rows, factors));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, std::ssize(rows) / factors));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("k", k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indices", indices.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("scores", scores.size(), range.size() * k));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("counts", counts.size(), range.size()));
  std::vector<float> unit(rows.begin(), rows.end());
  for (int64_t row = 0; row < std::ssize(rows) / factors; ++row) {
    if (row % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* vector = unit.data() + row * factors;
    const double norm = FactorNorm(vector, factors);
    if (!std::isfinite(norm)) return CorruptFile(kNotFinite);
    for (int64_t f = 0; f < factors; ++f) vector[f] = norm > 0 ? static_cast<float>(static_cast<double>(vector[f]) / norm) : 0.0F;
  }
  const FactorTiles tiles(unit, factors, {});
  return SearchRows(
      tiles, range, k, cancel, [&](int64_t row) { return unit.data() + row * factors; },
      [](int64_t row, int32_t found) { return row == found; },
      [&](int64_t row, std::span<const ScoredIndex> best) {
        const auto place = static_cast<size_t>(row - range.begin);
        for (size_t j = 0; j < static_cast<size_t>(k); ++j) {
          indices[place * static_cast<size_t>(k) + j] = j < best.size() ? best[j].index : -1;
          scores[place * static_cast<size_t>(k) + j] = j < best.size() ? best[j].score : 0.0F;
        }
        counts[place] = static_cast<int32_t>(best.size());
      });
}

Status ScopeWeightsOfFactors(const FactorsView& model, const ScopeView& scopes, RowRange range, CancelFlag cancel,
                             std::span<float> weights) {
  COUPONCAST_RETURN_IF_ERROR(CheckVectors("items", model.items, model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("items", model.items.size(), scopes.items * model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, model.factors));
  const int64_t columns = AffinityColumns(scopes);
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), range.size() * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckScopes(scopes));
  std::ranges::fill(weights, 0.0F);
  const auto add = [&](int64_t item, int64_t column) {
    const float* vector = model.items.data() + item * model.factors;
    for (int64_t f = range.begin; f < range.end; ++f) weights[static_cast<size_t>((f - range.begin) * columns + column)] += vector[f];
  };
  for (int64_t coupon = 0; coupon + 1 < columns; ++coupon) {
    if (cancel.IsSet()) return Cancelled();
    const auto begin = static_cast<size_t>(scopes.indptr[static_cast<size_t>(coupon)]);
    const auto end = static_cast<size_t>(scopes.indptr[static_cast<size_t>(coupon) + 1]);
    for (size_t i = begin; i < end; ++i) add(scopes.indices[i], coupon);
  }
  for (int64_t item = 0; item < scopes.items; ++item) {
    if (item % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    add(item, columns - 1);
  }
  return {};
}

Status AffinityFromFactors(const FactorsView& model, std::span<const float> weights, int64_t columns, RowRange range, CancelFlag cancel,
                           std::span<float> affinity) {
  COUPONCAST_RETURN_IF_ERROR(CheckVectors("users", model.users, model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, std::ssize(model.users) / model.factors));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("columns", columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", weights.size(), model.factors * columns));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("affinity", affinity.size(), range.size() * columns));
  std::ranges::fill(affinity, 0.0F);
  for (int64_t user = range.begin; user < range.end; ++user) {
    if ((user - range.begin) % kRowsPerPoll == 0 && cancel.IsSet()) return Cancelled();
    float* row = affinity.data() + (user - range.begin) * columns;
    const float* vector = model.users.data() + user * model.factors;
    for (int64_t f = 0; f < model.factors; ++f) Axpy(vector[f], weights.data() + f * columns, columns, row);
  }
  return {};
}

}  // namespace couponcast
