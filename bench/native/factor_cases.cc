// Rows of a factorisation, and content-based scores.
#include <array>
#include <cmath>
#include <memory>
#include <span>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "couponcast/als.h"
#include "couponcast/profiles.h"

namespace couponcast::bench {
namespace {

constexpr int64_t kWidth = 20;

// The first users' vectors from where they are, two steps, against the normal equations' residual.
class SolveCase : public Case {
 public:
  explicit SolveCase(Inputs& inputs) : Case("AlsSolve", true), inputs_(inputs), rows_(inputs.sizes().recommend_users) {}

  void Prepare() override {
    users_ = inputs_.matrix().by_user();
    const auto square = static_cast<size_t>(kFactors * kFactors);
    items_.resize(static_cast<size_t>(users_.cols * kFactors));
    AlsStart(5, 0, 0.3F, items_);
    gram_.resize(square);
    root_.resize(square);
    inverse_.resize(square);
    turned_.resize(items_.size());
    solved_.resize(static_cast<size_t>(rows_ * kFactors));
    status_ = AlsGram(items_, kFactors, {0, users_.cols}, {}, gram_);
    if (status_.ok()) status_ = AlsBasis(gram_, kParams, root_, inverse_);
    if (status_.ok()) status_ = AlsTurn(items_, kFactors, inverse_, {0, users_.cols}, {}, turned_);
  }
  Cost cost() const override {
    const auto cells = static_cast<double>(users_.indptr[static_cast<size_t>(rows_)]);
    const double madds = (2 * kParams.steps + 1) * cells * kFactors + 2.0 * static_cast<double>(rows_ * kFactors * kFactors);
    return {.work = madds,
            .unit = "madds",
            .flops = 2 * madds,
            .read_bytes = cells * kFactors * 4,
            .read_set_bytes = static_cast<int64_t>(turned_.size()) * 4};
  }
  Status Run() override {
    COUPONCAST_RETURN_IF_ERROR(status_);
    std::ranges::fill(solved_, 0.0F);
    return AlsSolve(users_, turned_, root_, inverse_, kParams, {0, rows_}, {}, solved_);
  }
  std::string Wrong() const override {
    for (const int64_t row : SampleRows({0, rows_})) {
      std::array<double, kFactors> left{};
      double before = 0;
      double after = 0;
      const float* x = solved_.data() + row * kFactors;
      for (size_t k = 0; k < left.size(); ++k) {
        left[k] = -kParams.regularisation * static_cast<double>(x[k]);
        for (size_t l = 0; l < left.size(); ++l) left[k] -= gram_[k * left.size() + l] * static_cast<double>(x[l]);
      }
      std::array<double, kFactors> target{};
      for (size_t i = 0; i < users_.row_indices(row).size(); ++i) {
        const float* y = items_.data() + users_.row_indices(row)[i] * kFactors;
        const auto extra = static_cast<double>(users_.row_values(row)[i]);
        double dot = 0;
        for (size_t k = 0; k < left.size(); ++k) dot += static_cast<double>(x[k]) * static_cast<double>(y[k]);
        for (size_t k = 0; k < left.size(); ++k) {
          target[k] += (1 + extra) * static_cast<double>(y[k]);
          left[k] += (1 + extra - extra * dot) * static_cast<double>(y[k]);
        }
      }
      for (size_t k = 0; k < left.size(); ++k) {
        before += target[k] * target[k];
        after += left[k] * left[k];
      }
      if (!(after < 0.01 * before)) return "row " + std::to_string(row) + " is far from its solution";
    }
    return "";
  }

 private:
  static constexpr int64_t kFactors = 64;
  static constexpr AlsParams kParams{.factors = kFactors, .regularisation = 0.1};

  Inputs& inputs_;
  int64_t rows_;
  CsrView users_;
  std::vector<float> items_, root_, inverse_, turned_, solved_;
  std::vector<double> gram_;
  Status status_;
};

// Items have eight features, drawn like the items of users.
class ContentCase : public Case {
 public:
  explicit ContentCase(Inputs& inputs) : Case("RecommendFromProfiles", true), inputs_(inputs), rows_(inputs.sizes().similar_items) {}

  void Prepare() override {
    const int64_t items = inputs_.sizes().items;
    users_ = inputs_.matrix().by_user();
    profiles_ = std::make_unique<OwnedMatrix>(items, kFeatures, kFeaturesPerItem, 21);
    lengths_.resize(static_cast<size_t>(items));
    by_item_ = Normalised(profiles_->by_user(), lengths_, false, &item_values_);
    by_feature_ = Normalised(profiles_->by_item(), lengths_, true, &feature_values_);
    found_.resize(static_cast<size_t>(rows_ * kWidth));
    scores_.resize(found_.size());
    sources_.resize(found_.size());
    counts_.resize(static_cast<size_t>(rows_));
  }
  Cost cost() const override {
    double madds = 0;
    for (int64_t row = 0; row < rows_; ++row) {
      const std::vector<double> profile = Profile(row);
      for (size_t feature = 0; feature < profile.size(); ++feature) {
        if (profile[feature] != 0) madds += static_cast<double>(by_feature_.degree(static_cast<int64_t>(feature)));
      }
      for (const int32_t item : users_.row_indices(row)) madds += static_cast<double>(by_item_.degree(item));
    }
    return {.work = madds, .unit = "madds", .scatter_adds = madds, .scatter_bytes = users_.cols * 4};
  }
  Status Run() override {
    RecommendOptions options;
    options.n = kWidth;
    return RecommendFromProfiles(users_, {by_item_, by_feature_}, {0, rows_}, options, {}, {found_, scores_, sources_, counts_});
  }
  std::string Wrong() const override {
    for (const int64_t row : SampleRows({0, rows_})) {
      const std::vector<double> profile = Profile(row);
      double square = 0;
      for (const double weight : profile) square += weight * weight;
      std::vector<double> scores(static_cast<size_t>(users_.cols), 0.0);
      for (int64_t item = 0; item < users_.cols; ++item) {
        for (size_t i = 0; i < by_item_.row_indices(item).size(); ++i) {
          scores[static_cast<size_t>(item)] += profile[static_cast<size_t>(by_item_.row_indices(item)[i])] *
                                               static_cast<double>(by_item_.row_values(item)[i]) / std::sqrt(square);
        }
      }
      for (const int32_t item : users_.row_indices(row)) scores[static_cast<size_t>(item)] = 0;
      const auto at = static_cast<size_t>(row * kWidth);
      const std::string wrong = WrongBest(scores, std::span(found_).subspan(at, kWidth), std::span(scores_).subspan(at, kWidth),
                                          counts_[static_cast<size_t>(row)]);
      if (!wrong.empty()) return "user " + std::to_string(row) + ": " + wrong;
    }
    return "";
  }

 private:
  static constexpr int64_t kFeatures = 400;
  static constexpr double kFeaturesPerItem = 8;

  // The view with values so that each item's are of length 1; the lengths come from the rows, which are seen first.
  static CsrView Normalised(CsrView view, std::vector<double>& lengths, bool transposed, std::vector<float>* values) {
    values->assign(view.values.begin(), view.values.end());
    for (int64_t row = 0; row < view.rows; ++row) {
      const auto first = static_cast<size_t>(view.indptr[static_cast<size_t>(row)]);
      double square = 0;
      for (const float value : view.row_values(row)) square += static_cast<double>(value) * static_cast<double>(value);
      if (!transposed) lengths[static_cast<size_t>(row)] = std::sqrt(square);
      for (size_t i = 0; i < view.row_indices(row).size(); ++i) {
        const auto item = static_cast<size_t>(transposed ? view.row_indices(row)[i] : row);
        (*values)[first + i] = static_cast<float>(static_cast<double>(view.row_values(row)[i]) / lengths[item]);
      }
    }
    view.values = *values;
    return view;
  }
  std::vector<double> Profile(int64_t user) const {
    std::vector<double> profile(static_cast<size_t>(kFeatures), 0.0);
    for (size_t i = 0; i < users_.row_indices(user).size(); ++i) {
      const int32_t item = users_.row_indices(user)[i];
      for (size_t j = 0; j < by_item_.row_indices(item).size(); ++j) {
        profile[static_cast<size_t>(by_item_.row_indices(item)[j])] +=
            static_cast<double>(users_.row_values(user)[i]) * static_cast<double>(by_item_.row_values(item)[j]);
      }
    }
    return profile;
  }

  Inputs& inputs_;
  int64_t rows_;
  CsrView users_;
  std::unique_ptr<OwnedMatrix> profiles_;
  std::vector<double> lengths_;
  std::vector<float> item_values_, feature_values_;
  CsrView by_item_, by_feature_;
  std::vector<int32_t> found_;
  std::vector<float> scores_;
  std::vector<uint8_t> sources_;
  std::vector<int32_t> counts_;
};

}  // namespace

void AddFactorCases(Inputs& inputs, Cases& cases) {
  cases.push_back(std::make_unique<SolveCase>(inputs));
  cases.push_back(std::make_unique<ContentCase>(inputs));
}

}  // namespace couponcast::bench
