// Makes random programs that are right by construction: each new operation is tried on what the values before it are in an
// example, and kept where it has a meaning (RandomMeaning.h) that is finite and small. The same seed makes the same program.
//
// `Features` lists what is not generated yet because the language is known to go wrong there, or because it is to come.
// To add a kind of operation: a case in Builder::step, and its attributes beside it.
#pragma once

#include "RandomMeaning.h"

namespace dlc::random {

/// What may occur. Switch one on when its fault is mended; then delete it.
struct Features {
  /// Numbers that are known while compiling and that their type does not hold exactly: `let a: f32 = 0.1`, `bf16(257)`.
  bool inexactConstants = false;
  /// Arithmetic of numbers that are all known while compiling: `f32(0.5) * f32(3)`, also in bodies of functions.
  bool knownArithmetic = false;
  /// `div` and `%` of floating-point numbers.
  bool floatDivision = false;
  /// `**` with an exponent that is computed.
  bool computedPowers = false;
  /// `cumsum` of i32 and u8, which counts in i64.
  bool wideCumsum = false;
  /// The cotangent of an f64 function as a literal: `pull(1.0)`.
  bool numberCotangents = false;
  /// Bracket lists as arguments that take the type of another: `maximum(x, [0.5, 1])` with x of f64.
  bool listsTakeTypes = false;

  /// These, or all when DLC_RANDOM_ALL is set: to see what a feature that is off would find.
  static Features ofTests();
};

class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  unsigned below(unsigned limit) { return unsigned(engine() % limit); }
  bool oneIn(unsigned n) { return below(n) == 0; }
  template <class List> const auto &of(const List &list) { return list[below(unsigned(list.size()))]; }
  template <class T> T of(std::initializer_list<T> list) { return list.begin()[below(unsigned(list.size()))]; }

private:
  std::mt19937_64 engine;
};

Program generate(uint64_t seed, const Features &features);

/// Whether the size named by the axes of a function's parameters may be any number: no operation asks for a certain one.
bool keepsSizes(const Function &function, const Program &program);

} // namespace dlc::random
