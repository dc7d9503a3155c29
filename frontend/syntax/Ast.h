// The syntax tree, as written: no names resolved, no types inferred.
//
// Nodes are plain structs with a kind, allocated in an AstContext (a bump allocator; nothing is freed before the context),
// so deep trees cost no recursion to destroy. Strings are views into the context or the source text. The parser bounds the
// height of every tree (parser/Parser.h: `heightLimit`) and keeps it in the nodes, so walks may recurse.
#pragma once

#include "frontend/syntax/Source.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace dlc::ast {

struct Expr;
struct Stmt;
struct TypeExpr;
struct Item;

/// Owns nodes. Nodes may hold std::vector, so they are destroyed, in no particular order, with the context.
class AstContext {
public:
  template <class Node, class... Args> Node *make(Args &&...args) {
    auto holder = std::make_unique<Holder<Node>>(std::forward<Args>(args)...);
    Node *node = &holder->node;
    nodes.push_back(std::move(holder));
    return node;
  }
  /// Keeps a string (an unescaped literal, a generated name) as long as the tree.
  std::string_view keep(std::string text) { return strings.emplace_back(std::move(text)); }

private:
  struct HolderBase {
    virtual ~HolderBase() = default;
  };
  template <class Node> struct Holder : HolderBase {
    template <class... Args> explicit Holder(Args &&...args) : node{std::forward<Args>(args)...} {}
    Node node;
  };
  std::vector<std::unique_ptr<HolderBase>> nodes;
  std::deque<std::string> strings;
};

//===-- Expressions ------------------------------------------------------------------------------------------------===//

enum class UnaryOp { Neg, Not };
enum class BinaryOp { Add, Sub, Mul, Div, Rem, MatMul, Pow, Eq, Ne, Lt, Le, Gt, Ge, And, Or, Range, RangeTo, By };
/// The operator's spelling, as `+`.
const char *spelling(UnaryOp op);
const char *spelling(BinaryOp op);

/// An argument of a call: `value` or `name: value`.
struct Argument {
  std::string_view name; ///< empty when positional
  SourceRange nameRange;
  Expr *value = nullptr;
};

/// One entry of an index: an expression, or a slice `begin:end:step` with any part absent.
struct IndexEntry {
  bool slice = false;
  bool ellipsis = false; ///< `...`: whole slices of as many axes as the other entries leave
  Expr *value = nullptr; ///< when not a slice
  Expr *begin = nullptr, *end = nullptr, *step = nullptr;
  SourceRange range;
};

/// A parameter of a function, lambda, model or optimizer: `name`, `name: type`, `name: type = default`, `name = default`.
struct Parameter {
  std::string_view name; ///< `_` ignores
  SourceRange range;     ///< of the name
  TypeExpr *type = nullptr;
  Expr *defaultValue = nullptr;
};

struct Block {
  std::vector<Stmt *> statements; ///< the value is that of the last statement, if that is an expression statement
  SourceRange range;              ///< with its braces
  unsigned height = 1;            ///< levels of the tree below and with it, as Expr::height
};

enum class ExprKind {
  Number,
  String,
  Bool,
  Name,
  Tuple,
  List,
  Comprehension,
  Unary,
  Binary,
  Call,
  Index,
  Field,
  Lambda,
  If,
  BlockExpr,
  Duration
};

struct Expr {
  ExprKind kind;
  SourceRange range;
  unsigned height = 1; ///< 1 + that of the highest child (through blocks and types); at most `heightLimit`
  Expr(ExprKind kind, SourceRange range) : kind(kind), range(range) {}
  Expr(const Expr &) = delete;
};

/// `1`, `1_000`, `1e-3`. Integers that exceed i64 are refused by the parser.
struct NumberExpr : Expr {
  bool isFloat;
  int64_t integer; ///< when !isFloat
  double value;    ///< always
  NumberExpr(SourceRange r, int64_t i) : Expr(ExprKind::Number, r), isFloat(false), integer(i), value(double(i)) {}
  NumberExpr(SourceRange r, double v) : Expr(ExprKind::Number, r), isFloat(true), integer(0), value(v) {}
};
struct StringExpr : Expr {
  std::string_view value; ///< unescaped
  StringExpr(SourceRange r, std::string_view v) : Expr(ExprKind::String, r), value(v) {}
};
/// `true`, `false`.
struct BoolExpr : Expr {
  bool value;
  BoolExpr(SourceRange r, bool v) : Expr(ExprKind::Bool, r), value(v) {}
};
/// A name; also `_`, a dtype (`f32`) and everything else that is spelled as a word.
struct NameExpr : Expr {
  std::string_view name;
  NameExpr(SourceRange r, std::string_view n) : Expr(ExprKind::Name, r), name(n) {}
};
/// `(a, b)`; `()` is the empty tuple. Parentheses around one expression leave no node.
struct TupleExpr : Expr {
  std::vector<Expr *> elements;
  TupleExpr(SourceRange r, std::vector<Expr *> e) : Expr(ExprKind::Tuple, r), elements(std::move(e)) {}
};
/// `[a, b]`.
struct ListExpr : Expr {
  std::vector<Expr *> elements;
  ListExpr(SourceRange r, std::vector<Expr *> e) : Expr(ExprKind::List, r), elements(std::move(e)) {}
};
/// `[element for pattern in source]`.
struct ComprehensionExpr : Expr {
  Expr *element;
  Expr *pattern; ///< a name or a tuple of patterns
  Expr *source;
  ComprehensionExpr(SourceRange r, Expr *e, Expr *p, Expr *s)
      : Expr(ExprKind::Comprehension, r), element(e), pattern(p), source(s) {}
};
struct UnaryExpr : Expr {
  UnaryOp op;
  Expr *operand;
  UnaryExpr(SourceRange r, UnaryOp op, Expr *o) : Expr(ExprKind::Unary, r), op(op), operand(o) {}
};
/// Also `a..b` (Range), `a..=b` (RangeTo), and either `by` a step.
struct BinaryExpr : Expr {
  BinaryOp op;
  SourceRange opRange;
  Expr *lhs, *rhs;
  BinaryExpr(SourceRange r, BinaryOp op, SourceRange opRange, Expr *l, Expr *rhs)
      : Expr(ExprKind::Binary, r), op(op), opRange(opRange), lhs(l), rhs(rhs) {}
};
/// `f(a, name: b)`. `x |> f(a)` and `x |> f` are this too, with x as the first argument and `piped` set.
struct CallExpr : Expr {
  Expr *callee;
  std::vector<Argument> arguments;
  bool piped = false;
  CallExpr(SourceRange r, Expr *c, std::vector<Argument> a, bool piped = false)
      : Expr(ExprKind::Call, r), callee(c), arguments(std::move(a)), piped(piped) {}
};
struct IndexExpr : Expr {
  Expr *base;
  std::vector<IndexEntry> entries;
  IndexExpr(SourceRange r, Expr *b, std::vector<IndexEntry> e)
      : Expr(ExprKind::Index, r), base(b), entries(std::move(e)) {}
};
struct FieldExpr : Expr {
  Expr *base;
  std::string_view name;
  SourceRange nameRange;
  FieldExpr(SourceRange r, Expr *b, std::string_view n, SourceRange nr)
      : Expr(ExprKind::Field, r), base(b), name(n), nameRange(nr) {}
};
/// `x => body`, `(a, b) => body`.
struct LambdaExpr : Expr {
  std::vector<Parameter> parameters;
  Expr *body;
  LambdaExpr(SourceRange r, std::vector<Parameter> p, Expr *b)
      : Expr(ExprKind::Lambda, r), parameters(std::move(p)), body(b) {}
};
/// `if c { .. } else { .. }`; the else branch may be absent (a statement) or another if.
struct IfExpr : Expr {
  Expr *condition;
  Block *thenBlock;
  Block *elseBlock; ///< null when absent; `else if` is a block of that one expression
  IfExpr(SourceRange r, Expr *c, Block *t, Block *e)
      : Expr(ExprKind::If, r), condition(c), thenBlock(t), elseBlock(e) {}
};
struct BlockExpr : Expr {
  Block *block;
  BlockExpr(SourceRange r, Block *b) : Expr(ExprKind::BlockExpr, r), block(b) {}
};
/// `30 epochs`, `2 steps`; in a setting also `2 epochs without better val.loss`, then `lower: true`.
struct DurationExpr : Expr {
  Expr *count;
  bool epochs;             ///< else steps
  std::string_view metric; ///< `val.loss` of `without better val.loss`; empty when absent
  SourceRange metricRange;
  bool lower = false; ///< `lower: true` was written
  DurationExpr(SourceRange r, Expr *c, bool e) : Expr(ExprKind::Duration, r), count(c), epochs(e) {}
};

//===-- Types ------------------------------------------------------------------------------------------------------===//

enum class TypeKind { Named, Tensor, Tuple, Function };

/// A type as written. Named: `f32`, `dim`, `str`, `category`, a model. Tensor: `f32[n, 784]`, `f32[..., in]`.
struct TypeExpr {
  TypeKind kind;
  SourceRange range;
  std::string_view name;            ///< Named; the element type of Tensor
  bool ellipsis = false;            ///< Tensor: any leading sizes
  std::vector<Expr *> sizes;        ///< Tensor
  std::vector<TypeExpr *> elements; ///< Tuple; the parameters of Function
  TypeExpr *result = nullptr;       ///< Function
  unsigned height = 1;              ///< as Expr::height
};

//===-- Statements -------------------------------------------------------------------------------------------------===//

enum class StmtKind { Let, Assign, For, While, Break, Continue, Expr, Item };

struct Stmt {
  StmtKind kind;
  SourceRange range;
  Stmt(StmtKind kind, SourceRange range) : kind(kind), range(range) {}
  Stmt(const Stmt &) = delete;
};
/// `let p = e`, `let x: f64 = 1`, `var p = e`.
struct LetStmt : Stmt {
  bool isVar;
  Expr *pattern; ///< NameExpr or TupleExpr of patterns
  TypeExpr *type = nullptr;
  Expr *value;
  LetStmt(SourceRange r, bool isVar, Expr *p, TypeExpr *t, Expr *v)
      : Stmt(StmtKind::Let, r), isVar(isVar), pattern(p), type(t), value(v) {}
};
/// `x = e`, `(a, b) = e`, `x[i] = e`, `m.buffer = e`, `x += e`.
struct AssignStmt : Stmt {
  Expr *target;
  bool compound = false; ///< `+=` and its like: `op` then
  BinaryOp op = BinaryOp::Add;
  Expr *value;
  AssignStmt(SourceRange r, Expr *t, Expr *v) : Stmt(StmtKind::Assign, r), target(t), value(v) {}
};
struct ForStmt : Stmt {
  Expr *pattern;
  Expr *source; ///< a tensor, a list, or a Range
  Block *body;
  ForStmt(SourceRange r, Expr *p, Expr *s, Block *b) : Stmt(StmtKind::For, r), pattern(p), source(s), body(b) {}
};
struct WhileStmt : Stmt {
  Expr *condition;
  Block *body;
  WhileStmt(SourceRange r, Expr *c, Block *b) : Stmt(StmtKind::While, r), condition(c), body(b) {}
};
struct BreakStmt : Stmt {
  explicit BreakStmt(SourceRange r) : Stmt(StmtKind::Break, r) {}
};
struct ContinueStmt : Stmt {
  explicit ContinueStmt(SourceRange r) : Stmt(StmtKind::Continue, r) {}
};
/// An expression for its value or effect; an `if` statement is this too.
struct ExprStmt : Stmt {
  Expr *expr;
  ExprStmt(SourceRange r, Expr *e) : Stmt(StmtKind::Expr, r), expr(e) {}
};
/// A definition among statements (at top level).
struct ItemStmt : Stmt {
  Item *item;
  ItemStmt(SourceRange r, Item *i) : Stmt(StmtKind::Item, r), item(i) {}
};

//===-- Definitions ------------------------------------------------------------------------------------------------===//

enum class ItemKind { Fn, Derivative, Model, Optimizer, Data, Train };

struct Item {
  ItemKind kind;
  SourceRange range;
  std::string_view name;
  SourceRange nameRange;
  std::string_view doc; ///< the `///` lines above, without the slashes
  Item(ItemKind kind, SourceRange range, std::string_view name, SourceRange nameRange)
      : kind(kind), range(range), name(name), nameRange(nameRange) {}
  Item(const Item &) = delete;
};
/// `fn f(p: T = d) -> R { .. }`; also `forward` and other functions of a model.
struct FnItem : Item {
  std::vector<Parameter> parameters;
  TypeExpr *result = nullptr;
  Block *body = nullptr;
  FnItem(SourceRange r, std::string_view n, SourceRange nr) : Item(ItemKind::Fn, r, n, nr) {}
};
/// `derivative f(a, b) -> y with dy { da = .., db = .. }`. `name` is f. The cotangent of a parameter p is named `dp`.
struct DerivativeItem : Item {
  std::vector<Parameter> parameters;
  std::string_view result;    ///< y
  std::string_view cotangent; ///< dy
  Block *body = nullptr;      ///< lets, then assignments to the parameters' cotangents
  DerivativeItem(SourceRange r, std::string_view n, SourceRange nr) : Item(ItemKind::Derivative, r, n, nr) {}
};
enum class MemberKind { Param, Buffer, Layer, Let, Fn, If };
/// A member of a model.
struct Member {
  MemberKind kind;
  SourceRange range;
  std::string_view name;
  SourceRange nameRange;
  std::string_view doc;
  TypeExpr *type = nullptr; ///< Param, Buffer
  Expr *value = nullptr;    ///< initialiser of Param and Buffer, what a Layer or Let names, the condition of If
  FnItem *fn = nullptr;     ///< Fn
  std::vector<Member *> thenMembers; ///< If
  std::vector<Member *> elseMembers; ///< If
};
struct ModelItem : Item {
  std::vector<Parameter> parameters;
  std::vector<Member *> members;
  ModelItem(SourceRange r, std::string_view n, SourceRange nr) : Item(ItemKind::Model, r, n, nr) {}
};
/// `optimizer adam(lr, beta1 = 0.9) { state m = 0, v = 0  update(p, g, step) { .. } }`.
struct OptimizerItem : Item {
  std::vector<Parameter> parameters;
  std::vector<Parameter> states; ///< name and initial value
  std::vector<Parameter> updateParameters;
  Block *update = nullptr;
  OptimizerItem(SourceRange r, std::string_view n, SourceRange nr) : Item(ItemKind::Optimizer, r, n, nr) {}
};
/// `data name: { field: type, .. } = source`.
struct DataItem : Item {
  std::vector<Parameter> fields; ///< name and type
  Expr *source = nullptr;
  DataItem(SourceRange r, std::string_view n, SourceRange nr) : Item(ItemKind::Data, r, n, nr) {}
};
/// A line of a train block: a `let`, `minimize e`, `report name = e`, or `key: value`.
struct TrainEntry {
  enum Kind { Statement, Minimize, Report, Setting } kind;
  SourceRange range;
  Stmt *statement = nullptr;
  std::string_view name; ///< of the report or setting
  SourceRange nameRange;
  Expr *value = nullptr;
};
struct TrainItem : Item {
  Expr *model = nullptr;
  Expr *data = nullptr; ///< null when `on ..` is left out
  std::vector<TrainEntry> entries;
  TrainItem(SourceRange r, std::string_view n, SourceRange nr) : Item(ItemKind::Train, r, n, nr) {}
};

/// A parsed file, or one input at the prompt: statements (with definitions among them) in order.
struct Program {
  uint32_t file = 0;
  std::vector<Stmt *> statements;
};

} // namespace dlc::ast
