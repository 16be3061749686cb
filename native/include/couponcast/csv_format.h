// Text from columns: how results of many millions of rows reach a table reader without a loop in JavaScript.
#ifndef COUPONCAST_CSV_FORMAT_H_
#define COUPONCAST_CSV_FORMAT_H_

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "couponcast/kernel.h"
#include "couponcast/status.h"

namespace couponcast {

using NumberColumn = std::variant<std::span<const int64_t>, std::span<const double>, std::span<const int32_t>, std::span<const float>,
                                  std::span<const uint8_t>>;

// Rows of `range`, comma separated, "\n" ended, no header; numbers in the shortest form that reads back to the same bits.
// Rows whose int32 column `skip_negative` (an index, -1 for none) is negative are left out: unused places of lists. A negative
// `skip_negative` leaves out none.
// Errors: kInvalidArgument (columns of different lengths), kOutOfRange.
Result<std::string> FormatCsv(const std::vector<NumberColumn>& columns, RowRange range, int64_t skip_negative);

// out[i] = source[positions[i]]. Errors: kInvalidArgument, kOutOfRange.
Status Gather(std::span<const float> source, std::span<const int64_t> positions, std::span<float> out);

}  // namespace couponcast

#endif  // COUPONCAST_CSV_FORMAT_H_
