// Linear forms with quotients: arithmetic, ranges, and the canonical form of divisions.
#include "codegen/kernel/Index.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;

namespace dlc {

bool Index::varies() const {
  for (auto &[atom, coefficient] : terms)
    if (atom->varies)
      return true;
  return false;
}

int64_t Index::coefficient(const Atom *atom) const {
  for (auto &[other, coefficient] : terms)
    if (other == atom)
      return coefficient;
  return 0;
}

void Index::appendKey(std::vector<int64_t> &key) const {
  key.push_back(constant);
  key.push_back(static_cast<int64_t>(terms.size()));
  for (auto &[atom, coefficient] : terms) {
    key.push_back(atom->id);
    key.push_back(coefficient);
  }
}

/// a + b * factor.
static Index combine(const Index &a, const Index &b, int64_t factor) {
  Index sum = Index::of(a.constant + b.constant * factor);
  auto *i = a.terms.begin(), *j = b.terms.begin();
  while (i != a.terms.end() || j != b.terms.end()) {
    if (j == b.terms.end() || (i != a.terms.end() && i->first->id < j->first->id)) {
      sum.terms.push_back(*i++);
    } else if (i == a.terms.end() || j->first->id < i->first->id) {
      if (int64_t coefficient = j->second * factor)
        sum.terms.push_back({j->first, coefficient});
      ++j;
    } else {
      if (int64_t coefficient = i->second + j->second * factor)
        sum.terms.push_back({i->first, coefficient});
      ++i, ++j;
    }
  }
  return sum;
}

Index operator+(const Index &a, const Index &b) { return combine(a, b, 1); }
Index operator-(const Index &a, const Index &b) { return combine(a, b, -1); }
Index operator*(const Index &a, int64_t factor) { return combine(Index::of(0), a, factor); }

const Atom *IndexContext::make(Atom atom) {
  atom.id = static_cast<unsigned>(atoms.size());
  atoms.push_back(std::move(atom));
  return &atoms.back();
}

Index IndexContext::variable(Value value, Range range, bool varies) {
  if (range.low == range.high && !varies)
    return Index::of(range.low);
  const Atom *known = value ? variables.lookup(value) : nullptr;
  if (!known) {
    Atom atom{.kind = Atom::Variable, .value = value};
    atom.range = range;
    atom.varies = varies;
    known = make(atom);
    if (value)
      variables[value] = known;
  }
  return Index{0, {{known, 1}}};
}

Index IndexContext::lanes(Value base, int64_t offset, Range range) {
  const Atom *&known = laneAtoms[{base.getAsOpaquePointer(), offset, range.high}];
  if (!known) {
    Atom atom{.kind = Atom::Lanes, .value = base};
    atom.offset = offset;
    atom.range = range;
    atom.varies = true;
    known = make(atom);
  }
  return Index{0, {{known, 1}}};
}

/// floor(index / divisor) is pulled apart: what the divisor divides leaves the quotient, and what remains is decided by
/// its range or becomes an atom, whose dividend is never negative.
Index IndexContext::floorDiv(const Index &index, int64_t divisor) {
  if (divisor == 1)
    return index;
  Index whole = Index::of(llvm::divideFloorSigned(index.constant, divisor)),
        rest = Index::of(llvm::mod(index.constant, divisor));
  for (auto &term : index.terms)
    if (term.second % divisor == 0)
      whole.terms.push_back({term.first, term.second / divisor});
    else
      rest.terms.push_back(term);
  Range bounds = range(rest);
  int64_t low = llvm::divideFloorSigned(bounds.low, divisor), high = llvm::divideFloorSigned(bounds.high, divisor);
  if (low == high)
    return whole + low;

  int64_t common = divisor;
  for (auto &[atom, coefficient] : rest.terms)
    common = std::gcd(common, coefficient);
  if (common > 1) {
    Index scaled = Index::of(rest.constant / common);
    for (auto &[atom, coefficient] : rest.terms)
      scaled.terms.push_back({atom, coefficient / common});
    return whole + floorDiv(scaled, divisor / common);
  }
  if (rest.constant == 0 && rest.terms.size() == 1 && rest.terms[0].second == 1 &&
      rest.terms[0].first->kind == Atom::Quotient)
    return whole + floorDiv(rest.terms[0].first->inner, rest.terms[0].first->divisor * divisor);
  // Code divides what is not negative: what a reversal takes away (2 - i) is made up for.
  if (low < 0) {
    rest.constant -= low * divisor;
    whole.constant += low;
    high -= low;
    low = 0;
  }

  std::vector<int64_t> key{divisor};
  rest.appendKey(key);
  const Atom *&known = quotients[key];
  if (!known) {
    Atom atom{.kind = Atom::Quotient};
    atom.inner = rest;
    atom.divisor = divisor;
    atom.varies = rest.varies();
    atom.range = {low, high};
    known = make(atom);
  }
  return whole + Index{0, {{known, 1}}};
}

Index IndexContext::mod(const Index &index, int64_t divisor) { return index - floorDiv(index, divisor) * divisor; }

Index IndexContext::linearize(ArrayRef<Index> indices, ArrayRef<int64_t> sizes) {
  Index sum = Index::of(0);
  for (auto [index, size] : llvm::zip_equal(indices, sizes))
    sum = sum * size + index;
  return sum;
}

SmallVector<Index> IndexContext::delinearize(const Index &index, ArrayRef<int64_t> sizes) {
  SmallVector<Index> indices(sizes.size());
  Index rest = index;
  for (size_t axis = sizes.size(); axis-- > 1;) {
    indices[axis] = mod(rest, sizes[axis]);
    rest = floorDiv(rest, sizes[axis]);
  }
  if (!sizes.empty())
    indices[0] = rest;
  return indices;
}

/// A remainder `k * (e - d * floor(e / d))` lies in k * [0, d - 1], which its terms one by one would not show; it is
/// found by its quotient. The dividend may itself be a quotient (floor(floor(f / c) / d) is kept as floor(f / (c *
/// d))).
Range IndexContext::range(const Index &index) const {
  for (auto &[atom, coefficient] : llvm::reverse(index.terms)) {
    if (atom->kind != Atom::Quotient)
      continue;
    auto tryRemainder = [&](const Index &dividend, int64_t divisor) -> std::optional<Range> {
      if (coefficient % divisor != 0)
        return std::nullopt;
      int64_t factor = -coefficient / divisor;
      Index rest = index - (dividend - Index{0, {{atom, divisor}}}) * factor;
      if (rest.terms.size() >= index.terms.size())
        return std::nullopt;
      Range bounds = range(rest);
      int64_t edge = factor * (divisor - 1);
      return Range{bounds.low + std::min<int64_t>(edge, 0), bounds.high + std::max<int64_t>(edge, 0)};
    };
    if (auto bounds = tryRemainder(atom->inner, atom->divisor))
      return *bounds;
    for (auto &[other, otherCoefficient] : index.terms)
      if (other != atom && other->kind == Atom::Quotient && atom->divisor % other->divisor == 0 &&
          (other->inner - atom->inner).terms.empty() && other->inner.constant == atom->inner.constant)
        if (auto bounds = tryRemainder(Index{0, {{other, 1}}}, atom->divisor / other->divisor))
          return *bounds;
  }
  Range bounds{index.constant, index.constant};
  for (auto &[atom, coefficient] : index.terms) {
    int64_t a = atom->range.low * coefficient, b = atom->range.high * coefficient;
    bounds.low += std::min(a, b);
    bounds.high += std::max(a, b);
  }
  return bounds;
}

Access accessOf(const Index &index, IndexContext &indices) {
  Access access{Access::Uniform, index, 0};
  for (auto &[atom, coefficient] : index.terms) {
    if (!atom->varies)
      continue;
    if (atom->kind != Atom::Lanes || access.kind != Access::Uniform)
      return {Access::Scattered, index, 0};
    access.kind = Access::Strided;
    access.stride = coefficient;
    access.base = access.base - Index{0, {{atom, coefficient}}} + atom->offset * coefficient;
    if (atom->value)
      access.base = access.base + indices.variable(atom->value, {0, atom->range.high}) * coefficient;
  }
  return access;
}

} // namespace dlc
