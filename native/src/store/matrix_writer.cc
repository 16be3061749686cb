#include "couponcast/matrix_writer.h"

#include <sys/mman.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "couponcast/matrix.h"

namespace couponcast {
namespace {

constexpr int64_t kMaxExtent = std::numeric_limits<int32_t>::max() - 1;

std::vector<int64_t> PrefixSums(const std::vector<int64_t>& counts) {
  std::vector<int64_t> sums(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), sums.begin() + 1);
  return sums;
}

// Writable map of the file under construction; nobody else has it yet.
class WritableMap {
 public:
  WritableMap(int fd, size_t size) : size_(size), data_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {}
  ~WritableMap() {
    if (ok()) ::munmap(data_, size_);
  }
  WritableMap(const WritableMap&) = delete;
  WritableMap& operator=(const WritableMap&) = delete;
  bool ok() const { return data_ != MAP_FAILED; }
  template <typename T>
  T* At(int64_t position) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(data_) + position);
  }

 private:
  size_t size_;
  void* data_;
};

}  // namespace

Result<std::unique_ptr<MatrixWriter>> MatrixWriter::Create(const std::string& path, const MatrixShape& shape,
                                                           std::map<std::string, std::string> metadata) {
  for (const int64_t count : {shape.users, shape.items}) {
    if (count < 0 || count > kMaxExtent)
      return InvalidArgument("expected 0 to 2^31 - 2 users and items but received " + std::to_string(count));
  }
  for (const int64_t count : {shape.nnz, shape.user_id_bytes, shape.item_id_bytes}) {
    if (count < 0) return InvalidArgument("expected a count >= 0 but received " + std::to_string(count));
  }
  Result<std::unique_ptr<TensorFileWriter>> file = TensorFileWriter::Create(
      path, MatrixTensors(shape.users, shape.items, shape.nnz, shape.user_id_bytes, shape.item_id_bytes), std::move(metadata));
  if (!file.ok()) return file.status();
  auto writer = std::make_unique<MatrixWriter>();
  writer->shape_ = shape;
  writer->file_ = std::move(file.value());
  writer->users_.announced = shape.users;
  writer->users_.announced_bytes = shape.user_id_bytes;
  writer->items_.announced = shape.items;
  writer->items_.announced_bytes = shape.item_id_bytes;
  writer->row_counts_.assign(static_cast<size_t>(shape.users), 0);
  writer->col_counts_.assign(static_cast<size_t>(shape.items), 0);
  return writer;
}

Status MatrixWriter::AppendIds(Axis axis, std::span<const std::string_view> ids) {
  return Guarded([&] { return TakeIds(axis, ids); });
}

Status MatrixWriter::AppendCells(std::span<const int32_t> rows, std::span<const int32_t> cols, std::span<const float> values) {
  return Guarded([&] { return TakeCells(rows, cols, values); });
}

Status MatrixWriter::Commit() {
  return Guarded([&] { return Finish(); });
}

Status MatrixWriter::TakeIds(Axis axis, std::span<const std::string_view> ids) {
  Ids& state = axis == Axis::kUsers ? users_ : items_;
  const std::string name = axis == Axis::kUsers ? "users" : "items";
  std::string bytes;
  const int64_t begin = state.offsets.back();
  for (const std::string_view id : ids) {
    const auto count = static_cast<int64_t>(state.offsets.size()) - 1;
    if (count == state.announced) return OutOfRange("more ids of " + name + " than the announced " + std::to_string(state.announced));
    if (count > 0 && !(std::string_view(state.last) < id)) {
      return InvalidArgument("ids of " + name + " must be unique and in ascending byte order: " + state.last + " came before " +
                             std::string(id));
    }
    state.last = id;
    bytes += id;
    state.offsets.push_back(begin + static_cast<int64_t>(bytes.size()));
  }
  if (state.offsets.back() > state.announced_bytes) {
    return OutOfRange("the ids of " + name + " are longer than the announced " + std::to_string(state.announced_bytes) + " bytes");
  }
  return file_->Write(name + ".bytes", begin, std::as_bytes(std::span(bytes)));
}

Status MatrixWriter::TakeCells(std::span<const int32_t> rows, std::span<const int32_t> cols, std::span<const float> values) {
  if (rows.size() != cols.size() || rows.size() != values.size()) {
    return InvalidArgument("expected rows, cols and values of one length but received " + std::to_string(rows.size()) + ", " +
                           std::to_string(cols.size()) + " and " + std::to_string(values.size()));
  }
  if (static_cast<int64_t>(rows.size()) > shape_.nnz - cells_) {
    return OutOfRange("more cells than the announced " + std::to_string(shape_.nnz));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t row = rows[i];
    const int64_t col = cols[i];
    if (row < 0 || row >= shape_.users || col < 0 || col >= shape_.items) {
      return OutOfRange("cell (" + std::to_string(row) + ", " + std::to_string(col) + ") lies outside the matrix");
    }
    if (row < last_row_ || (row == last_row_ && col <= last_col_)) {
      return InvalidArgument("cells must ascend by (row, col) without duplicates; (" + std::to_string(row) + ", " + std::to_string(col) +
                             ") came after (" + std::to_string(last_row_) + ", " + std::to_string(last_col_) + ")");
    }
    if (!std::isfinite(values[i])) {
      return InvalidArgument("the value of cell (" + std::to_string(row) + ", " + std::to_string(col) + ") is not finite");
    }
    ++row_counts_[static_cast<size_t>(row)];
    ++col_counts_[static_cast<size_t>(col)];
    last_row_ = row;
    last_col_ = col;
  }
  COUPONCAST_RETURN_IF_ERROR(file_->Write("csr.indices", cells_ * 4, std::as_bytes(cols)));
  COUPONCAST_RETURN_IF_ERROR(file_->Write("csr.values", cells_ * 4, std::as_bytes(values)));
  cells_ += static_cast<int64_t>(rows.size());
  return {};
}

Status MatrixWriter::WriteTranspose() {
  const auto& offsets = file_->offsets();
  const int64_t last = offsets.at("items.bytes") + shape_.item_id_bytes;
  const WritableMap map(file_->fd(), static_cast<size_t>(last));
  if (!map.ok()) return IoError(std::string("cannot map ") + file_->temporary_path() + ": " + std::strerror(errno));
  const auto* csr_indices = map.At<const int32_t>(offsets.at("csr.indices"));
  const auto* csr_values = map.At<const float>(offsets.at("csr.values"));
  auto* csc_indices = map.At<int32_t>(offsets.at("csc.indices"));
  auto* csc_values = map.At<float>(offsets.at("csc.values"));
  std::vector<int64_t> cursor = PrefixSums(col_counts_);
  int64_t at = 0;
  for (int64_t row = 0; row < shape_.users; ++row) {
    for (const int64_t end = at + row_counts_[static_cast<size_t>(row)]; at < end; ++at) {
      const int64_t to = cursor[static_cast<size_t>(csr_indices[at])]++;
      csc_indices[to] = static_cast<int32_t>(row);
      csc_values[to] = csr_values[at];
    }
  }
  return {};
}

Status MatrixWriter::Finish() {
  for (const auto& [ids, name] : {std::pair(&users_, "users"), std::pair(&items_, "items")}) {
    if (static_cast<int64_t>(ids->offsets.size()) - 1 != ids->announced || ids->offsets.back() != ids->announced_bytes) {
      return InvalidArgument(std::string("fewer ids of ") + name + " came than announced");
    }
    COUPONCAST_RETURN_IF_ERROR(file_->WriteAll(std::string(name) + ".offsets", std::span<const int64_t>(ids->offsets)));
  }
  if (cells_ != shape_.nnz) {
    return InvalidArgument("expected " + std::to_string(shape_.nnz) + " cells but received " + std::to_string(cells_));
  }
  const std::vector<int64_t> csr = PrefixSums(row_counts_);
  const std::vector<int64_t> csc = PrefixSums(col_counts_);
  COUPONCAST_RETURN_IF_ERROR(file_->WriteAll("csr.indptr", std::span<const int64_t>(csr)));
  COUPONCAST_RETURN_IF_ERROR(file_->WriteAll("csc.indptr", std::span<const int64_t>(csc)));
  if (shape_.nnz > 0) COUPONCAST_RETURN_IF_ERROR(WriteTranspose());
  return file_->Commit();
}

}  // namespace couponcast
