// What the parser says when something else stands there, and where it goes on afterwards.
#include "frontend/parser/ParserImpl.h"
#include "frontend/syntax/Unicode.h"

#include <algorithm>

namespace dlc {

namespace {
constexpr unsigned errorLimit = 100;
} // namespace

bool Parser::countError() {
  if (quiet || errors > errorLimit)
    return false;
  if (++errors <= errorLimit)
    return true;
  diagnostics.report(Diag::TooManyErrors, range(token()));
  pos = uint32_t(tokens.size() - 1);
  quiet = true;
  return false;
}

std::string Parser::found(SourceRange &where) const {
  // What is missing at the end of a line is shown there, not at the beginning of the next one.
  bool atEnd = at(TokenKind::End);
  bool lineEnds = pos != entryStart && (token().newline || (token().lineStart && expectsMore(tokens[pos - 1].kind)));
  if (pos > 0 && (atEnd || lineEnds)) {
    uint32_t end = tokens[pos - 1].end;
    where = {file, end, end};
  } else {
    where = range(token());
  }
  if (atEnd)
    return mode == ParseMode::file ? "the end of the file" : "the end of the input";
  if (lineEnds)
    return "the end of the line";
  std::string_view word = spelled(token());
  if (at(TokenKind::String))
    return "a string";
  constexpr size_t longest = 40;
  if (word.size() <= longest)
    return fmt::format("`{}`", word);
  size_t cut = longest;
  while (((unsigned char)word[cut] & 0xC0) == 0x80)
    --cut;
  return fmt::format("`{}...`", word.substr(0, cut));
}

Parser::Builder Parser::unexpected(Diag kind, std::string_view expected, std::string help) {
  if (lastError == pos || token().reported) {
    lastError = pos;
    return Builder(nullptr);
  }
  SourceRange where;
  std::string what = found(where);
  bool reserved = kind == Diag::ExpectedName && token().isWord() && continues();
  if (help.empty())
    help = usualHelp();
  Builder report =
      reserved ? error(Diag::ReservedWord, where, spelled(token()), expected) : error(kind, where, what, expected);
  if (!help.empty() && !reserved)
    report.help(std::move(help));
  return report;
}

bool Parser::expect(TokenKind wanted, std::string_view expected, std::string help) {
  if (accept(wanted))
    return true;
  unexpected(Diag::ExpectedToken, expected, std::move(help));
  return false;
}

std::string Parser::usualHelp() const {
  if (!continues() || pos == 0)
    return {};
  const Token &before = tokens[pos - 1];
  bool afterNumber = before.kind == TokenKind::Integer || before.kind == TokenKind::Float;
  bool afterOperand = before.kind <= TokenKind::Word || before.kind == TokenKind::RParen ||
                      before.kind == TokenKind::RBracket || before.kind == TokenKind::RBrace;
  bool afterCallable = before.kind == TokenKind::Word && (spelled(before) == "print" || spelled(before) == "assert");
  if (at(TokenKind::KwIf))
    return "a choice is written `if c { a } else { b }`";
  if (at(TokenKind::KwFor))
    return "a comprehension stands in square brackets: `[f(x) for x in xs]`";
  if (at(TokenKind::KwFn))
    return "a function without a name is written `x => ...`";
  if (at(TokenKind::Assign) && afterOperand)
    return "`==` compares; `=` stands after the name that it gives a value";
  if (at(TokenKind::Arrow))
    return "a lambda is written `x => ...`";
  if (at(TokenKind::LBrace) && before.kind == TokenKind::Word && (spelled(before) == "loop" || spelled(before) == "do"))
    return "a loop that ends by `break` is written `while true { ... }`";
  if (atAnyWord({"then", "do", "begin"}))
    return "a block stands in braces: `{ ... }`";
  if (at(TokenKind::Word) && afterNumber)
    return fmt::format("a product is written `{} * {}`", spelled(before), spelled(token()));
  if (afterCallable && startsOperand(kind()))
    return fmt::format("a call has parentheses: `{}(...)`", spelled(before));
  if (at(TokenKind::Plus) && before.kind == TokenKind::Plus && before.end == token().begin)
    return "a variable is incremented by `x += 1`";
  if (at(TokenKind::Plus))
    return "leave out the `+`";
  if (at(TokenKind::Integer) && before.kind == TokenKind::Dot)
    return fmt::format("by its number it is taken in brackets: `[{}]`", spelled(token()));
  return {};
}

void Parser::giveUp(Diag kind, unsigned limit) {
  if (quiet)
    return;
  error(kind, range(token()), limit)
      .help(kind == Diag::NestingTooDeep ? "move a part of it into a function, or name it with `let`"
                                         : "name parts of it with `let`");
  if (quiet)
    return;
  // Go on at the first statement at top level that begins behind this place.
  uint32_t here = pos;
  for (pos = outermost; !at(TokenKind::End);) {
    skipGroup();
    if (pos > here && token().newline)
      break;
  }
  quiet = true;
}

void Parser::skipGroup() {
  const Token &first = token();
  if (first.partner != Token::none && first.partner > pos)
    pos = first.partner;
  advance();
}

void Parser::recover(uint32_t before) {
  if (quiet)
    return;
  diagnostics.leftOut();
  if (pos == before)
    skipGroup();
  while (!at(TokenKind::End)) {
    if (token().newline || (token().lineStart && at(TokenKind::KwLet)))
      return;
    // A `}` that ends the block around; one of a bracket that was opened in this statement is a part of it.
    bool inner = token().partner != Token::none && (blockOpen == Token::none || token().partner > blockOpen);
    if (at(TokenKind::RBrace) && !inner)
      return;
    skipGroup();
  }
}

unsigned Parser::indentation(const Token &token) const {
  size_t lineBegin = token.begin == 0 ? 0 : text.rfind('\n', token.begin - 1) + 1; // npos + 1 is 0
  size_t word = text.find_first_not_of(" \t", lineBegin);
  return unsigned(word - lineBegin);
}

void Parser::skipIndented(uint32_t header) {
  unsigned indent = indentation(tokens[header]);
  do {
    do
      advance();
    while (!at(TokenKind::End) && (!token().lineStart || indentation(token()) > indent));
    // The other branches of an `if`, or of a `try`, belong to it.
  } while ((at(TokenKind::KwElse) || atAnyWord({"elif", "except", "finally"})) && indentation(token()) == indent);
}

bool Parser::errorInLine() const {
  if (lastError == Token::none || lastError > pos)
    return false;
  for (uint32_t i = lastError + 1; i <= pos; ++i)
    if (tokens[i].lineStart)
      return false;
  return true;
}

bool Parser::commentFollows(const Token &token) const {
  size_t next = text.find_first_not_of(" \t", token.end);
  return next != text.npos && text.substr(next).starts_with("//");
}

bool Parser::close(uint32_t open, TokenKind closer, std::string_view expected) {
  if (accept(closer))
    return true;
  bool unclosed = tokens[open].partner == Token::none || !continues();
  std::string only = fmt::format("`{}`", spelling(closer));
  Builder report = unclosed ? unexpected(Diag::UnclosedBracket, only) : unexpected(Diag::ExpectedToken, expected);
  if (!unclosed)
    return false;
  report.note(range(tokens[open]), fmt::format("to close this `{}`", spelled(tokens[open])));
  if (pos > 0 && closer != TokenKind::RBrace && commentFollows(tokens[pos - 1]))
    report.help("`//` begins a comment: whole numbers are divided by `div(a, b)`, which rounds down");
  if (closer != TokenKind::RBrace)
    return false;
  // The brace that is really missing is often further in: look for a `}` indented as if it closed something else.
  for (uint32_t i = open + 1; i < pos; ++i) {
    const Token &brace = tokens[i];
    if (brace.kind != TokenKind::RBrace || !brace.lineStart || brace.partner == Token::none || brace.partner < open)
      continue;
    if (indentation(brace) < indentation(tokens[brace.partner])) {
      report.note(range(tokens[brace.partner]), "perhaps this one lacks its `}`: what closes it is indented less");
      break;
    }
  }
  return false;
}

bool Parser::endOf(const char *what) {
  if (at(TokenKind::Semicolon)) {
    bool first = lastError != pos && !token().reported;
    SourceRange where = range(token()), all = where;
    const Token &before = tokens[pos > 0 ? pos - 1 : 0];
    while (at(TokenKind::Semicolon)) {
      all = all.to(between(token(), token(1)));
      advance();
    }
    // A comment behind the last of a line stays where it is.
    if (token().lineStart)
      all.end = tokens[pos - 1].end;
    if (first && !token().lineStart && !at(TokenKind::RBrace))
      error(Diag::Semicolon, where)
          .help("put the next statement on a line of its own", all, "\n" + std::string(indentation(before), ' '))
          .mended();
    else if (first)
      error(Diag::Semicolon, where).help("leave it out", all, token().lineStart ? "" : " ").mended();
    return true;
  }
  if (!continues() || at(TokenKind::RBrace))
    return true;
  if (isCloser(kind()) && token().partner == Token::none && lastError != pos && !token().reported)
    error(Diag::StrayBracket, range(token()), spelled(token()))
        .help("remove it, or open the bracket that it should close");
  else
    unexpected(Diag::ExpectedStatementEnd, what);
  return false;
}

bool Parser::dedentedDefinition(uint32_t open) const {
  return stream.openBraceAtEnd && token().lineStart && startsItem() &&
         indentation(token()) <= indentation(tokens[open]);
}

bool Parser::parseBraced(SourceRange &range, const char *what, const std::function<bool()> &entry, bool commas) {
  uint32_t open = pos;
  if (at(TokenKind::Colon)) {
    if (!errorInLine())
      error(Diag::ColonBlock, this->range(token())).help("a block stands in braces: `{ ... }`");
    skipIndented(open);
    return false;
  }
  if (!expect(TokenKind::LBrace, fmt::format("`{{` and the body of {}", what)))
    return false;
  uint32_t outer = blockOpen;
  blockOpen = open;
  while (!at(TokenKind::RBrace) && !at(TokenKind::End) && !quiet && !dedentedDefinition(open)) {
    uint32_t before = entryStart = pos;
    bool good = at(TokenKind::Semicolon) || entry();
    if (good && commas && accept(TokenKind::Comma))
      continue;
    if (!quiet && (!good || !endOf("statement")))
      recover(before);
  }
  blockOpen = outer;
  // Errors inside were reported; the block itself is whole as soon as it is closed.
  if (quiet || !close(open, TokenKind::RBrace, "`}`"))
    return false;
  range = rangeFrom(open);
  return true;
}

} // namespace dlc
