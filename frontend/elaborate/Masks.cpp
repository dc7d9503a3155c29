// Masks as indices: how many elements one takes is known once it is computed, so it is computed before its statement.
#include "frontend/elaborate/Masks.h"

namespace dlc {

bool maskFits(Elaborator &e, const Value &mask, const Value &base, size_t axis, SourceRange at) {
  bool fits = axis + mask.shape.size() <= base.shape.size();
  for (size_t i = 0; fits && i < mask.shape.size(); ++i)
    fits = e.sameSize(mask.shape[i].size, base.shape[axis + i].size).value_or(true);
  if (fits)
    return true;
  auto report = e.error(Diag::ShapeMismatch, at, str(base.shape), str(mask.shape), "x[mask]");
  e.noteOrigins(report, base);
  report.help(mask.shape.size() == 1
                  ? fmt::format("a mask has an element for each of the axis, which has {}", base.shape[axis].size.str())
                  : "a mask has the sizes of the axes that it takes");
  return false;
}

/// The mask's elements; null when they are not known (reported, except while checking).
static HostBufferRef elementsOf(Elaborator &e, const Value &mask, const ast::Expr &expr, const ScopeRef &scope) {
  if (HostBufferRef host = mask.values())
    return host;
  if (e.insideFunction() || e.insideLoop()) {
    std::string text = e.shortText(expr.range);
    e.error(Diag::NotConstant, expr.range, "how many elements `" + text + "` chooses")
        .help(
            fmt::format("`where({}, x, 0)` keeps the size, and `sum` of it sums what is chosen; a mask may be an index "
                        "at top level",
                        text));
    return nullptr;
  }
  if (!e.emitting() || !e.executor)
    return nullptr;
  if (scope == e.statementScope) {
    NoFrame outside(e.graph);
    Value computed = e.asStatement(expr.range, [&] { return e.tensorOf(e.tensorOfList(e.expression(expr, scope))); });
    return computed.host;
  }
  e.error(Diag::NotSupported, expr.range, "a mask that is computed in the same statement")
      .help("give it a name at top level before: `let chosen = ..`");
  return nullptr;
}

std::optional<std::vector<Value>> placesOfMask(Elaborator &e, const Value &mask, const ast::Expr &expr,
                                               const ScopeRef &scope) {
  unsigned before = e.diagnostics.failureCount();
  HostBufferRef host = elementsOf(e, mask, expr, scope);
  if (e.diagnostics.failureCount() != before)
    return std::nullopt;
  size_t rank = mask.shape.size();
  if (!host) {
    Value unknown = Value::ofTensor(DType::I64, {{Size::ofData("chosen", expr.range), expr.range}}, {}, expr.range);
    return std::vector<Value>(rank, unknown);
  }
  std::vector<std::vector<int64_t>> places(rank);
  std::vector<int64_t> at(rank);
  const auto *elements = static_cast<const unsigned char *>(host->data.get());
  for (size_t i = 0, count = host->bytes; i < count; ++i) {
    for (size_t axis = 0; elements[i] && axis < rank; ++axis)
      places[axis].push_back(at[axis]);
    for (size_t axis = rank; axis-- > 0 && ++at[axis] == host->shape[axis];)
      at[axis] = 0;
  }
  std::vector<Value> result;
  for (std::vector<int64_t> &axis : places) {
    result.push_back(Value::ofTensor(DType::I64, {{Size(int64_t(axis.size())), expr.range}}, {}, expr.range));
    result.back().host = bufferOf(DType::I64, std::move(axis));
  }
  return result;
}

Value whereMasked(Elaborator &e, const Value &mask, const Value &value, const Value &base, SourceRange at) {
  Shape standing = mask.shape;
  standing.resize(base.shape.size(), Dim{Size(1), at});
  Value chosen = e.broadcastTo(e.reshape(mask, standing, at), base.shape, at);
  Value result = e.selectOp(chosen, e.broadcastTo(value, base.shape, at), base, base.at);
  result.at = base.at;
  return result;
}

} // namespace dlc
