// Statements as other languages write them, and entries that stand in the wrong place: recognised by their first words,
// reported with what is written here, and read as that where it can be done.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

using namespace ast;

namespace {
/// Where the entries that begin with these words belong.
const char *placeOf(std::string_view word) {
  if (word == "minimize" || word == "report")
    return "a `train` block";
  if (word == "param" || word == "buffer" || word == "layer")
    return "a model";
  if (word == "state")
    return "an optimizer";
  return nullptr;
}
} // namespace

/// Whether the statement here is the last of a function's body, whose `fn` stands in the line of its `{`.
bool Parser::endsFunction() const {
  uint32_t last = pos + 1;
  while (!tokens[last].newline && tokens[last].kind != TokenKind::RBrace)
    last = tokens[last].partner != Token::none && tokens[last].partner > last ? tokens[last].partner + 1 : last + 1;
  if (blockOpen == Token::none || tokens[last].kind != TokenKind::RBrace)
    return false;
  uint32_t header = blockOpen;
  while (header > 0 && !tokens[header].lineStart)
    --header;
  while (header < blockOpen && tokens[header].kind != TokenKind::KwFn)
    ++header;
  for (; header < blockOpen && tokens[header].kind != TokenKind::LBrace; ++header)
    if (tokens[header].partner != Token::none && tokens[header].partner > header)
      header = tokens[header].partner;
  return header == blockOpen;
}

Stmt *Parser::parseForeignStatement(bool &handled) {
  handled = true;
  if (!at(TokenKind::Word) || !continues(1)) {
    handled = atWord("return");
    if (!handled)
      return nullptr;
  }
  uint32_t first = pos;
  std::string_view word = spelled(token());
  SourceRange where = range(token());
  bool beforeName = kind(1) == TokenKind::Word && continues(1);

  if (word == "return" &&
      (!continues(1) || startsOperand(kind(1)) || kind(1) == TokenKind::RBrace || kind(1) == TokenKind::Semicolon)) {
    auto report = error(Diag::ReturnStatement, where);
    bool isLast = continues(1) && startsOperand(kind(1)) && endsFunction();
    if (isLast)
      report
          .help("the value of a function is its last expression: leave out `return`",
                where.to(between(token(), token(1))), "")
          .mended();
    else
      report.help("the value of a function is its last expression: leave out `return`");
    advance();
    return continues() && startsOperand(kind()) ? parseExpressionStatement() : nullptr;
  }
  if (beforeName && atAnyWord({"def", "function", "func", "fun"})) {
    error(Diag::ForeignKeyword, where, word)
        .help(fmt::format("a function is written `fn {}(...) {{ ... }}`", spelled(token(1))), "fn")
        .mended();
    Item *item = parseFn();
    return item ? context.make<ItemStmt>(rangeFrom(first), item) : nullptr;
  }
  if (beforeName && atAnyWord({"class", "struct", "module"})) {
    error(Diag::ForeignKeyword, where, word)
        .help(fmt::format("a network is written `model {} {{ ... }}`", spelled(token(1))));
    while (!at(TokenKind::End) && !at(TokenKind::Colon) && !at(TokenKind::LBrace) && continues(1))
      advance();
    if (at(TokenKind::LBrace))
      skipGroup();
    else
      skipIndented(first);
    return nullptr;
  }
  bool imports = atAnyWord({"import", "from", "include", "using"});
  if (imports && (beforeName || kind(1) == TokenKind::String)) {
    error(Diag::ImportStatement, where, word).help("leave it out: the standard library is always in scope");
    while (!at(TokenKind::End) && (pos == first || !token().lineStart))
      advance();
    return nullptr;
  }
  if (beforeName && atAnyWord({"elif", "elseif", "elsif"})) {
    error(Diag::ForeignKeyword, where, word).help("write `else if` behind the `}` of its `if`");
    return nullptr;
  }
  bool startsValue = startsOperand(kind(1)) && kind(1) != TokenKind::LParen && kind(1) != TokenKind::LBracket;
  if (const char *place = placeOf(word); place && (beforeName || (word == "minimize" && startsValue))) {
    error(Diag::MisplacedStatement, where, word, place);
    return nullptr;
  }
  return parseMissingLet(handled);
}

/// `x: f32 = 1`, `const x = 1`, `f32 x = 1`; also `batch: 64` outside `train`.
Stmt *Parser::parseMissingLet(bool &handled) {
  uint32_t first = pos;
  SourceRange where = range(token());
  handled = true;
  if (kind(1) == TokenKind::Colon) {
    if (assignsInLine()) {
      error(Diag::MissingLet, where, spelled(token()))
          .help(fmt::format("write `let {}: ...`", spelled(token())), {file, where.begin, where.begin}, "let ")
          .mended();
      return parseBinding(first, /*isVar=*/false);
    }
    if (continues(2)) {
      error(Diag::MisplacedStatement, where.to(range(token(1))), fmt::format("{}:", spelled(token())),
            "a `train` block")
          .help(fmt::format("a value is named by `let {} = ...`", spelled(token())));
      return nullptr;
    }
  }
  bool twoWords = kind(1) == TokenKind::Word && continues(1);
  if (twoWords && (kind(2) == TokenKind::Assign || (kind(2) == TokenKind::Colon && assignsInLine()))) {
    error(Diag::MissingLet, where, spelled(token()))
        .help(fmt::format("write `let {0} = ...`, or `var {0} = ...` if it is assigned again", spelled(token(1))));
    advance();
    return parseBinding(first, /*isVar=*/false);
  }
  handled = false;
  return nullptr;
}

} // namespace dlc
