// Expressions as text, and the entry points of the printer. Parentheses stand where the precedences of the language
// page need them.
#include "frontend/syntax/AstPrinter.h"
#include "frontend/syntax/AstPrinterImpl.h"
#include "frontend/syntax/Unicode.h"

#include <fmt/format.h>

namespace dlc::ast {

namespace {

enum Level {
  AnyLevel,
  PipeLevel,
  OrLevel,
  AndLevel,
  CompareLevel,
  StepLevel,
  RangeLevel,
  SumLevel,
  ProductLevel,
  PrefixLevel,
  PowerLevel,
  PostfixLevel
};

Level levelOf(BinaryOp op) {
  switch (op) {
  case BinaryOp::Or:
    return OrLevel;
  case BinaryOp::And:
    return AndLevel;
  case BinaryOp::Eq:
  case BinaryOp::Ne:
  case BinaryOp::Lt:
  case BinaryOp::Le:
  case BinaryOp::Gt:
  case BinaryOp::Ge:
    return CompareLevel;
  case BinaryOp::By:
    return StepLevel;
  case BinaryOp::Range:
  case BinaryOp::RangeTo:
    return RangeLevel;
  case BinaryOp::Add:
  case BinaryOp::Sub:
    return SumLevel;
  case BinaryOp::Mul:
  case BinaryOp::Div:
  case BinaryOp::Rem:
  case BinaryOp::MatMul:
    return ProductLevel;
  case BinaryOp::Pow:
    return PowerLevel;
  }
  return AnyLevel;
}

Level levelOf(const Expr &expr) {
  switch (expr.kind) {
  case ExprKind::Lambda:
  case ExprKind::Duration:
    return AnyLevel;
  case ExprKind::Binary:
    return levelOf(static_cast<const BinaryExpr &>(expr).op);
  case ExprKind::Unary:
    return PrefixLevel;
  case ExprKind::Number: { // only the least i64 is negative
    auto &number = static_cast<const NumberExpr &>(expr);
    return !number.isFloat && number.integer < 0 ? PrefixLevel : PostfixLevel;
  }
  case ExprKind::If:
  case ExprKind::BlockExpr: // an operand, but not called or indexed
    return PowerLevel;
  case ExprKind::Call:
    return static_cast<const CallExpr &>(expr).piped ? PipeLevel : PostfixLevel;
  default:
    return PostfixLevel;
  }
}

std::string numberText(const NumberExpr &number) {
  if (!number.isFloat)
    return std::to_string(number.integer);
  std::string text = fmt::format("{}", number.value); // the shortest that reads back the same
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text;
}

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (size_t at = 0; at < value.size();) {
    CodePoint point = decodeUtf8(value, at);
    unsigned length = point.length ? point.length : 1;
    switch (point.code) {
    case '\n':
      text += "\\n";
      break;
    case '\t':
      text += "\\t";
      break;
    case '\r':
      text += "\\r";
      break;
    case '\0':
      text += "\\0";
      break;
    case '"':
    case '\\':
      text += '\\';
      text += char(point.code);
      break;
    default:
      if (isUnprintable(point.code))
        text += fmt::format("\\u{{{:x}}}", uint32_t(point.code));
      else
        text += value.substr(at, length);
    }
    at += length;
  }
  return text + '"';
}

} // namespace

void Printer::expr(const Expr &e, int minLevel) {
  if (overflow)
    return;
  if (levelOf(e) < minLevel) {
    put("(");
    expr(e);
    put(")");
    return;
  }
  switch (e.kind) {
  case ExprKind::Number:
    return put(numberText(static_cast<const NumberExpr &>(e)));
  case ExprKind::String:
    return put(quoted(static_cast<const StringExpr &>(e).value));
  case ExprKind::Bool:
    return put(static_cast<const BoolExpr &>(e).value ? "true" : "false");
  case ExprKind::Name:
    return put(static_cast<const NameExpr &>(e).name);
  case ExprKind::Tuple: {
    auto &tuple = static_cast<const TupleExpr &>(e);
    put("(");
    list(tuple.elements);
    return put(tuple.elements.size() == 1 ? ",)" : ")");
  }
  case ExprKind::List:
    put("[");
    list(static_cast<const ListExpr &>(e).elements);
    return put("]");
  case ExprKind::Comprehension: {
    auto &comprehension = static_cast<const ComprehensionExpr &>(e);
    put("[");
    expr(*comprehension.element);
    put(" for ");
    expr(*comprehension.pattern);
    put(" in ");
    expr(*comprehension.source);
    return put("]");
  }
  case ExprKind::Unary: {
    auto &unary = static_cast<const UnaryExpr &>(e);
    put(spelling(unary.op));
    return expr(*unary.operand, PrefixLevel);
  }
  case ExprKind::Binary: {
    auto &binary = static_cast<const BinaryExpr &>(e);
    Level level = levelOf(binary.op);
    bool power = binary.op == BinaryOp::Pow, associates = level != CompareLevel && level != RangeLevel;
    expr(*binary.lhs, power ? PostfixLevel : associates ? level : level + 1);
    put(level == RangeLevel ? spelling(binary.op) : fmt::format(" {} ", spelling(binary.op)));
    return expr(*binary.rhs, power ? PrefixLevel : level + 1);
  }
  case ExprKind::Call:
    return call(static_cast<const CallExpr &>(e));
  case ExprKind::Index:
    return index(static_cast<const IndexExpr &>(e));
  case ExprKind::Field: {
    auto &field = static_cast<const FieldExpr &>(e);
    bool number = field.base->kind == ExprKind::Number; // `1.x` would begin a float
    expr(*field.base, number ? PostfixLevel + 1 : PostfixLevel);
    put(".");
    return put(field.name);
  }
  case ExprKind::Lambda: {
    auto &lambda = static_cast<const LambdaExpr &>(e);
    const std::vector<Parameter> &ps = lambda.parameters;
    if (ps.size() == 1 && !ps[0].type && !ps[0].defaultValue)
      put(ps[0].name);
    else
      parameters(ps);
    put(" => ");
    return expr(*lambda.body);
  }
  case ExprKind::If: {
    auto &choice = static_cast<const IfExpr &>(e);
    if (!tryFlat([&] { ifElse(choice); }))
      ifElse(choice);
    return;
  }
  case ExprKind::BlockExpr:
    return block(*static_cast<const BlockExpr &>(e).block);
  case ExprKind::Duration:
    return duration(static_cast<const DurationExpr &>(e));
  }
}

void Printer::list(const std::vector<Expr *> &elements) {
  for (size_t i = 0; i < elements.size(); ++i) {
    put(i ? ", " : "");
    expr(*elements[i]);
  }
}

/// Whether what is called may stand behind `|>` without arguments; the checker refuses all else, called or not.
static bool standsAlone(const Expr &callee) {
  switch (callee.kind) {
  case ExprKind::Number:
  case ExprKind::String:
  case ExprKind::Bool:
  case ExprKind::Duration:
  case ExprKind::Tuple:
  case ExprKind::List:
  case ExprKind::Comprehension:
    return false;
  default:
    return true;
  }
}

void Printer::call(const CallExpr &call) {
  size_t first = call.piped ? 1 : 0;
  bool bare = call.piped && call.arguments.size() == 1 && standsAlone(*call.callee); // `x |> f`
  if (call.piped) {
    expr(*call.arguments[0].value, PipeLevel);
    put(" |> ");
  }
  // A call that is called with the piped value alone would read as a call with one more argument.
  expr(*call.callee, bare && call.callee->kind == ExprKind::Call ? PostfixLevel + 1 : PostfixLevel);
  if (bare)
    return;
  put("(");
  for (size_t i = first; i < call.arguments.size(); ++i) {
    const Argument &argument = call.arguments[i];
    put(i > first ? ", " : "");
    if (!argument.name.empty())
      put(fmt::format("{}: ", argument.name));
    expr(*argument.value);
  }
  put(")");
}

void Printer::index(const IndexExpr &index) {
  expr(*index.base, PostfixLevel);
  put("[");
  for (size_t i = 0; i < index.entries.size(); ++i) {
    const IndexEntry &entry = index.entries[i];
    put(i ? ", " : "");
    if (entry.value)
      expr(*entry.value);
    if (entry.begin)
      expr(*entry.begin);
    if (entry.slice)
      put(entry.ellipsis ? "..." : ":");
    if (entry.end)
      expr(*entry.end);
    if (entry.step) {
      put(":");
      expr(*entry.step);
    }
  }
  put("]");
}

void Printer::duration(const DurationExpr &duration) {
  expr(*duration.count, PipeLevel);
  put(duration.epochs ? " epochs" : " steps");
  if (!duration.metric.empty())
    put(fmt::format(" without better {}{}", duration.metric, duration.lower ? ", lower: true" : ""));
}

namespace {
template <class Node> std::string printed(void (Printer::*print)(const Node &), const Node &node) {
  Printer printer;
  (printer.*print)(node);
  return std::move(printer.out);
}
} // namespace

std::string print(const Program &program) { return printed(&Printer::program, program); }
std::string print(const Item &item) { return printed(&Printer::item, item) + "\n"; }
std::string print(const Stmt &stmt) { return printed(&Printer::stmt, stmt); }
std::string print(const TypeExpr &type) { return printed(&Printer::type, type); }
std::string print(const Expr &expr) {
  Printer printer;
  printer.expr(expr);
  return std::move(printer.out);
}

} // namespace dlc::ast
