// Tokens to syntax tree, by recursive descent with one function for each construct.
//
// After an error the parser goes on at the next statement, so that one run reports every mistake once. Statements with
// errors are left out of the tree. Whatever the bytes are, parsing ends in time linear in them, and the tree is
// bounded: `nestingLimit` for what nests, `heightLimit` for chains of operators, calls and pipes.
#pragma once

#include "frontend/syntax/Ast.h"
#include "frontend/syntax/Diagnostic.h"

namespace dlc {

/// Where the text comes from; messages speak of the end of the file or of the input. The library alone declares builtins:
/// `builtin fn f(x, axis = .., keepdims = false)` has no body, `= ..` marks what may be left out and has no value then, and a
/// last parameter `..` takes any number more.
enum class ParseMode { file, prompt, library };

/// Brackets, blocks, prefix operators and powers may nest this deep.
constexpr unsigned nestingLimit = 200;
/// No tree is higher than this: a walk may recurse.
constexpr unsigned heightLimit = 2000;

/// Parses file `file`. The tree lives in `context`. When errors were reported, what is returned is only a part of the
/// program, of use to tools but not to be checked.
ast::Program parse(const SourceManager &sources, uint32_t file, ast::AstContext &context, DiagnosticEngine &diagnostics,
                   ParseMode mode = ParseMode::file);

/// Whether a text typed at the prompt surely goes on in the next line: a bracket is open, it ends in an operator, `,`
/// or `else`, it is nothing but documentation so far, or a definition has a part to come and no empty line says that it has
/// not. False when it already holds a mistake of spelling or brackets.
bool isIncomplete(std::string_view text);
/// Whether a line, in a file, goes on with what stands above it although that could end there: it begins with an operator
/// that needs something before it, or with `else`.
bool goesOn(std::string_view line);

} // namespace dlc
