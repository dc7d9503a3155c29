// The entry points of the parser, and its view of the tokens.
#include "frontend/parser/Parser.h"
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

Parser::Parser(const SourceManager &sources, uint32_t file, ast::AstContext &context, DiagnosticEngine &diagnostics,
               ParseMode mode)
    : sources(sources), file(file), text(sources.text(file)), context(context), diagnostics(diagnostics), mode(mode),
      stream(lex(sources, file, diagnostics)), tokens(stream.tokens) {}

ast::Program Parser::run() {
  ast::Program program;
  program.file = file;
  while (!at(TokenKind::End)) {
    outermost = entryStart = pos;
    if (isCloser(kind())) {
      if (!token().reported)
        error(Diag::StrayBracket, range(token()), spelled(token()))
            .help("remove it, or open the bracket that it should close");
      do
        advance();
      while (isCloser(kind()) && !token().lineStart);
      continue;
    }
    ast::Stmt *statement = at(TokenKind::Semicolon) ? nullptr : parseStatement();
    if (statement)
      program.statements.push_back(statement);
    if (quiet)
      quiet = false;
    else if ((!statement && !at(TokenKind::Semicolon)) || !endOf("statement"))
      recover(outermost);
  }
  return program;
}

bool Parser::atAnyWord(std::initializer_list<std::string_view> words, uint32_t ahead) const {
  return kind(ahead) == TokenKind::Word && std::find(words.begin(), words.end(), spelled(token(ahead))) != words.end();
}

SourceRange Parser::between(const Token &left, const Token &right) const {
  return {file, left.end, uint32_t(std::min<size_t>(right.begin, text.find('\n', left.end)))};
}

SourceRange Parser::rangeFrom(uint32_t first) const {
  return {file, tokens[first].begin, pos > first ? tokens[pos - 1].end : tokens[first].end};
}

bool Parser::accept(TokenKind wanted) {
  if (!at(wanted))
    return false;
  advance();
  return true;
}

bool Parser::startsOperand(TokenKind kind) {
  switch (kind) {
  case TokenKind::Integer:
  case TokenKind::Float:
  case TokenKind::String:
  case TokenKind::Word:
  case TokenKind::KwIf:
  case TokenKind::KwTrue:
  case TokenKind::KwFalse:
  case TokenKind::LParen:
  case TokenKind::LBracket:
  case TokenKind::LBrace:
  case TokenKind::Minus:
  case TokenKind::Bang:
    return true;
  default:
    return false;
  }
}

ast::Program parse(const SourceManager &sources, uint32_t file, ast::AstContext &context, DiagnosticEngine &diagnostics,
                   ParseMode mode) {
  return Parser(sources, file, context, diagnostics, mode).run();
}

/// Whether a text has no mistake but that it ends too early, in a definition or before a block.
static bool endsInDefinition(const SourceManager &sources, const TokenStream &stream, std::string_view text) {
  static constexpr std::string_view definitions[] = {"fn",         "model", "data", "train", "optimizer",
                                                     "derivative", "if",    "for",  "while"};
  const Token *last = nullptr; // the beginning of the last one
  for (const Token &token : stream.tokens)
    if (token.lineStart && token.isWord() &&
        std::find(std::begin(definitions), std::end(definitions), text.substr(token.begin, token.end - token.begin)) !=
            std::end(definitions))
      last = &token;
  size_t line = text.rfind('\n');
  bool emptyLine =
      line != std::string_view::npos && text.find_first_not_of(" \t\r", line + 1) == std::string_view::npos;
  if (!last || emptyLine)
    return false;
  DiagnosticEngine diagnostics(sources);
  ast::AstContext context;
  parse(sources, 0, context, diagnostics, ParseMode::prompt);
  uint32_t end = stream.tokens.back().begin;
  return !diagnostics.all().empty() && std::ranges::all_of(diagnostics.all(), [&](const Diagnostic &diagnostic) {
    return diagnostic.at.begin >= end;
  });
}

bool isIncomplete(std::string_view text) {
  SourceManager sources;
  DiagnosticEngine diagnostics(sources);
  TokenStream stream = lex(sources, sources.add("", std::string(text)), diagnostics);
  const std::vector<Token> &tokens = stream.tokens;
  if (diagnostics.errorCount())
    return false;
  // More text mends an open bracket, but not one that has no beginning, or that another one has crossed.
  uint32_t lastOpen = Token::none;
  for (uint32_t i = 0; i < tokens.size(); ++i) {
    uint32_t partner = tokens[i].partner;
    if (isOpener(tokens[i].kind) && partner == Token::none)
      lastOpen = i;
    if (isCloser(tokens[i].kind) && (partner == Token::none || (lastOpen != Token::none && partner < lastOpen)))
      return false;
  }
  if (lastOpen != Token::none)
    return true;
  if (tokens.size() == 1)
    return !stream.docs.empty();
  TokenKind last = tokens[tokens.size() - 2].kind;
  bool docLast = !stream.docs.empty() && stream.docs.back().token == tokens.size() - 1;
  return docLast || last == TokenKind::KwElse || expectsMore(last) || endsInDefinition(sources, stream, text);
}

bool goesOn(std::string_view line) {
  SourceManager sources;
  DiagnosticEngine diagnostics(sources);
  TokenStream stream = lex(sources, sources.add("", std::string(line)), diagnostics);
  TokenKind first = stream.tokens[0].kind;
  return isInfixOnly(first) || first == TokenKind::KwElse;
}

} // namespace dlc
