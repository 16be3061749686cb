#include "allocate/price_table.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/allocate/reduced_values.cc"
#include <hwy/foreach_target.h>
// The header must come behind foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace couponcast::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<double>;
using DI = hn::Rebind<int64_t, D>;
using Vec = hn::Vec<D>;

// Amounts below 2^51 are the mantissa of 3 * 2^51 plus themselves: exact, and two steps on targets that cannot convert.
Vec LoadMoney(const int64_t* from) {
  const DI di;
  const Vec magic = hn::Set(D(), 0x1.8p52);
  return hn::Sub(hn::BitCast(D(), hn::Add(hn::LoadU(di, from), hn::BitCast(di, magic))), magic);
}

hn::Vec<DI> LoadCells(const int32_t* cells) {
  const hn::Rebind<int32_t, D> narrow;
  return hn::PromoteTo(DI(), hn::LoadU(narrow, cells));
}

void ReducedValuesImpl(const double* HWY_RESTRICT piece, const double* HWY_RESTRICT cost, const double* HWY_RESTRICT face,
                       const CandidateSpan& c, bool ignore_value, double* HWY_RESTRICT w) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= c.size; i += lanes) {
    const auto cells = LoadCells(c.cells + i);
    Vec sum = ignore_value ? hn::Zero(d) : LoadMoney(c.value + i);
    sum = hn::Sub(sum, hn::Mul(hn::GatherIndex(d, cost, cells), LoadMoney(c.cost + i)));
    sum = hn::Sub(sum, hn::GatherIndex(d, piece, cells));
    if (c.face != nullptr) sum = hn::Sub(sum, hn::Mul(hn::GatherIndex(d, face, cells), LoadMoney(c.face + i)));
    hn::StoreU(sum, d, w + i);
  }
  for (; i < c.size; ++i) {
    const auto cell = static_cast<size_t>(c.cells[i]);
    double sum = ignore_value ? 0 : static_cast<double>(c.value[i]);
    sum -= cost[cell] * static_cast<double>(c.cost[i]);
    sum -= piece[cell];
    if (c.face != nullptr) sum -= face[cell] * static_cast<double>(c.face[i]);
    w[i] = sum;
  }
}

void ReducedRadiiImpl(const double* HWY_RESTRICT piece, const double* HWY_RESTRICT cost, const double* HWY_RESTRICT face,
                      const CandidateSpan& c, double* HWY_RESTRICT r) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= c.size; i += lanes) {
    const auto cells = LoadCells(c.cells + i);
    Vec sum = hn::Mul(hn::GatherIndex(d, cost, cells), LoadMoney(c.cost + i));
    sum = hn::Add(sum, hn::GatherIndex(d, piece, cells));
    if (c.face != nullptr) sum = hn::Add(sum, hn::Mul(hn::GatherIndex(d, face, cells), LoadMoney(c.face + i)));
    hn::StoreU(sum, d, r + i);
  }
  for (; i < c.size; ++i) {
    const auto cell = static_cast<size_t>(c.cells[i]);
    double sum = cost[cell] * static_cast<double>(c.cost[i]);
    sum += piece[cell];
    if (c.face != nullptr) sum += face[cell] * static_cast<double>(c.face[i]);
    r[i] = sum;
  }
}

}  // namespace
}  // namespace couponcast::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace couponcast {

HWY_EXPORT(ReducedValuesImpl);
HWY_EXPORT(ReducedRadiiImpl);

void ReducedValues(const PriceTable& table, const CandidateSpan& candidates, bool ignore_value, double* w) {
  HWY_DYNAMIC_DISPATCH(ReducedValuesImpl)
  (table.piece.data(), table.cost.data(), table.face.data(), candidates, ignore_value, w);
}

void ReducedRadii(const PriceTable& table, const CandidateSpan& candidates, double* r) {
  HWY_DYNAMIC_DISPATCH(ReducedRadiiImpl)(table.piece.data(), table.cost.data(), table.face.data(), candidates, r);
}

}  // namespace couponcast
#endif  // HWY_ONCE
