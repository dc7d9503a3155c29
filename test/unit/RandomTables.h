// The operations of random programs on numbers: by name, what each makes of an element, of two, or of a row.
#pragma once

#include "RandomMeaning.h"

#include <map>

namespace dlc::random {

using Unary = Number (*)(Number);
using Binary = Number (*)(Number, Number);
/// From the numbers that a reduction joins to one.
using Row = Number (*)(const std::vector<Number> &);

extern const std::map<std::string, Unary> unaryFloat; ///< of floating-point numbers
extern const std::map<std::string, Unary> unaryAny;   ///< of integers too
extern const std::map<std::string, Binary> arithmetic;
extern const std::map<std::string, Binary> compared;
extern const std::map<std::string, Row> reduced;

Number logsumexpOf(const std::vector<Number> &row);

/// The nearest number of a floating-point type.
Number rounded(Number value, DType dtype);
/// Integers keep their low bits.
Number wrapped(Number value, DType dtype);
/// Between -1 and 1, another for each place and sample.
Number noise(uint64_t path, uint64_t element, unsigned sample);

} // namespace dlc::random
