// Types, parameters and patterns.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

using namespace ast;

bool Parser::parseName(const char *expected, std::string_view &name, SourceRange &nameRange) {
  if (!at(TokenKind::Word)) {
    unexpected(Diag::ExpectedName, expected);
    return false;
  }
  name = spelled(token());
  nameRange = range(token());
  advance();
  return true;
}

/// A name, or a tuple of patterns.
Expr *Parser::parsePattern() {
  uint32_t first = pos;
  if (at(TokenKind::Word)) {
    advance();
    return context.make<NameExpr>(rangeFrom(first), spelled(tokens[first]));
  }
  if (!at(TokenKind::LParen)) {
    bool reserved = token().isWord() && continues();
    unexpected(reserved ? Diag::ExpectedName : Diag::ExpectedPattern,
               reserved ? "a name" : "a name or a tuple of names in parentheses");
    return nullptr;
  }
  Nest nest(*this);
  if (!nest)
    return nullptr;
  advance();
  std::vector<Expr *> elements;
  unsigned height = 0;
  bool comma = false;
  while (!at(TokenKind::RParen) && continues()) {
    Expr *element = parsePattern();
    if (!element)
      return nullptr;
    elements.push_back(element);
    height = std::max(height, element->height);
    comma = accept(TokenKind::Comma);
    if (!comma)
      break;
  }
  if (!close(first, TokenKind::RParen, "`,` or `)`"))
    return nullptr;
  if (elements.size() == 1 && !comma)
    return elements[0];
  return finish(context.make<TupleExpr>(rangeFrom(first), std::move(elements)), height);
}

TypeExpr *Parser::newType(TypeKind typeKind, uint32_t first) {
  auto *type = context.make<TypeExpr>();
  type->kind = typeKind;
  type->range = rangeFrom(first);
  return type;
}

TypeExpr *Parser::parseType() {
  Nest nest(*this);
  if (!nest)
    return nullptr;
  uint32_t first = pos;
  bool trailingComma = false;
  if (at(TokenKind::Word) && continues()) {
    advance();
    if (at(TokenKind::LBracket) && continues())
      return parseTensorType(first);
    auto *type = newType(TypeKind::Named, first);
    type->name = spelled(tokens[first]);
    return type;
  }
  if (accept(TokenKind::LParen)) {
    std::vector<TypeExpr *> elements;
    if (!parseTypeList(first, elements, trailingComma))
      return nullptr;
    if (elements.size() == 1 && !trailingComma)
      return elements[0];
    auto *type = newType(TypeKind::Tuple, first);
    type->elements = std::move(elements);
    for (TypeExpr *element : type->elements)
      type->height = std::max(type->height, element->height + 1);
    return type;
  }
  if (accept(TokenKind::KwFn)) {
    auto *type = newType(TypeKind::Function, first);
    uint32_t open = pos;
    if (!expect(TokenKind::LParen, "`(` and the types of the parameters"))
      return nullptr;
    if (!parseTypeList(open, type->elements, trailingComma))
      return nullptr;
    if (at(TokenKind::FatArrow))
      error(Diag::WrongArrow, range(token()), "=>", "->");
    else if (!at(TokenKind::Arrow)) {
      unexpected(Diag::ExpectedToken, "`->` and the type of the result");
      return nullptr;
    }
    advance();
    type->result = parseType();
    if (!type->result)
      return nullptr;
    type->height = type->result->height + 1;
    for (TypeExpr *element : type->elements)
      type->height = std::max(type->height, element->height + 1);
    type->range = rangeFrom(first);
    return type;
  }
  std::string help;
  if (at(TokenKind::Integer) || at(TokenKind::Float) || at(TokenKind::Minus) || at(TokenKind::String))
    help = "a default is written `x = 3`, or `x: f32 = 3`";
  else if (at(TokenKind::LBracket))
    help = "the type of the elements stands first: `f32[n, 3]`";
  unexpected(Diag::ExpectedType, "a type", help);
  return nullptr;
}

bool Parser::parseTypeList(uint32_t open, std::vector<TypeExpr *> &types, bool &trailingComma) {
  while (!at(TokenKind::RParen) && continues()) {
    TypeExpr *type = parseType();
    if (!type)
      return false;
    types.push_back(type);
    trailingComma = accept(TokenKind::Comma);
    if (!trailingComma)
      break;
  }
  return close(open, TokenKind::RParen, "`,` or `)`");
}

/// At the `[` behind the name of an element type.
TypeExpr *Parser::parseTensorType(uint32_t first) {
  auto *type = newType(TypeKind::Tensor, first);
  type->name = spelled(tokens[first]);
  uint32_t open = pos;
  advance();
  if (at(TokenKind::RBracket)) {
    advance();
    error(Diag::EmptyShape, rangeFrom(first), type->name).help(fmt::format("a scalar is written `{}`", type->name));
  } else {
    while (!at(TokenKind::RBracket) && continues()) {
      if (at(TokenKind::Ellipsis)) {
        if (!type->sizes.empty() || type->ellipsis)
          error(Diag::BadEllipsis, range(token()), "must stand first among the sizes");
        type->ellipsis = true;
        advance();
      } else if (at(TokenKind::Colon)) {
        unexpected(Diag::ExpectedExpression, "a size",
                   "a size is a number or a name; `...` in front stands for any leading sizes");
        return nullptr;
      } else {
        Expr *size = parseExpression();
        if (!size)
          return nullptr;
        type->sizes.push_back(size);
        type->height = std::max(type->height, size->height + 1);
      }
      if (!accept(TokenKind::Comma))
        break;
    }
    if (!close(open, TokenKind::RBracket, "`,` or `]`"))
      return nullptr;
  }
  type->range = rangeFrom(first);
  return type;
}

/// `(name: type = default, ..)`, at its `(`.
bool Parser::parseParameters(std::vector<Parameter> &parameters) {
  uint32_t open = pos;
  if (!expect(TokenKind::LParen, "`(` and the parameters"))
    return false;
  while (!at(TokenKind::RParen) && continues()) {
    Parameter parameter;
    if (atWord("self") && (kind(1) == TokenKind::Comma || kind(1) == TokenKind::RParen)) {
      error(Diag::SelfReference, range(token()), "the parameters alone").help("leave it out: members are in scope");
      advance();
    } else if (parseParameter(parameter)) {
      parameters.push_back(parameter);
    } else {
      return false;
    }
    if (!accept(TokenKind::Comma))
      break;
  }
  return close(open, TokenKind::RParen, "`,` or `)`");
}

bool Parser::parseParameter(Parameter &parameter) {
  if (mode == ParseMode::library && at(TokenKind::DotDot)) {
    parameter.name = spelled(token());
    parameter.range = range(token());
    return accept(TokenKind::DotDot);
  }
  if (!parseName("the name of a parameter", parameter.name, parameter.range))
    return false;
  if (at(TokenKind::Word) && continues()) {
    unexpected(Diag::ExpectedToken, "`,` or `)`",
               fmt::format("the type follows the name: `{}: {}`", spelled(token()), parameter.name));
    return false;
  }
  if (accept(TokenKind::Colon) && !(parameter.type = parseType()))
    return false;
  if (!accept(TokenKind::Assign))
    return true;
  if (mode == ParseMode::library && at(TokenKind::DotDot)) {
    parameter.defaultValue = context.make<NameExpr>(range(token()), spelled(token()));
    return accept(TokenKind::DotDot);
  }
  return (parameter.defaultValue = parseExpression()) != nullptr;
}

} // namespace dlc
