// Makes random programs that are right by construction: each new operation is tried on what the values before it are in an
// example, and kept where it has a meaning (RandomMeaning.h) that is finite and small. The same seed makes the same program.
//
// To add a kind of operation: a case in Builder::step, and its attributes beside it.
#pragma once

#include "RandomMeaning.h"

namespace dlc::random {

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

Program generate(uint64_t seed);

/// Whether the size named by the axes of a function's parameters may be any number: no operation asks for a certain one.
bool keepsSizes(const Function &function, const Program &program);

} // namespace dlc::random
