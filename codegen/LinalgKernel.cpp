// Kind linalg: calls of LAPACK, one matrix after the other, in f64. Matrices are copied to the scratch memory column after column, as
// LAPACK has them, and its results from there. What is called are the functions of LAPACKE that take their memory from the
// caller. The first matrix that it fails for ends the kernel; its number is the status.
#include "codegen/SingleOperation.h"
#include "codegen/kernel/Arithmetic.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace dlc {

namespace {
class LinalgEmitter {
public:
  LinalgEmitter(KernelFunction function, dl::LinalgOp op)
      : op(op), points(function.builder, function.kernel.getLoc(), function.target, function.kernel, function.buffers),
        nest(points.nest), in{nest}, space(op.workspace()), m(op.rows()), n(op.columns()), k(std::min(m, n)),
        scratch(function.buffers[function.kernel->getNumOperands() - 1]) {}

  Value run();

private:
  using Kind = dl::LinalgKind;
  using Kept = std::optional<arith::CmpIPredicate>;

  Type i32() { return nest.builder.getI32Type(); }
  Type f64() { return nest.builder.getF64Type(); }
  Value number(int64_t value) { return arith::ConstantIntOp::create(nest.here(), nest.loc, value, 32); }
  Value letter(char value) { return number(value); }
  /// The array that begins at `offset`, and an element of it.
  Value array(int64_t offset) { return offset ? in.element(scratch, f64(), nest.constant(offset)) : scratch; }
  Value load(int64_t offset, Value index) { return in.load(f64(), in.element(array(offset), f64(), index)); }
  /// A result's element, in its own type.
  Value narrowed(Value value, Value tensor) {
    Type element = dl::elementOf(tensor);
    return element == f64() ? value : in.here().truncate(value, element);
  }

  Value call(StringRef name, std::initializer_list<Value> arguments);
  void loopOver(int64_t count, llvm::function_ref<void(Value, Index)> body);
  void copyIn(unsigned operand, const Index &matrix, int64_t offset);
  void copyOut(unsigned result, const Index &matrix, int64_t offset, int64_t rows, int64_t columns, int64_t stride,
               Kept kept = {});
  void copyVector(unsigned result, const Index &matrix, int64_t offset, int64_t count);
  void copyPivots(unsigned result, const Index &matrix);
  Point pointOf(Value tensor, const Index &matrix);
  Value determinant();
  Value complexPart();
  Value factor(const Index &matrix);

  dl::LinalgOp op;
  PointEmitter points;
  LoopNest &nest;
  Innermost in;
  dl::LinalgWorkspace space;
  int64_t m, n, k;
  Value scratch;
};
} // namespace

/// LAPACKE's function of this name on column-major matrices; gives its info.
Value LinalgEmitter::call(StringRef name, std::initializer_list<Value> given) {
  OpBuilder &builder = nest.here();
  std::string symbol = ("LAPACKE_" + name + "_work").str();
  SmallVector<Value> arguments = {number(102)};
  arguments.append(given.begin(), given.end());
  auto module = builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(symbol)) {
    OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMFunctionType::get(i32(), llvm::to_vector(ValueRange(arguments).getTypes()));
    LLVM::LLVMFuncOp::create(outside, nest.loc, symbol, type);
  }
  return LLVM::CallOp::create(nest.here(), nest.loc, i32(), symbol, arguments).getResult();
}

void LinalgEmitter::loopOver(int64_t count, llvm::function_ref<void(Value, Index)> body) {
  nest.loop(nest.constant(0), nest.constant(count), 1, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
    body(i, count == 1 ? Index::of(0) : points.indices.variable(i, {0, count - 1}));
    return {};
  });
}

/// Element 0 of a matrix (or vector) of a batch.
Point LinalgEmitter::pointOf(Value tensor, const Index &matrix) {
  Point point{points.indices.delinearize(matrix, dl::shapeOf(op.getOperands()[0]).drop_back(2)), 1, {}};
  point.indices.resize(typeOf(tensor).getRank(), Index::of(0));
  return point;
}

void LinalgEmitter::copyIn(unsigned operand, const Index &matrix, int64_t offset) {
  Value tensor = op.getOperands()[operand];
  ArrayRef<int64_t> shape = dl::shapeOf(tensor).take_back(2);
  Point point = pointOf(tensor, matrix);
  loopOver(shape[1], [&](Value j, Index column) {
    loopOver(shape[0], [&](Value i, Index row) {
      point.indices[point.indices.size() - 2] = row;
      point.indices.back() = column;
      Value value = points.at(tensor, point);
      if (value.getType() != f64())
        value = in.here().extend(value, f64());
      in.store(value, in.element(array(offset), f64(), in.addi(in.muli(j, nest.constant(shape[0])), i)));
    });
  });
}

/// With `kept`, only where it holds of row and column; else 0.
void LinalgEmitter::copyOut(unsigned result, const Index &matrix, int64_t offset, int64_t rows, int64_t columns,
                            int64_t stride, Kept kept) {
  Value tensor = op.getResult(result);
  Point point = pointOf(tensor, matrix);
  loopOver(rows, [&](Value i, Index row) {
    loopOver(columns, [&](Value j, Index column) {
      point.indices[point.indices.size() - 2] = row;
      point.indices.back() = column;
      Value value = load(offset, in.addi(in.muli(j, nest.constant(stride)), i));
      if (kept) {
        Value holds = in.compare(*kept, i, j), zero = in.here().real(value, 0);
        value = in.select(holds, value, zero);
      }
      points.store(result, point, narrowed(value, tensor));
    });
  });
}

void LinalgEmitter::copyVector(unsigned result, const Index &matrix, int64_t offset, int64_t count) {
  Value tensor = op.getResult(result);
  Point point = pointOf(tensor, matrix);
  loopOver(count, [&](Value i, Index place) {
    point.indices.back() = place;
    points.store(result, point, narrowed(load(offset, i), tensor));
  });
}

/// LAPACK counts rows from 1.
void LinalgEmitter::copyPivots(unsigned result, const Index &matrix) {
  Point point = pointOf(op.getResult(result), matrix);
  loopOver(k, [&](Value i, Index place) {
    point.indices.back() = place;
    Value row = in.load(i32(), in.element(array(space.vector), i32(), i));
    points.store(result, point, in.addi(row, -1));
  });
}

/// The product of the diagonal; each exchange of rows changes its sign. Zero is 0, not -0.
Value LinalgEmitter::determinant() {
  Value one = floatConstant(nest.here(), nest.loc, f64(), 1);
  Value product = nest.loop(nest.constant(0), nest.constant(n), 1, one, [&](Value i, ValueRange before) {
    Value factor = load(space.first, in.muli(i, nest.constant(n + 1)));
    Value row = in.load(i32(), in.element(array(space.vector), i32(), i));
    Value own = arith::TruncIOp::create(nest.here(), nest.loc, i32(), in.addi(i, 1));
    Value stays = in.compare(arith::CmpIPredicate::eq, row, own), turned = in.here().neg(factor);
    Value signedFactor = in.select(stays, factor, turned);
    return SmallVector<Value>{in.here().mul(before[0], signedFactor)};
  })[0];
  Value zero = floatConstant(nest.here(), nest.loc, f64(), 0);
  return in.here().add(product, zero);
}

/// Whether an eigenvalue has an imaginary part, as an i32.
Value LinalgEmitter::complexPart() {
  Value none = number(0);
  return nest.loop(nest.constant(0), nest.constant(n), 1, none, [&](Value i, ValueRange found) {
    Value isComplex = in.here().compare(Arithmetic::Compare::UNE, load(space.other, i), 0.0);
    return SmallVector<Value>{in.select(isComplex, number(1), found[0])};
  })[0];
}

/// Factors or solves one matrix; gives what LAPACK's info says, 0 where nothing can be wrong.
Value LinalgEmitter::factor(const Index &matrix) {
  Value rows = number(m), columns = number(n), least = number(k), first = array(space.first);
  Value second = array(space.second), vector = array(space.vector), work = array(space.work),
        workSize = number(space.workSize);
  copyIn(0, matrix, space.first);
  switch (op.getKind()) {
  case Kind::solve:
  case Kind::triangular: {
    copyIn(1, matrix, space.second);
    int64_t count = dl::shapeOf(op.getOperands()[1]).back();
    Value right = number(count);
    Value info = op.getKind() == Kind::solve
                     ? call("dgesv", {columns, right, first, columns, vector, second, columns})
                     : call("dtrtrs", {letter(op.getLower() ? 'L' : 'U'), letter('N'), letter(op.getUnit() ? 'U' : 'N'),
                                       columns, right, first, columns, second, columns});
    copyOut(0, matrix, space.second, n, count, n);
    return info;
  }
  case Kind::cholesky: {
    Value info = call("dpotrf", {letter('L'), columns, first, columns});
    copyOut(0, matrix, space.first, n, n, n, arith::CmpIPredicate::sge);
    return info;
  }
  case Kind::lu:
    // A zero among the pivots is no failure here.
    call("dgetrf", {rows, columns, first, rows, vector});
    copyOut(0, matrix, space.first, m, n, m);
    copyPivots(1, matrix);
    return number(0);
  case Kind::det:
    call("dgetrf", {rows, columns, first, rows, vector});
    points.store(0, pointOf(op.getResult(0), matrix), narrowed(determinant(), op.getResult(0)));
    return number(0);
  case Kind::qr:
    call("dgeqrf", {rows, columns, first, rows, vector, work, workSize});
    copyOut(1, matrix, space.first, k, n, m, arith::CmpIPredicate::sle);
    call("dorgqr", {rows, least, least, first, rows, vector, work, workSize});
    copyOut(0, matrix, space.first, m, k, m);
    return number(0);
  case Kind::eigh: {
    Value info = call("dsyev", {letter('V'), letter('L'), columns, first, columns, vector, work, workSize});
    copyVector(0, matrix, space.vector, n);
    copyOut(1, matrix, space.first, n, n, n);
    return info;
  }
  case Kind::eig: {
    // The left vectors are not asked for.
    Value info = call("dgeev", {letter('N'), letter('V'), columns, first, columns, vector, array(space.other), second,
                                columns, second, columns, work, workSize});
    copyVector(0, matrix, space.vector, n);
    copyOut(1, matrix, space.second, n, n, n);
    return in.either(info, complexPart());
  }
  case Kind::svd: {
    Value info = call("dgesvd", {letter('S'), letter('S'), rows, columns, first, rows, vector, second, rows,
                                 array(space.third), least, work, workSize});
    copyOut(0, matrix, space.second, m, k, m);
    copyVector(1, matrix, space.vector, k);
    copyOut(2, matrix, space.third, k, n, k);
    return info;
  }
  }
  return number(0);
}

Value LinalgEmitter::run() {
  int64_t batch = op.batch();
  Type i64 = nest.builder.getI64Type();
  return nest.loop(nest.constant(0), nest.constant(batch), 1, nest.constant(0), [&](Value i, ValueRange status) {
    auto go = [&]() -> SmallVector<Value> {
      Value info = factor(batch == 1 ? Index::of(0) : points.indices.variable(i, {0, batch - 1}));
      return {in.select(in.equals(info, 0), nest.constant(0), in.addi(i, 1))};
    };
    auto stay = [&]() -> SmallVector<Value> { return {status[0]}; };
    return nest.branch(in.equals(status[0], 0), i64, go, stay);
  })[0];
}

FailureOr<KernelInfo> emitLinalg(KernelFunction function, Value &status) {
  FailureOr<dl::LinalgOp> op = onlyOperation<dl::LinalgOp>(function.kernel);
  if (failed(op))
    return failure();
  int64_t m = op->rows(), n = op->columns();
  LinalgEmitter emitter(function, *op);
  status = emitter.run();
  function.builder.setInsertionPointToEnd(function.begin.getParentBlock());
  if (function.failureValue)
    LLVM::StoreOp::create(function.builder, op->getLoc(),
                          arith::ConstantIntOp::create(function.builder, op->getLoc(), 0, 64), function.failureValue,
                          8);
  return KernelInfo{1, 100 + double(op->batch()) * double(m) * double(n) * double(std::min(m, n))};
}

} // namespace dlc
