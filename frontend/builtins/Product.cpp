// Products and indexing by data: einsum, one_hot, take_along, embedding, triangles.
#include "frontend/builtins/Builtins.h"

#include "ir/Dialect.h"

#include <set>

namespace dlc {

static Value einsumError(Elaborator &e, CallSite &site, const std::string &text) {
  e.error(Diag::EinsumEquation, site[0].at, site[0].text, text);
  return e.poison(site.at);
}

/// Takes the diagonal of letters that stand twice in a term: the others are masked away and summed.
static Value diagonals(Elaborator &e, Value x, std::string &letters, SourceRange at) {
  for (size_t i = 0; i < letters.size(); ++i)
    for (size_t j = i + 1; j < letters.size();) {
      if (letters[i] != letters[j]) {
        ++j;
        continue;
      }
      Value row = e.iotaOp(DType::I64, x.shape, int64_t(i), at), column = e.iotaOp(DType::I64, x.shape, int64_t(j), at);
      Value onDiagonal = e.compareOp("eq", row, column, at);
      x = e.selectOp(onDiagonal, x, e.constant(0, x.dtype, x.shape, at), at);
      x = e.reduceOp("sum", x, {int64_t(j)}, at);
      letters.erase(letters.begin() + j);
    }
  return x;
}

/// Sums the axes whose letters occur nowhere else.
static Value sumAway(Elaborator &e, Value x, std::string &letters, const std::string &elsewhere, SourceRange at) {
  std::vector<int64_t> axes;
  std::string kept;
  for (size_t i = 0; i < letters.size(); ++i)
    if (elsewhere.find(letters[i]) == std::string::npos)
      axes.push_back(int64_t(i));
    else
      kept += letters[i];
  letters = kept;
  return axes.empty() ? x : e.reduceOp("sum", x, axes, at);
}

/// The equation with letters of its own, the same in each term, for what `...` stands for: the axes that a term has no letters
/// for, aligned at the last.
static std::string withoutEllipses(std::string equation, const std::vector<Value> &operands) {
  constexpr std::string_view dots = "...";
  std::string unused;
  for (char c = 'A'; c <= 'Z'; ++c)
    if (equation.find(c) == std::string::npos)
      unused += c;
  size_t most = 0, begin = 0;
  for (const Value &operand : operands) {
    size_t end = std::min(equation.find(',', begin), equation.find("->", begin));
    std::string_view term = std::string_view(equation).substr(begin, end == std::string::npos ? end : end - begin);
    if (size_t at = term.find(dots); at != std::string::npos) {
      size_t letters = term.size() - dots.size(), rank = operand.shape.size();
      size_t count = rank > letters ? std::min(rank - letters, unused.size()) : 0;
      equation.replace(begin + at, dots.size(), unused.substr(unused.size() - count));
      most = std::max(most, count);
    }
    end = std::min(equation.find(',', begin), equation.find("->", begin));
    if (end == std::string::npos || equation[end] == '-')
      break;
    begin = end + 1;
  }
  size_t arrow = equation.find("->");
  if (size_t at = arrow == std::string::npos ? arrow : equation.find(dots, arrow); at != std::string::npos)
    equation.replace(at, dots.size(), unused.substr(unused.size() - most));
  return equation;
}

static Value einsum(Elaborator &e, CallSite &site) {
  if (site[0].kind != Value::String) {
    e.error(Diag::WrongType, site[0].at, "argument 1 of `einsum`", describe(site[0]), "an equation in quotes")
        .help("for example `einsum(\"ij,jk->ik\", a, b)`");
    return e.poison(site.at);
  }
  std::string equation;
  for (char c : site[0].text)
    if (c != ' ')
      equation += c;
  if (equation.find("...") != std::string::npos)
    equation = withoutEllipses(equation, site.rest);
  size_t arrow = equation.find("->");
  std::string left = equation.substr(0, arrow), result;
  std::vector<std::string> terms(1);
  for (char c : left) {
    if (c == ',')
      terms.emplace_back();
    else if (!isalpha(static_cast<unsigned char>(c)))
      return einsumError(e, site, fmt::format("unexpected `{}`, expected letters, commas and `->`", c));
    else
      terms.back() += c;
  }
  if (terms.size() != site.rest.size())
    return einsumError(e, site,
                       fmt::format("{} {} for {} {}", terms.size(), terms.size() == 1 ? "term" : "terms",
                                   site.rest.size(), site.rest.size() == 1 ? "tensor" : "tensors"));
  std::map<char, std::pair<Dim, SourceRange>> sizes;
  std::vector<Value> operands;
  for (size_t i = 0; i < terms.size(); ++i) {
    site.bound[1] = site.rest[i];
    Value x = floatArgument(e, site, 1);
    if (x.poison())
      return x;
    if (terms[i].size() != x.shape.size())
      return einsumError(e, site,
                         fmt::format("term `{}` has {} letters, its tensor {} has {} axes", terms[i], terms[i].size(),
                                     describe(x), x.shape.size()));
    for (size_t a = 0; a < terms[i].size(); ++a) {
      auto [found, isNew] = sizes.try_emplace(terms[i][a], x.shape[a], x.at);
      if (!isNew && !e.sameSize(found->second.first.size, x.shape[a].size).value_or(true)) {
        auto report = e.error(
            Diag::EinsumEquation, site.at, site[0].text,
            fmt::format("`{}` is {} and {}", terms[i][a], found->second.first.size.str(), x.shape[a].size.str()));
        report.note(found->second.second, fmt::format("`{}` is {} here", terms[i][a], found->second.first.size.str()))
            .note(x.at, fmt::format("and {} here", x.shape[a].size.str()));
        return e.poison(site.at);
      }
    }
    operands.push_back(x);
  }
  if (arrow == std::string::npos) { // letters that stand once, in the alphabet's order
    std::map<char, int> counts;
    for (const std::string &term : terms)
      for (char c : term)
        ++counts[c];
    for (auto &[letter, count] : counts)
      if (count == 1)
        result += letter;
  } else {
    result = equation.substr(arrow + 2);
    for (char c : result)
      if (!isalpha(static_cast<unsigned char>(c)))
        return einsumError(e, site, fmt::format("unexpected `{}` behind `->`, expected letters", c));
  }
  std::set<char> seen;
  for (char c : result)
    if (!sizes.count(c) || !seen.insert(c).second)
      return einsumError(e, site,
                         sizes.count(c) ? fmt::format("`{}` stands twice in the result", c)
                                        : fmt::format("`{}` of the result is in no term", c));
  Value value = diagonals(e, operands[0], terms[0], site.at);
  std::string letters = terms[0];
  for (size_t i = 1; i < operands.size(); ++i) {
    std::string rest = result;
    for (size_t j = i + 1; j < terms.size(); ++j)
      rest += terms[j];
    Value next = diagonals(e, operands[i], terms[i], site.at);
    if (!e.unifyDTypes(value, next, "einsum", site.at))
      return e.poison(site.at);
    value = sumAway(e, value, letters, terms[i] + rest, site.at);
    next = sumAway(e, next, terms[i], letters + rest, site.at);
    // What remains: the letters that are still needed, in the order in which they first stand (or the result's, at the end).
    std::string out;
    if (i + 1 == operands.size())
      out = result;
    else
      for (char c : letters + terms[i])
        if (rest.find(c) != std::string::npos && out.find(c) == std::string::npos)
          out += c;
    Shape shape;
    for (char c : out)
      shape.push_back(sizes.at(c).first);
    value = e.contractOp(letters + "," + terms[i] + "->" + out, value, next, shape, site.at);
    letters = out;
  }
  if (operands.size() == 1) {
    value = sumAway(e, value, letters, result, site.at);
    std::vector<int64_t> permutation;
    for (char c : result)
      permutation.push_back(int64_t(letters.find(c)));
    if (letters != result)
      value = e.transpose(value, permutation, site.at);
  }
  value.at = site.at;
  return value;
}

/// Integers in a tensor, for labels and indices.
static Value indexArgument(Elaborator &e, CallSite &site, size_t i) {
  Value value = tensorArgument(e, site, i);
  if (value.poison() || isIntegral(value.dtype))
    return value;
  e.error(Diag::WrongType, value.at, fmt::format("argument {} of `{}`", i + 1, site.callee), describe(value),
          "integers")
      .help("write the conversion: `i64(x)`");
  return e.poison(value.at);
}

static Value oneHot(Elaborator &e, CallSite &site) {
  Value i = indexArgument(e, site, 0);
  std::optional<Size> classes = lengthArgument(e, site, 1, "the number of classes");
  if (i.poison() || !classes)
    return e.poison(site.at);
  Shape shape = i.shape;
  shape.push_back({*classes, site[1].at});
  Value checked = e.cast(e.checkIndex(i, *classes, std::string(e.sources.text(site[0].at)), i.at), DType::I64, i.at);
  Shape column = i.shape;
  column.push_back({Size(1), i.at});
  Value wide = e.broadcastTo(e.reshape(checked, column, i.at), shape, i.at);
  Value hot = e.compareOp("eq", e.iotaOp(DType::I64, shape, int64_t(shape.size()) - 1, site.at), wide, site.at);
  return e.cast(hot, DType::F32, site.at);
}

/// x's elements at i along an axis. One of each row is found by comparing every index: it fuses, and its gradient is a
/// selection.
static Value takeAlong(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0), i = indexArgument(e, site, 1);
  if (x.poison() || i.poison())
    return e.poison(site.at);
  std::optional<int64_t> axis = axisArgument(e, site, 2, x, -1);
  if (!axis)
    return e.poison(site.at);
  auto one = [](const Dim &dim) { return dim.size == Size(1); };
  bool fits = x.shape.size() == i.shape.size();
  for (size_t a = 0; fits && a < x.shape.size(); ++a)
    fits = int64_t(a) == *axis || one(x.shape[a]) || one(i.shape[a]) ||
           e.sameSize(x.shape[a].size, i.shape[a].size).value_or(true);
  if (!fits) {
    auto report = e.error(Diag::ShapeMismatch, site.at, str(x.shape), str(i.shape), "take_along");
    e.noteOrigins(report, x);
    e.noteOrigins(report, i);
    report.help(fmt::format("all axes but axis {} must be equal, or 1 in one of them", *axis));
    return e.poison(site.at);
  }
  // The axes beside this one broadcast.
  Value xRows = x, iRows = i;
  xRows.shape[*axis] = iRows.shape[*axis] = {Size(1), site.at};
  std::optional<Shape> common = e.broadcastShapes(xRows, iRows, "take_along", site.at);
  if (!common)
    return e.poison(site.at);
  for (Value *side : {&x, &i}) {
    Shape shape = *common;
    shape[*axis] = side->shape[*axis];
    *side = e.broadcastTo(*side, shape, side->at);
  }
  Value indices = e.cast(e.checkIndex(i, x.shape[*axis].size, std::string(e.sources.text(site[1].at)), i.at,
                                      /*fromEnd=*/true),
                         DType::I64, i.at);
  if (i.shape[*axis].size == Size(1) && x.dtype != DType::Bool) {
    // One element of each row: no axis for the chosen ones is needed.
    Value hit = e.compareOp("eq", e.iotaOp(DType::I64, x.shape, *axis, site.at), e.broadcastTo(indices, x.shape, i.at),
                            site.at);
    Value chosen = e.selectOp(hit, x, e.constant(0, x.dtype, x.shape, site.at), site.at);
    return e.reshape(e.reduceOp("sum", chosen, {*axis}, site.at), i.shape, site.at);
  }
  Value result = Value::ofTensor(x.dtype, i.shape, {}, site.at);
  result.varies = x.varies;
  if (!e.emitting())
    return result;
  // The places in the flat tensor: those along the axis are given, the others are the element's own.
  Value places = e.constant(int64_t(0), DType::I64, i.shape, site.at);
  int64_t stride = 1;
  for (size_t a = x.shape.size(); a-- > 0; stride *= x.shape[a].size.constant()) {
    Value along = int64_t(a) == *axis ? indices : e.iotaOp(DType::I64, i.shape, int64_t(a), site.at);
    along = e.binaryOp("mul", along, e.constant(stride, DType::I64, i.shape, site.at), site.at);
    places = e.binaryOp("add", places, along, site.at);
  }
  Value taken = e.gatherRows(e.reshape(x, {{elementCount(x.shape), site.at}}, site.at), places, site.at);
  taken.at = site.at;
  return taken;
}

static Value triangle(Elaborator &e, CallSite &site, bool lower) {
  Value x = tensorArgument(e, site, 0);
  // A name while checking: it changes no shape.
  bool named = site.has(1) && site[1].kind == Value::SizeOf && !site[1].size.isConstant();
  std::optional<std::vector<int64_t>> shift = named ? std::vector<int64_t>{0} : numbersArgument(e, site, 1, 1, 0);
  if (x.poison() || !shift)
    return e.poison(site.at);
  int64_t rank = int64_t(x.shape.size());
  if (rank < 2) {
    e.error(Diag::RankMismatch, x.at, describe(x), rank, "at least 2");
    return e.poison(site.at);
  }
  // Row + k >= column below, <= above.
  Value row = e.iotaOp(DType::I64, x.shape, rank - 2, site.at),
        column = e.iotaOp(DType::I64, x.shape, rank - 1, site.at);
  row = e.binaryOp("add", row, e.constant(double((*shift)[0]), DType::I64, x.shape, site.at), site.at);
  Value kept = e.compareOp(lower ? "ge" : "le", row, column, site.at);
  return e.selectOp(kept, x, e.constant(0, x.dtype, x.shape, site.at), site.at);
}

void addProductBuiltins(BuiltinTable &table) {
  table.add("einsum", einsum);
  table.add("matmul",
            [](Elaborator &e, CallSite &site) { return e.binary(ast::BinaryOp::MatMul, site[0], site[1], site.at); });
  table.add("one_hot", oneHot);
  table.add("take_along", takeAlong);
  // Where the last axis' index is the row's label, or 0 for a label to ignore: for losses, which check labels by the name
  // that the user gave them.
  table.add("label_mask", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0), label = e.tensorOfList(site[1]);
    if (label.isNumber())
      label = e.tensorOf(label);
    if (x.poison() || label.poison())
      return e.poison(site.at);
    if (!label.isTensor() || !isIntegral(label.dtype)) {
      auto report =
          e.error(Diag::WrongType, label.at, "the label", describe(label), "whole numbers: the class of each row");
      if (label.isTensor())
        report.help(fmt::format("write the conversion: `i32({})`", e.shortText(label.at)));
      return e.poison(site.at);
    }
    bool fits = x.shape.size() == label.shape.size() + 1;
    for (size_t a = 0; fits && a < label.shape.size(); ++a)
      fits = e.sameSize(x.shape[a].size, label.shape[a].size).value_or(true);
    if (!fits) {
      Shape rows(x.shape.begin(), x.shape.end() - (x.shape.empty() ? 0 : 1));
      auto report = e.error(Diag::ArgumentShape, label.at, "the label", describe(label),
                            "`" + str(rows) + "`: one for each row of scores");
      e.noteIs(report, x);
      std::string name = e.shortText(label.at, "label");
      if (label.shape.size() != x.shape.size())
        report.help("scores are [.., classes], labels [..] without the last axis");
      else if (label.shape.back().size == Size(1))
        report.help(fmt::format("take its last axis away: `squeeze({}, axis: -1)`", name));
      else
        report.help(fmt::format("the share of each class is in floating-point numbers: `f32({})`", name));
      return e.poison(site.at);
    }
    std::string what(e.sources.text(label.at));
    std::optional<int64_t> ignored = e.integerConstant(site[2], "`ignore`");
    if (!ignored)
      return e.poison(site.at);
    if (label.dtype != DType::U8 || (*ignored >= 0 && *ignored <= 255)) {
      auto all = [&](int64_t number) { return e.constant(number, label.dtype, label.shape, label.at); };
      label = e.selectOp(e.compareOp("eq", label, all(*ignored), label.at), all(0), label, label.at);
    }
    Value checked = e.cast(e.checkIndex(label, x.shape.back().size, what.size() <= 30 ? what : "label", label.at),
                           DType::I64, label.at);
    Shape column = label.shape;
    column.push_back({Size(1), label.at});
    Value wide = e.broadcastTo(e.reshape(checked, column, label.at), x.shape, label.at);
    return e.compareOp("eq", e.iotaOp(DType::I64, x.shape, int64_t(x.shape.size()) - 1, site.at), wide, site.at);
  });
  table.add("tril", [](Elaborator &e, CallSite &site) { return triangle(e, site, true); });
  table.add("triu", [](Elaborator &e, CallSite &site) { return triangle(e, site, false); });
  table.add("embedding", [](Elaborator &e, CallSite &site) {
    Value rows = tensorArgument(e, site, 0), i = indexArgument(e, site, 1);
    if (rows.poison() || i.poison())
      return e.poison(site.at);
    if (rows.shape.size() != 2) {
      e.error(Diag::RankMismatch, rows.at, "the table " + describe(rows) + "", rows.shape.size(), 2);
      return e.poison(site.at);
    }
    return e.gatherRows(rows, e.checkIndex(i, rows.shape[0].size, e.shortText(i.at, "index"), site.at), site.at);
  });
  table.add("scatter_add", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0), i = indexArgument(e, site, 1), y = tensorArgument(e, site, 2);
    if (x.poison() || i.poison() || y.poison())
      return e.poison(site.at);
    bool fits = !x.shape.empty() && x.dtype == y.dtype && y.shape.size() == x.shape.size() + i.shape.size() - 1;
    for (size_t a = 0; fits && a < y.shape.size(); ++a)
      fits = e.sameSize(y.shape[a].size, a < i.shape.size() ? i.shape[a].size : x.shape[a - i.shape.size() + 1].size)
                 .value_or(true);
    if (!fits) {
      auto report = e.error(Diag::ShapeMismatch, site.at, str(x.shape), str(y.shape), "scatter_add");
      e.noteIs(report, y);
      e.noteIs(report, i);
      return e.poison(site.at);
    }
    DType dtype = x.dtype;
    if (dtype == DType::BF16) { // in which many terms stop adding up
      x = e.cast(x, DType::F32, x.at);
      y = e.cast(y, DType::F32, y.at);
    }
    Value result = Value::ofTensor(x.dtype, x.shape, {}, site.at);
    result.varies = x.varies || y.varies;
    if (mlir::Value operand = e.ir(x)) {
      Value checked = e.checkIndex(i, x.shape[0].size, std::string(e.sources.text(site[1].at)), i.at);
      result.ir = dl::ScatterAddOp::create(e.graph.here(), e.location(site.at), operand.getType(), operand,
                                           e.ir(checked), e.ir(y), 0);
    }
    return e.cast(result, dtype, site.at);
  });
}

} // namespace dlc
