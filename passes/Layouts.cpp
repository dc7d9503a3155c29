// Strides from layouts, and layouts from one function to another by the attribute `dl.layout` of arguments.

#include "passes/Layouts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace dlc {

dl::LayoutAttr layoutOf(RankedTensorType type) {
  if (auto layout = dyn_cast_or_null<dl::LayoutAttr>(type.getEncoding()))
    return layout;
  if (type.getRank() < 2)
    return dl::LayoutAttr();
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  return dl::LayoutAttr::get(type.getContext(), order, type.getShape().back());
}

SmallVector<int64_t> stridesOf(RankedTensorType type) {
  SmallVector<int64_t> strides(type.getRank(), 1);
  dl::LayoutAttr layout = layoutOf(type);
  if (!layout)
    return strides;
  ArrayRef<int64_t> order = layout.getOrder();
  int64_t stride = layout.getRow();
  for (size_t place = order.size() - 1; place-- > 0;) {
    strides[order[place]] = stride;
    stride *= type.getDimSize(order[place]);
  }
  return strides;
}

int64_t extentOf(RankedTensorType type) {
  dl::LayoutAttr layout = layoutOf(type);
  if (!layout)
    return type.getNumElements();
  int64_t rows = 1;
  for (int64_t axis : layout.getOrder().drop_back())
    rows *= type.getDimSize(axis);
  return rows * layout.getRow();
}

llvm::StringMap<RankedTensorType> slotTypes(ModuleOp planned) {
  llvm::StringMap<RankedTensorType> types;
  for (func::FuncOp function : planned.getOps<func::FuncOp>())
    if (auto slots = function->getAttrOfType<ArrayAttr>("dl.slots"))
      for (auto slot : slots.getAsRange<DictionaryAttr>())
        types[slot.getAs<StringAttr>("name").getValue()] =
            cast<RankedTensorType>(slot.getAs<TypeAttr>("type").getValue());
  return types;
}

void requestLayouts(ModuleOp graph, const llvm::StringMap<RankedTensorType> &types) {
  for (func::FuncOp function : graph.getOps<func::FuncOp>())
    for (BlockArgument argument : function.getArguments()) {
      auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "dl.name");
      auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "dl.role");
      auto entry = name ? types.find(name.getValue()) : types.end();
      if (entry == types.end() || !role || (role.getValue() != "param" && role.getValue() != "state"))
        continue;
      auto type = cast<RankedTensorType>(argument.getType());
      dl::LayoutAttr layout = layoutOf(entry->second);
      if (layout && type.getShape() == entry->second.getShape())
        function.setArgAttr(argument.getArgNumber(), "dl.layout", layout);
    }
}

} // namespace dlc
