// Symbolic sizes: polynomials over the names of sizes, with whole coefficients.
//
// While a function is checked its sizes are names (`n`, `hidden`); in an instance they are numbers. Both are a Size. Two
// sizes are equal when their polynomials are: `2 * n + n` is `3 * n`. Divisions that cannot be carried out on names become
// atoms of their own (`d / heads`, `div(h, 2)`), and `heads * (d / heads)` is `d` again.
#pragma once

#include "frontend/syntax/Source.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dlc {

struct SizeAtom;
using SizeAtomRef = std::shared_ptr<const SizeAtom>;

class Size {
public:
  Size(int64_t constant = 0) {
    if (constant != 0)
      terms.push_back({constant, {}});
  }
  /// The size that a name stands for. Each call makes a new size, even for the same name.
  static Size named(std::string name, SourceRange origin);
  /// A size that only data decides (`plays.vocab`): equal to itself, and perhaps to anything.
  static Size ofData(std::string name, SourceRange origin);
  /// a / b, where b is known to divide a or will be checked to when the sizes are numbers.
  static Size quotient(const Size &a, const Size &b);
  /// a / b, rounded down.
  static Size floorDiv(const Size &a, const Size &b);

  bool isConstant() const { return terms.empty() || (terms.size() == 1 && terms[0].atoms.empty()); }
  /// The number. Only when isConstant().
  int64_t constant() const { return terms.empty() ? 0 : terms[0].coefficient; }
  /// Whether it holds an atom that data or rounding decides, so that an inequality of names proves nothing.
  bool isFlexible() const;

  Size operator+(const Size &other) const;
  Size operator-(const Size &other) const;
  Size operator*(const Size &other) const;
  bool operator==(const Size &other) const;
  /// Whether both are equal once exact divisions are multiplied out: `d - d / 2` and `d / 2`.
  static bool equivalent(const Size &a, const Size &b);

  /// As the user would write it: `2 * hidden + 1`.
  std::string str() const;

private:
  /// coefficient * product of atoms (sorted, repeated for powers).
  struct Term {
    int64_t coefficient;
    std::vector<SizeAtomRef> atoms;
  };
  static Size ofAtom(SizeAtomRef atom);
  static Size ofDivision(int kind, std::string name, const Size &a, const Size &b);
  void add(Term term);
  std::optional<Size> dividedBy(const Size &divisor) const;

  std::vector<Term> terms; ///< no zero coefficients, no two with the same atoms; sorted by atoms
};

/// A size that is not a number.
struct SizeAtom {
  enum Kind { Name, Data, Quotient, Floor } kind;
  std::string name;
  SourceRange origin;
  Size numerator, denominator; ///< of Quotient and Floor
};

} // namespace dlc
