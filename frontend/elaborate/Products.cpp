// Powers, matrix products, and the arithmetic of models.
#include "frontend/elaborate/Elaborator.h"

namespace dlc {

using namespace ast;

Value Elaborator::power(const Value &base, const Value &exponent, SourceRange at) {
  // A small whole exponent is repeated multiplication, exact in sign and cheap in its gradient.
  bool whole = exponent.kind == Value::Number && !exponent.isFloat;
  bool typed = (base.isTensor() && base.dtype != DType::Bool) || (base.kind == Value::Number && !base.weak);
  if (whole && typed && exponent.integer >= -64 && exponent.integer <= 64) {
    int64_t n = std::abs(exponent.integer);
    auto times = [&](const Value &x, const Value &y) {
      return x.isTensor() ? binaryOp("mul", x, y, at) : binary(BinaryOp::Mul, x, y, at);
    };
    auto ones = [&] {
      return base.isTensor() ? constant(1, base.dtype, base.shape, at)
                             : convertNumber(Value::ofInteger(1, at), base.dtype, at);
    };
    if (exponent.integer < 0 && isIntegral(base.dtype)) {
      error(Diag::TypeMix, at, "**", describe(base), describe(exponent))
          .help(fmt::format("convert the integers first: `f32({})`", shortText(base.at)));
      return poison(at);
    }
    Value result = n == 0 ? ones() : poison(at);
    result.soft = base.soft;
    Value square = base;
    for (; n > 0; n >>= 1) {
      if (n & 1)
        result = result.poison() ? square : times(result, square);
      if (n > 1)
        square = times(square, square);
    }
    if (exponent.integer < 0) {
      Value one = ones();
      one.soft = base.soft;
      result = base.isTensor() ? binaryOp("div", one, result, at) : binary(BinaryOp::Div, one, result, at);
    }
    result.at = at;
    return result;
  }
  Value lhs = base, rhs = exponent;
  if (!unifyDTypes(lhs, rhs, "**", at))
    return poison(at);
  if (!isFloating(lhs.dtype)) {
    error(Diag::TypeMix, at, "**", describe(lhs), describe(rhs))
        .help(fmt::format("convert the integers first: `f32({})`", shortText(base.at)));
    return poison(at);
  }
  std::optional<Shape> shape = broadcastShapes(lhs, rhs, "**", at);
  if (!shape)
    return poison(at);
  bool soft = lhs.soft && rhs.soft;
  Value a = broadcastTo(lhs, *shape, lhs.at), b = broadcastTo(rhs, *shape, rhs.at);
  a.soft = b.soft = soft;
  return binaryOp("pow", a, b, at);
}

Value Elaborator::matmul(const Value &left, const Value &right, SourceRange at) {
  Value lhs = left, rhs = right;
  for (Value *side : {&lhs, &rhs})
    if (!side->isTensor() || side->shape.empty()) {
      error(Diag::WrongType, side->at, "an operand of `@`", describe(*side), "a tensor with axes")
          .help("`*` multiplies by a scalar");
      return poison(at);
    }
  if (!unifyDTypes(lhs, rhs, "@", at))
    return poison(at);
  if (!isFloating(lhs.dtype)) {
    error(Diag::TypeMix, at, "@", describe(lhs), describe(rhs))
        .help(fmt::format("convert first: `f32({}) @ f32({})`", shortText(lhs.at), shortText(rhs.at)));
    return poison(at);
  }
  size_t a = lhs.shape.size(), b = rhs.shape.size();
  const Dim &columns = lhs.shape[a - 1];
  const Dim &rows = b == 1 ? rhs.shape[0] : rhs.shape[b - 2];
  if (!sameSize(columns.size, rows.size).value_or(true)) {
    auto report = error(Diag::MatmulShape, at, str(lhs.shape), str(rhs.shape), columns.size.str(), rows.size.str());
    noteIs(report, lhs);
    noteIs(report, rhs);
    noteOrigins(report, lhs, a - 1);
    noteOrigins(report, rhs, b == 1 ? 0 : b - 2);
    if (b >= 2 && sameSize(columns.size, rhs.shape[b - 1].size).value_or(false))
      report.help("transpose the second operand?");
    else if (a >= 2 && sameSize(lhs.shape[a - 2].size, rows.size).value_or(false))
      report.help("transpose the first operand?");
    else if (b == 2 && a == 2 && sameSize(rhs.shape[1].size, lhs.shape[0].size).value_or(false))
      report.help("swap the operands?");
    return poison(at);
  }
  // Letters: k is summed, m and n are free, a..h are batch axes aligned from the right. Batch axes of size 1 are dropped.
  size_t batchLhs = a > 2 ? a - 2 : 0, batchRhs = b > 2 ? b - 2 : 0;
  size_t batch = std::max(batchLhs, batchRhs);
  if (batch > 8) {
    error(Diag::NotSupported, at, "`@` of more than ten axes");
    return poison(at);
  }
  std::string lhsLetters, rhsLetters, resultLetters;
  Shape lhsShape, rhsShape, resultShape, fullShape;
  for (size_t i = 0; i < batch; ++i) {
    char letter = char('a' + i);
    const Dim *x = i + batchLhs >= batch ? &lhs.shape[i + batchLhs - batch] : nullptr;
    const Dim *y = i + batchRhs >= batch ? &rhs.shape[i + batchRhs - batch] : nullptr;
    auto one = [](const Dim *dim) { return dim->size.isConstant() && dim->size.constant() == 1; };
    if (x && y && !one(x) && !one(y) && !sameSize(x->size, y->size).value_or(true)) {
      auto report = error(Diag::ShapeMismatch, at, str(lhs.shape), str(rhs.shape), "@");
      noteIs(report, lhs);
      noteIs(report, rhs);
      report.help("the axes before the last two are batch axes: they must be equal or 1");
      return poison(at);
    }
    bool useX = x && (!one(x) || !y), useY = y && (!one(y) || !x);
    if (x && y && one(x) && one(y))
      useX = useY = true;
    if (useX) {
      lhsLetters += letter;
      lhsShape.push_back(*x);
    }
    if (useY) {
      rhsLetters += letter;
      rhsShape.push_back(*y);
    }
    resultLetters += letter;
    resultShape.push_back(useX ? *x : *y);
  }
  if (a > 1) {
    lhsLetters += 'm';
    lhsShape.push_back(lhs.shape[a - 2]);
    resultLetters += 'm';
    resultShape.push_back(lhs.shape[a - 2]);
  }
  lhsLetters += 'k';
  lhsShape.push_back(columns);
  rhsLetters += 'k';
  rhsShape.push_back(rows);
  if (b > 1) {
    rhsLetters += 'n';
    rhsShape.push_back(rhs.shape[b - 1]);
    resultLetters += 'n';
    resultShape.push_back(rhs.shape[b - 1]);
  }
  lhs = reshape(lhs, lhsShape, lhs.at);
  rhs = reshape(rhs, rhsShape, rhs.at);
  return contractOp(lhsLetters + "," + rhsLetters + "->" + resultLetters, lhs, rhs, resultShape, at);
}

Value Elaborator::modelArithmetic(BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at) {
  bool sum = op == BinaryOp::Add || op == BinaryOp::Sub;
  bool both = lhs.kind == Value::Model && rhs.kind == Value::Model;
  const Value &scale = lhs.kind == Value::Model ? rhs : lhs;
  bool scaling = !both && (op == BinaryOp::Mul || (op == BinaryOp::Div && lhs.kind == Value::Model)) &&
                 (scale.isNumber() || (scale.isTensor() && scale.shape.empty()));
  if (!(sum && both) && !scaling) {
    error(Diag::TypeMix, at, spelling(op), describe(lhs), describe(rhs))
        .help("models of one shape add and subtract, and are scaled by a number");
    return poison(at);
  }
  const Value &model = lhs.kind == Value::Model ? lhs : rhs;
  std::vector<ParamSlotRef> a = trainedOf(*model.model), b;
  if (both) {
    b = trainedOf(*rhs.model);
    if (std::string differ = modelsDiffer(*lhs.model, *rhs.model); !differ.empty()) {
      error(Diag::TypeMix, at, spelling(op), describe(lhs), describe(rhs))
          .note(differ)
          .help("models add when their parameters have the same names and sizes");
      return poison(at);
    }
  }
  std::vector<Value> values;
  for (size_t i = 0; i < a.size(); ++i) {
    Value x = lhs.kind == Value::Model ? a[i]->value : lhs;
    Value y = both ? b[i]->value : lhs.kind == Value::Model ? rhs : a[i]->value;
    values.push_back(binary(op, x, y, at));
    if (values.back().poison())
      return poison(at);
  }
  Value result = model;
  result.at = at;
  result.model = withTrained(*model.model, values);
  return result;
}

} // namespace dlc
