// Pairs of users and coupons: their features, and exploration around an allocation.
#include <cmath>
#include <memory>
#include <span>

#include "bench/native/case.h"
#include "bench/native/plain.h"
#include "bench/native/random.h"
#include "couponcast/explore.h"
#include "couponcast/response.h"

namespace couponcast::bench {
namespace {

constexpr int64_t kCoupons = 20;

class PairFeaturesCase : public Case {
 public:
  explicit PairFeaturesCase(Inputs& inputs) : Case("PairFeatures", false), users_(inputs.sizes().affinity_users) {}

  void Prepare() override {
    Random random(17);
    for (int64_t user = 0; user < users_; ++user) {
      float total = 0;
      for (int64_t coupon = 0; coupon < kCoupons; ++coupon) {
        affinity_.push_back(static_cast<float>(random.Unit()));
        total += affinity_.back();
        pair_users_.push_back(static_cast<int32_t>(user));
        pair_coupons_.push_back(static_cast<int32_t>(coupon));
      }
      affinity_.push_back(2 * total);
      order_value_.push_back(1000 + 9000 * random.Unit());
      purchase_rate_.push_back(0.2 * random.Unit());
    }
    for (int64_t coupon = 0; coupon < kCoupons; ++coupon) {
      indptr_.push_back(static_cast<int32_t>(coupon));
      threshold_.push_back(static_cast<double>(500 * coupon));
      amount_.push_back(coupon % 2 == 0 ? 300.0 : 0.0);
      percent_.push_back(coupon % 2 == 0 ? 0.0 : 10.0);
    }
    indptr_.push_back(static_cast<int32_t>(kCoupons));
    mean_share_.assign(static_cast<size_t>(kCoupons), 0.025F);
    max_discount_.assign(static_cast<size_t>(kCoupons), INFINITY);
    horizon_.assign(static_cast<size_t>(kCoupons), 14.0);
    features_.resize(pair_users_.size() * static_cast<size_t>(kPairFeatures));
  }
  Cost cost() const override {
    const auto pairs = static_cast<double>(pair_users_.size());
    const auto bytes = static_cast<int64_t>(pair_users_.size() * (8 + 4 * (1 + static_cast<size_t>(kPairFeatures))));
    return {.work = pairs, .unit = "cells", .read_bytes = static_cast<double>(bytes), .read_set_bytes = bytes};
  }
  Status Run() override {
    PairInputs inputs;
    inputs.coupons = kCoupons;
    inputs.affinity = affinity_;
    inputs.mean_share = mean_share_;
    inputs.order_value = order_value_;
    inputs.tiers = {indptr_, threshold_, amount_, percent_, max_discount_};
    inputs.purchase_rate = purchase_rate_;
    inputs.horizon_days = horizon_;
    return PairFeatures(inputs, pair_users_, pair_coupons_, {}, features_);
  }
  // What does not need the coupon's tiers.
  std::string Wrong() const override {
    for (const int64_t user : SampleRows({0, users_})) {
      const float* row = affinity_.data() + user * (kCoupons + 1);
      for (int64_t coupon = 0; coupon < kCoupons; ++coupon) {
        const float* pair = features_.data() + (user * kCoupons + coupon) * kPairFeatures;
        const double share = static_cast<double>(row[coupon]) / static_cast<double>(row[kCoupons]);
        const double taste = std::log((share + 0.01) / (static_cast<double>(mean_share_[0]) + 0.01));
        const double orders = std::log(purchase_rate_[static_cast<size_t>(user)] * 14 * share + 0.001);
        if (!Near(pair[0], share) || std::fabs(static_cast<double>(pair[1]) - taste) > 1e-5 ||
            std::fabs(static_cast<double>(pair[4]) - orders) > 1e-5)
          return "user " + std::to_string(user) + " with coupon " + std::to_string(coupon) + " has other features";
      }
    }
    return "";
  }

 private:
  int64_t users_;
  std::vector<float> affinity_, mean_share_, features_;
  std::vector<double> order_value_, purchase_rate_, threshold_, amount_, percent_, max_discount_, horizon_;
  std::vector<int32_t> indptr_, pair_users_, pair_coupons_;
};

// One coupon a user, a budget and a stock a coupon.
class ExpectUseCase : public Case {
 public:
  explicit ExpectUseCase(Inputs& inputs) : Case("ExpectUse", true), users_(inputs.sizes().points) {}

  void Prepare() override {
    Random random(19);
    for (int64_t user = 0; user < users_; ++user) {
      for (int64_t coupon = 0; coupon < kCoupons; ++coupon) {
        coupons_.push_back(static_cast<int32_t>(coupon));
        value_.push_back(random.Below(20'000));
        cost_.push_back(random.Below(5'000));
      }
    }
    counts_.assign(static_cast<size_t>(users_), static_cast<int32_t>(kCoupons));
    group_.assign(static_cast<size_t>(kCoupons), -1);
    measure_.push_back(static_cast<uint8_t>(Measure::kCost));
    limit_.push_back(kMaxCandidateMilli);
    prices_.push_back(0.7);
    for (int64_t coupon = 0; coupon < kCoupons; ++coupon) {
      indptr_.push_back(2 * coupon);
      constraints_.push_back(0);
      constraints_.push_back(static_cast<int32_t>(coupon) + 1);
      measure_.push_back(static_cast<uint8_t>(Measure::kPieces));
      limit_.push_back(users_);
      prices_.push_back(100 * static_cast<double>(coupon));
    }
    indptr_.push_back(2 * kCoupons);
    floor_.assign(limit_.size(), 0);
    usage_.resize(limit_.size());
    curvature_.resize(limit_.size());
    use_.usage = usage_;
    use_.curvature = curvature_;
  }
  Cost cost() const override {
    const auto pairs = static_cast<double>(users_ * kCoupons);
    const int64_t bytes = users_ * kCoupons * 20;
    return {.work = pairs, .unit = "cells", .read_bytes = static_cast<double>(bytes), .read_set_bytes = bytes};
  }
  Status Run() override { return ExpectUse(Problem(), {}, Chances(), {0, users_}, {}, &use_); }
  std::string Wrong() const override {
    double spend = 0;
    double assigned = 0;
    for (int64_t user = 0; user < users_; ++user) {
      double sum = 1;
      double cost = 0;
      for (int64_t coupon = 0; coupon < kCoupons; ++coupon) {
        const auto at = static_cast<size_t>(user * kCoupons + coupon);
        const auto own = static_cast<double>(cost_[at]);
        const double weight = static_cast<double>(value_[at]) - prices_[0] * own - prices_[static_cast<size_t>(coupon) + 1];
        const double chance = std::exp(weight / kTemperature);
        sum += chance;
        cost += chance * own;
      }
      spend += cost / sum;
      assigned += 1 - 1 / sum;
    }
    return Near(use_.spend, spend) && Near(use_.assigned, assigned) && Near(usage_[0], spend) ? "" : "another expected use";
  }

 private:
  static constexpr double kTemperature = 2000;

  SetChances Chances() const { return {.prices = prices_, .temperature = kTemperature}; }
  AllocationProblem Problem() const {
    AllocationProblem problem;
    problem.users = users_;
    problem.width = kCoupons;
    problem.counts = counts_;
    problem.coupons = coupons_;
    problem.value = value_;
    problem.cost = cost_;
    problem.group = group_;
    problem.measure = measure_;
    problem.floor = floor_;
    problem.limit = limit_;
    problem.cell_indptr = indptr_;
    problem.cell_constraints = constraints_;
    return problem;
  }

  int64_t users_;
  std::vector<int32_t> counts_, coupons_, group_, constraints_;
  std::vector<int64_t> value_, cost_, limit_, indptr_;
  std::vector<uint8_t> measure_, floor_;
  std::vector<double> prices_, usage_, curvature_;
  ExpectedUse use_;
};

}  // namespace

void AddOfferCases(Inputs& inputs, Cases& cases) {
  cases.push_back(std::make_unique<PairFeaturesCase>(inputs));
  cases.push_back(std::make_unique<ExpectUseCase>(inputs));
}

}  // namespace couponcast::bench
