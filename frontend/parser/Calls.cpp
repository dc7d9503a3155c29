// What follows an operand: the arguments of a call, an index, a field.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

using namespace ast;

Expr *Parser::parseCall(Expr *callee, uint32_t first) {
  uint32_t open = pos;
  advance();
  std::vector<Argument> arguments;
  unsigned height = callee->height;
  while (!at(TokenKind::RParen) && continues()) {
    Argument argument;
    bool named = token().isWord() && (kind(1) == TokenKind::Colon || kind(1) == TokenKind::Assign);
    if (named) {
      argument.name = spelled(token());
      argument.nameRange = range(token());
      advance();
      if (at(TokenKind::Assign))
        error(Diag::NamedArgumentEquals, range(token()))
            .help(fmt::format("write `{0}: ...`; `==` compares", argument.name), between(tokens[pos - 1], token(1)),
                  ": ")
            .mended();
      advance();
    }
    argument.value = parseExpression();
    if (!argument.value)
      return nullptr;
    height = std::max(height, argument.value->height);
    arguments.push_back(argument);
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!close(open, TokenKind::RParen, "`,` or `)`"))
    return nullptr;
  return finish(context.make<CallExpr>(rangeFrom(first), callee, std::move(arguments)), height);
}

Expr *Parser::parseIndex(Expr *base, uint32_t first) {
  uint32_t open = pos;
  advance();
  if (at(TokenKind::RBracket)) {
    unexpected(Diag::ExpectedExpression, "an index");
    return nullptr;
  }
  std::vector<IndexEntry> entries;
  unsigned height = base->height;
  while (!at(TokenKind::RBracket) && continues()) {
    IndexEntry entry;
    if (!parseIndexEntry(entry, height))
      return nullptr;
    if (entry.ellipsis && std::any_of(entries.begin(), entries.end(), [](const IndexEntry &e) { return e.ellipsis; }))
      error(Diag::BadEllipsis, entry.range, "may stand once in an index");
    entries.push_back(entry);
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!close(open, TokenKind::RBracket, "`,` or `]`"))
    return nullptr;
  return finish(context.make<IndexExpr>(rangeFrom(first), base, std::move(entries)), height);
}

/// `e`, `...`, or `begin:end:step` with any part absent. Raises `height` to that of its highest part.
bool Parser::parseIndexEntry(IndexEntry &entry, unsigned &height) {
  uint32_t first = pos;
  auto part = [&](Expr *&expr) {
    if (at(TokenKind::Colon) || at(TokenKind::Comma) || at(TokenKind::RBracket))
      return true;
    expr = parseExpression();
    height = std::max(height, expr ? expr->height : 0);
    return expr != nullptr;
  };
  if (at(TokenKind::Ellipsis)) {
    advance();
    entry.slice = entry.ellipsis = true;
    entry.range = rangeFrom(first);
    return true;
  }
  if (at(TokenKind::DotDot)) {
    unexpected(Diag::ExpectedExpression, "an index", "a slice is written with a colon, as in `x[:3]`");
    return false;
  }
  if (!at(TokenKind::Colon)) {
    entry.value = parseExpression();
    if (!entry.value)
      return false;
    height = std::max(height, entry.value->height);
  }
  if (accept(TokenKind::Colon)) {
    entry.slice = true;
    std::swap(entry.begin, entry.value);
    if (!part(entry.end) || (accept(TokenKind::Colon) && !part(entry.step)))
      return false;
  }
  entry.range = rangeFrom(first);
  return true;
}

Expr *Parser::parseField(Expr *base, uint32_t first) {
  advance();
  if (!token().isWord() || !continues()) {
    unexpected(Diag::ExpectedName, "the name of a member");
    return nullptr;
  }
  std::string_view name = spelled(token());
  SourceRange nameRange = range(token());
  advance();
  return finish(context.make<FieldExpr>(rangeFrom(first), base, name, nameRange), base->height);
}

} // namespace dlc
