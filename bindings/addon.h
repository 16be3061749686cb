// The only header that includes napi.h. Bindings convert, check types, call the core and translate errors; no loops
// over data. Every function takes one object of named arguments.
#ifndef COUPONCAST_BINDINGS_ADDON_H_
#define COUPONCAST_BINDINGS_ADDON_H_

#include <napi.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "couponcast/file_lock.h"
#include "couponcast/id_index.h"
#include "couponcast/item_recommender.h"
#include "couponcast/kernel.h"
#include "couponcast/matrix.h"
#include "couponcast/matrix_writer.h"
#include "couponcast/status.h"
#include "couponcast/tensor_file.h"

namespace couponcast::node {

// A JavaScript Error with the status number in `couponcastStatus`; src/native/ makes a CouponcastError of it.
Napi::Error MakeError(Napi::Env env, const Status& status);
[[noreturn]] void Throw(Napi::Env env, const Status& status);
inline void Check(Napi::Env env, const Status& status) {
  if (!status.ok()) Throw(env, status);
}
template <typename T>
T Unwrap(Napi::Env env, Result<T> result) {
  if (!result.ok()) Throw(env, result.status());
  return std::move(result.value());
}

// An item model and the ids of its items.
struct RowRecommender {
  std::unique_ptr<ItemRecommender> model;  // empty until it is made
  IdIndex ids;
  std::string text;  // of the ids of a call
};

// What a JavaScript handle (an External) owns. Closing frees it at once; the garbage collector does so at the latest.
struct Handle {
  std::shared_ptr<BehaviourMatrix> matrix;
  std::shared_ptr<TensorFile> file;
  std::unique_ptr<TensorFileWriter> file_writer;
  std::unique_ptr<MatrixWriter> matrix_writer;
  std::unique_ptr<FileLock> lock;
  std::shared_ptr<RowRecommender> recommender;
};
Napi::Value WrapHandle(Napi::Env env, Handle handle);

// Named arguments of one call.
class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info);

  Napi::Env env() const { return env_; }
  Napi::Object object() const { return object_; }
  bool Has(const char* name) const;

  std::string Text(const char* name) const;
  bool Bool(const char* name) const;
  double Number(const char* name) const;
  int64_t Integer(const char* name) const;  // a safe integer
  uint8_t Byte(const char* name) const;     // 0 to 255
  RowRange Range() const;                   // from `begin` and `end`
  CancelFlag Cancel() const;                // from the Int32Array `cancel`, if given
  ProgressGauge Progress() const;           // from the Int32Array `progress`, if given
  Handle& GetHandle(const char* name) const;
  // The open matrix behind a handle, unchecked content / content that kernels may run on.
  const BehaviourMatrix& RawMatrix(const char* name) const;
  const BehaviourMatrix& Matrix(const char* name) const;
  // Of an open matrix the rows of users, checked without the rest.
  const CsrView& Users(const char* name) const;

  // A typed array of T, over an ArrayBuffer or a SharedArrayBuffer, or {handle, tensor} of an open tensor file.
  template <typename T>
  std::span<const T> In(const char* name) const;
  // A typed array of T to write to.
  template <typename T>
  std::span<T> Out(const char* name) const;
  // As In and Out; empty when the argument is not given.
  template <typename T>
  std::span<const T> OptionalIn(const char* name) const {
    return Has(name) ? In<T>(name) : std::span<const T>();
  }
  template <typename T>
  std::span<T> OptionalOut(const char* name) const {
    return Has(name) ? Out<T>(name) : std::span<T>();
  }

  // The open file of an argument {handle, tensor}, and the tensor's name; null when the argument is anything else.
  const TensorFile* FileOf(const char* name, std::string* tensor) const;

  Napi::Value Get(const char* name) const;

 private:
  [[noreturn]] void Expected(const char* name, const std::string& what) const;

  Napi::Env env_;
  Napi::Object object_;
};

// Whether `value` is a whole number that float64 holds exactly.
bool SafeInteger(Napi::Value value, int64_t* out);

// The memory of a typed array, whatever kind of buffer is behind it. False if `value` is no typed array of `type`.
bool TypedArrayMemory(Napi::Env env, Napi::Value value, napi_typedarray_type type, void** data, size_t* length);

template <typename T>
constexpr napi_typedarray_type TypedArrayTypeOf();
template <>
constexpr napi_typedarray_type TypedArrayTypeOf<int64_t>() {
  return napi_bigint64_array;
}
template <>
constexpr napi_typedarray_type TypedArrayTypeOf<double>() {
  return napi_float64_array;
}
template <>
constexpr napi_typedarray_type TypedArrayTypeOf<int32_t>() {
  return napi_int32_array;
}
template <>
constexpr napi_typedarray_type TypedArrayTypeOf<float>() {
  return napi_float32_array;
}
template <>
constexpr napi_typedarray_type TypedArrayTypeOf<uint8_t>() {
  return napi_uint8_array;
}

const char* TypedArrayName(napi_typedarray_type type);

template <typename T>
std::span<T> Args::Out(const char* name) const {
  void* data = nullptr;
  size_t length = 0;
  if (!TypedArrayMemory(env_, Get(name), TypedArrayTypeOf<T>(), &data, &length)) Expected(name, TypedArrayName(TypedArrayTypeOf<T>()));
  return {static_cast<T*>(data), length};
}

template <typename T>
std::span<const T> Args::In(const char* name) const {
  std::string tensor;
  const TensorFile* file = FileOf(name, &tensor);
  if (file != nullptr) return Unwrap(env_, file->Get<T>(tensor));
  return Out<T>(name);
}

// A copy of `values` as a typed array.
template <typename T>
Napi::Value CopyOf(Napi::Env env, std::span<const T> values) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, values.size_bytes());
  if (!values.empty()) std::copy(values.begin(), values.end(), static_cast<T*>(buffer.Data()));
  napi_value array = nullptr;
  if (napi_create_typedarray(env, TypedArrayTypeOf<T>(), values.size(), buffer, 0, &array) != napi_ok) {
    Throw(env, Status(StatusCode::kOutOfMemory, "cannot make a typed array"));
  }
  return {env, array};
}

// Wraps a binding so that nothing but a JavaScript Error leaves it.
template <Napi::Value (*kFunction)(const Napi::CallbackInfo&)>
Napi::Value GuardedCall(const Napi::CallbackInfo& info) {
  try {
    return kFunction(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    Throw(info.Env(), Status(StatusCode::kOutOfMemory, "out of memory"));
  } catch (const std::exception& error) {
    Throw(info.Env(), Status(StatusCode::kInternal, error.what()));
  }
}

// A binding that takes one object of named arguments.
template <Napi::Value (*kFunction)(const Args&)>
Napi::Value NamedCall(const Napi::CallbackInfo& info) {
  return kFunction(Args(info));
}

template <Napi::Value (*kFunction)(const Args&)>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(exports.Env(), GuardedCall<NamedCall<kFunction>>, name));
}

void ExportStore(Napi::Object exports);
void ExportSimilarity(Napi::Object exports);
void ExportScoring(Napi::Object exports);
void ExportLearn(Napi::Object exports);
void ExportStrata(Napi::Object exports);
void ExportKmeans(Napi::Object exports);
void ExportKmeansBatch(Napi::Object exports);
void ExportProfile(Napi::Object exports);
void ExportDensity(Napi::Object exports);
void ExportSequence(Napi::Object exports);
void ExportMining(Napi::Object exports);
void ExportMoments(Napi::Object exports);
void ExportRanking(Napi::Object exports);
void ExportAllocation(Napi::Object exports);
void ExportExplore(Napi::Object exports);
void ExportFactor(Napi::Object exports);
void ExportItemModels(Napi::Object exports);
void ExportEvaluation(Napi::Object exports);

}  // namespace couponcast::node

#endif  // COUPONCAST_BINDINGS_ADDON_H_
