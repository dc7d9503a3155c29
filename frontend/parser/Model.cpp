// Models and their members.
#include "frontend/parser/ParserImpl.h"

namespace dlc {

using namespace ast;

ModelItem *Parser::parseModel() {
  uint32_t first = pos;
  advance();
  std::string_view name;
  SourceRange nameRange;
  if (!parseName("the name of the model", name, nameRange))
    return nullptr;
  auto *item = context.make<ModelItem>(nameRange, name, nameRange);
  if (at(TokenKind::LParen) && !parseParameters(item->parameters))
    return nullptr;
  if (!parseMembers(item->members))
    return nullptr;
  item->range = rangeFrom(first);
  return item;
}

/// `{ member .. }`.
bool Parser::parseMembers(std::vector<Member *> &members) {
  SourceRange body;
  return parseBraced(body, "the model", [&] {
    std::string_view doc = docAbove(pos);
    Member *member = parseMember();
    if (!member)
      return false;
    member->doc = doc;
    if (member->fn)
      member->fn->doc = doc;
    members.push_back(member);
    return true;
  });
}

Member *Parser::newMember(MemberKind memberKind, uint32_t first) {
  auto *member = context.make<Member>();
  member->kind = memberKind;
  member->range = rangeFrom(first);
  return member;
}

Member *Parser::parseMember() {
  uint32_t first = pos;
  bool beforeName = token(1).isWord() && continues(1);
  bool foreignFn = beforeName && atAnyWord({"def", "function", "func", "fun"});
  if (at(TokenKind::KwFn) || foreignFn) {
    if (foreignFn)
      error(Diag::ForeignKeyword, range(token()), spelled(token()))
          .help(fmt::format("a function is written `fn {}(...) {{ ... }}`", spelled(token(1))), "fn")
          .mended();
    FnItem *fn = parseFn();
    if (!fn)
      return nullptr;
    auto *member = newMember(MemberKind::Fn, first);
    member->name = fn->name;
    member->nameRange = fn->nameRange;
    member->fn = fn;
    return member;
  }
  if (at(TokenKind::KwIf))
    return parseMemberIf();
  if (beforeName && atWord("param"))
    return parseStored(MemberKind::Param);
  if (beforeName && atWord("buffer"))
    return parseStored(MemberKind::Buffer);
  if (beforeName && atWord("layer"))
    return parseNamed(MemberKind::Layer, "a model");
  if (beforeName && at(TokenKind::KwLet))
    return parseNamed(MemberKind::Let, "a value");

  std::string help;
  if (at(TokenKind::Word) && kind(1) == TokenKind::Assign)
    help = fmt::format("write `layer {} = ...`", spelled(token()));
  else if (at(TokenKind::Word) && kind(1) == TokenKind::Colon)
    help = fmt::format("write `param {}: ... = ...`", spelled(token()));
  else if (atWord("var"))
    help = "write `layer` for a part that is called, `param` for what is trained, `buffer` for what is kept";
  unexpected(Diag::ExpectedMember, "`param`, `buffer`, `layer`, `let`, `fn` or `if`", help);
  return nullptr;
}

/// `param name: type = initialiser`, `buffer name: type = initialiser`.
Member *Parser::parseStored(MemberKind memberKind) {
  uint32_t first = pos;
  advance();
  auto *member = newMember(memberKind, first);
  if (!parseName("a name", member->name, member->nameRange))
    return nullptr;
  if (!expect(TokenKind::Colon, "`:` and a type",
              fmt::format("write `{}: f32[...] = ...`: its shape is a part of the program", member->name)))
    return nullptr;
  member->type = parseType();
  if (!member->type)
    return nullptr;
  if (!expect(TokenKind::Assign, "`=` and an initial value", "an initial value is a number, or as `normal(std: 0.02)`"))
    return nullptr;
  member->value = parseExpression();
  member->range = rangeFrom(first);
  return member->value ? member : nullptr;
}

/// `layer name = model`, `let name = value`.
Member *Parser::parseNamed(MemberKind memberKind, const char *what) {
  uint32_t first = pos;
  std::string keyword(spelled(token()));
  advance();
  auto *member = newMember(memberKind, first);
  if (!parseName("a name", member->name, member->nameRange))
    return nullptr;
  if (!expect(TokenKind::Assign, fmt::format("`=` and {}", what),
              fmt::format("write `{} {} = ...`", keyword, member->name)))
    return nullptr;
  member->value = parseExpression();
  member->range = rangeFrom(first);
  return member->value ? member : nullptr;
}

/// `if condition { members } else { members }`.
Member *Parser::parseMemberIf() {
  uint32_t first = pos;
  Nest nest(*this);
  if (!nest)
    return nullptr;
  advance();
  auto *member = newMember(MemberKind::If, first);
  member->value = parseCondition();
  if (!member->value || !parseMembers(member->thenMembers))
    return nullptr;
  if (accept(TokenKind::KwElse)) {
    if (at(TokenKind::KwIf)) {
      Member *next = parseMemberIf();
      if (!next)
        return nullptr;
      member->elseMembers.push_back(next);
    } else if (!parseMembers(member->elseMembers)) {
      return nullptr;
    }
  }
  member->range = rangeFrom(first);
  return member;
}

} // namespace dlc
