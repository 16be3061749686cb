#include "bench/native/plain.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

namespace couponcast::bench {

bool Near(double actual, double expected, double tolerance) {
  return std::fabs(actual - expected) <= tolerance * std::max(std::fabs(actual), std::fabs(expected));
}

std::vector<int64_t> SampleRows(RowRange range) {
  constexpr int64_t kRows = 16;
  std::vector<int64_t> rows;
  const int64_t step = std::max<int64_t>(range.size() / kRows, 1);
  for (int64_t row = range.begin; row < range.end; row += step) rows.push_back(row);
  return rows;
}

std::vector<double> PlainSimilarities(const CsrView& documents, const CsrView& terms, int64_t row) {
  std::vector<double> sums(static_cast<size_t>(documents.rows), 0.0);
  const auto indices = documents.row_indices(row);
  const auto values = documents.row_values(row);
  for (size_t i = 0; i < indices.size(); ++i) {
    const auto others = terms.row_indices(indices[i]);
    const auto weights = terms.row_values(indices[i]);
    for (size_t j = 0; j < others.size(); ++j) {
      sums[static_cast<size_t>(others[j])] += static_cast<double>(values[i]) * static_cast<double>(weights[j]);
    }
  }
  const auto norm = [&](int64_t document) {
    double squares = 0;
    for (const float value : documents.row_values(document)) squares += static_cast<double>(value) * static_cast<double>(value);
    return std::sqrt(squares);
  };
  const double own = norm(row);
  sums[static_cast<size_t>(row)] = 0;
  for (int64_t other = 0; other < documents.rows; ++other) {
    double& sum = sums[static_cast<size_t>(other)];
    if (sum > 0) sum /= own * norm(other);
  }
  return sums;
}

std::vector<double> PlainItemScores(const CsrView& users, const NeighbourLists& model, int64_t user) {
  std::vector<double> sums(static_cast<size_t>(users.cols), 0.0);
  const auto indices = users.row_indices(user);
  const auto values = users.row_values(user);
  for (size_t i = 0; i < indices.size(); ++i) {
    for (int64_t j = 0; j < model.counts[static_cast<size_t>(indices[i])]; ++j) {
      const auto at = static_cast<size_t>(indices[i] * model.k + j);
      sums[static_cast<size_t>(model.indices[at])] += static_cast<double>(values[i]) * static_cast<double>(model.scores[at]);
    }
  }
  for (const int32_t item : indices) sums[static_cast<size_t>(item)] = 0;
  return sums;
}

std::string WrongBest(const std::vector<double>& scores, std::span<const int32_t> indices, std::span<const float> values, int32_t count) {
  const auto above = std::ranges::count_if(scores, [](double score) { return score > 0; });
  const auto used = std::min(static_cast<size_t>(above), indices.size());
  if (count != static_cast<int32_t>(used)) return std::to_string(count) + " places used instead of " + std::to_string(used);
  std::vector<double> best(used);
  std::ranges::partial_sort_copy(scores, best, std::greater<>());
  std::set<int32_t> seen;
  for (size_t i = 0; i < used; ++i) {
    const std::string place = "place " + std::to_string(i);
    if (indices[i] < 0 || static_cast<size_t>(indices[i]) >= scores.size()) return place + " holds no row";
    if (!seen.insert(indices[i]).second) return place + " repeats a row";
    if (!Near(values[i], scores[static_cast<size_t>(indices[i])])) {
      return place + " scores " + std::to_string(values[i]) + " instead of " + std::to_string(scores[static_cast<size_t>(indices[i])]);
    }
    if (!Near(values[i], best[i])) return place + " is not the best that is left";
    if (i > 0 && values[i] > values[i - 1]) return place + " is above the one before";
  }
  return "";
}

}  // namespace couponcast::bench
