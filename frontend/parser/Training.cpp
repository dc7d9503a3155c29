// Data sets and training.
#include "frontend/parser/ParserImpl.h"

namespace dlc {

using namespace ast;

/// `data name: { field: type, .. } = source`.
DataItem *Parser::parseData() {
  uint32_t first = pos;
  advance();
  std::string_view name;
  SourceRange nameRange;
  if (!parseName("the name of the data set", name, nameRange))
    return nullptr;
  auto *item = context.make<DataItem>(nameRange, name, nameRange);
  if (!expect(TokenKind::Colon, "`:` and the fields of an example",
              fmt::format("write `data {}: {{ x: f32[10], y: f32 }} = ...`", name)))
    return nullptr;
  uint32_t open = pos;
  if (!expect(TokenKind::LBrace, "`{` and the fields of an example"))
    return nullptr;
  while (!at(TokenKind::RBrace) && !at(TokenKind::End)) {
    Parameter field;
    entryStart = pos;
    if (!parseName("the name of a field", field.name, field.range))
      return nullptr;
    if (!expect(TokenKind::Colon, "`:` and the type of the field"))
      return nullptr;
    field.type = parseType();
    if (!field.type)
      return nullptr;
    item->fields.push_back(field);
    // A new line separates as well as a comma.
    if (!accept(TokenKind::Comma) && continues())
      break;
  }
  if (!close(open, TokenKind::RBrace, "`,` or `}`"))
    return nullptr;
  if (!expect(TokenKind::Assign, "`=` and a source", "a source is as `csv(\"points.csv\")`"))
    return nullptr;
  item->source = parseExpression();
  item->range = rangeFrom(first);
  return item->source ? item : nullptr;
}

/// `train name = model on data { entry .. }`.
TrainItem *Parser::parseTrain() {
  uint32_t first = pos;
  advance();
  std::string_view name;
  SourceRange nameRange;
  if (!parseName("the name of the trained model", name, nameRange))
    return nullptr;
  auto *item = context.make<TrainItem>(nameRange, name, nameRange);
  if (!expect(TokenKind::Assign, "`=` and a model"))
    return nullptr;
  item->model = parseExpression();
  if (!item->model)
    return nullptr;
  if (atWord("on")) {
    advance();
    item->data =
        at(TokenKind::LBrace) ? (unexpected(Diag::ExpectedExpression, "a data set"), nullptr) : parseExpression();
    if (!item->data)
      return nullptr;
  } else if (!at(TokenKind::LBrace) && !at(TokenKind::Colon)) {
    unexpected(Diag::ExpectedToken, "`on` and a data set, or `{`");
    return nullptr;
  }
  SourceRange body;
  auto entry = [&] {
    TrainEntry entry{};
    uint32_t begin = pos;
    if (!parseTrainEntry(entry))
      return false;
    entry.range = rangeFrom(begin);
    item->entries.push_back(entry);
    return true;
  };
  if (!parseBraced(body, "the training", entry))
    return nullptr;
  item->range = rangeFrom(first);
  return item;
}

/// `minimize e`, `report name = e`, `key: value`, or a statement.
bool Parser::parseTrainEntry(TrainEntry &entry) {
  bool sameLine = continues(1);
  if (atWord("minimize") && sameLine && startsOperand(kind(1))) {
    entry.kind = TrainEntry::Minimize;
    advance();
    entry.value = parseExpression();
    return entry.value != nullptr;
  }
  if (atWord("report") && sameLine && kind(1) == TokenKind::Word) {
    entry.kind = TrainEntry::Report;
    advance();
    if (!parseName("a name", entry.name, entry.nameRange))
      return false;
    if (!expect(TokenKind::Assign, "`=` and a value", "what is reported has a name: `report accuracy = ...`"))
      return false;
    entry.value = parseExpression();
    return entry.value != nullptr;
  }
  // `x: f32 = 1` lacks its `let`; that is said where statements are parsed.
  if (token().isWord() && kind(1) == TokenKind::Colon && !assignsInLine()) {
    entry.kind = TrainEntry::Setting;
    entry.name = spelled(token());
    entry.nameRange = range(token());
    pos += 2;
    entry.value = parseSettingValue();
    return entry.value != nullptr;
  }
  entry.kind = TrainEntry::Statement;
  entry.statement = parseStatement();
  return entry.statement != nullptr;
}

/// An expression on the same line; a length of time may go on as a condition.
Expr *Parser::parseSettingValue() {
  if (!continues()) {
    unexpected(Diag::ExpectedExpression, "the value of the setting");
    return nullptr;
  }
  uint32_t first = pos;
  Expr *value = parseExpression();
  if (!value || value->kind != ExprKind::Duration || !atWord("without") || !continues())
    return value;
  auto *duration = static_cast<DurationExpr *>(value);
  if (!parseStopCondition(duration))
    return nullptr;
  duration->range = rangeFrom(first);
  return duration;
}

/// `without better val.loss`, then perhaps `, lower: true`.
bool Parser::parseStopCondition(DurationExpr *duration) {
  advance();
  if (!atWord("better") || !continues()) {
    unexpected(Diag::ExpectedToken, "`better` and a metric", "write `2 epochs without better val.loss`");
    return false;
  }
  advance();
  uint32_t first = pos;
  std::string metric;
  do {
    std::string_view part;
    SourceRange ignored;
    if (!continues() || !at(TokenKind::Word)) {
      unexpected(Diag::ExpectedName, "a metric, as `val.loss`");
      return false;
    }
    parseName("a metric", part, ignored);
    metric.append(metric.empty() ? "" : ".").append(part);
  } while (accept(TokenKind::Dot));
  duration->metric = context.keep(std::move(metric));
  duration->metricRange = rangeFrom(first);
  if (at(TokenKind::Comma) && atWord("lower", 1))
    advance();
  if (!atWord("lower") || !continues())
    return true;
  advance();
  if (!accept(TokenKind::Colon) || !(at(TokenKind::KwTrue) || at(TokenKind::KwFalse))) {
    unexpected(Diag::ExpectedToken, "`lower: true`");
    return false;
  }
  duration->lower = at(TokenKind::KwTrue);
  advance();
  return true;
}

} // namespace dlc
