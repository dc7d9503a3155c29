// The printer's class, shared by AstPrinter.cpp and AstPrinterItems.cpp; everyone else includes AstPrinter.h.
#pragma once

#include "frontend/syntax/Ast.h"

#include <functional>
#include <string>

namespace dlc::ast {

class Printer {
public:
  std::string out;

  /// An expression of precedence `minLevel` or tighter; looser ones get parentheses. Level 0 is any expression.
  void expr(const Expr &expr, int minLevel = 0);
  void type(const TypeExpr &type);
  void stmt(const Stmt &stmt);
  void item(const Item &item);
  void program(const Program &program);

private:
  // AstPrinter.cpp
  void list(const std::vector<Expr *> &elements);
  void call(const CallExpr &call);
  void index(const IndexExpr &index);
  void duration(const DurationExpr &duration);

  // AstPrinterLayout.cpp
  /// Appends text without newlines.
  void put(std::string_view text);
  void newline();
  /// Runs `print` in one line if that fits `flatWidth` columns; otherwise leaves nothing and returns false.
  bool tryFlat(const std::function<void()> &print);
  void ifElse(const IfExpr &expr);
  void parameters(const std::vector<Parameter> &parameters);
  void parameter(const Parameter &parameter);
  /// An expression before a block: in parentheses if it begins with `{`, which would begin a block there.
  void headed(const Expr &expr);
  /// A block in one line if it holds one statement that fits, else in several.
  void block(const Block &block);
  void blockLines(const Block &block);
  /// `{`, the lines that `print` writes one level deeper, `}`.
  void braced(const std::function<void()> &print);

  // AstPrinterItems.cpp
  void statementStart(const Expr &expr);
  void doc(std::string_view doc);
  void fn(const FnItem &fn);
  void derivative(const DerivativeItem &item);
  void optimizer(const OptimizerItem &item);
  void model(const ModelItem &item);
  void members(const std::vector<Member *> &members);
  void member(const Member &member);
  void data(const DataItem &item);
  void train(const TrainItem &item);
  /// `count` entries on lines of their own, with blank lines around those that take several.
  void spaced(size_t count, const std::function<void(size_t)> &print);

  static constexpr size_t flatWidth = 100;
  unsigned indent = 0;
  bool flat = false;     ///< inside tryFlat
  bool overflow = false; ///< what tryFlat prints does not fit
  size_t flatLimit = 0;  ///< the size of `out` at which it overflows
};

} // namespace dlc::ast
