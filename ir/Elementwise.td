// Elementwise operations: all operands and the result have one shape. Broadcasting is explicit (dl.broadcast).
include "ir/Base.td"

class Dl_Elementwise<string mnemonic, list<Trait> traits = []>
    : Dl_Op<mnemonic, !listconcat([Pure, Pointwise, SameOperandsAndResultShape], traits)>;
class Dl_DiffElementwise<string mnemonic, list<Trait> traits = []>
    : Dl_Elementwise<mnemonic, !listconcat([DeclareOpInterfaceMethods<AdjointOpInterface>], traits)>;

class Dl_Unary<string mnemonic, string text, TypeConstraint type = Dl_FloatTensor>
    : Dl_DiffElementwise<mnemonic, [SameOperandsAndResultType]> {
  let summary = text;
  let description = "Example: `%y = dl." # mnemonic # " %x : tensor<64x10xf32>`";
  let arguments = (ins type:$operand);
  let results = (outs type:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}
class Dl_Binary<string mnemonic, string text, TypeConstraint type = Dl_NumberTensor, list<Trait> traits = []>
    : Dl_DiffElementwise<mnemonic, !listconcat([SameOperandsAndResultType], traits)> {
  let summary = text;
  let description = "Example: `%z = dl." # mnemonic # " %x, %y : tensor<64x10xf32>`";
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def NegOp : Dl_Unary<"neg", "-x", Dl_NumberTensor>;
def AbsOp : Dl_Unary<"abs", "|x|; the gradient at 0 is 0", Dl_NumberTensor>;
def SignOp : Dl_Unary<"sign", "-1, 0 or 1 (NaN of NaN); the gradient is zero", Dl_NumberTensor>;
def ExpOp : Dl_Unary<"exp", "e^x">;
def Expm1Op : Dl_Unary<"expm1", "e^x - 1, exact near zero">;
def LogOp : Dl_Unary<"log", "natural logarithm">;
def Log1pOp : Dl_Unary<"log1p", "log(1 + x), exact near zero">;
def Log2Op : Dl_Unary<"log2", "logarithm to the base 2; a power of 2 has its exact exponent">;
def Log10Op : Dl_Unary<"log10", "logarithm to the base 10">;
def SqrtOp : Dl_Unary<"sqrt", "square root">;
def RsqrtOp : Dl_Unary<"rsqrt", "1 / sqrt(x)">;
def SinOp : Dl_Unary<"sin", "sine (radians)">;
def CosOp : Dl_Unary<"cos", "cosine (radians)">;
def TanOp : Dl_Unary<"tan", "tangent (radians)">;
def AsinOp : Dl_Unary<"asin", "the angle in [-pi/2, pi/2] whose sine is x; NaN beyond 1">;
def AcosOp : Dl_Unary<"acos", "the angle in [0, pi] whose cosine is x; NaN beyond 1">;
def AtanOp : Dl_Unary<"atan", "the angle in [-pi/2, pi/2] whose tangent is x">;
def SinhOp : Dl_Unary<"sinh", "hyperbolic sine">;
def CoshOp : Dl_Unary<"cosh", "hyperbolic cosine">;
def TanhOp : Dl_Unary<"tanh", "hyperbolic tangent">;
def ErfOp : Dl_Unary<"erf", "the error function, 2 / sqrt(pi) * integral of e^(-t^2) from 0 to x">;
def LogisticOp : Dl_Unary<"logistic", "1 / (1 + e^-x); the adjoint is dy * y * (1 - y), which never overflows">;
def ReluOp : Dl_Unary<"relu", "max(x, 0); the gradient at 0 is 0", Dl_NumberTensor>;
def FloorOp : Dl_Unary<"floor", "greatest integer not above x; the gradient is zero">;
def CeilOp : Dl_Unary<"ceil", "least integer not below x; the gradient is zero">;
def RoundOp : Dl_Unary<"round", "nearest integer, ties to even; the gradient is zero">;
def TruncOp : Dl_Unary<"trunc", "nearest integer towards zero; the gradient is zero">;

def StopGradientOp : Dl_Elementwise<"stop_gradient", [SameOperandsAndResultType, NonDifferentiable]> {
  let summary = "x, as a constant for differentiation";
  let description = "Example: `%y = dl.stop_gradient %x : tensor<64x10xf32>`";
  let arguments = (ins Dl_Tensor:$operand);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def AddOp : Dl_Binary<"add", "x + y", Dl_NumberTensor, [Commutative]>;
def SubOp : Dl_Binary<"sub", "x - y">;
def MulOp : Dl_Binary<"mul", "x * y", Dl_NumberTensor, [Commutative]>;
def DivOp : Dl_Binary<"div", "x / y; of integers, rounded down (floor); an integer divided by 0 is 0">;
def RemOp : Dl_Binary<"rem", "the exact x - y * floor(x / y), of y's sign; with y = 0, NaN, or 0 of integers">;
def FloorDivOp : Dl_Binary<"floor_div", "the exact x / y, rounded down (infinite x: NaN; y = 0: x / y); the gradient is zero",
                           Dl_FloatTensor>;
def PowOp : Dl_Binary<"pow", "x^y; of integers, a negative y gives the quotient rounded toward zero">;
def Atan2Op : Dl_Binary<"atan2", "the angle of the point (y, x) from the positive x axis, in [-pi, pi]: of lhs y, rhs x",
                        Dl_FloatTensor>;
def MaxOp : Dl_Binary<"max", "the greater; at ties half the gradient to each; NaN if either is",
                      Dl_NumberTensor, [Commutative]>;
def MinOp : Dl_Binary<"min", "the lesser; at ties half the gradient to each; NaN if either is",
                      Dl_NumberTensor, [Commutative]>;

class Dl_Logical<string mnemonic, string text>
    : Dl_Elementwise<mnemonic, [SameOperandsAndResultType, Commutative, NonDifferentiable]> {
  let summary = text;
  let description = "Example: `%z = dl." # mnemonic # " %x, %y : tensor<64xi1>`";
  let arguments = (ins Dl_BoolTensor:$lhs, Dl_BoolTensor:$rhs);
  let results = (outs Dl_BoolTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}
def AndOp : Dl_Logical<"and", "both">;
def OrOp : Dl_Logical<"or", "either">;
def NotOp : Dl_Elementwise<"not", [SameOperandsAndResultType, NonDifferentiable]> {
  let summary = "not x";
  let description = "Example: `%y = dl.not %x : tensor<64xi1>`";
  let arguments = (ins Dl_BoolTensor:$operand);
  let results = (outs Dl_BoolTensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def Dl_ComparePredicate : I32EnumAttr<"ComparePredicate",
    "an ordering of numbers (comparisons with NaN are false, ne is true)", [
    I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>, I32EnumAttrCase<"lt", 2>,
    I32EnumAttrCase<"le", 3>, I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]> {
  let cppNamespace = "::dlc::dl";
  let genSpecializedAttr = 0;
}
def Dl_ComparePredicateAttr : EnumAttr<Dl_Dialect, Dl_ComparePredicate, "predicate"> {
  let assemblyFormat = "`` $value";
}

def CompareOp : Dl_Elementwise<"compare", [NonDifferentiable, SameTypeOperands]> {
  let summary = "compares two tensors of one type";
  let description = "Example: `%m = dl.compare gt %x, %y : tensor<5xf32> -> tensor<5xi1>` (false is less than true)";
  let arguments = (ins Dl_ComparePredicateAttr:$predicate, Dl_Tensor:$lhs, Dl_Tensor:$rhs);
  let results = (outs Dl_BoolTensor:$result);
  let assemblyFormat = "$predicate $lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)";
  let builders = [
    OpBuilder<(ins "::dlc::dl::ComparePredicate":$predicate, "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
}
def SelectOp : Dl_DiffElementwise<"select", [
    AllTypesMatch<["onTrue", "onFalse", "result"]>,
    TypesMatchWith<"the condition is a tensor of i1 of the result's shape", "result", "condition",
                   "::dlc::dl::withElement($_self, ::mlir::IntegerType::get($_self.getContext(), 1))">]> {
  let summary = "onTrue where the condition holds, else onFalse";
  let description = "Example: `%z = dl.select %mask, %x, %y : tensor<64xf32>` (the mask is tensor<64xi1>)";
  let arguments = (ins Dl_BoolTensor:$condition, Dl_Tensor:$onTrue, Dl_Tensor:$onFalse);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$condition `,` $onTrue `,` $onFalse attr-dict `:` type($result)";
}
def CastOp : Dl_DiffElementwise<"cast"> {
  let summary = "converts the element type; floats to integers round toward zero";
  let description = [{
    Between integers the low bits are kept; to i1, whether the element is not zero (NaN is not); from i1, 0 or 1. A float
    that does not fit an integer type becomes the nearest one that does, NaN becomes 0.
    Example: `%y = dl.cast %x : tensor<5xi64> -> tensor<5xf32>`
  }];
  let arguments = (ins Dl_Tensor:$operand);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "::mlir::Type":$elementType)>];
  let hasFolder = 1;
}
def CheckIndexOp : Dl_Op<"check_index", [Pointwise, SameOperandsAndResultType, NonDifferentiable]> {
  let summary = "x itself, after every element was checked to be in [low, limit)";
  let description = [{
    The function returns the check's id (its place among the function's checks, from 1) instead of computing on. `what`
    names the values for the message. `low` is 0 or, where indices may count from the end, negative. Not pure: an unused
    check still checks.
    Example: `%l = dl.check_index %label below 10 what "label" : tensor<64xui8>`, with `from -10` for places from the end
  }];
  let arguments = (ins Dl_IntTensor:$operand, I64Attr:$limit, StrAttr:$what,
                   DefaultValuedOptionalAttr<I64Attr, "0">:$low);
  let results = (outs Dl_IntTensor:$result);
  let assemblyFormat = "$operand (`from` $low^)? `below` $limit `what` $what attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def CheckOp : Dl_Op<"check", [
    Pointwise, AllTypesMatch<["value", "result"]>, DeclareOpInterfaceMethods<AdjointOpInterface>,
    TypesMatchWith<"the condition is a tensor of i1 of the result's shape", "result", "condition",
                   "::dlc::dl::withElement($_self, ::mlir::IntegerType::get($_self.getContext(), 1))">]> {
  let summary = "the value itself, after a condition was checked to hold of every element";
  let description = [{
    As dl.check_index, with any condition: where it does not hold the function returns the check's id, and the message
    says what the first such element of `value` is and what was expected, in words; without a `what` it is these words. Not
    pure.
    Example: `%q = dl.check %p if %good what "p" expected "from 0 to 1" : tensor<64xf32>` (the condition is tensor<64xi1>)
  }];
  let arguments = (ins Dl_NumberTensor:$value, Dl_BoolTensor:$condition, StrAttr:$what, StrAttr:$expected);
  let results = (outs Dl_NumberTensor:$result);
  let assemblyFormat = "$value `if` $condition `what` $what `expected` $expected attr-dict `:` type($result)";
}
