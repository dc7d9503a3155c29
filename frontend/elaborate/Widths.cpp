// The check of an integer that is passed or stored in a narrower dtype.
#include "frontend/elaborate/Widths.h"

#include "ir/Dialect.h"

namespace dlc {

static int widthOf(DType dtype) { return dtype == DType::U8 ? 1 : dtype == DType::I32 ? 4 : 8; }

Value inWidth(Elaborator &e, Value value, DType dtype) {
  Value narrow = e.cast(value, dtype, value.at);
  if (widthOf(dtype) >= widthOf(value.dtype) || !e.emitting())
    return narrow;
  Value back = e.cast(narrow, value.dtype, value.at);
  mlir::Value operand = e.ir(value), same = e.ir(e.compareOp("eq", back, value, value.at));
  const char *bounds = dtype == DType::U8 ? "from 0 to 255" : "from -2147483648 to 2147483647";
  value.ir = dl::CheckOp::create(e.graph.here(), e.location(e.userPlace(value.at)), operand.getType(), operand, same,
                                 e.shortText(value.at, "number"),
                                 fmt::format("{}, as it becomes `{}`", bounds, nameOf(dtype)));
  value.host = nullptr;
  value.lazy = nullptr;
  return e.cast(value, dtype, value.at);
}

} // namespace dlc
