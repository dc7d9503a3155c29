// Functions, derivatives, optimizers; models are in Model.cpp, data and training in Training.cpp.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

using namespace ast;

std::string_view Parser::docAbove(uint32_t index) {
  auto before = [](const DocLine &line, uint32_t token) { return line.token < token; };
  auto line = std::lower_bound(stream.docs.begin(), stream.docs.end(), index, before);
  std::string doc;
  for (; line != stream.docs.end() && line->token == index; ++line)
    doc.append(doc.empty() ? "" : "\n").append(text.substr(line->begin, line->end - line->begin));
  return doc.empty() ? std::string_view() : context.keep(std::move(doc));
}

Item *Parser::parseItem() {
  Nest nest(*this);
  if (!nest)
    return nullptr;
  std::string_view doc = docAbove(pos);
  Item *item = at(TokenKind::KwFn) || atBuiltin() ? static_cast<Item *>(parseFn())
               : atWord("model")                  ? parseModel()
               : atWord("data")                   ? static_cast<Item *>(parseData())
               : atWord("train")                  ? parseTrain()
               : atWord("optimizer")              ? static_cast<Item *>(parseOptimizer())
                                                  : parseDerivative();
  if (item)
    item->doc = doc;
  return item;
}

/// `fn name(parameters) -> type { body }`, at `fn` (or what another language writes for it).
FnItem *Parser::parseFn() {
  uint32_t first = pos;
  bool builtin = atBuiltin() && accept(TokenKind::Word);
  advance();
  std::string_view name;
  SourceRange nameRange;
  if (at(TokenKind::LParen)) {
    unexpected(Diag::ExpectedName, "the name of the function",
               "a function without a name is written `x => ...` or `(x, y) => ...`");
    return nullptr;
  }
  if (!parseName("the name of the function", name, nameRange))
    return nullptr;
  auto *fn = context.make<FnItem>(nameRange, name, nameRange);
  if (!parseParameters(fn->parameters))
    return nullptr;
  if (builtin) {
    fn->range = rangeFrom(first);
    return fn;
  }

  // `: type` and `=> type` before a `{` are slips for `-> type`; without it, Python's block and an expression.
  bool colonType = at(TokenKind::Colon) && continues(1) && (token(1).isWord() || kind(1) == TokenKind::LParen);
  bool fatType = at(TokenKind::FatArrow) && kind(1) == TokenKind::Word &&
                 (kind(2) == TokenKind::LBrace || kind(2) == TokenKind::LBracket);
  if (colonType || fatType)
    error(Diag::WrongArrow, range(token()), spelled(token()), "->").help("the type of the result stands behind `->`");
  if (colonType || fatType || at(TokenKind::Arrow)) {
    advance();
    fn->result = parseType();
    if (!fn->result)
      return nullptr;
  }
  if (at(TokenKind::Assign) || at(TokenKind::FatArrow)) {
    unexpected(Diag::ExpectedToken, "`{` and the body of the function",
               fmt::format("write `fn {}(...) {{ ... }}`", name));
    return nullptr;
  }
  fn->body = parseBlock("the function");
  fn->range = rangeFrom(first);
  return fn->body ? fn : nullptr;
}

/// `derivative f(a, b) -> y with dy { da = .., db = .. }`.
DerivativeItem *Parser::parseDerivative() {
  uint32_t first = pos;
  advance();
  std::string_view name;
  SourceRange nameRange, ignored;
  if (!parseName("the name of a function", name, nameRange))
    return nullptr;
  auto *item = context.make<DerivativeItem>(nameRange, name, nameRange);
  if (!parseParameters(item->parameters))
    return nullptr;
  if (at(TokenKind::FatArrow)) {
    error(Diag::WrongArrow, range(token()), "=>", "->");
  } else if (!at(TokenKind::Arrow)) {
    unexpected(Diag::ExpectedToken, "`->` and a name for the result");
    return nullptr;
  }
  advance();
  if (!parseName("a name for the result", item->result, ignored))
    return nullptr;
  if (!atWord("with")) {
    unexpected(Diag::ExpectedToken, "`with` and a name for the cotangent of the result");
    return nullptr;
  }
  advance();
  if (!parseName("a name for the cotangent of the result", item->cotangent, ignored))
    return nullptr;
  item->body = context.make<Block>();
  auto entry = [&] {
    SourceRange where;
    std::string what = found(where);
    Stmt *statement = parseStatement();
    if (!statement)
      return false;
    if (statement->kind != StmtKind::Let && statement->kind != StmtKind::Assign)
      error(Diag::ExpectedMember, where, what, "`let` or an assignment to a cotangent")
          .help("the cotangent of a parameter `a` is given by `da = ...`");
    item->body->statements.push_back(statement);
    return true;
  };
  if (!parseBraced(item->body->range, "the derivative", entry, /*commas=*/true))
    return nullptr;
  item->range = rangeFrom(first);
  return item;
}

OptimizerItem *Parser::parseOptimizer() {
  uint32_t first = pos;
  advance();
  std::string_view name;
  SourceRange nameRange;
  if (!parseName("the name of the optimizer", name, nameRange))
    return nullptr;
  auto *item = context.make<OptimizerItem>(nameRange, name, nameRange);
  if (!parseParameters(item->parameters))
    return nullptr;
  SourceRange body, firstUpdate;
  bool wrong = false;
  auto entry = [&] {
    bool good = false;
    if (atWord("state") && kind(1) == TokenKind::Word)
      good = parseStates(item);
    else if (atWord("update"))
      good = parseUpdate(item, firstUpdate);
    else
      unexpected(Diag::ExpectedMember, "`state` or `update`", "the step is computed in `update(p, g, step) { ... }`");
    wrong |= !good;
    return good;
  };
  if (!parseBraced(body, "the optimizer", entry))
    return nullptr;
  if (!item->update && !wrong)
    error(Diag::OptimizerUpdate, nameRange, name, "no `update`")
        .help("the new value of a parameter is that of `update(p, g, step) { ... }`");
  item->range = rangeFrom(first);
  return item->update ? item : nullptr;
}

/// `state m = 0, v = 0`.
bool Parser::parseStates(OptimizerItem *item) {
  advance();
  do {
    Parameter state;
    if (!parseName("the name of a state", state.name, state.range))
      return false;
    if (!expect(TokenKind::Assign, "`=` and an initial value"))
      return false;
    state.defaultValue = parseExpression();
    if (!state.defaultValue)
      return false;
    item->states.push_back(state);
  } while (accept(TokenKind::Comma));
  return true;
}

/// `update(p, g, step) { .. }`. `first` is the place of the first one, or nowhere.
bool Parser::parseUpdate(OptimizerItem *item, SourceRange &first) {
  SourceRange where = range(token());
  if (first.valid())
    error(Diag::OptimizerUpdate, where, item->name, "a second `update`").note(first, "the first one is here");
  else
    first = where;
  advance();
  item->updateParameters.clear();
  if (!parseParameters(item->updateParameters))
    return false;
  item->update = parseBlock("`update`");
  return item->update != nullptr;
}

} // namespace dlc
