// Arithmetic of symbolic sizes. Terms are kept sorted so that equality is comparison.
#include "frontend/elaborate/Size.h"

#include <algorithm>
#include <limits>

namespace dlc {

namespace {

/// Orders atoms for printing and comparison: by name, then by identity (equal divisions are one atom).
int compareAtoms(const SizeAtomRef &a, const SizeAtomRef &b) {
  if (a == b)
    return 0;
  if (a->kind != b->kind)
    return a->kind < b->kind ? -1 : 1;
  if (int c = a->name.compare(b->name))
    return c;
  if (a->kind == SizeAtom::Quotient || a->kind == SizeAtom::Floor)
    if (a->numerator == b->numerator && a->denominator == b->denominator)
      return 0;
  return a.get() < b.get() ? -1 : 1;
}

bool atomLess(const SizeAtomRef &a, const SizeAtomRef &b) { return compareAtoms(a, b) < 0; }

int compareProducts(const std::vector<SizeAtomRef> &a, const std::vector<SizeAtomRef> &b) {
  if (a.size() != b.size())
    return a.size() > b.size() ? -1 : 1; // higher powers first, the constant last
  for (size_t i = 0; i < a.size(); ++i)
    if (int c = compareAtoms(a[i], b[i]))
      return c;
  return 0;
}

int64_t floorDivide(int64_t a, int64_t b) {
  if (b == -1) // the quotient of the least integer does not exist
    return a == std::numeric_limits<int64_t>::min() ? std::numeric_limits<int64_t>::max() : -a;
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

/// Sizes beyond 64 bits stay at the limit: they are refused where a tensor would have them.
int64_t saturated(__int128 value) {
  constexpr int64_t limit = std::numeric_limits<int64_t>::max();
  return value > limit ? limit : value < -limit ? -limit : int64_t(value);
}

} // namespace

Size Size::ofAtom(SizeAtomRef atom) {
  Size size;
  size.terms.push_back({1, {std::move(atom)}});
  return size;
}

Size Size::named(std::string name, SourceRange origin) {
  return ofAtom(std::make_shared<SizeAtom>(SizeAtom{SizeAtom::Name, std::move(name), origin, {}, {}}));
}

Size Size::ofData(std::string name, SourceRange origin) {
  return ofAtom(std::make_shared<SizeAtom>(SizeAtom{SizeAtom::Data, std::move(name), origin, {}, {}}));
}

void Size::add(Term term) {
  if (term.coefficient == 0)
    return;
  auto at = std::lower_bound(terms.begin(), terms.end(), term,
                             [](const Term &a, const Term &b) { return compareProducts(a.atoms, b.atoms) < 0; });
  if (at != terms.end() && compareProducts(at->atoms, term.atoms) == 0) {
    at->coefficient = saturated(__int128(at->coefficient) + term.coefficient);
    if (at->coefficient == 0)
      terms.erase(at);
    return;
  }
  terms.insert(at, std::move(term));
}

Size Size::operator+(const Size &other) const {
  Size result = *this;
  for (const Term &term : other.terms)
    result.add(term);
  return result;
}

Size Size::operator-(const Size &other) const { return *this + Size(-1) * other; }

Size Size::operator*(const Size &other) const {
  Size result;
  if (terms.size() * other.terms.size() > 4096) // nobody means this; it equals nothing, and perhaps anything
    return ofData("..", {});
  for (const Term &a : terms)
    for (const Term &b : other.terms) {
      Term product{saturated(__int128(a.coefficient) * b.coefficient), a.atoms};
      product.atoms.insert(product.atoms.end(), b.atoms.begin(), b.atoms.end());
      std::sort(product.atoms.begin(), product.atoms.end(), atomLess);
      // den * (num / den) is num.
      Size whole;
      bool cancelled = false;
      for (size_t i = 0; i < product.atoms.size() && !cancelled; ++i) {
        const SizeAtom &atom = *product.atoms[i];
        if (atom.kind != SizeAtom::Quotient)
          continue;
        Size rest;
        rest.terms.push_back(product);
        rest.terms[0].atoms.erase(rest.terms[0].atoms.begin() + i);
        if (std::optional<Size> divided = rest.dividedBy(atom.denominator)) {
          whole = *divided * atom.numerator;
          cancelled = true;
        }
      }
      if (cancelled)
        result = result + whole;
      else
        result.add(std::move(product));
    }
  return result;
}

bool Size::operator==(const Size &other) const {
  if (terms.size() != other.terms.size())
    return false;
  for (size_t i = 0; i < terms.size(); ++i)
    if (terms[i].coefficient != other.terms[i].coefficient ||
        compareProducts(terms[i].atoms, other.terms[i].atoms) != 0)
      return false;
  return true;
}

bool Size::equivalent(const Size &a, const Size &b) {
  Size difference = a - b;
  for (int step = 0; step < 4 && !difference.terms.empty(); ++step) {
    SizeAtomRef division;
    for (const Term &term : difference.terms)
      for (const SizeAtomRef &atom : term.atoms)
        if (atom->kind == SizeAtom::Quotient)
          division = atom;
    if (!division)
      return false;
    difference = difference * division->denominator;
  }
  return difference.terms.empty();
}

bool Size::isFlexible() const {
  for (const Term &term : terms)
    for (const SizeAtomRef &atom : term.atoms)
      if (atom->kind == SizeAtom::Data || atom->kind == SizeAtom::Floor || atom->numerator.isFlexible() ||
          atom->denominator.isFlexible())
        return true;
  return false;
}

std::optional<Size> Size::dividedBy(const Size &divisor) const {
  if (divisor.terms.size() != 1) {
    if (!divisor.terms.empty() && *this == divisor)
      return Size(1);
    return std::nullopt;
  }
  const Term &by = divisor.terms[0];
  Size result;
  for (Term term : terms) {
    if (by.coefficient == -1)
      term.coefficient = saturated(-__int128(term.coefficient));
    else if (term.coefficient % by.coefficient != 0)
      return std::nullopt;
    else
      term.coefficient /= by.coefficient;
    for (const SizeAtomRef &atom : by.atoms) {
      auto found = std::find_if(term.atoms.begin(), term.atoms.end(),
                                [&](const SizeAtomRef &a) { return compareAtoms(a, atom) == 0; });
      if (found == term.atoms.end())
        return std::nullopt;
      term.atoms.erase(found);
    }
    result.add(std::move(term));
  }
  return result;
}

/// Longer than this no size is meant by anybody: what it stands for is not looked into any more.
static constexpr size_t maxName = 1000;

Size Size::ofDivision(int kind, std::string name, const Size &a, const Size &b) {
  if (name.size() > maxName)
    return ofData("..", {});
  return ofAtom(std::make_shared<SizeAtom>(SizeAtom{SizeAtom::Kind(kind), std::move(name), {}, a, b}));
}

Size Size::quotient(const Size &a, const Size &b) {
  if (std::optional<Size> exact = a.dividedBy(b))
    return *exact;
  std::string name = "(" + a.str() + ") / (" + b.str() + ")";
  if (a.terms.size() == 1 && b.terms.size() == 1)
    name = a.str() + " / " + b.str();
  return ofDivision(SizeAtom::Quotient, std::move(name), a, b);
}

Size Size::floorDiv(const Size &a, const Size &b) {
  if (a.isConstant() && b.isConstant() && b.constant() != 0)
    return Size(floorDivide(a.constant(), b.constant()));
  if (std::optional<Size> exact = a.dividedBy(b))
    return *exact;
  std::string name = "div(" + a.str() + ", " + b.str() + ")";
  return ofDivision(SizeAtom::Floor, std::move(name), a, b);
}

std::string Size::str() const {
  if (terms.empty())
    return "0";
  if (terms.size() > 40)
    return "..";
  std::string text;
  for (const Term &term : terms) {
    int64_t c = term.coefficient;
    if (!text.empty())
      text += c < 0 ? " - " : " + ";
    else if (c < 0)
      text += "-";
    int64_t magnitude = c < 0 ? -c : c;
    bool first = true;
    if (magnitude != 1 || term.atoms.empty()) {
      text += std::to_string(magnitude);
      first = false;
    }
    for (const SizeAtomRef &atom : term.atoms) {
      if (!first)
        text += " * ";
      text += atom->name;
      first = false;
    }
  }
  return text;
}

} // namespace dlc
