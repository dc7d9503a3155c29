// Names of PyTorch, NumPy and Keras in a program: reported with what is written here, and taken as that where it is certain.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// `np.zeros`, and a file name without quotes: reports it, and gives what was meant or poison; nothing when it is neither.
std::optional<Value> foreignField(Elaborator &e, const ast::FieldExpr &field, const ScopeRef &scope);
/// `ReLU()`, `nn.MSELoss()`: what is made before it is used elsewhere, and stands alone here.
std::optional<Value> foreignMade(Elaborator &e, const ast::CallExpr &call, const ScopeRef &scope);
/// `x[None]`, `x[:, None]`: a new axis.
std::optional<Value> foreignIndex(Elaborator &e, const Value &base, const ast::IndexExpr &expr, const ScopeRef &scope);
/// The help for an unknown name at the message's place, and what was meant; nothing where the name is no foreign one.
std::optional<Value> foreignValue(Elaborator &e, DiagnosticEngine::Builder &report, std::string_view name,
                                  SourceRange at);

} // namespace dlc
