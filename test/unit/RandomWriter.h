// Writes a random program in the language. One meaning has many texts: another seed gives other spellings of the same program,
// and all must give the same values. Spellings that are chosen: names or inlined expressions, declared types or none, numbers
// as literals, casts or computed, functions as `fn` (typed, with named sizes, untyped), lambdas, models, bodies in place, arguments by
// position, by name or through `|>`, axes from the front or the end, values wrapped in something that changes nothing.
//
// To add a spelling of an operation: a case in RandomWriter.cpp. To add a wrapper: a line in `wrapped`.
#pragma once

#include "RandomGenerator.h"

namespace dlc::random {

/// The text of a program over the names `in0`, `in1`, ..; its results are `r0`, `r1`, ..
std::string write(const Program &program, uint64_t seed);
/// Statements that give the inputs their values, so that the text runs by itself.
std::string writeInputs(const Program &program);
/// A declared type: `f32[2, 3]`.
std::string typeText(const Tensor &tensor);

} // namespace dlc::random
