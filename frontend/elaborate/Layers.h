// Layers in a row, by their numbers: `m[0]`, `m[-1]`, `m[:2]`.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// Whether a value is layers in a row: a `Sequential`, or a list of layers.
bool holdsLayers(const Value &value);

/// The layers of a `Sequential`; of any other value, its elements.
std::vector<Value> layersIn(const Value &value);

/// `base[..]` of layers in a row: the layer of a number, or those of a slice, as a `Sequential` or a list.
Value layersAt(Elaborator &e, const Value &base, const ast::IndexExpr &expr, const ScopeRef &scope);

} // namespace dlc
