// The parser's class, shared by this folder's files; everyone else includes Parser.h.
//
// A parse function returns null after it has reported an error; its callers pass that on, up to the next statement
// (`recover`). Where the intention is clear (`and` for `&&`), the error is reported and parsing goes on as if it had
// been written right. No function may return null silently, or leave the position behind a token it did not accept.
#pragma once

#include "frontend/parser/Parser.h"
#include "frontend/syntax/Ast.h"
#include "frontend/syntax/Diagnostic.h"
#include "frontend/syntax/Lexer.h"

#include <algorithm>
#include <functional>

namespace dlc {

class Parser {
public:
  Parser(const SourceManager &sources, uint32_t file, ast::AstContext &context, DiagnosticEngine &diagnostics,
         ParseMode mode);
  ast::Program run();

private:
  using Builder = DiagnosticEngine::Builder;

  /// Counts one level of nesting while it lives. Beyond the limit it reports once and gives up the whole statement.
  class Nest {
  public:
    explicit Nest(Parser &parser) : parser(parser), inside(++parser.depth <= nestingLimit) {
      if (!inside)
        parser.giveUp(Diag::NestingTooDeep, nestingLimit);
    }
    ~Nest() { --parser.depth; }
    Nest(const Nest &) = delete;
    explicit operator bool() const { return inside; }

  private:
    Parser &parser;
    bool inside;
  };

  //===-- Tokens (Parser.cpp)
  //--------------------------------------------------------------------------------------===//

  const Token &token(uint32_t ahead = 0) const { return tokens[std::min<size_t>(pos + ahead, tokens.size() - 1)]; }
  TokenKind kind(uint32_t ahead = 0) const { return token(ahead).kind; }
  bool at(TokenKind wanted) const { return kind() == wanted; }
  /// Whether a token continues the statement before it.
  bool continues(uint32_t ahead = 0) const { return !token(ahead).newline; }
  /// Whether a token is this contextual keyword (or the word of another language).
  bool atWord(std::string_view word, uint32_t ahead = 0) const {
    return kind(ahead) == TokenKind::Word && spelled(token(ahead)) == word;
  }
  bool atAnyWord(std::initializer_list<std::string_view> words, uint32_t ahead = 0) const;
  std::string_view spelled(const Token &token) const { return text.substr(token.begin, token.end - token.begin); }
  SourceRange range(const Token &token) const { return {file, token.begin, token.end}; }
  /// What stands between two tokens, as far as it is in the line of the first.
  SourceRange between(const Token &left, const Token &right) const;
  /// From token `first` to the last one consumed.
  SourceRange rangeFrom(uint32_t first) const;
  void advance() { pos += pos + 1 < tokens.size(); }
  bool accept(TokenKind wanted);
  /// Whether a token may begin an operand.
  static bool startsOperand(TokenKind kind);

  //===-- Errors and recovery (Recovery.cpp)
  //-----------------------------------------------------------------===//

  /// Reports at a place of its own; silent after giveUp.
  template <class... Args> Builder error(Diag kind, SourceRange at, const Args &...args) {
    lastError = pos;
    return countError() ? diagnostics.report(kind, at, args...) : Builder(nullptr);
  }
  /// Reports that something else stands at the current token: `found X, expected Y`. Silent where an error was reported
  /// at this token already. Without a `help`, the usual one for what stands here is given.
  Builder unexpected(Diag kind, std::string_view expected, std::string help = {});
  /// Consumes a token, or reports what stands there instead.
  bool expect(TokenKind wanted, std::string_view expected, std::string help = {});
  bool countError();
  /// What stands here, for `found ..`, and where to point.
  std::string found(SourceRange &where) const;
  /// What people who write this token here usually mean; "" if that is not clear.
  std::string usualHelp() const;
  /// Reports a limit that was passed, and continues silently behind the outermost statement.
  void giveUp(Diag kind, unsigned limit);
  /// Skips the rest of a statement that began at token `before` and was wrong.
  void recover(uint32_t before);
  /// Skips one token, or all of a closed pair of brackets.
  void skipGroup();
  /// Skips to the next line that is indented no deeper than the line of token `header`.
  void skipIndented(uint32_t header);
  unsigned indentation(const Token &token) const;
  /// Whether an error was reported in the line of the current token.
  bool errorInLine() const;
  /// Whether the line of a token ends with a comment that directly follows it.
  bool commentFollows(const Token &token) const;
  /// Consumes the partner of bracket `open`, or reports what stands there instead (`expected`: "`,` or `)`").
  bool close(uint32_t open, TokenKind closer, std::string_view expected);
  /// Ends a statement, member, ...: true before a new line or `}`.
  bool endOf(const char *what);
  /// `{ entry .. }`, one entry a line. Returns false, having reported, where no `{` stands.
  bool parseBraced(SourceRange &range, const char *what, const std::function<bool()> &entry, bool commas = false);
  /// Where a `}` is missing: whether a definition begins here that is indented no deeper than the block around.
  bool dedentedDefinition(uint32_t open) const;

  //===-- Expressions (Expressions.cpp, Primary.cpp, Calls.cpp)
  //----------------------------------===//

  struct Infix {
    int level = 0; ///< of precedence; 0 where no operator stands
    ast::BinaryOp op = ast::BinaryOp::Add;
    bool pipe = false;
    const char *foreign = nullptr; ///< of `and` and `or`: what is written here
  };

  ast::Expr *parseExpression();
  ast::Expr *parseBinary(int minLevel);
  ast::Expr *parsePipe(ast::Expr *value, uint32_t first);
  ast::Expr *parsePrefix();
  ast::Expr *parsePower();
  ast::Expr *parsePostfix();
  ast::Expr *parsePrimary();
  ast::Expr *parseWord();
  ast::Expr *parseNumber();
  ast::Expr *parseParenthesised();
  ast::Expr *parseList();
  ast::Expr *parseIf();
  ast::Expr *parseLambda();
  ast::Expr *parseForeignLambda();
  ast::Expr *parseCall(ast::Expr *callee, uint32_t first);
  ast::Expr *parseIndex(ast::Expr *base, uint32_t first);
  ast::Expr *parseField(ast::Expr *base, uint32_t first);
  bool parseIndexEntry(ast::IndexEntry &entry, unsigned &height);
  /// A condition of `if` or `while`, where `=` is surely meant as `==`.
  ast::Expr *parseCondition();
  Infix infixHere() const;
  bool startsLambda() const;
  /// Sets the height of a node above children of at most `below`; null, having reported, if it is too high.
  ast::Expr *finish(ast::Expr *expr, unsigned below);
  ast::Expr *makeBinary(uint32_t first, ast::BinaryOp op, SourceRange opRange, ast::Expr *lhs, ast::Expr *rhs);

  //===-- Types, parameters, patterns (Types.cpp)
  //------------------------------------------------------------===//

  ast::TypeExpr *newType(ast::TypeKind typeKind, uint32_t first);
  ast::TypeExpr *parseType();
  ast::TypeExpr *parseTensorType(uint32_t first);
  bool parseTypeList(uint32_t open, std::vector<ast::TypeExpr *> &types, bool &trailingComma);
  bool parseParameters(std::vector<ast::Parameter> &parameters);
  bool parseParameter(ast::Parameter &parameter);
  ast::Expr *parsePattern();
  bool parseName(const char *expected, std::string_view &name, SourceRange &nameRange);

  //===-- Statements (Statements.cpp, Foreign.cpp)
  //-----------------------------------------------------===//

  ast::Stmt *parseStatement();
  ast::Stmt *parseBinding(uint32_t first, bool isVar);
  ast::Stmt *parseFor();
  ast::Expr *parseLoopPattern();
  ast::Stmt *parseWhile();
  ast::Stmt *parseExpressionStatement();
  ast::Stmt *parseAssignment(uint32_t first, ast::Expr *target);
  ast::Stmt *parseItemStatement();
  ast::Block *parseBlock(const char *what);
  bool isTarget(const ast::Expr *expr) const;
  bool startsVar() const;
  /// Whether a definition begins here: `fn`, or `model`, `data`, .. before a name.
  bool startsItem() const;
  /// Whether a `=` stands further on in this line.
  bool assignsInLine() const;

  /// Statements of other languages, and of other places of this one. Sets `handled` where it met (and reported) one.
  ast::Stmt *parseForeignStatement(bool &handled);
  ast::Stmt *parseMissingLet(bool &handled);
  bool endsFunction() const;

  //===-- Definitions (Definitions.cpp, Model.cpp, Training.cpp)
  //---------------------------------===//

  ast::Item *parseItem();
  /// At `builtin fn`, in the library.
  bool atBuiltin() const { return mode == ParseMode::library && atWord("builtin") && kind(1) == TokenKind::KwFn; }
  ast::FnItem *parseFn();
  ast::Block *parseEqualsBody();
  ast::DerivativeItem *parseDerivative();
  ast::OptimizerItem *parseOptimizer();
  bool parseStates(ast::OptimizerItem *item);
  bool parseUpdate(ast::OptimizerItem *item, SourceRange &first);
  ast::ModelItem *parseModel();
  bool parseMembers(std::vector<ast::Member *> &members);
  ast::Member *newMember(ast::MemberKind memberKind, uint32_t first);
  ast::Member *parseMember();
  ast::Member *parseStored(ast::MemberKind kind);
  ast::Member *parseNamed(ast::MemberKind kind, const char *what);
  ast::Member *parseMemberIf();
  ast::DataItem *parseData();
  ast::TrainItem *parseTrain();
  bool parseTrainEntry(ast::TrainEntry &entry);
  ast::Expr *parseSettingValue();
  bool parseStopCondition(ast::DurationExpr *duration);
  /// The documentation above token `index`.
  std::string_view docAbove(uint32_t index);

  const SourceManager &sources;
  const uint32_t file;
  const std::string_view text;
  ast::AstContext &context;
  DiagnosticEngine &diagnostics;
  const ParseMode mode;
  TokenStream stream;
  const std::vector<Token> &tokens;
  uint32_t pos = 0;
  unsigned depth = 0;
  unsigned errors = 0;
  bool quiet = false;               ///< giving up: unwinding to the outermost statement
  uint32_t lastError = Token::none; ///< the position at the last error
  uint32_t blockOpen = Token::none; ///< the `{` around the current statement
  uint32_t loopOpen = Token::none;  ///< the `{` of the last body of a `for` at top level, or within one of these alone
  uint32_t entryStart = 0;          ///< where the current statement, member or the like began
  uint32_t outermost = 0;           ///< where the current statement at top level began
};

} // namespace dlc
