#include <numeric>

#include "addon.h"
#include "background_work.h"
#include "couponcast/affinity.h"
#include "couponcast/item_recommender.h"
#include "couponcast/recommend.h"
#include "couponcast/release_cells.h"
#include "couponcast/response.h"
#include "recommend_args.h"
#include "weighting_args.h"

namespace couponcast::node {
namespace {

NeighbourLists Neighbours(const Args& args) {
  NeighbourLists lists;
  lists.counts = args.In<int32_t>("neighbourCounts");
  lists.indices = args.In<int32_t>("neighbourIndices");
  lists.scores = args.In<float>("neighbourScores");
  lists.rows = static_cast<int64_t>(lists.counts.size());
  lists.k = args.Integer("neighbourK");
  const auto check = [&lists] { return CheckNeighbours(lists, "neighbours"); };
  // Lists of one mapped file are checked once, others each time. The key holds all that the check depends on: another k or
  // other tensors of the same file are other lists.
  std::string key = "neighbours " + std::to_string(lists.k);
  std::vector<MappedFile*> files;
  for (const char* name : {"neighbourCounts", "neighbourIndices", "neighbourScores"}) {
    std::string tensor;
    const TensorFile* file = args.FileOf(name, &tensor);
    files.push_back(file == nullptr ? nullptr : file->mapped().get());
    key += " " + std::to_string(tensor.size()) + ":" + tensor;
  }
  const bool one_file = files[0] != nullptr && files[0] == files[1] && files[0] == files[2];
  Check(args.env(), one_file ? files[0]->CheckedOnce(key, check) : check());
  return lists;
}

Napi::Value RecommendItems(const Args& args) {
  Check(args.env(),
        RecommendFromItems(args.Users("matrix"), Neighbours(args), Params(args), args.Range(), Options(args), args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value RecommendUsers(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  Check(args.env(), RecommendFromUsers(matrix.by_user(), matrix.by_item(), Weights(args), args.Integer("k"), args.Range(), Options(args),
                                       args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value RecommendSeedLiteralBinding(const Args& args) {
  Check(args.env(), RecommendSeedLiteral(args.Users("matrix"), Params(args), args.Range(), Options(args), args.Cancel(), Output(args)));
  return args.env().Undefined();
}

Napi::Value RankPopularItemsBinding(const Args& args) {
  const PopularityLists lists =
      Unwrap(args.env(), RankPopularItems(args.Matrix("matrix").by_user(), args.Matrix("matrix").by_item(),
                                          args.OptionalIn<int32_t>("labels"), args.Integer("segments"), args.Cancel()));
  const Napi::Object out = Napi::Object::New(args.env());
  out.Set("indptr", CopyOf(args.env(), std::span<const int64_t>(lists.indptr)));
  out.Set("items", CopyOf(args.env(), std::span<const int32_t>(lists.items)));
  out.Set("scores", CopyOf(args.env(), std::span<const float>(lists.scores)));
  return out;
}

// {handle, ready}: the handle can be used once the promise `ready` is kept.
Napi::Value CreateItemRecommender(const Args& args) {
  auto made = std::make_shared<RowRecommender>();
  Handle handle;
  handle.recommender = made;
  const Napi::Object result = Napi::Object::New(args.env());
  result.Set("handle", WrapHandle(args.env(), std::move(handle)));
  args.RawMatrix("matrix");  // refuses a closed one
  const auto work = [made, matrix = args.GetHandle("matrix").matrix, lists = Neighbours(args), params = Params(args),
                     options = Options(args)]() -> Status {
    auto created = ItemRecommender::Create(lists, params, options);
    if (!created.ok()) return created.status();
    auto ids = IdIndex::Create(matrix->items());
    if (!ids.ok()) return ids.status();
    made->ids = std::move(ids.value());
    made->model = std::move(created.value());
    return {};
  };
  result.Set("ready", BackgroundWork::Start(args.env(), work, args.object()));
  return result;
}

RowRecommender& OpenRecommender(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal()) Throw(info.Env(), InvalidArgument("expected an open recommender"));
  RowRecommender* recommender = info[0].As<Napi::External<Handle>>().Data()->recommender.get();
  if (recommender == nullptr || recommender->model == nullptr) {
    Throw(info.Env(), Status(StatusCode::kClosed, "the recommender is closed"));
  }
  return *recommender;
}

// Memory that a recommender's calls share, so that a call looks at one buffer: places for a row, items int32 and values float32,
// then for n items of the answer, items int32, scores float32 and sources uint8.
struct RowMemory {
  std::span<int32_t> items;
  std::span<float> values;
  RecommendOutput answer;

  RowMemory(const Napi::CallbackInfo& info, int64_t n, std::span<int32_t> count) {
    if (!info[1].IsArrayBuffer()) Throw(info.Env(), InvalidArgument("expected an ArrayBuffer in memory"));
    auto buffer = info[1].As<Napi::ArrayBuffer>();
    const auto width = static_cast<size_t>(n);
    constexpr size_t kAnswer = sizeof(int32_t) + sizeof(float) + sizeof(uint8_t);
    if (buffer.ByteLength() < width * kAnswer) Throw(info.Env(), InvalidArgument("expected places for the answer in memory"));
    const size_t room = (buffer.ByteLength() - width * kAnswer) / (sizeof(int32_t) + sizeof(float));
    auto* const ints = static_cast<int32_t*>(buffer.Data());
    auto* const floats = static_cast<float*>(buffer.Data());
    items = {ints, room};
    values = {floats + room, room};
    answer = {{ints + 2 * room, width},
              {floats + 2 * room + width, width},
              {static_cast<uint8_t*>(buffer.Data()) + 8 * (room + width), width},
              count};
  }
};

template <typename T>
std::span<T> Positional(const Napi::CallbackInfo& info, size_t index, const char* name) {
  void* data = nullptr;
  size_t length = 0;
  if (!TypedArrayMemory(info.Env(), info[index], TypedArrayTypeOf<T>(), &data, &length)) {
    Throw(info.Env(), InvalidArgument(std::string("expected ") + TypedArrayName(TypedArrayTypeOf<T>()) + " in " + name));
  }
  return {static_cast<T*>(data), length};
}

// (recommender, memory, items, values or undefined) -> count. This function and the next have arguments by position: looking
// them up by name would cost as much as the work.
Napi::Value RecommendRow(const Napi::CallbackInfo& info) {
  const RowRecommender& recommender = OpenRecommender(info);
  int32_t count = 0;
  const RowMemory memory(info, recommender.model->n(), std::span<int32_t>(&count, 1));
  const std::span<const float> values = info[3].IsUndefined() ? std::span<const float>() : Positional<float>(info, 3, "values");
  Check(info.Env(), recommender.model->Recommend(Positional<int32_t>(info, 2, "items"), values, memory.answer));
  return Napi::Number::New(info.Env(), count);
}

// (recommender, memory, text, size, whether there are values) -> count. `text` is the ids of the row, one behind the other; their
// lengths are in the memory's items, and their values in its values.
Napi::Value RecommendIds(const Napi::CallbackInfo& info) {
  RowRecommender& recommender = OpenRecommender(info);
  int32_t count = 0;
  const RowMemory memory(info, recommender.model->n(), std::span<int32_t>(&count, 1));
  const auto size = static_cast<size_t>(info[3].As<Napi::Number>().Int64Value());
  if (!info[2].IsString() || size > memory.items.size()) Throw(info.Env(), InvalidArgument("expected ids and places for them"));
  const std::span<int32_t> items = memory.items.first(size);
  constexpr size_t kMostBytes = 3;  // of a UTF-16 code unit in UTF-8
  const auto units = static_cast<size_t>(std::accumulate(items.begin(), items.end(), int64_t{0}));
  if (recommender.text.size() < units * kMostBytes + 1) recommender.text.resize(units * kMostBytes + 1);
  size_t bytes = 0;
  napi_get_value_string_utf8(info.Env(), info[2], recommender.text.data(), recommender.text.size(), &bytes);
  const bool has_values = info[4].As<Napi::Boolean>().Value();
  const std::span<float> values = has_values ? memory.values.first(size) : std::span<float>();
  const size_t known = recommender.ids.Find(std::string_view(recommender.text).substr(0, bytes), items, values);
  Check(info.Env(), recommender.model->Recommend(items.first(known), values.first(has_values ? known : 0), memory.answer));
  return Napi::Number::New(info.Env(), count);
}

Napi::Value ScopeWeightsItems(const Args& args) {
  const NeighbourLists lists = Neighbours(args);
  Check(args.env(), ScopeWeightsOfItems(lists, Scopes(args, lists.rows), args.Range(), args.Cancel(), args.Out<float>("outWeights")));
  return args.env().Undefined();
}

Napi::Value ScopeWeightsUsers(const Args& args) {
  const CsrView& users = args.Users("matrix");
  Check(args.env(), ScopeWeightsOfUsers(users, Scopes(args, users.cols), args.Range(), args.Cancel(), args.Out<float>("outWeights")));
  return args.env().Undefined();
}

Napi::Value AffinityItems(const Args& args) {
  Check(args.env(), AffinityFromItems(args.Users("matrix"), args.In<float>("weights"), args.Integer("columns"), Params(args), args.Range(),
                                      args.Cancel(), args.Out<float>("outAffinity")));
  // Each row is read once: what is behind need not stay in memory.
  const auto& file = args.RawMatrix("matrix").file().mapped();
  if (file != nullptr) ReleaseCells(args.RawMatrix("matrix").by_user(), args.Range(), *file);
  return args.env().Undefined();
}

Napi::Value AffinityUsers(const Args& args) {
  const BehaviourMatrix& matrix = args.Matrix("matrix");
  Check(args.env(), AffinityFromUsers(matrix.by_user(), matrix.by_item(), Weights(args), args.Integer("k"), args.In<float>("weights"),
                                      args.Integer("columns"), args.Range(), args.Cancel(), args.Out<float>("outAffinity")));
  return args.env().Undefined();
}

Napi::Value AffinitySumsBinding(const Args& args) {
  Check(args.env(), AffinitySums(args.In<float>("affinity"), args.Integer("columns"), args.In<int32_t>("labels"), args.Integer("segments"),
                                 args.Range(), args.Out<double>("outSums"), args.Out<double>("outShares"), args.Out<int64_t>("outCounts")));
  return args.env().Undefined();
}

PairInputs Pairs(const Args& args) {
  PairInputs pairs;
  pairs.mean_share = args.In<float>("meanShare");
  pairs.coupons = static_cast<int64_t>(pairs.mean_share.size());
  pairs.affinity = args.In<float>("affinity");
  pairs.order_value = args.In<double>("orderValue");
  pairs.tiers = {args.In<int32_t>("tierIndptr"), args.In<double>("tierThreshold"), args.In<double>("tierAmount"),
                 args.In<double>("tierPercent"), args.In<double>("tierMaxDiscount")};
  pairs.purchase_rate = args.OptionalIn<double>("purchaseRate");
  pairs.horizon_days = args.OptionalIn<double>("horizonDays");
  pairs.user_channels = args.OptionalIn<uint8_t>("userChannels");
  pairs.coupon_channels = args.OptionalIn<uint8_t>("couponChannels");
  return pairs;
}

Napi::Value PairFeaturesBinding(const Args& args) {
  Check(args.env(), PairFeatures(Pairs(args), args.In<int32_t>("users"), args.In<int32_t>("coupons"),
                                 args.OptionalIn<double>("pairHorizonDays"), args.Out<float>("outFeatures")));
  return args.env().Undefined();
}

Napi::Value MakeCandidatesBinding(const Args& args) {
  CandidateParams params;
  params.pairs = Pairs(args);
  params.pair_knots = args.In<double>("pairKnots");
  params.pair_beta = args.In<double>("pairBeta");
  params.user_score = args.In<double>("userScore");
  params.coupon_score = args.In<double>("couponScore");
  params.purchase_rate = args.In<double>("anywayRate");
  params.horizon_days = args.In<double>("horizonDays");
  params.margin_rate = args.In<double>("marginRate");
  params.order_spread = args.Number("orderSpread");
  params.reasons = args.In<uint8_t>("reasons");
  params.no_value_reason = args.Byte("noValueReason");
  params.limit = args.Integer("limit");
  if (args.Has("suggestedUsers")) {
    params.suggested_users = args.In<int32_t>("suggestedUsers");
    params.suggested_coupons = args.In<int32_t>("suggestedCoupons");
    params.suggested_limit = args.Integer("suggestedLimit");
  }
  params.given_redeem = args.OptionalIn<float>("givenRedeem");
  params.given_anyway = args.OptionalIn<float>("givenAnyway");
  const CandidateOutput output{args.Out<int32_t>("outCoupons"),     args.Out<int64_t>("outValue"),  args.Out<int64_t>("outCost"),
                               args.Out<float>("outPRedeem"),       args.Out<int32_t>("outCounts"), args.Out<uint8_t>("outReasons"),
                               args.OptionalOut<int64_t>("outFace")};
  Check(args.env(), MakeCandidates(params, args.Range(), args.Cancel(), output));
  return args.env().Undefined();
}

}  // namespace

void ExportScoring(Napi::Object exports) {
  Export<RecommendItems>(exports, "recommendItems");
  Export<RecommendUsers>(exports, "recommendUsers");
  Export<RecommendSeedLiteralBinding>(exports, "recommendSeedLiteral");
  Export<RankPopularItemsBinding>(exports, "rankPopularItems");
  Export<CreateItemRecommender>(exports, "createItemRecommender");
  exports.Set("recommendRow", Napi::Function::New(exports.Env(), GuardedCall<RecommendRow>, "recommendRow"));
  exports.Set("recommendIds", Napi::Function::New(exports.Env(), GuardedCall<RecommendIds>, "recommendIds"));
  Export<ScopeWeightsItems>(exports, "scopeWeightsItems");
  Export<ScopeWeightsUsers>(exports, "scopeWeightsUsers");
  Export<AffinityItems>(exports, "affinityItems");
  Export<AffinityUsers>(exports, "affinityUsers");
  Export<AffinitySumsBinding>(exports, "affinitySums");
  Export<PairFeaturesBinding>(exports, "pairFeatures");
  Export<MakeCandidatesBinding>(exports, "makeCandidates");
}

}  // namespace couponcast::node
