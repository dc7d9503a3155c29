// Elaborates operators: of what is known at compile time, and of tensors.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Texts.h"

#include "ir/Dialect.h"

namespace dlc {

using namespace ast;

Value Elaborator::unary(UnaryOp op, Value operand, SourceRange at) {
  operand = tensorOfList(std::move(operand));
  if (operand.poison())
    return poison(at);
  if (op == UnaryOp::Not) {
    if (operand.kind == Value::Bool)
      return Value::ofBool(!operand.flag, at);
    if (operand.isTensor() && operand.dtype == DType::Bool) {
      Value result = unaryOp("not", operand, at);
      result.ofSizes = operand.ofSizes;
      result.whenTrue = operand.whenFalse;
      result.whenFalse = operand.whenTrue;
      return result;
    }
    error(Diag::WrongType, operand.at, "the operand of `!`", describe(operand), "bool")
        .help("compare with something: `x == 0`");
    return poison(at);
  }
  switch (operand.kind) {
  case Value::Number:
    return mapNumber(operand, at, [](double x) { return -x; }, [](int64_t x) { return int64_t(0 - uint64_t(x)); });
  case Value::SizeOf:
    return Value::ofSize(Size(0) - operand.size, at);
  case Value::Tensor:
    if (operand.dtype == DType::Bool)
      break;
    return unaryOp("neg", operand, at);
  case Value::Model:
    return modelArithmetic(BinaryOp::Mul, Value::ofNumber(-1, at), operand, at);
  default:
    break;
  }
  auto report = error(Diag::WrongType, operand.at, "the operand of `-`", describe(operand), "a number");
  if (operand.isTensor())
    report.help("`!x` negates a bool");
  return poison(at);
}

/// The longest string that a program may make.
static constexpr size_t maxText = size_t(1) << 20;

static const char *predicate(BinaryOp op) {
  switch (op) {
  case BinaryOp::Eq:
    return "eq";
  case BinaryOp::Ne:
    return "ne";
  case BinaryOp::Lt:
    return "lt";
  case BinaryOp::Le:
    return "le";
  case BinaryOp::Gt:
    return "gt";
  default:
    return "ge";
  }
}

/// The error of `/` on integers.
Value Elaborator::integerDivision(const Value &lhs, const Value &rhs, SourceRange at) {
  error(Diag::IntegerDivision, at, describe(lhs), describe(rhs))
      .help(fmt::format(
          "`div({0}, {1})` rounds down, `f32({0}) / {2}` divides", shortText(lhs.at), shortText(rhs.at, "y"),
          rhs.kind == Value::Number && rhs.weak ? shortText(rhs.at) : "f32(" + shortText(rhs.at, "y") + ")"));
  return poison(at);
}

/// Whether a value known while compiling is, or holds, the integer 0.
static bool holdsZero(const Value &value) {
  if (value.kind == Value::Number)
    return !value.isFloat && value.integer == 0;
  if (value.kind == Value::SizeOf)
    return value.size == Size(0);
  if (value.kind == Value::List)
    return std::any_of(value.elements.begin(), value.elements.end(), holdsZero);
  auto constant = value.isTensor() && value.ir ? value.ir.getDefiningOp<dl::ConstantOp>() : dl::ConstantOp();
  if (!constant || !isIntegral(value.dtype))
    return false;
  auto elements = mlir::cast<mlir::DenseElementsAttr>(constant.getValue()).getValues<llvm::APInt>();
  return llvm::any_of(elements, [](const llvm::APInt &element) { return element.isZero(); });
}

bool Elaborator::dividesByZero(const Value &dividend, const Value &divisor, const char *form, SourceRange at) {
  if (!isIntegral(dividend.dtype) || !holdsZero(divisor))
    return false;
  bool isNumber = divisor.isNumber();
  auto report = error(Diag::DivisionByZero, at,
                      fmt::format(fmt::runtime(form), typeString(dividend), isNumber ? "0" : shortText(divisor.at)));
  if (!isNumber)
    report.note(divisor.at, "this holds 0");
  return true;
}

/// `&&` and `||`.
Value Elaborator::binaryOfBools(BinaryOp op, Value lhs, Value rhs, SourceRange at) {
  if (lhs.kind == Value::Bool && rhs.kind == Value::Bool)
    return Value::ofBool(op == BinaryOp::And ? lhs.flag && rhs.flag : lhs.flag || rhs.flag, at);
  lhs = tensorOfList(std::move(lhs)), rhs = tensorOfList(std::move(rhs));
  // A constant side that decides, decides (so that a condition may guard another); the shape is that of both.
  bool isScalar = !rhs.isTensor() || rhs.shape.empty();
  if (lhs.kind == Value::Bool && lhs.flag == (op == BinaryOp::Or) && isScalar)
    return Value::ofBool(lhs.flag, at);
  // One that does not decide leaves the other.
  for (const Value *side : {&lhs, &rhs})
    if (const Value &kept = side == &lhs ? rhs : lhs; side->kind == Value::Bool &&
                                                      side->flag == (op == BinaryOp::And) && kept.isTensor() &&
                                                      kept.dtype == DType::Bool)
      return kept;
  bool ofSizes = (lhs.ofSizes || lhs.kind == Value::Bool) && (rhs.ofSizes || rhs.kind == Value::Bool);
  // What both sides say holds when both do; of one side alone, when the other is known and decides nothing.
  bool known = lhs.kind == Value::Bool || rhs.kind == Value::Bool;
  const Value other = lhs.kind == Value::Bool ? rhs : lhs;
  auto joined = [&](const std::shared_ptr<const SizeFacts> &a, const std::shared_ptr<const SizeFacts> &b) {
    auto facts = std::make_shared<SizeFacts>(a ? *a : SizeFacts());
    if (b)
      facts->insert(facts->end(), b->begin(), b->end());
    return facts;
  };
  auto whenTrue = known ? other.whenTrue : op == BinaryOp::And ? joined(lhs.whenTrue, rhs.whenTrue) : nullptr;
  auto whenFalse = known ? other.whenFalse : op == BinaryOp::Or ? joined(lhs.whenFalse, rhs.whenFalse) : nullptr;
  for (Value *side : {&lhs, &rhs}) {
    if (side->kind == Value::Bool)
      *side = tensorOf(*side);
    if (!side->isTensor() || side->dtype != DType::Bool) {
      error(Diag::WrongType, side->at, fmt::format("an operand of `{}`", spelling(op)), describe(*side), "bool")
          .help("compare with something: `x != 0`");
      return poison(at);
    }
  }
  std::optional<Shape> shape = broadcastShapes(lhs, rhs, spelling(op), at);
  if (!shape)
    return poison(at);
  Value both = binaryOp(op == BinaryOp::And ? "and" : "or", broadcastTo(lhs, *shape, lhs.at),
                        broadcastTo(rhs, *shape, rhs.at), at);
  both.ofSizes = ofSizes;
  both.whenTrue = whenTrue;
  both.whenFalse = whenFalse;
  return both;
}

/// `i + 1` is one more than `i`, and `2 * i` the same wherever it is written: what is known of a computed whole number goes on.
void Elaborator::keepOrigin(BinaryOp op, const Value &lhs, const Value &rhs, Value &result) {
  const Value &computed = lhs.isTensor() ? lhs : rhs, &known = lhs.isTensor() ? rhs : lhs;
  bool sums = op == BinaryOp::Add || (op == BinaryOp::Sub && lhs.isTensor());
  if (!(sums || op == BinaryOp::Mul) || !result.origin || !computed.origin || !known.isNumber() ||
      (known.kind == Value::Number && known.isFloat))
    return;
  Size added = known.kind == Value::SizeOf ? known.size : Size(known.integer);
  if (op == BinaryOp::Mul) {
    result.origin = multiples.try_emplace({computed.origin, added.str()}, result.origin).first->second;
    result.offset = computed.offset * added;
    return;
  }
  result.origin = computed.origin;
  result.offset = op == BinaryOp::Add ? computed.offset + added : computed.offset - added;
}

Value Elaborator::binary(BinaryOp op, Value lhs, Value rhs, SourceRange at) {
  if (lhs.poison() || rhs.poison())
    return poison(at);
  const Value left = lhs, right = rhs;
  Value result = binaryOfAny(op, std::move(lhs), std::move(rhs), at);
  keepOrigin(op, left, right, result);
  return result;
}

/// A range by a step, which is known: it decides which way the range goes.
Value Elaborator::stepped(const Value &range, const Value &step, SourceRange at) {
  if (range.kind != Value::Range || range.integer != 1) {
    error(Diag::WrongType, range.at, "the left side of `by`", describe(range), "a range")
        .help("a range by a step is written `0..10 by 2`, or `10..0 by -1`");
    return poison(at);
  }
  bool known = step.kind == Value::Number && !step.isFloat && step.integer != 0;
  if (!known && !(step.kind == Value::SizeOf && step.size != Size(0))) {
    error(Diag::WrongType, step.at, "the step of a range", describe(step), "a whole number that is known and not 0");
    return poison(at);
  }
  Value made = range;
  made.integer = step.kind == Value::Number ? step.integer : step.size.isConstant() ? step.size.constant() : 1;
  made.at = at;
  return made;
}

/// A column of strings compared with one: a bool for each row. Nothing for other operands.
static std::optional<Value> equalTexts(const Value &lhs, const Value &rhs, BinaryOp op, SourceRange at) {
  const Value &column = lhs.kind == Value::Strings ? lhs : rhs, &word = &column == &lhs ? rhs : lhs;
  if (column.kind != Value::Strings || word.kind != Value::String || isLate(word))
    return std::nullopt;
  Value result = Value::ofTensor(DType::Bool, {{column.size, column.at}}, {}, at);
  if (!column.strings)
    return result;
  std::vector<unsigned char> equal;
  for (const std::string &text : *column.strings)
    equal.push_back((text == word.text) == (op == BinaryOp::Eq));
  result.host = bufferOf(DType::Bool, std::move(equal));
  return result;
}

Value Elaborator::binaryOfAny(BinaryOp op, Value lhs, Value rhs, SourceRange at) {
  const char *symbol = spelling(op);
  if (op == BinaryOp::Range || op == BinaryOp::RangeTo) {
    Value range = Value::ofTuple({lhs, rhs}, at);
    range.kind = Value::Range;
    range.integer = 1;
    range.flag = op == BinaryOp::RangeTo;
    return range;
  }
  if (op == BinaryOp::By)
    return stepped(lhs, rhs, at);
  if (op == BinaryOp::And || op == BinaryOp::Or)
    return binaryOfBools(op, std::move(lhs), std::move(rhs), at);
  const Value given = rhs;
  // Lists of numbers beside tensors are tensors.
  for (Value *side : {&lhs, &rhs})
    if (side->kind == Value::List &&
        (lhs.isTensor() || rhs.isTensor() || lhs.isNumber() || rhs.isNumber() || lhs.kind == rhs.kind)) {
      Value &other = side == &lhs ? rhs : lhs;
      if (other.kind == Value::List && !isLiteral(other))
        other = tensorOfList(other);
      std::optional<DType> asked;
      if (other.isTensor() || (other.kind == Value::Number && !other.weak))
        asked = other.dtype;
      else if (op == BinaryOp::Div || hasFraction(other))
        asked = DType::F32;
      *side = tensorOfList(*side, asked);
      if (side->poison())
        return poison(at);
    }
  if (lhs.isNumber() && rhs.isNumber())
    return binaryOfNumbers(op, lhs, rhs, at);
  const bool isEquality = op == BinaryOp::Eq || op == BinaryOp::Ne;
  if (lhs.kind == Value::Bool && rhs.kind == Value::Bool && isEquality)
    return Value::ofBool((lhs.flag == rhs.flag) == (op == BinaryOp::Eq), at);
  if (isEquality) {
    lhs = classOf(*this, lhs, rhs), rhs = classOf(*this, rhs, lhs);
    if (lhs.poison() || rhs.poison() || !sameClasses(*this, symbol, {lhs, rhs}, at))
      return poison(at);
    if (std::optional<Value> equal = equalTexts(lhs, rhs, op, at))
      return *equal;
  }
  if (lhs.kind == Value::String && rhs.kind == Value::String) {
    if (isLate(lhs) || isLate(rhs)) {
      Value both = Value::ofString("", at);
      both.elements = {lhs, rhs};
      if (op == BinaryOp::Add)
        return both;
      if (turnsAsked && !insideFunction()) { // each turn of the loop may know it
        *turnsAsked = true;
        return Value::ofBool(true, at);
      }
      auto isEarlier = [](const Value &side) { // its pieces stand elsewhere: in a statement before
        return isLate(side) && !(side.at.begin <= side.elements[0].at.begin && side.elements[0].at.end <= side.at.end);
      };
      if (!executor && !insideFunction() && (loop || isEarlier(lhs) || isEarlier(rhs))) // known when it is run
        return Value::ofTensor(DType::Bool, {}, {}, at);
      error(Diag::NotConstant, at, "a text that is compared");
      return poison(at);
    }
    if (isEquality)
      return Value::ofBool((lhs.text == rhs.text) == (op == BinaryOp::Eq), at);
    if (op == BinaryOp::Add && lhs.text.size() + rhs.text.size() > maxText) {
      error(Diag::TooLarge, at, "this string");
      return poison(at);
    }
    if (op == BinaryOp::Add)
      return Value::ofString(lhs.text + rhs.text, at);
  }
  if (lhs.kind == Value::Model || rhs.kind == Value::Model)
    return modelArithmetic(op, lhs, rhs, at);
  for (auto [text, other] : {std::pair(&lhs, &rhs), std::pair(&rhs, &lhs)})
    if (op == BinaryOp::Add && text->kind == Value::String && (other->isNumber() || other->kind == Value::Bool)) {
      error(Diag::WrongType, other->at, "an operand of `+`", describe(*other), "a string, as the other is")
          .help(fmt::format("`str({})` is its text", shortText(other->at)));
      return poison(at);
    }
  for (const Value *side : {&lhs, &rhs})
    if (!side->isTensor() && !side->isNumber() && side->kind != Value::Bool) {
      auto report = error(Diag::WrongType, side->at, fmt::format("an operand of `{}`", symbol), describe(*side),
                          "a number or a tensor");
      const Value &other = side == &lhs ? rhs : lhs;
      if (side->kind == Value::Strings && hasClasses(other))
        report.help(fmt::format("`{}.encode.{}({})` gives its words their numbers", other.data->name, other.text,
                                shortText(side->at)));
      else if (side->kind == Value::String && hasClasses(other) && isComparison(op))
        report.help(fmt::format("words have no order: `{0} == {1}`, or `{0} != {1}`", shortText(other.at),
                                shortText(side->at, "\"..\"")));
      else if (side->kind == Value::Fn)
        report.help("call it: `" + std::string(sources.text(side->at)) + "(..)`");
      else if (std::string text = shortText(side->at, ""); side->kind == Value::Tuple && !text.empty())
        report.help(text.starts_with("jvp(") || text.starts_with("vjp(") || text.starts_with("value_and_grad(")
                        ? fmt::format("`{}` gives the value and what is asked for: `let (y, d) = {}`",
                                      text.substr(0, text.find('(')), text)
                        : fmt::format("`{}[0]` is its first element, `let (a, b) = ..` names them", text));
      return poison(at);
    }
  if (op == BinaryOp::MatMul)
    return matmul(lhs, rhs, at);
  if (op == BinaryOp::Pow)
    return power(lhs, rhs, at);

  const Value left = lhs, right = rhs; // as written, for messages
  for (const Value *side : {&lhs, &rhs})
    if ((side->kind == Value::Bool || (side->isTensor() && side->dtype == DType::Bool)) && !isComparison(op)) {
      error(Diag::TypeMix, at, symbol, describe(lhs), describe(rhs))
          .help(fmt::format("convert first: `f32({})`, or use `&&` and `||`", shortText(side->at)));
      return poison(at);
    }
  if (!unifyDTypes(lhs, rhs, symbol, at, isComparison(op)))
    return poison(at);
  if (op == BinaryOp::Div && isIntegral(lhs.dtype))
    return integerDivision(left, right, at);
  if (op == BinaryOp::Rem && dividesByZero(lhs, given, "{} % {}", at))
    return poison(at);
  if (lhs.dtype == DType::Bool && op != BinaryOp::Eq && op != BinaryOp::Ne) {
    error(Diag::TypeMix, at, symbol, describe(lhs), describe(rhs)).help("bools compare with `==` and `!=` only");
    return poison(at);
  }
  std::optional<Shape> shape = broadcastShapes(lhs, rhs, symbol, at);
  if (!shape)
    return poison(at);
  bool soft = lhs.soft && rhs.soft;
  Value a = broadcastTo(lhs, *shape, lhs.at), b = broadcastTo(rhs, *shape, rhs.at);
  a.soft = b.soft = soft;
  if (isComparison(op))
    return compareOp(predicate(op), a, b, at);
  switch (op) {
  case BinaryOp::Add:
    return binaryOp("add", a, b, at);
  case BinaryOp::Sub:
    return binaryOp("sub", a, b, at);
  case BinaryOp::Mul:
    return binaryOp("mul", a, b, at);
  case BinaryOp::Div:
    return binaryOp("div", a, b, at);
  default:
    return binaryOp("rem", a, b, at);
  }
}

} // namespace dlc
