// The number of turns, and the item of each.
#include "frontend/elaborate/LoopSource.h"

#include "frontend/elaborate/Texts.h"

namespace dlc {

using namespace ast;

std::vector<Value> LoopSource::tensors() const {
  if (value.isTensor())
    return {value};
  std::vector<Value> all;
  for (const LoopSource &part : parts)
    llvm::append_range(all, part.tensors());
  return all;
}

Value LoopSource::item(Elaborator &e, const Value &index, llvm::ArrayRef<Value> rows) const {
  if (value.isTensor()) {
    Value row = rows.front();
    if (hasClasses(value))
      takeClasses(row, value);
    return row;
  }
  if (value.kind == Value::Zip) {
    std::vector<Value> items;
    for (const LoopSource &part : parts) {
      items.push_back(part.item(e, index, rows));
      rows = rows.drop_front(part.tensors().size());
    }
    return Value::ofTuple(std::move(items), value.at);
  }
  Value item = index;
  if (value.integer != 1)
    item = e.binary(BinaryOp::Mul, item, Value::ofInteger(value.integer, value.at), value.at);
  if (!(begin->isConstant() && begin->constant() == 0))
    item = e.binary(BinaryOp::Add, item, Value::ofSize(*begin, value.at), value.at);
  item.at = value.at;
  item.soft = index.soft;
  return item;
}

std::vector<Value> LoopSource::knownItems() const {
  std::vector<Value> items;
  for (int64_t i = 0; i < length->constant(); ++i)
    items.push_back(Value::ofInteger(begin->constant() + i * value.integer, value.at));
  return items;
}

/// The whole number that a bound of a range is, known or computed, else poison.
static Value rangeBound(Elaborator &e, const Value &bound) {
  bool whole = (bound.isNumber() && !(bound.kind == Value::Number && bound.isFloat)) ||
               (bound.isTensor() && bound.shape.empty() && isIntegral(bound.dtype));
  if (!whole && !bound.poison())
    e.error(Diag::WrongType, bound.at, "a bound of a range", describe(bound), "a whole number");
  return whole ? bound : e.poison(bound.at);
}

static std::optional<LoopSource> ofRange(Elaborator &e, const Value &range) {
  LoopSource made{range, {}, {}, {}};
  Value bounds[2];
  for (int k : {0, 1}) {
    bounds[k] = rangeBound(e, range.elements[size_t(k)]);
    if (bounds[k].poison())
      return std::nullopt;
  }
  if (!bounds[0].isNumber() || !bounds[1].isNumber())
    return made;
  made.begin = e.size(bounds[0], "the begin of a range");
  Size end = *e.size(bounds[1], "the end of a range");
  int64_t step = range.integer, width = std::abs(step);
  Size distance = (step > 0 ? end - *made.begin : *made.begin - end) + Size(range.flag);
  made.length = width == 1 ? distance : Size::floorDiv(distance + Size(width - 1), Size(width));
  if (made.length->isConstant() && made.length->constant() < 0)
    made.length = Size(0);
  return made;
}

/// All parts have one length.
static std::optional<LoopSource> ofZip(Elaborator &e, const Value &zip, const char *what) {
  LoopSource made{zip, {}, {}, {}};
  for (const Value &element : zip.elements) {
    std::optional<LoopSource> part = loopSource(e, element, what);
    if (!part)
      return std::nullopt;
    if (!part->length) {
      e.error(Diag::WrongType, element.at, "a bound of what is zipped", "computed", "known while compiling");
      return std::nullopt;
    }
    if (made.length && !e.sameSize(*made.length, *part->length).value_or(true)) {
      auto report = e.error(Diag::ZipLengths, zip.at, made.length->str(), part->length->str());
      e.noteIs(report, made.parts.front().value);
      e.noteIs(report, element);
      Size more = *part->length - *made.length;
      if (more.isConstant() && made.length->isConstant()) {
        bool isLonger = more.constant() > 0;
        report.help(fmt::format("take as many of both: `{}[:{}]`",
                                e.shortText((isLonger ? element : made.parts.front().value).at),
                                (isLonger ? *made.length : *part->length).str()));
      }
      return std::nullopt;
    }
    if (!made.length || !made.length->isConstant())
      made.length = part->length;
    made.parts.push_back(std::move(*part));
  }
  return made;
}

std::optional<LoopSource> loopSource(Elaborator &e, const Value &source, const char *what) {
  if (source.kind == Value::Range)
    return ofRange(e, source);
  if (source.kind == Value::Zip)
    return ofZip(e, source, what);
  if (source.isTensor() && !source.shape.empty())
    return LoopSource{source, {}, source.shape[0].size, {}};
  if (source.kind == Value::Data)
    e.error(Diag::WrongType, source.at, what, describe(source), "a tensor with axes, a list or a range")
        .help(fmt::format(
            "`train m = .. on {0} {{ .. }}` goes through its batches, `predict({0}, x => ..)` gives a value for "
            "each of its rows; a column is one tensor, `{0}.x`",
            e.shortText(source.at, "d")));
  else if (!source.poison())
    e.error(Diag::WrongType, source.at, what, describe(source), "a tensor with axes, a list or a range")
        .help(source.kind == Value::Number && !source.isFloat ? fmt::format("`for i in 0..{}` counts", source.integer)
                                                              : "`for i in 0..n` counts");
  return std::nullopt;
}

} // namespace dlc
