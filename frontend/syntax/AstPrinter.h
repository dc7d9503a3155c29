// The tree as text again, in one canonical layout: two spaces of indentation, one statement a line, no needless
// brackets.
//
// What is printed parses to a tree that prints the same. Comments are not part of the tree; documentation (`///`) is.
#pragma once

#include "frontend/syntax/Ast.h"

#include <string>

namespace dlc::ast {

/// A whole program; empty for an empty one, else ending in a newline. Definitions with braces stand between blank
/// lines.
std::string print(const Program &program);
/// One definition with its documentation, ending in a newline.
std::string print(const Item &item);
/// One statement, without a newline at its end.
std::string print(const Stmt &stmt);
/// One expression. Blocks in it take several lines.
std::string print(const Expr &expr);
/// A type as `f32[n, 784]`.
std::string print(const TypeExpr &type);

} // namespace dlc::ast
