#include "couponcast/matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "couponcast/release_cells.h"

namespace couponcast {
namespace {

constexpr int64_t kMaxExtent = std::numeric_limits<int32_t>::max() - 1;

Result<CsrView> ReadCsr(const TensorFile& file, const std::string& prefix, int64_t rows, int64_t cols, int64_t nnz) {
  const auto indptr = file.Get<int64_t>(prefix + ".indptr", rows + 1);
  if (!indptr.ok()) return indptr.status();
  const auto indices = file.Get<int32_t>(prefix + ".indices", nnz);
  if (!indices.ok()) return indices.status();
  const auto values = file.Get<float>(prefix + ".values", nnz);
  if (!values.ok()) return values.status();
  if (indptr.value().front() != 0 || indptr.value().back() != nnz) {
    return CorruptFile(file.name() + ": " + prefix + ".indptr does not run from 0 to " + std::to_string(nnz));
  }
  return CsrView{rows, cols, indptr.value(), indices.value(), values.value()};
}

Result<IdView> ReadIds(const TensorFile& file, const std::string& prefix) {
  const auto offsets = file.Get<int64_t>(prefix + ".offsets");
  if (!offsets.ok()) return offsets.status();
  const auto bytes = file.Get<uint8_t>(prefix + ".bytes");
  if (!bytes.ok()) return bytes.status();
  if (offsets.value().empty() || offsets.value().front() != 0 || offsets.value().back() != static_cast<int64_t>(bytes.value().size())) {
    return CorruptFile(file.name() + ": " + prefix + ".offsets does not span " + prefix + ".bytes");
  }
  if (static_cast<int64_t>(offsets.value().size()) - 1 > kMaxExtent) {
    return CorruptFile(file.name() + ": more than 2^31 - 2 " + prefix);
  }
  return IdView{offsets.value(), bytes.value()};
}

Status CheckIds(const IdView& ids, const std::string& name) {
  for (int64_t i = 0; i < ids.size(); ++i) {
    const int64_t begin = ids.offsets[static_cast<size_t>(i)];
    const int64_t end = ids.offsets[static_cast<size_t>(i) + 1];
    if (begin > end || begin < 0 || end > static_cast<int64_t>(ids.bytes.size())) {
      return CorruptFile(name + ".offsets falls at " + std::to_string(i));
    }
    if (i > 0 && !(ids.At(i - 1) < ids.At(i))) return CorruptFile(name + " are not in ascending byte order at " + std::to_string(i));
  }
  return {};
}

// csc must be the stable transpose of csr: walking csr by row meets each column's entries in csc's order.
Status CheckTranspose(const CsrView& csr, const CsrView& csc, const std::string& name) {
  std::vector<int64_t> cursor(csc.indptr.begin(), csc.indptr.end() - 1);
  for (int64_t row = 0; row < csr.rows; ++row) {
    const auto indices = csr.row_indices(row);
    const auto values = csr.row_values(row);
    for (size_t i = 0; i < indices.size(); ++i) {
      const auto col = static_cast<size_t>(indices[i]);
      const auto at = static_cast<size_t>(cursor[col]++);
      if (static_cast<int64_t>(at) >= csc.indptr[col + 1] || csc.indices[at] != row || csc.values[at] != values[i]) {
        return CorruptFile(name + ": csc is not the transpose of csr at row " + std::to_string(row) + ", column " + std::to_string(col));
      }
    }
  }
  return {};
}

// All of CheckCsr but for the rows.
Status CheckCsrShape(const CsrView& matrix, const std::string& name) {
  if (matrix.rows < 0 || matrix.cols < 0 || static_cast<int64_t>(matrix.indptr.size()) != matrix.rows + 1 ||
      matrix.values.size() != matrix.indices.size() || matrix.indptr.front() != 0 || matrix.indptr.back() != matrix.nnz()) {
    return CorruptFile(name + ": indptr, indices and values do not fit each other");
  }
  return {};
}

// CheckCsr, of which no more than a few megabytes stay in memory: kernels read again what they need, and need not all.
Status CheckMappedCsr(const CsrView& matrix, const std::string& name, const MappedFile& file) {
  constexpr int64_t kCellsInMemory = 1'000'000;
  COUPONCAST_RETURN_IF_ERROR(CheckCsrShape(matrix, name));
  RowRange held;
  for (int64_t row = 0; row < matrix.rows; ++row) {
    COUPONCAST_RETURN_IF_ERROR(CheckCsrRow(matrix, row, name));
    held.end = row + 1;
    const int64_t cells = matrix.indptr[static_cast<size_t>(held.end)] - matrix.indptr[static_cast<size_t>(held.begin)];
    if (cells < kCellsInMemory && held.end < matrix.rows) continue;
    ReleaseCells(matrix, held, file);
    held.begin = held.end;
  }
  return {};
}

}  // namespace

Status CheckCsrRow(const CsrView& matrix, int64_t row, const std::string& name) {
  const int64_t begin = matrix.indptr[static_cast<size_t>(row)];
  const int64_t end = matrix.indptr[static_cast<size_t>(row) + 1];
  if (begin < 0 || begin > end || end > matrix.nnz()) return CorruptFile(name + ".indptr falls at row " + std::to_string(row));
  // Ascending from -1 and the last below cols puts all of them in range. Accumulated without a branch per entry.
  int64_t previous = -1;
  bool ascending = true;
  bool finite = true;
  for (int64_t at = begin; at < end; ++at) {
    const int64_t index = matrix.indices[static_cast<size_t>(at)];
    ascending &= index > previous;
    previous = index;
    finite &= std::isfinite(matrix.values[static_cast<size_t>(at)]);
  }
  if (!ascending || previous >= matrix.cols) {
    return CorruptFile(name + ".indices of row " + std::to_string(row) + " are not ascending within [0, " + std::to_string(matrix.cols) +
                       ")");
  }
  if (!finite) return CorruptFile(name + ".values of row " + std::to_string(row) + " are not finite");
  return {};
}

Status CheckCsr(const CsrView& matrix, const std::string& name) {
  COUPONCAST_RETURN_IF_ERROR(CheckCsrShape(matrix, name));
  for (int64_t row = 0; row < matrix.rows; ++row) COUPONCAST_RETURN_IF_ERROR(CheckCsrRow(matrix, row, name));
  return {};
}

std::string_view IdView::At(int64_t position) const {
  const int64_t begin = offsets[static_cast<size_t>(position)];
  const int64_t end = offsets[static_cast<size_t>(position) + 1];
  if (begin < 0 || begin > end || end > static_cast<int64_t>(bytes.size())) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + begin, static_cast<size_t>(end - begin)};
}

int64_t IdView::Find(std::string_view id) const {
  int64_t low = 0;
  int64_t high = size();
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (At(middle) < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < size() && At(low) == id ? low : -1;
}

Result<BehaviourMatrix> BehaviourMatrix::Open(const std::string& path) {
  Result<TensorFile> file = TensorFile::Open(path);
  if (!file.ok()) return file.status();
  return FromFile(std::move(file.value()));
}

Result<BehaviourMatrix> BehaviourMatrix::FromFile(TensorFile file) {
  BehaviourMatrix matrix;
  Result<IdView> users = ReadIds(file, "users");
  if (!users.ok()) return users.status();
  Result<IdView> items = ReadIds(file, "items");
  if (!items.ok()) return items.status();
  const auto indices = file.Get<int32_t>("csr.indices");
  if (!indices.ok()) return indices.status();
  const auto nnz = static_cast<int64_t>(indices.value().size());
  Result<CsrView> csr = ReadCsr(file, "csr", users.value().size(), items.value().size(), nnz);
  if (!csr.ok()) return csr.status();
  Result<CsrView> csc = ReadCsr(file, "csc", items.value().size(), users.value().size(), nnz);
  if (!csc.ok()) return csc.status();
  matrix.by_user_ = csr.value();
  matrix.by_item_ = csc.value();
  matrix.users_ = users.value();
  matrix.items_ = items.value();
  matrix.file_ = std::move(file);
  return matrix;
}

Status BehaviourMatrix::EnsureUsersValid() const { return CheckOnce(by_user_, "csr"); }

Status BehaviourMatrix::EnsureItemsValid() const { return CheckOnce(by_item_, "csc"); }

Status BehaviourMatrix::EnsureValid() const {
  COUPONCAST_RETURN_IF_ERROR(EnsureUsersValid());
  return EnsureItemsValid();
}

Status BehaviourMatrix::CheckOnce(const CsrView& orientation, const std::string& name) const {
  const std::string full_name = file_.name() + ": " + name;
  const auto& mapped = file_.mapped();
  if (mapped == nullptr) return CheckCsr(orientation, full_name);
  return mapped->CheckedOnce("behaviour matrix, " + name, [&] { return CheckMappedCsr(orientation, full_name, *mapped); });
}

Status BehaviourMatrix::Verify() const {
  COUPONCAST_RETURN_IF_ERROR(file_.VerifyDigest());
  COUPONCAST_RETURN_IF_ERROR(EnsureValid());
  COUPONCAST_RETURN_IF_ERROR(CheckIds(users_, file_.name() + ": users"));
  COUPONCAST_RETURN_IF_ERROR(CheckIds(items_, file_.name() + ": items"));
  return CheckTranspose(by_user_, by_item_, file_.name());
}

std::vector<TensorSpec> MatrixTensors(int64_t users, int64_t items, int64_t nnz, int64_t user_id_bytes, int64_t item_id_bytes) {
  return {{"csr.indptr", Dtype::kI64, {users + 1}},     {"csc.indptr", Dtype::kI64, {items + 1}},
          {"users.offsets", Dtype::kI64, {users + 1}},  {"items.offsets", Dtype::kI64, {items + 1}},
          {"csr.indices", Dtype::kI32, {nnz}},          {"csr.values", Dtype::kF32, {nnz}},
          {"csc.indices", Dtype::kI32, {nnz}},          {"csc.values", Dtype::kF32, {nnz}},
          {"users.bytes", Dtype::kU8, {user_id_bytes}}, {"items.bytes", Dtype::kU8, {item_id_bytes}}};
}

}  // namespace couponcast
