// Masks as indices: `x[x > 0]`.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// The places of the true elements of `mask`, a tensor of bools that `expr` gives: for each of its axes an integer tensor of
/// one length. How many there are is known once the mask is computed, which is done at once; while checking it is a name.
/// Reports, and gives nothing, where it cannot be known: in functions and compiled loops, and of what the statement binds.
std::optional<std::vector<Value>> placesOfMask(Elaborator &e, const Value &mask, const ast::Expr &expr,
                                               const ScopeRef &scope);

/// Whether a mask fits axes of a tensor from `axis` on; reports it when not.
bool maskFits(Elaborator &e, const Value &mask, const Value &base, size_t axis, SourceRange at);

/// `base` with `value` where the mask, of its first axes, is true.
Value whereMasked(Elaborator &e, const Value &mask, const Value &value, const Value &base, SourceRange at);

} // namespace dlc
