// Expressions by precedence climbing. Tightest first: postfix, `**`, prefix, `* / % @`, `+ -`, `..`, `by`, comparison, `&&`,
// `||`, `|>`, `=>`. Lengths of time (`30 epochs`) are looser than all of these.
#include "frontend/parser/ParserImpl.h"

#include <algorithm>

namespace dlc {

using namespace ast;

namespace {
enum Level { PipeLevel = 1, OrLevel, AndLevel, CompareLevel, StepLevel, RangeLevel, SumLevel, ProductLevel };
} // namespace

Expr *Parser::finish(Expr *expr, unsigned below) {
  expr->height = below + 1;
  if (expr->height <= heightLimit)
    return expr;
  giveUp(Diag::ChainTooLong, heightLimit);
  return nullptr;
}

Expr *Parser::makeBinary(uint32_t first, BinaryOp op, SourceRange opRange, Expr *lhs, Expr *rhs) {
  return finish(context.make<BinaryExpr>(rangeFrom(first), op, opRange, lhs, rhs), std::max(lhs->height, rhs->height));
}

Expr *Parser::parseExpression() {
  Nest nest(*this);
  if (!nest)
    return nullptr;
  if (startsLambda())
    return parseLambda();
  uint32_t first = pos;
  Expr *expr = parseBinary(PipeLevel);
  if (!expr || !continues() || !atAnyWord({"epochs", "steps", "epoch", "step"}))
    return expr;
  bool epochs = spelled(token())[0] == 'e';
  advance();
  return finish(context.make<DurationExpr>(rangeFrom(first), expr, epochs), expr->height);
}

Parser::Infix Parser::infixHere() const {
  if (!continues())
    return {};
  switch (kind()) {
  case TokenKind::Pipe:
    return {PipeLevel, BinaryOp::Or, /*pipe=*/true};
  case TokenKind::OrOr:
    return {OrLevel, BinaryOp::Or};
  case TokenKind::AndAnd:
    return {AndLevel, BinaryOp::And};
  case TokenKind::EqualEqual:
    return {CompareLevel, BinaryOp::Eq};
  case TokenKind::BangEqual:
    return {CompareLevel, BinaryOp::Ne};
  case TokenKind::Less:
    return {CompareLevel, BinaryOp::Lt};
  case TokenKind::LessEqual:
    return {CompareLevel, BinaryOp::Le};
  case TokenKind::Greater:
    return {CompareLevel, BinaryOp::Gt};
  case TokenKind::GreaterEqual:
    return {CompareLevel, BinaryOp::Ge};
  case TokenKind::DotDot:
    return {RangeLevel,
            kind(1) == TokenKind::Assign && token(1).begin == token().end ? BinaryOp::RangeTo : BinaryOp::Range};
  case TokenKind::Plus:
    return {SumLevel, BinaryOp::Add};
  case TokenKind::Minus:
    return {SumLevel, BinaryOp::Sub};
  case TokenKind::Star:
    return {ProductLevel, BinaryOp::Mul};
  case TokenKind::Slash:
    return {ProductLevel, BinaryOp::Div};
  case TokenKind::Percent:
    return {ProductLevel, BinaryOp::Rem};
  case TokenKind::At:
    return {ProductLevel, BinaryOp::MatMul};
  case TokenKind::Word:
    if (continues(1) && startsOperand(kind(1))) {
      if (atWord("by"))
        return {StepLevel, BinaryOp::By};
      if (atWord("and"))
        return {AndLevel, BinaryOp::And, /*pipe=*/false, "&&"};
      if (atWord("or"))
        return {OrLevel, BinaryOp::Or, /*pipe=*/false, "||"};
    }
    return {};
  default:
    return {};
  }
}

Expr *Parser::parseBinary(int minLevel) {
  uint32_t first = pos;
  Expr *lhs = parsePrefix();
  // Comparisons and ranges do not associate: the level, operator and right operand of the last one.
  int unchained = 0;
  bool chainReported = false;
  Expr *middle = nullptr;
  std::string_view lastSpelled;
  while (lhs) {
    Infix infix = infixHere();
    if (infix.level == 0 || infix.level < minLevel)
      return lhs;
    SourceRange opRange = range(token());
    std::string_view opSpelled = spelled(token());
    if (infix.foreign)
      error(Diag::ForeignOperator, opRange, opSpelled)
          .help(fmt::format("write `{}`", infix.foreign), infix.foreign)
          .mended();
    bool chained = infix.level == unchained;
    if (chained && !chainReported) {
      chainReported = true;
      Builder report = error(Diag::ChainedOperator, opRange, opSpelled, lastSpelled);
      constexpr size_t longestShown = 30;
      std::string_view shared = sources.text(middle->range);
      if (infix.level == RangeLevel) {
        report.help("a step is written `a..b by s`");
      } else if (shared.size() <= longestShown) {
        // The right side as it stands where it is one word.
        std::string_view left = sources.text(static_cast<BinaryExpr *>(lhs)->lhs->range), right = spelled(token(1));
        bool isWord = token(1).partner == Token::none && (token(2).newline || isCloser(kind(2)) ||
                                                          kind(2) == TokenKind::LBrace || kind(2) == TokenKind::Comma);
        bool shown = left.size() <= longestShown && isWord;
        report
            .help(fmt::format("write `{0} {1} {2} && {2} {3} {4}`", shown ? left : "a", lastSpelled, shared, opSpelled,
                              shown ? right : "b"),
                  {file, opRange.begin, opRange.begin}, fmt::format("&& {} ", shared))
            .mended();
      }
    }
    advance();
    if (infix.op == BinaryOp::RangeTo)
      advance(); // `..` and `=`
    if (infix.pipe) {
      lhs = parsePipe(lhs, first);
      continue;
    }
    Expr *rhs = parseBinary(infix.level + 1);
    if (!rhs)
      return nullptr;
    if (chained && infix.level == CompareLevel) { // as was meant: `a < b && b < c`
      Expr *next = makeBinary(first, infix.op, opRange, middle, rhs);
      lhs = next ? makeBinary(first, BinaryOp::And, opRange, lhs, next) : nullptr;
    } else {
      lhs = makeBinary(first, infix.op, opRange, lhs, rhs);
    }
    unchained = infix.level == CompareLevel || infix.level == RangeLevel ? infix.level : 0;
    middle = rhs;
    lastSpelled = opSpelled;
  }
  return nullptr;
}

/// Behind `|>`: a call, whose first argument `value` becomes, or what is called with `value` alone.
Expr *Parser::parsePipe(Expr *value, uint32_t first) {
  uint32_t begin = pos;
  Expr *target = parseBinary(OrLevel);
  if (!target)
    return nullptr;
  bool parenthesised = tokens[begin].kind == TokenKind::LParen && tokens[begin].partner == pos - 1;
  if (target->kind == ExprKind::Call && !parenthesised) {
    auto *call = static_cast<CallExpr *>(target);
    call->arguments.insert(call->arguments.begin(), Argument{{}, {}, value});
    call->piped = true;
    call->range = rangeFrom(first);
    return finish(call, std::max(value->height, call->height - 1));
  }
  const char *what = nullptr;
  switch (target->kind) {
  case ExprKind::Name:
  case ExprKind::Field:
  case ExprKind::Index:
  case ExprKind::Call:
  case ExprKind::Lambda:
  case ExprKind::If:
  case ExprKind::BlockExpr:
    break;
  case ExprKind::Binary:
  case ExprKind::Unary:
    if (!parenthesised) // a sum of models can be called
      what = "an operation";
    break;
  case ExprKind::Tuple:
    what = "a tuple";
    break;
  case ExprKind::List:
  case ExprKind::Comprehension:
    what = "a list";
    break;
  default:
    what = "a literal";
  }
  if (what) {
    Builder report = error(Diag::BadPipeTarget, target->range, what);
    if (target->kind == ExprKind::Binary)
      report.help(fmt::format("`|>` binds looser than `{0}`: write `(x |> f) {0} ...`",
                              ast::spelling(static_cast<BinaryExpr *>(target)->op)));
  }
  std::vector<Argument> arguments = {Argument{{}, {}, value}};
  return finish(context.make<CallExpr>(rangeFrom(first), target, std::move(arguments), /*piped=*/true),
                std::max(value->height, target->height));
}

Expr *Parser::parsePrefix() {
  uint32_t first = pos;
  bool foreignNot = atWord("not") && continues(1) && startsOperand(kind(1)) && kind(1) != TokenKind::Minus &&
                    kind(1) != TokenKind::LBracket && kind(1) != TokenKind::LBrace;
  if (!at(TokenKind::Minus) && !at(TokenKind::Bang) && !foreignNot)
    return parsePower();
  Nest nest(*this);
  if (!nest)
    return nullptr;
  if (foreignNot)
    error(Diag::ForeignOperator, range(token()), "not")
        .help("write `!`", range(token()).to(between(token(), token(1))), "!")
        .mended();
  UnaryOp op = at(TokenKind::Minus) ? UnaryOp::Neg : UnaryOp::Not;
  advance();
  // The least i64 is the one whose magnitude does not fit.
  if (op == UnaryOp::Neg && at(TokenKind::Integer) && spelled(token()) == "9223372036854775808" &&
      kind(1) != TokenKind::Power) {
    advance();
    return context.make<NumberExpr>(rangeFrom(first), INT64_MIN);
  }
  Expr *operand = parsePrefix();
  return operand ? finish(context.make<UnaryExpr>(rangeFrom(first), op, operand), operand->height) : nullptr;
}

/// `a ** b` binds tighter than a prefix on its left and looser than one on its right: `-x ** -2` is `-(x ** (-2))`.
Expr *Parser::parsePower() {
  uint32_t first = pos;
  Expr *base = parsePostfix();
  if (!base || !at(TokenKind::Power))
    return base;
  Nest nest(*this);
  if (!nest)
    return nullptr;
  SourceRange opRange = range(token());
  advance();
  Expr *exponent = parsePrefix();
  return exponent ? makeBinary(first, BinaryOp::Pow, opRange, base, exponent) : nullptr;
}

Expr *Parser::parsePostfix() {
  uint32_t first = pos;
  Expr *expr = parsePrimary();
  // What ends with a block is not called or indexed: `if c { f } (x)` would surprise.
  bool block = expr && tokens[pos - 1].kind == TokenKind::RBrace;
  while (expr) {
    if (at(TokenKind::Dot))
      expr = parseField(expr, first);
    else if (at(TokenKind::LParen) && continues() && !block)
      expr = parseCall(expr, first);
    else if (at(TokenKind::LBracket) && continues() && !block)
      expr = parseIndex(expr, first);
    else
      return expr;
    block = false;
  }
  return nullptr;
}

} // namespace dlc
