#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "allocate/price_table.h"
#include "allocate/unit_choice.h"
#include "base/check.h"
#include "couponcast/allocate.h"

namespace couponcast {
namespace {

constexpr int64_t kUsersPerPoll = 4096;
constexpr int64_t kPlacesPerBlock = 4096;  // reduced values of a block stay in the nearest caches

// Reduced values of some users at a time; places that no candidate uses get -infinity.
class Blocks {
 public:
  Blocks(const AllocationProblem& problem, std::span<const double> prices, std::span<const double> radius, bool one)
      : problem_(problem),
        one_(one),
        prices_(MakePriceTable(problem, prices)),
        users_(std::max<int64_t>(1, kPlacesPerBlock / std::max<int64_t>(1, problem.width))) {
    if (!radius.empty()) radii_ = MakeRadiusTable(problem, radius);
    const auto places = static_cast<size_t>(users_ * problem.width);
    cells_.resize(places);
    w_.resize(places);
    r_.resize(radius.empty() ? 0 : places);
  }

  int64_t users() const { return users_; }

  void Load(int64_t begin, int64_t end) {
    const auto width = static_cast<size_t>(problem_.width);
    const size_t first = FirstPlace(problem_, begin);
    const size_t size = FirstPlace(problem_, end) - first;
    const int32_t* cells = problem_.coupons.data() + first;
    bool whole = problem_.user_class.empty();
    for (int64_t user = begin; user < end; ++user) whole &= problem_.counts[static_cast<size_t>(user)] == problem_.width;
    if (!whole) {
      for (int64_t user = begin; user < end; ++user) {
        int32_t* row = cells_.data() + static_cast<size_t>(user - begin) * width;
        const int32_t cell = FirstCell(problem_, user);
        const size_t used = EndPlace(problem_, user) - FirstPlace(problem_, user);
        for (size_t j = 0; j < width; ++j) row[j] = j < used ? cell + problem_.coupons[FirstPlace(problem_, user) + j] : 0;
      }
      cells = cells_.data();
    }
    const CandidateSpan candidates{cells, problem_.value.data() + first, problem_.cost.data() + first,
                                   problem_.face.empty() ? nullptr : problem_.face.data() + first, static_cast<int64_t>(size)};
    ReducedValues(prices_, candidates, false, w_.data());
    if (one_) {
      rows_.clear();
      for (int64_t user = begin; user < end; ++user)
        rows_.push_back({(user - begin) * problem_.width, problem_.counts[static_cast<size_t>(user)]});
      two_.resize(rows_.size());
      FindBestTwo(w_, rows_, two_.data());
    }
    if (!r_.empty()) ReducedRadii(radii_, candidates, r_.data());
  }

  std::span<const double> W(int64_t user, int64_t begin) const { return Row(w_, user, begin); }
  const BestTwo& Two(int64_t user, int64_t begin) const { return two_[static_cast<size_t>(user - begin)]; }
  std::span<const double> R(int64_t user, int64_t begin) const { return Row(r_, user, begin); }

 private:
  std::span<const double> Row(const std::vector<double>& values, int64_t user, int64_t begin) const {
    return std::span(values).subspan(static_cast<size_t>((user - begin) * problem_.width),
                                     static_cast<size_t>(problem_.counts[static_cast<size_t>(user)]));
  }

  const AllocationProblem& problem_;
  bool one_;
  PriceTable prices_;
  PriceTable radii_;
  int64_t users_;
  std::vector<int32_t> cells_;
  std::vector<double> w_;
  std::vector<double> r_;
  std::vector<RowOfValues> rows_;
  std::vector<BestTwo> two_;
};

}  // namespace

Status EvaluateDual(const AllocationProblem& problem, std::span<const double> prices, const PriceBox& box, RowRange range,
                    CancelFlag cancel, DualPartial* partial, std::span<uint8_t> chosen, std::span<uint8_t> open) {
  COUPONCAST_RETURN_IF_ERROR(CheckRules(problem));
  COUPONCAST_RETURN_IF_ERROR(CheckRange(range, problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, prices));
  if (!box.radius.empty()) COUPONCAST_RETURN_IF_ERROR(CheckPrices(problem, box.radius));
  if (!box.joined.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("joined", box.joined.size(), problem.users));
  COUPONCAST_RETURN_IF_ERROR(CheckSize("usage", partial->usage.size(), problem.num_constraints()));
  if (!chosen.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("chosen", chosen.size(), range.size() * problem.width));
  if (!open.empty()) COUPONCAST_RETURN_IF_ERROR(CheckSize("open", open.size(), range.size()));
  *partial = {0, 0, 0, 0, partial->usage};
  std::ranges::fill(partial->usage, 0);
  std::ranges::fill(chosen, uint8_t{0});
  std::ranges::fill(open, uint8_t{0});

  UnitChoice choice(problem);
  Blocks blocks(problem, prices, open.empty() ? std::span<const double>() : box.radius, choice.one());
  CellTotals totals(problem);
  int64_t until_poll = 0;
  for (int64_t begin = range.begin; begin < range.end; begin += blocks.users()) {
    const int64_t end = std::min(range.end, begin + blocks.users());
    until_poll -= end - begin;
    if (until_poll < 0) {
      if (cancel.IsSet()) return Cancelled();
      until_poll = kUsersPerPoll;
    }
    blocks.Load(begin, end);
    for (int64_t user = begin; user < end; ++user) {
      const size_t first = FirstPlace(problem, user);
      const std::span<const double> w = blocks.W(user, begin);
      const auto coupon_at = [&](size_t place) { return problem.coupons[first + place]; };
      const std::vector<size_t>& best = choice.one() ? choice.Take(blocks.Two(user, begin)) : choice.Choose(w, coupon_at);
      if (!open.empty()) {
        const bool is_joined = !box.joined.empty() && box.joined[static_cast<size_t>(user)] != 0;
        const bool is_open = is_joined || (!box.radius.empty() && !choice.IsFixed(w, blocks.R(user, begin), coupon_at));
        open[static_cast<size_t>(user - range.begin)] = is_open ? 1 : 0;
        if (is_joined) continue;  // what the unit chooses is another question
        if (is_open) {
          for (const size_t place : best) {
            if (!chosen.empty()) chosen[first + place - FirstPlace(problem, range.begin)] = 1;
          }
          continue;
        }
      }
      const int32_t cell = FirstCell(problem, user);
      for (const size_t place : best) {
        const size_t at = first + place;
        partial->surplus += w[place];
        partial->value += problem.value[at];
        partial->spend += problem.cost[at];
        ++partial->assigned;
        totals.Add(cell + problem.coupons[at], problem.cost[at], problem.face.empty() ? 0 : problem.face[at]);
        if (!chosen.empty()) chosen[at - FirstPlace(problem, range.begin)] = 1;
      }
    }
  }
  totals.AddTo(problem, partial->usage);
  return {};
}

}  // namespace couponcast
