// DBSCAN by cosine distance.
#include <cmath>
#include <memory>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "couponcast/cosine_dbscan.h"

namespace couponcast::bench {
namespace {

class CosineCoresCase : public Case {
 public:
  explicit CosineCoresCase(Inputs& inputs) : Case("CosineCores", false), inputs_(inputs) {}

  void Prepare() override {
    rows_ = inputs_.pair_matrix().by_user();
    const CsrView columns = inputs_.pair_matrix().by_item();
    norms_.resize(static_cast<size_t>(rows_.rows));
    ranks_.resize(static_cast<size_t>(rows_.cols));
    cuts_.resize(norms_.size());
    marks_.resize(static_cast<size_t>(kCosineMarks));
    beginnings_.resize(norms_.size() * static_cast<size_t>(kCosineMarks));
    indptr_.resize(static_cast<size_t>(rows_.cols) + 1);
    entries_.resize(rows_.indices.size());
    weights_.resize(entries_.size());
    cores_.resize((norms_.size() + 31) / 32);
    status_ = BuildCosineIndex(rows_, columns, kEps, {}, {norms_, ranks_, cuts_, marks_, beginnings_, indptr_, entries_, weights_});
  }
  // By definition: all products of rows that share a column.
  Cost cost() const override {
    double madds = 0;
    const CsrView columns = inputs_.pair_matrix().by_item();
    for (int64_t column = 0; column < columns.rows; ++column) {
      const auto cells = static_cast<double>(columns.degree(column));
      madds += cells * cells;
    }
    return {.work = madds, .unit = "madds", .scatter_adds = madds, .scatter_bytes = rows_.rows * 4};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    return CosineCores(rows_, Index(), kEps, kMinSamples, {}, {0, rows_.rows}, {}, {}, cores_);
  }
  std::string Wrong() const override {
    for (const int64_t row : SampleRows({0, rows_.rows})) {
      const std::vector<double> scores = PlainSimilarities(rows_, inputs_.pair_matrix().by_item(), row);
      int64_t least = 1;
      int64_t most = 1;
      for (const double score : scores) {
        if (1 - score <= kEps - 1e-9) ++least;
        if (1 - score <= kEps + 1e-9) ++most;
      }
      const bool core = (cores_[static_cast<size_t>(row / 32)] >> (row % 32) & 1) != 0;
      if (core ? most < kMinSamples : least >= kMinSamples) return "row " + std::to_string(row) + " is taken for what it is not";
    }
    return "";
  }

 private:
  static constexpr double kEps = 0.6;
  static constexpr int64_t kMinSamples = 5;

  CosineIndex Index() const { return {norms_, ranks_, cuts_, marks_, beginnings_, indptr_, entries_, weights_}; }

  Inputs& inputs_;
  CsrView rows_;
  std::vector<double> norms_;
  std::vector<int32_t> ranks_, cuts_, marks_, entries_, cores_;
  std::vector<float> beginnings_, weights_;
  std::vector<int64_t> indptr_;
  Status status_;
};

}  // namespace

void AddDensityCases(Inputs& inputs, Cases& cases) { cases.push_back(std::make_unique<CosineCoresCase>(inputs)); }

}  // namespace couponcast::bench
