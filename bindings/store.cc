#include <functional>

#include "addon.h"
#include "background_work.h"

#include "couponcast/csv_format.h"
#include "couponcast/large_pages.h"

namespace couponcast::node {
namespace {

Napi::Object TextMap(Napi::Env env, const std::map<std::string, std::string>& map) {
  const Napi::Object object = Napi::Object::New(env);
  for (const auto& [key, value] : map) object.Set(key, value);
  return object;
}

std::map<std::string, std::string> TextMapArgument(const Args& args, const char* name) {
  std::map<std::string, std::string> map;
  const auto object = args.Get(name).As<Napi::Object>();
  const Napi::Array keys = object.GetPropertyNames();
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const Napi::Value key = keys.Get(i);
    map[key.ToString().Utf8Value()] = object.Get(key).ToString().Utf8Value();
  }
  return map;
}

Napi::Value OpenMatrix(const Args& args) {
  Handle handle;
  handle.matrix = std::make_shared<BehaviourMatrix>(Unwrap(args.env(), BehaviourMatrix::Open(args.Text("path"))));
  return WrapHandle(args.env(), std::move(handle));
}

Napi::Value MatrixInfo(const Args& args) {
  const BehaviourMatrix& matrix = args.RawMatrix("matrix");
  const Napi::Object info = Napi::Object::New(args.env());
  info.Set("numUsers", Napi::Number::New(args.env(), static_cast<double>(matrix.users().size())));
  info.Set("numItems", Napi::Number::New(args.env(), static_cast<double>(matrix.items().size())));
  info.Set("nnz", Napi::Number::New(args.env(), static_cast<double>(matrix.by_user().nnz())));
  info.Set("metadata", TextMap(args.env(), matrix.file().metadata()));
  return info;
}

Napi::Value VerifyMatrix(const Args& args) {
  Check(args.env(), args.RawMatrix("matrix").Verify());
  return args.env().Undefined();
}

Napi::Value CheckMatrix(const Args& args) {
  const BehaviourMatrix& matrix = args.RawMatrix("matrix");
  Check(args.env(), args.Text("axis") == "users" ? matrix.EnsureUsersValid() : matrix.EnsureItemsValid());
  return args.env().Undefined();
}

const IdView& Ids(const Args& args) {
  const BehaviourMatrix& matrix = args.RawMatrix("matrix");
  return args.Text("axis") == "users" ? matrix.users() : matrix.items();
}

Napi::Value MatrixIds(const Args& args) {
  const IdView& ids = Ids(args);
  const RowRange range = args.Range();
  if (range.begin < 0 || range.begin > range.end || range.end > ids.size()) Throw(args.env(), OutOfRange("ids outside the matrix"));
  const Napi::Array out = Napi::Array::New(args.env(), static_cast<size_t>(range.size()));
  for (int64_t i = range.begin; i < range.end; ++i) {
    const std::string_view id = ids.At(i);
    out.Set(static_cast<uint32_t>(i - range.begin), Napi::String::New(args.env(), id.data(), id.size()));
  }
  return out;
}

Napi::Value FindId(const Args& args) { return Napi::Number::New(args.env(), static_cast<double>(Ids(args).Find(args.Text("id")))); }

// One row as copies: a user's items with their values, or an item's users. No other row is checked: on the thread that calls,
// a pass over the whole matrix would hold the event loop.
Napi::Value MatrixRow(const Args& args) {
  const BehaviourMatrix& matrix = args.RawMatrix("matrix");
  const bool by_user = args.Text("axis") == "users";
  const CsrView& view = by_user ? matrix.by_user() : matrix.by_item();
  const int64_t row = args.Integer("row");
  if (row < 0 || row >= view.rows) Throw(args.env(), OutOfRange("row " + std::to_string(row) + " is outside the matrix"));
  if (!CheckCsrRow(view, row, "row").ok()) {
    Throw(args.env(), CorruptFile(matrix.file().name() + ": row " + std::to_string(row) + " of " + (by_user ? "csr" : "csc") +
                                  " is not ascending, in range and finite"));
  }
  const Napi::Object out = Napi::Object::New(args.env());
  out.Set("indices", CopyOf(args.env(), view.row_indices(row)));
  out.Set("values", CopyOf(args.env(), view.row_values(row)));
  return out;
}

Napi::Value OpenTensors(const Args& args) {
  Handle handle;
  handle.file = std::make_shared<TensorFile>(Unwrap(args.env(), TensorFile::Open(args.Text("path"))));
  return WrapHandle(args.env(), std::move(handle));
}

const TensorFile& File(const Args& args) {
  const Handle& handle = args.GetHandle("file");
  if (handle.matrix != nullptr) return handle.matrix->file();
  if (handle.file == nullptr) Throw(args.env(), Status(StatusCode::kClosed, "the file is closed"));
  return *handle.file;
}

Napi::Value TensorsInfo(const Args& args) {
  const TensorFile& file = File(args);
  const Napi::Object tensors = Napi::Object::New(args.env());
  for (const auto& [name, tensor] : file.tensors()) {
    const Napi::Object entry = Napi::Object::New(args.env());
    const Napi::Array shape = Napi::Array::New(args.env(), tensor.shape.size());
    for (uint32_t i = 0; i < tensor.shape.size(); ++i) shape.Set(i, Napi::Number::New(args.env(), static_cast<double>(tensor.shape[i])));
    entry.Set("dtype", DtypeName(tensor.dtype));
    entry.Set("shape", shape);
    tensors.Set(name, entry);
  }
  const Napi::Object info = Napi::Object::New(args.env());
  info.Set("metadata", TextMap(args.env(), file.metadata()));
  info.Set("tensors", tensors);
  return info;
}

Napi::Value ReadTensor(const Args& args) {
  const TensorFile& file = File(args);
  const std::string name = args.Text("tensor");
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) Throw(args.env(), CorruptFile(file.name() + ": it has no tensor " + name));
  switch (found->second.dtype) {
    case Dtype::kI64:
      return CopyOf(args.env(), Unwrap(args.env(), file.Get<int64_t>(name)));
    case Dtype::kF64:
      return CopyOf(args.env(), Unwrap(args.env(), file.Get<double>(name)));
    case Dtype::kI32:
      return CopyOf(args.env(), Unwrap(args.env(), file.Get<int32_t>(name)));
    case Dtype::kF32:
      return CopyOf(args.env(), Unwrap(args.env(), file.Get<float>(name)));
    case Dtype::kU8:
      return CopyOf(args.env(), Unwrap(args.env(), file.Get<uint8_t>(name)));
  }
  return args.env().Undefined();
}

Napi::Value VerifyTensors(const Args& args) {
  Check(args.env(), File(args).VerifyDigest());
  return args.env().Undefined();
}

Napi::Value CreateTensorFile(const Args& args) {
  std::vector<TensorSpec> tensors;
  const auto list = args.Get("tensors").As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto entry = list.Get(i).As<Napi::Object>();
    TensorSpec spec;
    spec.name = entry.Get("name").ToString().Utf8Value();
    spec.dtype = Unwrap(args.env(), ParseDtype(entry.Get("dtype").ToString().Utf8Value()));
    const auto shape = entry.Get("shape").As<Napi::Array>();
    for (uint32_t d = 0; d < shape.Length(); ++d) {
      int64_t extent = 0;
      if (!SafeInteger(shape.Get(d), &extent))
        Throw(args.env(), InvalidArgument("tensor " + spec.name + ": its shape holds no whole number"));
      spec.shape.push_back(extent);
    }
    tensors.push_back(std::move(spec));
  }
  Handle handle;
  handle.file_writer =
      Unwrap(args.env(), TensorFileWriter::Create(args.Text("path"), std::move(tensors), TextMapArgument(args, "metadata")));
  const Napi::Object out = Napi::Object::New(args.env());
  const Napi::Object offsets = Napi::Object::New(args.env());
  for (const auto& [name, offset] : handle.file_writer->offsets())
    offsets.Set(name, Napi::Number::New(args.env(), static_cast<double>(offset)));
  out.Set("fd", Napi::Number::New(args.env(), handle.file_writer->fd()));
  out.Set("offsets", offsets);
  out.Set("handle", WrapHandle(args.env(), std::move(handle)));
  return out;
}

Napi::Value CreateMatrix(const Args& args) {
  const MatrixShape shape{args.Integer("numUsers"), args.Integer("numItems"), args.Integer("nnz"), args.Integer("userIdBytes"),
                          args.Integer("itemIdBytes")};
  Handle handle;
  handle.matrix_writer = Unwrap(args.env(), MatrixWriter::Create(args.Text("path"), shape, TextMapArgument(args, "metadata")));
  return WrapHandle(args.env(), std::move(handle));
}

MatrixWriter& Writer(const Args& args) {
  const Handle& handle = args.GetHandle("writer");
  if (handle.matrix_writer == nullptr) Throw(args.env(), Status(StatusCode::kClosed, "the writer is closed"));
  return *handle.matrix_writer;
}

Napi::Value AppendIds(const Args& args) {
  const auto list = args.Get("ids").As<Napi::Array>();
  std::vector<std::string> ids;
  ids.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); ++i) ids.push_back(list.Get(i).ToString().Utf8Value());
  const std::vector<std::string_view> views(ids.begin(), ids.end());
  Check(args.env(), Writer(args).AppendIds(args.Text("axis") == "users" ? MatrixWriter::Axis::kUsers : MatrixWriter::Axis::kItems, views));
  return args.env().Undefined();
}

Napi::Value AppendCells(const Args& args) {
  Check(args.env(), Writer(args).AppendCells(args.In<int32_t>("rows"), args.In<int32_t>("cols"), args.In<float>("values")));
  return args.env().Undefined();
}

Napi::Value CommitTensorFile(const Args& args) {
  Handle& handle = args.GetHandle("writer");
  if (handle.file_writer == nullptr) Throw(args.env(), Status(StatusCode::kClosed, "the writer is closed"));
  return BackgroundWork::Start(args.env(), [writer = std::shared_ptr(std::move(handle.file_writer))] { return writer->Commit(); });
}

Napi::Value CommitMatrix(const Args& args) {
  Handle& handle = args.GetHandle("writer");
  Writer(args);
  return BackgroundWork::Start(args.env(), [writer = std::shared_ptr(std::move(handle.matrix_writer))] { return writer->Commit(); });
}

// Frees what a handle owns now: unmaps a file unless others use it, removes the temporary of an unfinished writer.
Napi::Value CloseHandle(const Args& args) {
  args.GetHandle("handle") = Handle();
  return args.env().Undefined();
}

Napi::Value DigestFileBinding(const Args& args) { return Napi::String::New(args.env(), Unwrap(args.env(), DigestFile(args.Text("path")))); }

Napi::Value FormatCsvBinding(const Args& args) {
  const auto list = args.Get("columns").As<Napi::Array>();
  std::vector<NumberColumn> columns;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value array = list.Get(i);
    void* data = nullptr;
    size_t length = 0;
    if (TypedArrayMemory(args.env(), array, napi_bigint64_array, &data, &length)) {
      columns.emplace_back(std::span(static_cast<const int64_t*>(data), length));
    } else if (TypedArrayMemory(args.env(), array, napi_float64_array, &data, &length)) {
      columns.emplace_back(std::span(static_cast<const double*>(data), length));
    } else if (TypedArrayMemory(args.env(), array, napi_int32_array, &data, &length)) {
      columns.emplace_back(std::span(static_cast<const int32_t*>(data), length));
    } else if (TypedArrayMemory(args.env(), array, napi_float32_array, &data, &length)) {
      columns.emplace_back(std::span(static_cast<const float*>(data), length));
    } else if (TypedArrayMemory(args.env(), array, napi_uint8_array, &data, &length)) {
      columns.emplace_back(std::span(static_cast<const uint8_t*>(data), length));
    } else {
      Throw(args.env(), InvalidArgument("column " + std::to_string(i) + " is not a typed array of a known type"));
    }
  }
  const std::string text =
      Unwrap(args.env(), FormatCsv(columns, args.Range(), args.Has("skipNegative") ? args.Integer("skipNegative") : -1));
  return CopyOf(args.env(), std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

Napi::Value GatherBinding(const Args& args) {
  Check(args.env(), Gather(args.In<float>("source"), args.In<int64_t>("positions"), args.Out<float>("out")));
  return args.env().Undefined();
}

Napi::Value PreferLargePagesBinding(const Args& args) {
  PreferLargePages(args.Out<uint8_t>("memory"));
  return args.env().Undefined();
}

Napi::Value LockFile(const Args& args) {
  Handle handle;
  handle.lock = Unwrap(args.env(), FileLock::Acquire(args.Text("path"), args.Text("content")));
  return WrapHandle(args.env(), std::move(handle));
}

}  // namespace

void ExportStore(Napi::Object exports) {
  Export<OpenMatrix>(exports, "openMatrix");
  Export<MatrixInfo>(exports, "matrixInfo");
  Export<VerifyMatrix>(exports, "verifyMatrix");
  Export<CheckMatrix>(exports, "checkMatrix");
  Export<MatrixIds>(exports, "matrixIds");
  Export<FindId>(exports, "findId");
  Export<MatrixRow>(exports, "matrixRow");
  Export<OpenTensors>(exports, "openTensors");
  Export<TensorsInfo>(exports, "tensorsInfo");
  Export<ReadTensor>(exports, "readTensor");
  Export<VerifyTensors>(exports, "verifyTensors");
  Export<CreateTensorFile>(exports, "createTensorFile");
  Export<CommitTensorFile>(exports, "commitTensorFile");
  Export<CreateMatrix>(exports, "createMatrix");
  Export<AppendIds>(exports, "appendIds");
  Export<AppendCells>(exports, "appendCells");
  Export<CommitMatrix>(exports, "commitMatrix");
  Export<CloseHandle>(exports, "closeHandle");
  Export<DigestFileBinding>(exports, "digestFile");
  Export<FormatCsvBinding>(exports, "formatCsv");
  Export<GatherBinding>(exports, "gather");
  Export<PreferLargePagesBinding>(exports, "preferLargePages");
  Export<LockFile>(exports, "lockFile");
}

}  // namespace couponcast::node
