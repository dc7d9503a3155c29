// What operands begin with: literals, names, brackets, `if`, lambdas.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>
#include <charconv>

namespace dlc {

using namespace ast;

Expr *Parser::parsePrimary() {
  uint32_t first = pos;
  if (startsLambda()) {
    error(Diag::LambdaNeedsParentheses, range(token())).help("write `(x => ...)`");
    return parseLambda();
  }
  switch (kind()) {
  case TokenKind::Integer:
  case TokenKind::Float:
    return parseNumber();
  case TokenKind::String: {
    std::string_view value = context.keep(unescape(spelled(token())));
    advance();
    return context.make<StringExpr>(rangeFrom(first), value);
  }
  case TokenKind::KwTrue:
  case TokenKind::KwFalse: {
    bool value = at(TokenKind::KwTrue);
    advance();
    return context.make<BoolExpr>(rangeFrom(first), value);
  }
  case TokenKind::Word:
    return parseWord();
  case TokenKind::LParen:
    return parseParenthesised();
  case TokenKind::LBracket:
    return parseList();
  case TokenKind::KwIf:
    return parseIf();
  case TokenKind::LBrace: {
    Block *block = parseBlock("the block");
    return block ? finish(context.make<BlockExpr>(block->range, block), block->height) : nullptr;
  }
  default:
    unexpected(Diag::ExpectedExpression, "an expression");
    return nullptr;
  }
}

Expr *Parser::parseWord() {
  SourceRange where = range(token());
  std::string_view name = spelled(token());
  if (name == "lambda" && continues(1) && (kind(1) == TokenKind::Word || kind(1) == TokenKind::Colon))
    return parseForeignLambda();
  if (name == "self" && kind(1) == TokenKind::Dot && token(2).isWord()) {
    error(Diag::SelfReference, where, "the member's name alone")
        .help(fmt::format("write `{}`: members are in scope", spelled(token(2))), where.to(range(token(1))), "")
        .mended();
    pos += 2;
    where = range(token());
    name = spelled(token());
  }
  if ((name == "f" || name == "r" || name == "b") && kind(1) == TokenKind::String && token(1).begin == token().end) {
    error(Diag::ForeignOperator, where, fmt::format("{}\"", name))
        .help(name == "f"
                  ? "`print(\"loss\", x)` shows several values; texts are joined by `+`, and `str(n)` is the text of a "
                    "known number"
                  : "a string is written without it");
    advance();
    return parsePrimary();
  }
  advance();
  if (name == "True" || name == "False") {
    bool value = name == "True";
    const char *meant = value ? "true" : "false";
    error(Diag::CapitalBool, where, name, meant).help(fmt::format("write `{}`", meant), meant).mended();
    return context.make<BoolExpr>(where, value);
  }
  return context.make<NameExpr>(where, name);
}

Expr *Parser::parseNumber() {
  uint32_t first = pos;
  bool isFloat = at(TokenKind::Float), reported = token().reported;
  std::string_view shown = spelled(token());
  std::string digits;
  std::copy_if(shown.begin(), shown.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
  SourceRange where = range(token());
  advance();
  bool pointAtEdge = digits.front() == '.' || digits.back() == '.'; // mended: `2.`, `.5`
  if (reported && !pointAtEdge)                                     // not a number; any value will do
    return context.make<NumberExpr>(where, int64_t(0));
  if (!isFloat && !pointAtEdge) {
    int64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
      error(Diag::NumberTooLarge, where, shown, "i64").help("written as `1e20` or `1.0` it is a float");
    return context.make<NumberExpr>(rangeFrom(first), value);
  }
  double value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) {
    // Too small a number is 0; which of both it was is seen by the exponent.
    bool small = digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos ||
                 (digits.find_first_of("eE") == std::string::npos && digits[0] == '0');
    value = 0;
    if (!small)
      error(Diag::NumberTooLarge, where, shown, "f64");
  }
  return context.make<NumberExpr>(rangeFrom(first), value);
}

Expr *Parser::parseParenthesised() {
  uint32_t open = pos;
  advance();
  std::vector<Expr *> elements;
  unsigned height = 0;
  bool comma = false;
  while (!at(TokenKind::RParen) && continues()) {
    Expr *element = parseExpression();
    if (!element)
      return nullptr;
    elements.push_back(element);
    height = std::max(height, element->height);
    comma = accept(TokenKind::Comma);
    if (!comma)
      break;
  }
  if (!close(open, TokenKind::RParen, "`,` or `)`"))
    return nullptr;
  if (elements.size() == 1 && !comma)
    return elements[0];
  return finish(context.make<TupleExpr>(rangeFrom(open), std::move(elements)), height);
}

Expr *Parser::parseList() {
  uint32_t open = pos;
  advance();
  std::vector<Expr *> elements;
  unsigned height = 0;
  while (!at(TokenKind::RBracket) && continues()) {
    Expr *element = parseExpression();
    if (!element)
      return nullptr;
    elements.push_back(element);
    height = std::max(height, element->height);
    if (elements.size() == 1 && accept(TokenKind::KwFor)) {
      Expr *pattern = parseLoopPattern();
      Expr *source = pattern ? parseExpression() : nullptr;
      if (!source || !close(open, TokenKind::RBracket, "`]`"))
        return nullptr;
      return finish(context.make<ComprehensionExpr>(rangeFrom(open), element, pattern, source),
                    std::max({height, pattern->height, source->height}));
    }
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!close(open, TokenKind::RBracket, "`,` or `]`"))
    return nullptr;
  return finish(context.make<ListExpr>(rangeFrom(open), std::move(elements)), height);
}

Expr *Parser::parseCondition() {
  uint32_t first = pos;
  if (at(TokenKind::LBrace)) {
    unexpected(Diag::ExpectedExpression, "a condition");
    return nullptr;
  }
  Expr *condition = parseExpression();
  if (!condition || !at(TokenKind::Assign))
    return condition;
  SourceRange opRange = range(token());
  error(Diag::AssignInCondition, opRange).help("`==` compares", "==");
  advance();
  Expr *rhs = parseExpression();
  return rhs ? makeBinary(first, BinaryOp::Eq, opRange, condition, rhs) : nullptr;
}

Expr *Parser::parseIf() {
  uint32_t first = pos;
  advance();
  Expr *condition = parseCondition();
  Block *thenBlock = condition ? parseBlock("`if`") : nullptr;
  if (!thenBlock)
    return nullptr;
  unsigned height = std::max(condition->height, thenBlock->height);
  Block *elseBlock = nullptr;
  bool elif = atAnyWord({"elif", "elseif", "elsif"}) && startsOperand(kind(1));
  if (elif || at(TokenKind::KwElse)) {
    if (elif)
      error(Diag::ForeignKeyword, range(token()), spelled(token())).help("write `else if`", "else if").mended();
    else
      advance();
    if (elif || at(TokenKind::KwIf)) {
      Nest nest(*this);
      Expr *next = nest ? parseIf() : nullptr; // consumes the word first, be it `if` or `elif`
      if (!next)
        return nullptr;
      elseBlock = context.make<Block>();
      elseBlock->statements.push_back(context.make<ExprStmt>(next->range, next));
      elseBlock->range = next->range;
      elseBlock->height = next->height + 2;
    } else {
      elseBlock = parseBlock("`else`");
    }
    if (!elseBlock)
      return nullptr;
    height = std::max(height, elseBlock->height);
  }
  return finish(context.make<IfExpr>(rangeFrom(first), condition, thenBlock, elseBlock), height);
}

bool Parser::startsLambda() const {
  auto isArrow = [](const Token &token) { return token.kind == TokenKind::FatArrow || token.kind == TokenKind::Arrow; };
  if (at(TokenKind::Word))
    return isArrow(token(1));
  return at(TokenKind::LParen) && token().partner != Token::none && isArrow(tokens[token().partner + 1]);
}

Expr *Parser::parseLambda() {
  uint32_t first = pos;
  std::vector<Parameter> parameters;
  if (at(TokenKind::LParen)) {
    if (!parseParameters(parameters))
      return nullptr;
  } else {
    parameters.push_back({spelled(token()), range(token())});
    advance();
  }
  if (at(TokenKind::Arrow) && !token().reported)
    error(Diag::WrongArrow, range(token()), "->", "=>")
        .help("`->` stands before the result type of a function", "=>")
        .mended();
  advance();
  Expr *body = parseExpression();
  if (!body)
    return nullptr;
  unsigned height = body->height;
  for (const Parameter &parameter : parameters)
    height = std::max({height, parameter.type ? parameter.type->height : 0,
                       parameter.defaultValue ? parameter.defaultValue->height : 0});
  return finish(context.make<LambdaExpr>(rangeFrom(first), std::move(parameters), body), height);
}

/// `lambda x, y: body`.
Expr *Parser::parseForeignLambda() {
  uint32_t first = pos;
  error(Diag::ForeignKeyword, range(token()), "lambda").help("a lambda is written `x => ...` or `(x, y) => ...`");
  advance();
  std::vector<Parameter> parameters;
  while (at(TokenKind::Word)) {
    parameters.push_back({spelled(token()), range(token())});
    advance();
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!accept(TokenKind::Colon)) {
    lastError = pos; // part of the same mistake
    return nullptr;
  }
  Expr *body = parseExpression();
  return body ? finish(context.make<LambdaExpr>(rangeFrom(first), std::move(parameters), body), body->height) : nullptr;
}

} // namespace dlc
