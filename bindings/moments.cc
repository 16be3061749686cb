#include "couponcast/moments.h"

#include "addon.h"
#include "couponcast/taste.h"

namespace couponcast::node {
namespace {

JournalView Journal(const Args& args) {
  return {args.In<int64_t>("indptr"),     args.In<int64_t>("times"),  args.In<int32_t>("items"),
          args.In<uint8_t>("behaviours"), args.In<uint8_t>("orders"), args.In<double>("values")};
}

MomentParams Params(const Args& args) {
  MomentParams params;
  params.journal = Journal(args);
  params.weights = args.In<double>("weights");
  params.purchase = args.Byte("purchase");
  params.log_price = args.In<double>("logPrice");
  params.item_indptr = args.In<int64_t>("itemIndptr");
  params.item_coupons = args.In<int32_t>("itemCoupons");
  params.prior_share = args.In<double>("priorShare");
  params.prior_weight = args.Number("priorWeight");
  return params;
}

Napi::Value UserMomentsBinding(const Args& args) {
  Check(args.env(), UserMoments(Params(args), args.In<int32_t>("users"), args.In<int64_t>("moments"), args.Range(), args.Cancel(),
                                args.OptionalOut<float>("outShares"), args.Out<double>("outNumbers")));
  return args.env().Undefined();
}

Napi::Value TasteLossBinding(const Args& args) {
  const TasteTargets targets{args.In<int32_t>("users"), args.In<int64_t>("places"), args.Integer("gapMicros")};
  double loss = 0;
  Check(args.env(), TasteLoss(Params(args), targets, args.Range(), args.Cancel(), &loss, args.Out<double>("outGradient")));
  return Napi::Number::New(args.env(), loss);
}

Napi::Value ListOrdersBinding(const Args& args) {
  Check(args.env(), ListOrders(Journal(args), args.In<int32_t>("users"), args.Cancel(), args.Out<int32_t>("outOwners"),
                               args.Out<int64_t>("outTimes"), args.Out<double>("outValues")));
  return args.env().Undefined();
}

}  // namespace

void ExportMoments(Napi::Object exports) {
  Export<UserMomentsBinding>(exports, "userMoments");
  Export<ListOrdersBinding>(exports, "listOrders");
  Export<TasteLossBinding>(exports, "tasteLoss");
}

}  // namespace couponcast::node
