// The runner is a loop over records: collect the operands' addresses, call the kernel, look at its status.
#include "codegen/StepTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "runtime/Abi.h"
#include <cstddef>

using namespace mlir;

namespace dlc {

/// A base's number is above an operand's offset; of the second word, the flags above the operands' number, then the id.
static constexpr int64_t offsetBits = 48, flagShift = 16, idShift = 32, headerWords = 3;

void StepTable::add(unsigned function, int64_t tasks, int64_t flags, int64_t id, ArrayRef<StepPlace> operands) {
  words.push_back(function);
  words.push_back(int64_t(operands.size()) | flags << flagShift | id << idShift);
  words.push_back(tasks);
  for (StepPlace place : operands)
    words.push_back(int64_t(place.base) << offsetBits | place.offset);
  most = std::max<unsigned>(most, operands.size());
}

namespace {
/// What both helpers are written with.
class Writer {
protected:
  Writer(OpBuilder &builder, func::FuncOp function)
      : builder(builder), loc(function.getLoc()), pointer(LLVM::LLVMPointerType::get(builder.getContext())),
        i64(builder.getI64Type()) {
    builder.setInsertionPointToStart(function.addEntryBlock());
  }
  using Emit = llvm::function_ref<Value()>;

  Value constant(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 64); }
  Value at(Value base, int64_t bytes) { return at(base, constant(bytes)); }
  Value at(Value base, Value bytes) {
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), base, ValueRange{bytes},
                               LLVM::GEPNoWrapFlags::inbounds);
  }
  Value element(Value array, Value index) {
    return LLVM::GEPOp::create(builder, loc, pointer, i64, array, ValueRange{index}, LLVM::GEPNoWrapFlags::inbounds);
  }
  Value load(Type type, Value address) { return LLVM::LoadOp::create(builder, loc, type, address, 8); }
  void store(Value value, Value address) { LLVM::StoreOp::create(builder, loc, value, address, 8); }
  Value isNot(Value a, Value b) { return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, a, b); }
  Value both(Value a, Value b) { return arith::AndIOp::create(builder, loc, a, b); }
  Value shifted(Value value, int64_t by) { return arith::ShRUIOp::create(builder, loc, value, constant(by)); }
  Value masked(Value value, int64_t bits) { return both(value, constant((int64_t(1) << bits) - 1)); }
  Value has(Value flags, StepFlag flag) { return isNot(both(flags, constant(flag)), constant(0)); }

  Value choose(Value condition, Emit then, Emit otherwise) {
    auto yielding = [&](Emit value) {
      return [this, value](OpBuilder &, Location) { scf::YieldOp::create(builder, loc, value()); };
    };
    return scf::IfOp::create(builder, loc, condition, yielding(then), yielding(otherwise)).getResult(0);
  }

  OpBuilder &builder;
  Location loc;
  Type pointer, i64;
};

/// A loop over records.
class Runner : Writer {
public:
  Runner(OpBuilder &builder, func::FuncOp function) : Writer(builder, function) {
    auto arguments = function.getArguments();
    functions = arguments[0], end = arguments[2], bases = arguments[3], args = arguments[4], context = arguments[5];
    failure = LLVM::AllocaOp::create(builder, loc, pointer, i64, constant(1), 8);
    null = LLVM::ZeroOp::create(builder, loc, pointer);
    hasContext = isNot(context, null);
    stop = choose(
        hasContext, [&] { return load(pointer, at(context, offsetof(dlc_context, stop))); }, [&] { return null; });
    Value status = emitLoop(arguments[1]);
    func::ReturnOp::create(builder, loc, status);
  }

private:
  Value emitLoop(Value begin);
  Value emitRecord(Value record, Value count, Value flags);
  void collect(Value words, Value count);
  Value call(Value function, Value flags, Value tasks);
  Value describe(Value status, Value id, Value count);

  Value functions, end, bases, args, context, failure, null, hasContext, stop;
};

/// Appends an index to those of the context, the innermost loop first.
class IterationNoter : Writer {
public:
  IterationNoter(OpBuilder &builder, func::FuncOp function) : Writer(builder, function) {
    Value context = function.getArgument(0), index = function.getArgument(1);
    auto scope = [&](Value condition, llvm::function_ref<void()> body) {
      scf::IfOp::create(builder, loc, condition, [&](OpBuilder &, Location) {
        body();
        scf::YieldOp::create(builder, loc);
      });
    };
    scope(isNot(context, LLVM::ZeroOp::create(builder, loc, pointer)), [&] {
      Value place = at(context, offsetof(dlc_context, error_loops)), loops = load(i64, place);
      Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, loops, constant(DLC_ERROR_LOOPS));
      scope(fits, [&] {
        store(index, element(at(context, offsetof(dlc_context, error_iterations)), loops));
        store(arith::AddIOp::create(builder, loc, loops, constant(1)), place);
      });
    });
    func::ReturnOp::create(builder, loc);
  }
};
} // namespace

/// From record to record, as long as the status is 0.
Value Runner::emitLoop(Value begin) {
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{pointer, i64}, ValueRange{begin, constant(0)},
      [&](OpBuilder &, Location, ValueRange state) {
        Value fine = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq, state[1], constant(0));
        scf::ConditionOp::create(builder, loc, both(fine, isNot(state[0], end)), state);
      },
      [&](OpBuilder &, Location, ValueRange state) {
        Value second = load(i64, at(state[0], 8));
        Value count = masked(second, flagShift), flags = masked(shifted(second, flagShift), idShift - flagShift);
        Value polls = both(has(flags, stepPolls), isNot(stop, null));
        Value asked = choose(
            polls,
            [&] {
              Value flag = LLVM::LoadOp::create(builder, loc, builder.getI32Type(), stop, 4, /*isVolatile=*/true);
              return arith::ExtUIOp::create(builder, loc, i64, flag);
            },
            [&] { return constant(0); });
        Value status = choose(
            isNot(asked, constant(0)), [&] { return constant(-1); },
            [&] { return emitRecord(state[0], count, flags); });
        Value next = element(state[0], arith::AddIOp::create(builder, loc, count, constant(headerWords)));
        scf::YieldOp::create(builder, loc, ValueRange{next, status});
      });
  return loop.getResult(1);
}

Value Runner::emitRecord(Value record, Value count, Value flags) {
  collect(at(record, headerWords * 8), count);
  Value function = load(pointer, element(functions, load(i64, record)));
  Value status = call(function, flags, load(i64, at(record, 16)));
  Value failed = both(has(flags, stepMayFail), isNot(status, constant(0)));
  return choose(
      failed, [&] { return describe(status, shifted(load(i64, at(record, 8)), idShift), count); },
      [&] { return constant(0); });
}

/// The operands' addresses, then that of the value of a failure.
void Runner::collect(Value words, Value count) {
  scf::ForOp::create(builder, loc, constant(0), count, constant(1), ValueRange(),
                     [&](OpBuilder &, Location, Value i, ValueRange) {
                       Value word = load(i64, element(words, i));
                       Value base = load(pointer, element(bases, shifted(word, offsetBits)));
                       store(at(base, masked(word, offsetBits)), element(args, i));
                       scf::YieldOp::create(builder, loc);
                     });
  store(failure, element(args, count));
}

/// A kernel's function serves as the body of parallel tasks as it is: its result is ignored.
Value Runner::call(Value function, Value flags, Value tasks) {
  return choose(
      both(has(flags, stepParallel), hasContext),
      [&] {
        auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                                {pointer, pointer, pointer, i64});
        Value parallel = load(pointer, at(context, offsetof(dlc_context, parallel)));
        LLVM::CallOp::create(builder, loc, type, ValueRange{parallel, context, function, args, tasks});
        return constant(0);
      },
      [&] {
        auto type = LLVM::LLVMFunctionType::get(i64, {pointer, i64, i64});
        return LLVM::CallOp::create(builder, loc, type, ValueRange{function, args, constant(0), tasks}).getResult();
      });
}

Value Runner::describe(Value status, Value id, Value count) {
  scf::IfOp::create(builder, loc, hasContext, [&](OpBuilder &, Location) {
    store(id, at(context, offsetof(dlc_context, error_check)));
    store(arith::SubIOp::create(builder, loc, status, constant(1)), at(context, offsetof(dlc_context, error_index)));
    store(load(i64, failure), at(context, offsetof(dlc_context, error_value)));
    store(constant(0), at(context, offsetof(dlc_context, error_loops)));
    scf::YieldOp::create(builder, loc);
  });
  return id;
}

/// A function that only the module's own code calls, and that it has once; its body is to be made when it is fresh. No entry
/// and no kernel has such a name: theirs begin with an identifier of the program.
static std::pair<func::FuncOp, bool> helper(OpBuilder &builder, ModuleOp module, StringRef name, FunctionType type) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return {known, false};
  builder.setInsertionPointToStart(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), name, type);
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(builder.getContext(), LLVM::Linkage::Internal));
  return {function, true};
}

func::FuncOp stepRunner(OpBuilder &builder, ModuleOp module) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types(6, LLVM::LLVMPointerType::get(builder.getContext()));
  auto [function, fresh] = helper(builder, module, "dlc.run", builder.getFunctionType(types, builder.getI64Type()));
  if (fresh)
    Runner(builder, function);
  return function;
}

func::FuncOp iterationNoter(OpBuilder &builder, ModuleOp module) {
  OpBuilder::InsertionGuard guard(builder);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto type = builder.getFunctionType({pointer, builder.getI64Type()}, {});
  auto [function, fresh] = helper(builder, module, "dlc.iteration", type);
  if (fresh)
    IterationNoter(builder, function);
  return function;
}

} // namespace dlc
