#include "couponcast/csv_format.h"

#include <array>
#include <charconv>

#include "base/check.h"

namespace couponcast {

Result<std::string> FormatCsv(const std::vector<NumberColumn>& columns, RowRange range, int64_t skip_negative) {
  if (columns.empty()) return InvalidArgument("expected at least one column");
  const auto length = [](const NumberColumn& column) { return std::visit([](auto values) { return values.size(); }, column); };
  for (const NumberColumn& column : columns) {
    const Status size = CheckSize("a column", length(column), static_cast<int64_t>(length(columns.front())));
    if (!size.ok()) return size;
  }
  const Status in_range = CheckRange(range, static_cast<int64_t>(length(columns.front())));
  if (!in_range.ok()) return in_range;
  std::span<const int32_t> skip;
  if (skip_negative >= 0) {
    const auto* column = static_cast<size_t>(skip_negative) < columns.size()
                             ? std::get_if<std::span<const int32_t>>(&columns[static_cast<size_t>(skip_negative)])
                             : nullptr;
    if (column == nullptr) return InvalidArgument("expected the column that marks unused rows to be int32");
    skip = *column;
  }
  std::string text;
  text.reserve(static_cast<size_t>(range.size()) * columns.size() * 8);
  std::array<char, 40> buffer = {};
  for (auto row = static_cast<size_t>(range.begin); row < static_cast<size_t>(range.end); ++row) {
    if (!skip.empty() && skip[row] < 0) continue;
    for (const NumberColumn& column : columns) {
      std::visit(
          [&](auto values) {
            const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), values[row]);
            static_cast<void>(error);  // 40 characters hold every number
            text.append(buffer.data(), end);
          },
          column);
      text.push_back(',');
    }
    text.back() = '\n';
  }
  return text;
}

Status Gather(std::span<const float> source, std::span<const int64_t> positions, std::span<float> out) {
  COUPONCAST_RETURN_IF_ERROR(CheckSize("out", out.size(), static_cast<int64_t>(positions.size())));
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] < 0 || positions[i] >= static_cast<int64_t>(source.size())) {
      return OutOfRange("position " + std::to_string(positions[i]) + " lies outside the " + std::to_string(source.size()) + " elements");
    }
    out[i] = source[static_cast<size_t>(positions[i])];
  }
  return {};
}

}  // namespace couponcast
