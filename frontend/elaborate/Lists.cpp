// Bracket lists where a tensor is asked for: which type their elements have, and the tensor of them.
#include "frontend/elaborate/Elaborator.h"

#include "ir/Dialect.h"

#include <algorithm>

namespace dlc {

/// The shape and dtype of a nested list of numbers; its numbers in order. False (silently) when rows differ.
static bool flatten(const Value &list, std::vector<const Value *> &numbers, std::vector<size_t> &shape, size_t depth) {
  if (list.kind != Value::List && list.kind != Value::Tuple) {
    numbers.push_back(&list);
    return shape.size() == depth;
  }
  if (shape.size() == depth && numbers.empty())
    shape.push_back(list.elements.size());
  if (depth >= shape.size() || shape[depth] != list.elements.size())
    return false;
  for (const Value &element : list.elements)
    if (!flatten(element, numbers, shape, depth + 1))
      return false;
  return true;
}

bool isLiteral(const Value &value) {
  if (value.kind == Value::List || value.kind == Value::Tuple)
    return std::all_of(value.elements.begin(), value.elements.end(), isLiteral);
  return value.kind == Value::SizeOf || (value.kind == Value::Number && value.weak);
}

bool isRegular(const Value &list) {
  std::vector<const Value *> numbers;
  std::vector<size_t> shape;
  return flatten(list, numbers, shape, 0);
}

namespace {
/// What the elements of a list, those of lists within it counted, say of its type.
struct ListType {
  std::optional<DType> dtype; ///< of its tensors, typed numbers and bools
  const Value *from = nullptr;
  const Value *differs = nullptr; ///< an element of another type
  bool fraction = false;          ///< whether a literal has a point

  void add(const Value &value) {
    if (value.kind == Value::List || value.kind == Value::Tuple) {
      for (const Value &element : value.elements)
        add(element);
      return;
    }
    bool literal = isLiteral(value);
    fraction |= literal && value.isFloat;
    std::optional<DType> own;
    if (value.kind == Value::Bool)
      own = DType::Bool;
    else if (!literal && (value.kind == Value::Number || value.isTensor()))
      own = value.dtype;
    if (!own && !(literal && dtype == DType::Bool))
      return;
    bool wider = own && dtype && isIntegral(*own) && isIntegral(*dtype) && sizeOf(*own) > sizeOf(*dtype);
    if (!dtype || wider || (from->soft && !value.soft)) {
      dtype = own;
      from = &value;
    } else if (own != dtype && !(own && isIntegral(*own) && isIntegral(*dtype)) && !value.soft) {
      differs = &value;
    }
  }
};
} // namespace

/// A list of known numbers as a constant.
static Value constantOfList(Elaborator &e, const std::vector<const Value *> &numbers, DType dtype, const Shape &shape,
                            SourceRange at) {
  Value result = Value::ofTensor(dtype, shape, {}, at);
  if (!e.emitting())
    return result;
  mlir::RankedTensorType type = e.irType(dtype, shape);
  std::vector<mlir::Attribute> values;
  for (const Value *given : numbers) {
    Value number = given->kind == Value::Bool ? Value::ofInteger(given->flag, at) : *given;
    number = e.convertNumber(number, dtype, at);
    if (isFloating(dtype))
      values.push_back(e.graph.attributes().getFloatAttr(type.getElementType(), number.number));
    else
      values.push_back(
          mlir::IntegerAttr::get(type.getElementType(), dtype == DType::Bool ? number.flag : number.integer));
  }
  auto attribute = mlir::DenseElementsAttr::get(type, values);
  result.ir = dl::ConstantOp::create(e.graph.here(), e.location(at), type, attribute);
  return result;
}

Value Elaborator::listAs(const Value &list, DType dtype, bool exact, SourceRange at) {
  std::vector<const Value *> numbers;
  std::vector<size_t> sizes;
  bool known = flatten(list, numbers, sizes, 0) && !list.flag;
  for (const Value *number : numbers) {
    known &= number->kind == Value::Number || (number->kind == Value::SizeOf && number->size.isConstant()) ||
             number->kind == Value::Bool;
    Value fitting = *number;
    if (exact && number->isNumber() && !settleNumber(fitting, dtype))
      return poison(at);
  }
  if (known) {
    Shape shape;
    for (size_t size : sizes)
      shape.push_back({Size(int64_t(size)), list.at});
    return constantOfList(*this, numbers, dtype, shape, at);
  }
  Value elements = list;
  for (Value &element : elements.elements) {
    if (element.kind == Value::List || element.kind == Value::Tuple) {
      element = listAs(element, dtype, false, element.at);
    } else if (element.isTensor()) {
      element = cast(element, dtype, element.at);
    } else if (element.isNumber()) {
      element = tensorOf(convertNumber(element, dtype, element.at), dtype);
    } else if (element.kind == Value::Bool) {
      element = tensorOf(element, dtype);
    } else {
      bool stands =
          list.at.file == element.at.file && list.at.begin <= element.at.begin && element.at.end <= list.at.end;
      auto report = error(Diag::WrongType, stands ? element.at : list.at,
                          stands ? "an element of the list" : fmt::format("an element of `{}`", shortText(list.at)),
                          describe(element), "a number or a tensor");
      if (!stands)
        report.note(element.at, "this one");
      return poison(at);
    }
    if (element.poison())
      return poison(at);
  }
  for (const Value &element : elements.elements) {
    const Shape &first = elements.elements[0].shape;
    bool fits = element.shape.size() == first.size();
    for (size_t i = 0; fits && i < first.size(); ++i)
      fits = sameSize(element.shape[i].size, first[i].size).value_or(true);
    if (!fits) {
      error(Diag::WrongType, element.at, "an element of the list", describe(element),
            fmt::format("{}, as its first", describe(elements.elements[0])))
          .help("the rows differ: those of a tensor are equally long");
      return poison(at);
    }
  }
  return apply(library->find("stack")->value, {elements, Value::ofInteger(0, at)}, at);
}

std::optional<DType> Elaborator::elementTypeOf(const Value &list, std::optional<DType> asked, const std::string &what) {
  ListType type;
  type.add(list);
  if (type.differs) {
    auto report = error(Diag::TypeMix, list.at, what, describe(*type.from), describe(*type.differs));
    noteIs(report, *type.from);
    noteIs(report, *type.differs);
    bool isFirst = isIntegral(type.from->dtype);
    const Value &integers = isFirst ? *type.from : *type.differs, &floats = isFirst ? *type.differs : *type.from;
    report.help(isIntegral(integers.dtype) && isFloating(floats.dtype)
                    ? fmt::format("write the conversion: `{}({})`", nameOf(floats.dtype), shortText(integers.at))
                    : "the elements of a list that is a tensor have one type");
    return std::nullopt;
  }
  bool takes = asked && *asked != DType::Bool && (!type.fraction || isFloating(*asked));
  DType literals = takes ? *asked : type.fraction ? DType::F32 : DType::I64;
  return type.dtype.value_or(literals);
}

Value Elaborator::tensorOfList(Value value, std::optional<DType> asked) {
  if (value.kind != Value::List)
    return value;
  // A list that one element stands for (a comprehension over named sizes) is a tensor if that is a part of one.
  if (value.flag) {
    const Value &one = value.elements[0];
    if (!one.isTensor() && !one.isNumber() && one.kind != Value::Bool && one.kind != Value::List)
      return value;
  }
  std::optional<DType> dtype = elementTypeOf(value, asked, "[..]");
  return dtype ? listAs(value, *dtype, true, value.at) : poison(value.at);
}

bool hasFraction(const Value &value) {
  return (value.kind == Value::Number && value.isFloat) ||
         std::any_of(value.elements.begin(), value.elements.end(), hasFraction);
}

/// Whether a list, and those within it, hold numbers alone.
static bool holdsNumbers(const Value &list) {
  return std::all_of(list.elements.begin(), list.elements.end(), [](const Value &element) {
    return element.kind == Value::Number || (element.kind == Value::List && holdsNumbers(element));
  });
}

Value Elaborator::settled(Value value) {
  bool numbers = value.kind == Value::List && holdsNumbers(value) && hasFraction(value);
  return numbers ? tensorOfList(std::move(value)) : value;
}

} // namespace dlc
