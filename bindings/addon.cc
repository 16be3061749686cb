#include "addon.h"

#include <hwy/targets.h>

#include <cmath>
#include <limits>

#include "couponcast/version.h"

namespace couponcast::node {

Napi::Error MakeError(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("couponcastStatus", Napi::Number::New(env, static_cast<double>(status.code())));
  return error;
}

void Throw(Napi::Env env, const Status& status) { throw MakeError(env, status); }

Napi::Value WrapHandle(Napi::Env env, Handle handle) {
  return Napi::External<Handle>::New(env, new Handle(std::move(handle)), [](Napi::Env, Handle* owned) { delete owned; });
}

Args::Args(const Napi::CallbackInfo& info) : env_(info.Env()) {
  if (info.Length() != 1 || !info[0].IsObject()) Throw(env_, InvalidArgument("expected one object of named arguments"));
  object_ = info[0].As<Napi::Object>();
}

void Args::Expected(const char* name, const std::string& what) const {
  const Napi::Value value = object_.Get(name);
  Throw(env_, InvalidArgument("expected " + what + " for " + name + " but received " + value.ToString().Utf8Value().substr(0, 64)));
}

Napi::Value Args::Get(const char* name) const { return object_.Get(name); }

bool Args::Has(const char* name) const {
  const Napi::Value value = object_.Get(name);
  return !value.IsUndefined() && !value.IsNull();
}

std::string Args::Text(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (!value.IsString()) Expected(name, "text");
  return value.As<Napi::String>().Utf8Value();
}

bool Args::Bool(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (!value.IsBoolean()) Expected(name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

double Args::Number(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (!value.IsNumber()) Expected(name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

bool SafeInteger(Napi::Value value, int64_t* out) {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(std::fabs(number) <= kMaxSafeInteger) || number != std::floor(number)) return false;
  *out = static_cast<int64_t>(number);
  return true;
}

int64_t Args::Integer(const char* name) const {
  int64_t number = 0;
  if (!SafeInteger(object_.Get(name), &number)) Expected(name, "a whole number");
  return number;
}

uint8_t Args::Byte(const char* name) const {
  const int64_t number = Integer(name);
  if (number < 0 || number > std::numeric_limits<uint8_t>::max()) Expected(name, "a number from 0 to 255");
  return static_cast<uint8_t>(number);
}

const TensorFile* Args::FileOf(const char* name, std::string* tensor) const {
  const Napi::Value value = Get(name);
  if (!value.IsObject() || value.IsTypedArray()) return nullptr;
  const auto reference = value.As<Napi::Object>();
  const Napi::Value handle = reference.Get("handle");
  const Napi::Value tensor_name = reference.Get("tensor");
  if (!handle.IsExternal() || !tensor_name.IsString()) Expected(name, "a typed array or {handle, tensor}");
  const auto* owner = handle.As<Napi::External<Handle>>().Data();
  if (owner->file == nullptr) Throw(env_, Status(StatusCode::kClosed, std::string(name) + ": the file is closed"));
  *tensor = tensor_name.As<Napi::String>().Utf8Value();
  return owner->file.get();
}

RowRange Args::Range() const { return {Integer("begin"), Integer("end")}; }

CancelFlag Args::Cancel() const {
  if (!Has("cancel")) return {};
  const std::span<const int32_t> flag = In<int32_t>("cancel");
  if (flag.empty()) Expected("cancel", "an Int32Array of one element");
  return CancelFlag(flag.data());
}

ProgressGauge Args::Progress() const {
  if (!Has("progress")) return {};
  const std::span<int32_t> gauge = Out<int32_t>("progress");
  if (gauge.empty()) Expected("progress", "an Int32Array of one element");
  return ProgressGauge(gauge.data());
}

Handle& Args::GetHandle(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (!value.IsExternal()) Expected(name, "an open handle");
  return *value.As<Napi::External<Handle>>().Data();
}

const BehaviourMatrix& Args::RawMatrix(const char* name) const {
  const Handle& handle = GetHandle(name);
  if (handle.matrix == nullptr) Throw(env_, Status(StatusCode::kClosed, "the matrix is closed"));
  return *handle.matrix;
}

const BehaviourMatrix& Args::Matrix(const char* name) const {
  const BehaviourMatrix& matrix = RawMatrix(name);
  Check(env_, matrix.EnsureValid());
  return matrix;
}

const CsrView& Args::Users(const char* name) const {
  const BehaviourMatrix& matrix = RawMatrix(name);
  Check(env_, matrix.EnsureUsersValid());
  return matrix.by_user();
}

bool TypedArrayMemory(Napi::Env env, Napi::Value value, napi_typedarray_type type, void** data, size_t* length) {
  napi_typedarray_type actual = napi_int8_array;
  // Napi::TypedArray asks for the ArrayBuffer, which fails on a SharedArrayBuffer; this call does not.
  if (!value.IsTypedArray() || napi_get_typedarray_info(env, value, &actual, length, data, nullptr, nullptr) != napi_ok) return false;
  return actual == type;
}

const char* TypedArrayName(napi_typedarray_type type) {
  switch (type) {
    case napi_bigint64_array:
      return "a BigInt64Array";
    case napi_float64_array:
      return "a Float64Array";
    case napi_int32_array:
      return "an Int32Array";
    case napi_float32_array:
      return "a Float32Array";
    default:
      return "a Uint8Array";
  }
}

namespace {

Napi::Value CoreInfo(const Args& args) {
  const Napi::Object info = Napi::Object::New(args.env());
  info.Set("version", CoreVersion());
  const std::vector<std::string> names = SimdTargets();
  const Napi::Array targets = Napi::Array::New(args.env(), names.size());
  for (uint32_t i = 0; i < names.size(); ++i) targets.Set(i, names[i]);
  info.Set("simdTargets", targets);
  info.Set("liveMaps", Napi::Number::New(args.env(), static_cast<double>(MappedFile::LiveCount())));
  return info;
}

// Addon state belongs to the environment: the addon loads in any number of threads, any number of times.
class CouponcastAddon : public Napi::Addon<CouponcastAddon> {
 public:
  CouponcastAddon(Napi::Env /*env*/, Napi::Object exports) {
    // Once: a kernel that finds the target unchosen looks for it at each call.
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    Export<CoreInfo>(exports, "coreInfo");
    ExportStore(exports);
    ExportSimilarity(exports);
    ExportScoring(exports);
    ExportLearn(exports);
    ExportStrata(exports);
    ExportKmeans(exports);
    ExportKmeansBatch(exports);
    ExportProfile(exports);
    ExportDensity(exports);
    ExportSequence(exports);
    ExportMining(exports);
    ExportMoments(exports);
    ExportRanking(exports);
    ExportAllocation(exports);
    ExportExplore(exports);
    ExportFactor(exports);
    ExportItemModels(exports);
    ExportEvaluation(exports);
  }
};

}  // namespace
}  // namespace couponcast::node

using couponcast::node::CouponcastAddon;
NODE_API_ADDON(CouponcastAddon)
