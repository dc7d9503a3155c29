// `%` and `div` of floating-point numbers, as Python has them: what the frontend's folding and the evaluator share.
// Compiled code computes the same (codegen/kernel/Pointwise.cpp).
#pragma once

#include <cmath>

namespace dlc {

/// x - y * floor(x / y) without a rounded quotient: the exact remainder of C's fmod, moved to the side of y. A zero has
/// the sign of y; NaN for y = 0 and for infinite x.
inline double floorRemainder(double x, double y) {
  double rest = std::fmod(x, y);
  if (rest == 0)
    return std::copysign(0.0, y);
  return (rest < 0) != (y < 0) ? rest + y : rest;
}

/// The exact quotient rounded down to a whole number. x / y for y = 0, as in PyTorch; NaN for infinite x.
inline double floorQuotient(double x, double y) {
  if (y == 0)
    return x / y;
  double rest = std::fmod(x, y), quotient = (x - rest) / y;
  if (rest != 0 && (rest < 0) != (y < 0))
    quotient -= 1;
  if (quotient == 0)
    return std::copysign(0.0, x / y);
  // What the division above rounded is next to a whole number.
  double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

} // namespace dlc
