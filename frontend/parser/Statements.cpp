// Statements and blocks.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

using namespace ast;

namespace {

/// The operator of `+=` and its like; nothing for other kinds.
bool compoundOf(TokenKind kind, BinaryOp &op) {
  switch (kind) {
  case TokenKind::PlusAssign:
    op = BinaryOp::Add;
    return true;
  case TokenKind::MinusAssign:
    op = BinaryOp::Sub;
    return true;
  case TokenKind::StarAssign:
    op = BinaryOp::Mul;
    return true;
  case TokenKind::SlashAssign:
    op = BinaryOp::Div;
    return true;
  case TokenKind::PercentAssign:
    op = BinaryOp::Rem;
    return true;
  case TokenKind::AtAssign:
    op = BinaryOp::MatMul;
    return true;
  case TokenKind::PowerAssign:
    op = BinaryOp::Pow;
    return true;
  default:
    return false;
  }
}

/// The height of a statement in a block, from those of its parts.
unsigned heightOf(const Stmt *stmt) {
  switch (stmt->kind) {
  case StmtKind::Let: {
    auto *let = static_cast<const LetStmt *>(stmt);
    return 1 + std::max({let->pattern->height, let->value->height, let->type ? let->type->height : 0});
  }
  case StmtKind::Assign: {
    auto *assign = static_cast<const AssignStmt *>(stmt);
    return 1 + std::max(assign->target->height, assign->value->height);
  }
  case StmtKind::For: {
    auto *loop = static_cast<const ForStmt *>(stmt);
    return 1 + std::max({loop->pattern->height, loop->source->height, loop->body->height});
  }
  case StmtKind::While: {
    auto *loop = static_cast<const WhileStmt *>(stmt);
    return 1 + std::max(loop->condition->height, loop->body->height);
  }
  case StmtKind::Expr:
    return 1 + static_cast<const ExprStmt *>(stmt)->expr->height;
  case StmtKind::Break:
  case StmtKind::Continue:
  case StmtKind::Item: // an error inside a block
    return 1;
  }
  return 1;
}

const char *describe(const Expr *expr) {
  switch (expr->kind) {
  case ExprKind::Number:
  case ExprKind::String:
  case ExprKind::Bool:
  case ExprKind::Duration:
    return "a literal";
  case ExprKind::Tuple:
    return "this tuple";
  case ExprKind::List:
  case ExprKind::Comprehension:
    return "a list";
  case ExprKind::Unary:
  case ExprKind::Binary:
    return "an operation";
  case ExprKind::Call:
    return "a call";
  case ExprKind::Lambda:
    return "a lambda";
  default:
    return "a block";
  }
}

} // namespace

Block *Parser::parseBlock(const char *what) {
  auto *block = context.make<Block>();
  bool good = parseBraced(block->range, what, [&] {
    Stmt *statement = parseStatement();
    if (!statement)
      return false;
    block->statements.push_back(statement);
    block->height = std::max(block->height, heightOf(statement) + 1);
    return true;
  });
  return good ? block : nullptr;
}

bool Parser::startsItem() const {
  if (at(TokenKind::KwFn) || atBuiltin())
    return true;
  return atAnyWord({"model", "data", "train", "optimizer", "derivative"}) && kind(1) == TokenKind::Word && continues(1);
}

/// `var` is also a function of std: a definition has a name or a pattern, then `=` or a type.
bool Parser::startsVar() const {
  if (!atWord("var") || !continues(1))
    return false;
  if (token(1).isWord())
    return true;
  if (kind(1) != TokenKind::LParen || token(1).partner == Token::none)
    return false;
  TokenKind next = tokens[token(1).partner + 1].kind;
  return next == TokenKind::Assign || next == TokenKind::Colon || next == TokenKind::ColonAssign;
}

bool Parser::assignsInLine() const {
  for (uint32_t i = pos; i < tokens.size() && (i == pos || !tokens[i].newline); ++i) {
    if (tokens[i].kind == TokenKind::Assign)
      return true;
    if (tokens[i].partner != Token::none && tokens[i].partner > i)
      i = tokens[i].partner;
  }
  return false;
}

Stmt *Parser::parseStatement() {
  uint32_t first = pos;
  switch (kind()) {
  case TokenKind::KwLet:
    advance();
    return parseBinding(first, /*isVar=*/false);
  case TokenKind::KwFor:
    return parseFor();
  case TokenKind::KwWhile:
    return parseWhile();
  case TokenKind::KwBreak:
    advance();
    return context.make<BreakStmt>(rangeFrom(first));
  case TokenKind::KwElse:
    unexpected(Diag::ExpectedStatement, "", "`else` follows the `}` of its `if`");
    return nullptr;
  default:
    break;
  }
  if (atWord("continue") && (!continues(1) || kind(1) == TokenKind::RBrace || kind(1) == TokenKind::Semicolon)) {
    advance();
    return context.make<ContinueStmt>(rangeFrom(first));
  }
  if (startsItem())
    return parseItemStatement();
  if (startsVar()) {
    advance();
    return parseBinding(first, /*isVar=*/true);
  }
  bool handled = false;
  Stmt *foreign = parseForeignStatement(handled);
  return handled ? foreign : parseExpressionStatement();
}

/// What follows `let` or `var`: `pattern: type = value`.
Stmt *Parser::parseBinding(uint32_t first, bool isVar) {
  if (!isVar && atWord("mut") && kind(1) == TokenKind::Word && continues(1)) {
    error(Diag::ForeignKeyword, range(token()), "mut")
        .help(fmt::format("write `var {} = ...` for what is assigned again", spelled(token(1))),
              range(tokens[pos - 1]).to(range(token())), "var")
        .mended();
    isVar = true;
    advance();
  }
  Expr *pattern = parsePattern();
  if (!pattern)
    return nullptr;
  TypeExpr *type = nullptr;
  if (accept(TokenKind::Colon) && !(type = parseType()))
    return nullptr;
  if (at(TokenKind::ColonAssign)) {
    error(Diag::ColonAssign, range(token())).help("write `=`", "=").mended();
  } else if (!at(TokenKind::Assign)) {
    unexpected(Diag::ExpectedToken, "`=` and a value");
    return nullptr;
  }
  advance();
  Expr *value = parseExpression();
  return value ? context.make<LetStmt>(rangeFrom(first), isVar, pattern, type, value) : nullptr;
}

/// `x in`, `(a, b) in`, or `a, b in`.
Expr *Parser::parseLoopPattern() {
  uint32_t first = pos;
  Expr *pattern = parsePattern();
  if (pattern && at(TokenKind::Comma)) {
    std::vector<Expr *> elements = {pattern};
    unsigned height = pattern->height;
    while (accept(TokenKind::Comma)) {
      Expr *element = parsePattern();
      if (!element)
        return nullptr;
      elements.push_back(element);
      height = std::max(height, element->height);
    }
    pattern = finish(context.make<TupleExpr>(rangeFrom(first), std::move(elements)), height);
  }
  if (!pattern)
    return nullptr;
  if (!atWord("in")) {
    unexpected(Diag::ExpectedToken, "`in`");
    return nullptr;
  }
  advance();
  return pattern;
}

Stmt *Parser::parseFor() {
  uint32_t first = pos;
  Nest nest(*this);
  if (!nest)
    return nullptr;
  advance();
  if (at(TokenKind::LParen) && (kind(1) == TokenKind::KwLet || (token(1).isWord() && token(2).isWord()))) {
    advance();
    unexpected(Diag::ExpectedPattern, "names", "a loop that counts is written `for i in 0..n { ... }`");
    return nullptr;
  }
  Expr *pattern = parseLoopPattern();
  if (!pattern)
    return nullptr;
  Expr *source =
      at(TokenKind::LBrace) ? (unexpected(Diag::ExpectedExpression, "what to loop over"), nullptr) : parseExpression();
  // At top level its body may define what is trained in each turn.
  uint32_t outer = loopOpen;
  if (source && at(TokenKind::LBrace) && (blockOpen == Token::none || blockOpen == loopOpen))
    loopOpen = pos;
  Block *body = source ? parseBlock("`for`") : nullptr;
  loopOpen = outer;
  return body ? context.make<ForStmt>(rangeFrom(first), pattern, source, body) : nullptr;
}

Stmt *Parser::parseWhile() {
  uint32_t first = pos;
  Nest nest(*this);
  if (!nest)
    return nullptr;
  advance();
  Expr *condition = parseCondition();
  Block *body = condition ? parseBlock("`while`") : nullptr;
  return body ? context.make<WhileStmt>(rangeFrom(first), condition, body) : nullptr;
}

Stmt *Parser::parseItemStatement() {
  uint32_t first = pos;
  bool inLoop = blockOpen == loopOpen && atAnyWord({"train", "data"});
  if (blockOpen != Token::none && !inLoop) {
    std::string_view word = spelled(token());
    error(Diag::NestedDefinition, range(token()), word)
        .help(at(TokenKind::KwFn) ? "define it at top level, or write a lambda: `let f = x => ...`"
              : atAnyWord({"train", "data"})
                  ? "it stands at top level, where a `for` over a list or known numbers may hold it"
                  : "define it at top level");
  }
  Item *item = parseItem();
  return item ? context.make<ItemStmt>(rangeFrom(first), item) : nullptr;
}

Stmt *Parser::parseExpressionStatement() {
  uint32_t first = pos;
  Expr *expr = parseExpression();
  if (!expr)
    return nullptr;
  BinaryOp op;
  if (at(TokenKind::Assign) || at(TokenKind::ColonAssign) || compoundOf(kind(), op))
    return parseAssignment(first, expr);
  return context.make<ExprStmt>(rangeFrom(first), expr);
}

bool Parser::isTarget(const Expr *expr) const {
  if (expr->kind == ExprKind::Tuple) {
    const auto &elements = static_cast<const TupleExpr *>(expr)->elements;
    return !elements.empty() &&
           std::all_of(elements.begin(), elements.end(), [&](const Expr *element) { return isTarget(element); });
  }
  return expr->kind == ExprKind::Name || expr->kind == ExprKind::Index || expr->kind == ExprKind::Field;
}

/// At the `=` or `+=` behind `target`.
Stmt *Parser::parseAssignment(uint32_t first, Expr *target) {
  BinaryOp op = BinaryOp::Add;
  bool compound = compoundOf(kind(), op);
  if (at(TokenKind::ColonAssign)) {
    Builder report = error(Diag::ColonAssign, range(token()));
    if (target->kind == ExprKind::Name)
      report.help(fmt::format("a new name is written `let {} = ...`", static_cast<NameExpr *>(target)->name));
  }
  if (!isTarget(target)) {
    Builder report = error(Diag::BadAssignTarget, target->range, describe(target));
    if (target->kind == ExprKind::Call && static_cast<CallExpr *>(target)->callee->kind == ExprKind::Name)
      report.help(fmt::format("a function is written `fn {}(...) {{ ... }}`",
                              static_cast<NameExpr *>(static_cast<CallExpr *>(target)->callee)->name));
    else
      report.help("`==` compares");
  }
  advance();
  Expr *value = parseExpression();
  if (!value)
    return nullptr;
  auto *assign = context.make<AssignStmt>(rangeFrom(first), target, value);
  assign->compound = compound;
  assign->op = op;
  return assign;
}

} // namespace dlc
