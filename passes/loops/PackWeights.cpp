// A product with an invariant matrix reads it in every iteration, in an order that its memory seldom has. So the loop gets
// the matrix in panels, made once before it.
//
// A panel is some columns of the matrix, for one step of the sum after the other: tensor<panels x sum x columns>. The
// product stays as it is, and sees the matrix in the panels.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/loops/ScanEditor.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Passes.h.inc"

namespace {

using dl::shapeOf;

/// The bytes of a panel's row: two cache lines, which are whole vectors on every processor.
constexpr int64_t rowBytes = 128;
/// Rows, terms of the sum and iterations from which on a product is worth packing for.
constexpr int64_t fewestRows = 4, fewestTerms = 16, fewestIterations = 4;

/// A product of the body, its invariant operand (a movement of one of the scan's invariants) and that one's letters.
struct Weighed {
  dl::ContractOp product;
  bool isRight;
  char column, summed;

  Value weight() { return isRight ? product.getRhs() : product.getLhs(); }
  Value other() { return isRight ? product.getLhs() : product.getRhs(); }
  StringRef letters() { return isRight ? product.rhsLetters() : product.lhsLetters(); }
  StringRef otherLetters() { return isRight ? product.lhsLetters() : product.rhsLetters(); }
};

class Packer {
public:
  explicit Packer(dl::ScanOp scan) : edit(scan) {}

  void run() {
    SmallVector<Weighed> found;
    for (auto product : edit.body.getOps<dl::ContractOp>())
      for (bool isRight : {true, false})
        if (std::optional<Weighed> weighed = look(product, isRight)) {
          found.push_back(*weighed);
          break;
        }
    if (found.empty())
      return;
    for (Weighed &weighed : found)
      pack(weighed);
    edit.eraseDead();
    edit.finish();
  }

private:
  /// The invariant that the value is a movement of.
  std::optional<unsigned> invariantOf(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      if (!op->hasTrait<dl::Movement>() || op->getNumOperands() != 1)
        return std::nullopt;
      value = op->getOperand(0);
    }
    unsigned first = 1 + edit.inits.size() + edit.slices.size(), number = cast<BlockArgument>(value).getArgNumber();
    return number < first ? std::nullopt : std::optional(number - first);
  }

  std::optional<Weighed> look(dl::ContractOp product, bool isRight) {
    Weighed weighed{product, isRight, 0, 0};
    StringRef letters = weighed.letters(), result = product.resultLetters();
    if (letters.size() != 2 || !invariantOf(weighed.weight()) || invariantOf(weighed.other()))
      return std::nullopt;
    for (char letter : letters)
      (result.contains(letter) ? weighed.column : weighed.summed) = letter;
    if (!weighed.column || !weighed.summed || weighed.otherLetters().contains(weighed.column))
      return std::nullopt;
    auto type = cast<RankedTensorType>(weighed.weight().getType());
    int64_t terms = type.getDimSize(letters.find(weighed.summed)),
            columns = type.getDimSize(letters.find(weighed.column));
    int64_t rows = cast<RankedTensorType>(weighed.other().getType()).getNumElements() / std::max<int64_t>(1, terms);
    bool pays = rows >= fewestRows && terms >= fewestTerms && columns % panelColumns(type) == 0;
    return pays ? std::optional(weighed) : std::nullopt;
  }

  static int64_t panelColumns(RankedTensorType type) { return rowBytes * 8 / type.getElementTypeBitWidth(); }

  /// The value computed before the loop, by the movements that make it in the body.
  Value outside(OpBuilder &before, Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return edit.invariants[*invariantOf(argument)];
    Operation *op = value.getDefiningOp();
    IRMapping mapping;
    mapping.map(op->getOperand(0), outside(before, op->getOperand(0)));
    return before.clone(*op, mapping)->getResult(0);
  }

  void pack(Weighed &weighed) {
    dl::ContractOp product = weighed.product;
    Location loc = product.getLoc();
    auto type = cast<RankedTensorType>(weighed.weight().getType());
    StringRef letters = weighed.letters();
    int64_t width = panelColumns(type), column = letters.find(weighed.column);
    int64_t panels = type.getDimSize(column) / width, terms = type.getDimSize(1 - column);

    OpBuilder before(edit.scan);
    Value matrix = outside(before, weighed.weight());
    SmallVector<int64_t> split =
        column == 0 ? SmallVector<int64_t>{panels, width, terms} : SmallVector<int64_t>{terms, panels, width};
    SmallVector<int64_t> order = column == 0 ? SmallVector<int64_t>{0, 2, 1} : SmallVector<int64_t>{1, 0, 2};
    Value packed = dl::TransposeOp::create(before, loc, dl::reshapeTo(before, loc, matrix, split), order);

    // In the loop the panels are seen as the matrix that they are of.
    OpBuilder builder(product);
    Value view = dl::TransposeOp::create(builder, loc, edit.addInvariant(packed), order); // which undoes itself
    product->setOperand(weighed.isRight, dl::reshapeTo(builder, loc, view, type.getShape()));
  }

  ScanEditor edit;
};

struct PackWeights : impl::PackWeightsBase<PackWeights> {
  void runOnOperation() override {
    SmallVector<dl::ScanOp> scans;
    getOperation().walk([&](dl::ScanOp scan) { scans.push_back(scan); });
    for (dl::ScanOp scan : scans)
      if (!scan.getBreaks() && int64_t(scan.getLength()) >= fewestIterations)
        Packer(scan).run();
  }
};

} // namespace
} // namespace dlc
