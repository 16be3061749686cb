#include "couponcast/cosine_dbscan.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "density/cosine_options.h"
#include "density/disjoint_sets.h"

namespace couponcast {
namespace {

constexpr int64_t kRowsPerMask = 32;
constexpr int32_t kNoise = -1;

bool IsCore(std::span<const int32_t> cores, int64_t row) {
  return (static_cast<uint32_t>(cores[static_cast<size_t>(row / kRowsPerMask)]) >> (row % kRowsPerMask) & 1U) != 0;
}

// Finds the neighbours of a row: sums over the postings say who may be one, exact products decide where they do not.
class NeighbourScan {
 public:
  NeighbourScan(const CsrView& matrix, const CosineIndex& index, double eps)
      : matrix_(matrix),
        index_(index),
        eps_(eps),
        sums_(static_cast<size_t>(matrix.rows)),
        seen_by_(static_cast<size_t>(matrix.rows), kNobody) {}

  // Collects the rows below `end` that share a posting with `row`, but not the row itself.
  void Collect(int64_t row, int64_t end) {
    row_ = row;
    cut_ = index_.cuts[static_cast<size_t>(row)];
    touched_.clear();
    const double norm = index_.norms[static_cast<size_t>(row)];
    const std::span<const int32_t> columns = matrix_.row_indices(row);
    const std::span<const float> values = matrix_.row_values(row);
    // Of float32 sums of products that add up to at most 1, and of the weights.
    margin_ = static_cast<double>(columns.size() + 8) * 0x1.0p-23;
    if (norm == 0) return;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto column = static_cast<size_t>(columns[i]);
      if (index_.ranks[column] < cut_) continue;
      const auto weight = static_cast<float>(static_cast<double>(values[i]) / norm);
      for (int64_t e = index_.indptr[column]; e < index_.indptr[column + 1]; ++e) {
        const int32_t other = index_.entries[static_cast<size_t>(e)];
        if (other >= end) break;
        float& sum = sums_[static_cast<size_t>(other)];
        if (seen_by_[static_cast<size_t>(other)] != static_cast<int32_t>(row)) {
          seen_by_[static_cast<size_t>(other)] = static_cast<int32_t>(row);
          sum = 0;
          if (other != row) touched_.push_back(other);
        }
        sum += weight * index_.weights[static_cast<size_t>(e)];
      }
    }
  }

  std::span<const int32_t> touched() const { return touched_; }

  // Whether a collected row is a neighbour. The sum lacks what is before the later cut, and that is at most the product of
  // the norms of both beginnings.
  bool IsNeighbour(int32_t other) const {
    const auto sum = static_cast<double>(sums_[static_cast<size_t>(other)]);
    const int32_t cut = std::max(cut_, index_.cuts[static_cast<size_t>(other)]);
    size_t mark = 0;
    while (index_.marks[mark] < cut) ++mark;
    if (sum + Beginning(row_, mark) * Beginning(other, mark) + margin_ < 1 - eps_) return false;
    return 1 - Product(other) / (index_.norms[static_cast<size_t>(row_)] * index_.norms[static_cast<size_t>(other)]) <= eps_;
  }

 private:
  static constexpr int32_t kNobody = -1;

  double Beginning(int64_t row, size_t mark) const {
    return static_cast<double>(index_.beginnings[static_cast<size_t>(row * kCosineMarks) + mark]);
  }

  double Product(int32_t other) const {
    const std::span<const int32_t> a = matrix_.row_indices(row_);
    const std::span<const int32_t> b = matrix_.row_indices(other);
    const std::span<const float> a_values = matrix_.row_values(row_);
    const std::span<const float> b_values = matrix_.row_values(other);
    double sum = 0;
    for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      if (a[i] == b[j]) sum += static_cast<double>(a_values[i]) * static_cast<double>(b_values[j]);
      const bool next_a = a[i] <= b[j];
      const bool next_b = b[j] <= a[i];
      i += next_a ? 1 : 0;
      j += next_b ? 1 : 0;
    }
    return sum;
  }

  const CsrView& matrix_;
  const CosineIndex& index_;
  double eps_;
  int64_t row_ = 0;
  int32_t cut_ = 0;
  double margin_ = 0;
  std::vector<float> sums_;
  std::vector<int32_t> seen_by_;
  std::vector<int32_t> touched_;
};

Status CheckIndex(const CsrView& matrix, const CosineIndex& index, double eps, RowRange range, std::span<const int32_t> cores) {
  COUPONCAST_RETURN_IF_ERROR(CheckCosineEps(eps));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("norms", index.norms.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("ranks", index.ranks.size(), matrix.cols));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("cuts", index.cuts.size(), matrix.rows));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("marks", index.marks.size(), kCosineMarks));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("beginnings", index.beginnings.size(), matrix.rows * kCosineMarks));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("indptr", index.indptr.size(), matrix.cols + 1));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("entries", index.entries.size(), matrix.nnz()));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("weights", index.weights.size(), matrix.nnz()));
  return CheckSize("cores", cores.size(), (matrix.rows + kRowsPerMask - 1) / kRowsPerMask);
}

Status CheckCandidates(std::span<const int32_t> candidates, std::span<const int32_t> cores) {
  return candidates.empty() ? Status() : CheckSize("candidates", candidates.size(), std::ssize(cores));
}

bool IsCandidate(std::span<const int32_t> candidates, int64_t row) { return candidates.empty() || IsCore(candidates, row); }

}  // namespace

Status CosineCores(const CsrView& matrix, const CosineIndex& index, double eps, int64_t min_samples, std::span<const int32_t> candidates,
                   RowRange range, CancelFlag cancel, ProgressGauge progress, std::span<int32_t> cores) {
  COUPONCAST_RETURN_IF_ERROR(CheckIndex(matrix, index, eps, range, cores));
  COUPONCAST_RETURN_IF_ERROR(CheckCandidates(candidates, cores));
  COUPONCAST_RETURN_IF_ERROR(CheckCount("min_samples", min_samples));
  if (range.begin % kRowsPerMask != 0) return InvalidArgument("expected a range that begins at a multiple of 32");
  NeighbourScan scan(matrix, index, eps);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (cancel.IsSet()) return Cancelled();
    if (row % kRowsPerMask == 0) cores[static_cast<size_t>(row / kRowsPerMask)] = 0;
    if (!IsCandidate(candidates, row)) continue;
    int64_t found = 1;
    if (found < min_samples) scan.Collect(row, matrix.rows);
    for (size_t i = 0; found < min_samples && i < scan.touched().size(); ++i) found += scan.IsNeighbour(scan.touched()[i]) ? 1 : 0;
    if (found >= min_samples) {
      int32_t& mask = cores[static_cast<size_t>(row / kRowsPerMask)];
      mask = static_cast<int32_t>(static_cast<uint32_t>(mask) | uint32_t{1} << (row % kRowsPerMask));
    }
    progress.Set(row - range.begin + 1, range.size());
  }
  return {};
}

Status CosineLinks(const CsrView& matrix, const CosineIndex& index, double eps, std::span<const int32_t> cores, RowRange range,
                   CancelFlag cancel, ProgressGauge progress, std::span<int32_t> forest) {
  COUPONCAST_RETURN_IF_ERROR(CheckIndex(matrix, index, eps, range, cores));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("forest", forest.size(), matrix.rows));
  NeighbourScan scan(matrix, index, eps);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (cancel.IsSet()) return Cancelled();
    progress.Set(row - range.begin + 1, range.size());
    if (!IsCore(cores, row)) continue;
    scan.Collect(row, row);
    for (const int32_t other : scan.touched()) {
      if (!IsCore(cores, other)) continue;
      const bool joined = FindRoot(forest, static_cast<int32_t>(row)) == FindRoot(forest, other);
      if (!joined && scan.IsNeighbour(other)) Unite(forest, static_cast<int32_t>(row), other);
    }
  }
  return {};
}

Status CosineBorders(const CsrView& matrix, const CosineIndex& index, double eps, std::span<const int32_t> cores,
                     std::span<const int32_t> candidates, RowRange range, CancelFlag cancel, ProgressGauge progress,
                     std::span<int32_t> labels) {
  COUPONCAST_RETURN_IF_ERROR(CheckIndex(matrix, index, eps, range, cores));
  COUPONCAST_RETURN_IF_ERROR(CheckCandidates(candidates, cores));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("labels", labels.size(), matrix.rows));
  NeighbourScan scan(matrix, index, eps);
  for (int64_t row = range.begin; row < range.end; ++row) {
    if (cancel.IsSet()) return Cancelled();
    progress.Set(row - range.begin + 1, range.size());
    if (IsCore(cores, row)) continue;
    int32_t best = kNoise;
    if (!IsCandidate(candidates, row)) {
      labels[static_cast<size_t>(row)] = best;
      continue;
    }
    scan.Collect(row, matrix.rows);
    for (const int32_t other : scan.touched()) {
      if (!IsCore(cores, other)) continue;
      const int32_t label = labels[static_cast<size_t>(other)];
      if ((best == kNoise || label < best) && scan.IsNeighbour(other)) best = label;
    }
    labels[static_cast<size_t>(row)] = best;
  }
  return {};
}

}  // namespace couponcast
