// Mistakes that people make, and what the checker says of each: its kind, its place, its words.
#include "frontend/elaborate/Elaborator.h"
#include "frontend/parser/Parser.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

namespace dlc {
namespace {

struct Mistake {
  Diag kind;
  const char *source;
  unsigned line, column;
  const char *text;
};

const Mistake mistakes[] = {
    {Diag::UnknownName, "fn f(x: f32[n, 4]) {\n  relu(xx)\n}\n", 2, 8, "unknown name `xx`"},
    {Diag::UnknownName, "fn f(x: f32[n, 4]) {\n  rellu(x)\n}\n", 2, 3, "unknown name `rellu`"},
    {Diag::UnknownType, "fn f(x: f31[n]) { x }\n", 1, 9, "unknown type `f31`"},
    {Diag::UnknownMember,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\nfn f(m: M) "
     "{ m.b }\n",
     5, 16, "model `M` has no member `b`"},
    {Diag::UnknownMember, "data d: { x: f32[4], y: i64 } = csv(\"a.csv\")\nprint(d.z)\n", 2, 9,
     "data set `d` has no member `z`"},
    {Diag::DefinedTwice, "fn f(x: f32) { x }\nfn f(x: f32) { x }\n", 2, 4, "`f` is defined twice"},
    {Diag::DefinedTwice, "data d: { x: f32, x: f32 } = csv(\"a.csv\")\n", 1, 19, "`x` is defined twice"},
    {Diag::NotAssignable, "fn f(x: f32[n, 4]) {\n  let y = x\n  y = x\n  y\n}\n", 3, 3,
     "`y` cannot be assigned: it is not a `var`"},
    {Diag::UsedBeforeDefinition, "let a = b + 1\nlet b = 2\n", 1, 9, "`b` is used before it is defined"},
    {Diag::Recursive, "fn f(x: f32[n]) -> f32[n] { f(x) }\n", 1, 29, "`f` calls itself without end"},
    {Diag::Recursive, "model A {\n  layer a = A()\n  fn forward(x: f32[n]) { x }\n}\nlet m = A()\n", 2, 13,
     "`A` holds itself without end"},
    {Diag::TooManyCalls, "fn f(n: dim) -> f32 { if n == 0 { 1.0 } else { f(n - 1) + f(n - 1) } }\nlet a = f(40)\n", 2,
     9, "this call makes more than 200000 calls"},
    {Diag::TooLarge, "let x = zeros([1000000, 1000000, 1000])\n", 1, 15,
     "a tensor of shape `[1000000, 1000000, 1000]` is larger than any program needs"},
    {Diag::TooLarge, "let x = arange(9000000000000000)\n", 1, 16,
     "a tensor of 9000000000000000 elements is larger than any program needs"},
    {Diag::NegativeSize, "let x = eye(-2)\n", 1, 13, "a size would be -2"},
    {Diag::Recursive, "fn tree(x: f32[n]) -> f32 { tree(x[:div(n, 2)]) + tree(x[div(n, 2):]) }\n", 1, 29,
     "`tree` calls itself without end"},
    {Diag::UnknownName, "model A(d: dim) {\n  param w: f32[d, q] = normal()\n  fn forward(x: f32[n, d]) { x @ w }\n}\n",
     2, 19, "unknown name `q`"},
    {Diag::UnknownName, "model A(d: dim) {\n  layer k = Lin(d, 2)\n  fn forward(x: f32[n, d]) { k(x) }\n}\n", 2, 13,
     "unknown name `Lin`"},
    {Diag::DivisionByZero, "fn f(i: i32[n]) { i % 0 }\n", 1, 19, "`i32[n] % 0` divides by zero"},
    {Diag::DivisionByZero, "fn f(i: i64[2]) { div(i, [1, 0]) }\n", 1, 19, "`div(i64[2], [1, 0])` divides by zero"},
    {Diag::DivisionByZero, "let d = [3, 0]\nfn f(i: i64[2]) {\n  let e = [3, 0]\n  i % e\n}\nprint(f([1, 2]))\n", 4, 3,
     "`i64[2] % e` divides by zero"},
    {Diag::Requirement, "fn f(x: f32[n]) {\n  dropout(x, p: 1.5)\n}\n", 2, 3,
     "`p` of dropout is a probability, from 0 to 1"},
    {Diag::Requirement,
     "fn f(x, k = 2) {\n  require(k > 0 && k < 9, \"`k` is from 1 to 8\")\n  x * k\n}\nlet y = f(1.0, 9)\n", 2, 3,
     "`k` is from 1 to 8"},
    // Rows and runs
    {Diag::PartNotChosen,
     "data d: { x: f32[1], y: f32[1] } = csv(\"a.csv\") |> split(train: 0.8, validate: 0.1)\ntrain m = Linear(1, 1) on "
     "d {\n"
     "  minimize mse(m(x), y)\n  optimizer: sgd(lr: 0.1)\n  epochs: 1\n}\n",
     2, 27, "`d` is cut into `d.train`, `d.validate`, `d.rest`, and none of them is chosen"},
    {Diag::UnknownMember, "data d: { x: f32[1] } = csv(\"a.csv\") |> split(train: 0.8)\nprint(d.validate.rows)\n", 2, 9,
     "data set `d` has no member `validate`"},
    {Diag::WrongType, "data d: { x: f32[1] } = csv(\"a.csv\")\nlet e = filter(d, d.x)\n", 2, 19,
     "argument 2 of `filter` is `f32[d.rows, 1]`, expected a bool for each row, `bool[d.rows]`, or the numbers of "
     "rows"},
    {Diag::WrongType, "data d: { x: f32[2] } = tensors(x: zeros([3, 4]))\n", 1, 36,
     "field `x` is `f32[3, 4]`, expected `f32[n, 2]`"},
    {Diag::BadArgument, "data d: { x: f32[1] } = csv(\"a.csv\")\nlet e = fold(d, k: 3, index: 3)\n", 2, 30,
     "`index` is 3, but must be from 0 to 2: there are 3 folds"},
    {Diag::TopLevelOnly, "fn f(x: f32[n]) {\n  write(\"a.csv\", x: x)\n  x\n}\n", 2, 3,
     "`write` stands in a function, expected a statement at top level"},
    {Diag::WrongType, "let m = Linear(1, 1)\ndata d: { x: f32[1] } = csv(\"a.csv\")\nprint(evaluate(m, d))\n", 3, 16,
     "argument 1 of `evaluate` is a model `Linear` that no `train` of this program made, expected a trained model"},
    {Diag::UnknownMember, "data d: { x: f32[1] } = csv(\"a.csv\")\nlet p = predict(d, y => y)\n", 2, 20,
     "data set `d` has no member `y`"},
    // Pictures
    {Diag::TopLevelOnly, "fn f(x: f32[n]) {\n  plot(x)\n  x\n}\n", 2, 3,
     "`plot` stands in a function, expected a statement at top level"},
    {Diag::TopLevelOnly, "var i = tensor(0)\nwhile i < 3 {\n  bar([1], [1.0])\n  i += 1\n}\n", 3, 3,
     "`bar` stands in a compiled loop, expected a statement at top level"},
    {Diag::TopLevelOnly, "let x = [plot([1.0]) for i in [1, 2]]\n", 1, 10,
     "`plot` stands within an expression, expected a statement at top level"},
    {Diag::NoValue, "let x = plot([1.0, 2.0])\n", 1, 9, "`plot([1.0, 2.0])` has no value"},
    {Diag::ArgumentShape, "plot(zeros([2, 3, 4]))\n", 1, 6,
     "argument 1 of `plot` is `f32[2, 3, 4]`, expected [n], [n, k] or a list of [n]"},
    {Diag::ArgumentShape, "plot(zeros([2, 3]), zeros([2]))\n", 1, 6,
     "argument 1 of `plot` is `f32[2, 3]`, expected [n] or [n, 1], as argument `y` is there"},
    {Diag::ArgumentShape, "plot(zeros([2]), band: zeros([3]))\n", 1, 24,
     "argument 3 of `plot` is `f32[3]`, expected as many numbers as are drawn"},
    {Diag::ShapeMismatch, "plot(zeros([2]), [zeros([2]), zeros([3])])\n", 1, 1,
     "shapes `[2]` and `[3]` do not fit in `plot`"},
    {Diag::BadArgument, "plot(zeros([2]), log: \"z\")\n", 1, 23,
     "argument `log` of `plot` is \"z\", expected \"x\", \"y\" or \"xy\""},
    {Diag::BadArgument, "plot(zeros([2]), save: \"a.jpg\")\n", 1, 24,
     "argument `save` of `plot` is \"a.jpg\", expected a name that ends in .svg or .png"},
    {Diag::BadArgument, "plot(zeros([2]), width: 10)\n", 1, 25,
     "argument `width` of `plot` is 10, expected a whole number from 100 to 10000"},
    {Diag::BadArgument, "plot(zeros([5, 2]), names: [\"a\"])\n", 1, 28, "argument 4 of `plot` has 1 entries for 2"},
    {Diag::WrongType, "plot(zeros([2]), title: 3)\n", 1, 25,
     "argument `title` of `plot` is the number 3, expected a string"},
    {Diag::ArgumentShape, "scatter(zeros([4, 3]))\n", 1, 9,
     "argument 1 of `scatter` is `f32[4, 3]`, expected [n, 2], or x and y each [n]"},
    {Diag::BadArgument, "histogram(zeros([4, 2]), names: [\"a\"])\n", 1, 33,
     "argument 3 of `histogram` has 1 entries for 2"},
    {Diag::BadArgument, "scatter(zeros([4, 2]), color: [\"a\"])\n", 1, 31,
     "argument 3 of `scatter` has 1 entries for 4"},
    {Diag::WrongType, "bar(adam, [1.0])\n", 1, 5,
     "argument 1 of `bar` is the optimizer `adam`, not made, expected a tensor"},
    {Diag::ArgumentShape, "show(zeros([4, 2, 5, 5]))\n", 1, 6,
     "argument 1 of `show` is `f32[4, 2, 5, 5]`, expected 1 or 3 channels"},
    {Diag::ArgumentShape, "confusion_matrix([0.5], [1])\n", 1, 18,
     "argument 1 of `confusion_matrix` is `f32[1]`, expected classes, integers [n], or scores [n, classes]"},
    {Diag::ConditionType, "let x = require(1, \"a\")\n", 1, 17, "the condition is the number 1, expected bool"},
    {Diag::WrongType, "let x = require(1 > 0, 1)\n", 1, 24,
     "argument 2 of `require` is the number 1, expected words in quotes"},
    {Diag::ShapeMismatch, "fn f(x: f32[n, 1], y: f32[n]) {\n  mse(x, y)\n}\n", 2, 3,
     "shapes `[n, 1]` and `[n]` do not fit in `mse`"},
    {Diag::ShapeMismatch, "fn f(x: f32[4, 3], i: i64[2, 3]) {\n  take_along(x, i, axis: 1)\n}\n", 2, 3,
     "shapes `[4, 3]` and `[2, 3]` do not fit in `take_along`"},
    {Diag::WrongType, "let x = pad([1.0], [[1, 1]], value: [2.0])\n", 1, 37,
     "the value of the padding is the list `[f32]`, expected a number"},
    {Diag::BadArgument, "let x = bernoulli([2], 1.5)\n", 1, 24, "`p` is 1.5, expected a probability from 0 to 1"},
    {Diag::BadArgument, "let x = normal([2], std: -1)\n", 1, 26, "`std` is -1, expected a number that is not negative"},
    {Diag::BadArgument, "let x = uniform([2], 2, 1)\n", 1, 9,
     "`uniform` is from 2 to 1, expected the lower number first"},
    {Diag::WrongType, "fn f(x: f32[n, 3]) { cross_entropy(x, [0.0, 1.0]) }\n", 1, 39,
     "the label is `f32[2]`, expected whole numbers: the class of each row"},
    {Diag::BadArgument, "let i = argmax(ones([2, 0]), axis: 1)\n", 1, 16, "`argmax` of no elements"},
    {Diag::TypeMix, "fn f(x: f32[n], i: i64[n]) {\n  x + i\n}\n", 2, 3, "`+` of `f32[n]` and `i64[n]`"},
    {Diag::TypeMix, "fn f(x: f32[n], y: f64[n]) {\n  x + y\n}\n", 2, 3, "`+` of `f32[n]` and `f64[n]`"},
    {Diag::TypeMix, "let x = sum([tensor(1.0), tensor(0.5, f64)])\n", 1, 13, "`[..]` of `f32` and `f64`"},
    {Diag::TypeMix, "let x = sum([true, 1])\n", 1, 13, "`[..]` of `bool` and the number 1"},
    {Diag::DoesNotFit, "let c: u8 = 255\nlet d = c + 300\n", 2, 13, "300 does not fit in u8"},
    {Diag::DoesNotFit, "fn f(i: i32[n]) { i + 4294967296 }\n", 1, 23, "4294967296 does not fit in i32"},
    {Diag::DoesNotFit, "let w: u8[2] = [1, 300]\n", 1, 20, "300 does not fit in u8"},
    {Diag::DoesNotFit, "var x = zeros([3], u8)\nx[0] = 300\n", 2, 8, "300 does not fit in u8"},
    {Diag::WrongType, "let a: f32 = 0.5\nlet b: f64 = a\n", 2, 14, "the value is `f32`, expected `f64`"},
    {Diag::TypeMix, "model A {\n  param w: f32[2] = 0\n}\nmodel B {\n  param v: f32[2] = 0\n}\nlet m = A() + B()\n", 7,
     9, "`+` of a model `A` and a model `B`"},
    {Diag::ArgumentShape, "let (y, back) = vjp(x => [x, x], 1.0)\nlet z = back([1.0])\n", 2, 14,
     "the cotangent is the list `[f32]`, expected the list `[f32, f32]`, as the function's value"},
    {Diag::ArgumentShape, "let z = jvp(x => sum(x), [1.0, 2.0], [1.0, 2.0, 3.0])\n", 1, 38,
     "the tangent is the list `[f32, f32, f32]`, expected `f32[2]`, as the argument"},
    {Diag::NotConstant, "model A {\n  let k = zeros([3])\n}\n", 2, 11,
     "`k` of the model must be known when the program is compiled"},
    {Diag::ShapeMismatch,
     "model R(in: dim, out: dim) {\n  layer a = Linear(in, out)\n  if in != out {\n"
     "    fn forward(x: f32[n, in]) -> f32[n, out] { a(x) + x }\n  } else {\n"
     "    fn forward(x: f32[n, in]) -> f32[n, out] { a(x) + x }\n  }\n}\n",
     4, 48, "shapes `[n, out]` and `[n, in]` do not fit in `+`"},
    {Diag::UnknownName,
     "model R(in: dim, out: dim) {\n  if in != out {\n    layer proj = Linear(in, out)\n  }\n"
     "  fn forward(x: f32[n, in]) -> f32[n, out] { proj(x) }\n}\n",
     5, 46, "unknown name `proj`"},
    {Diag::TypeMix, "fn f(b: bool[n]) {\n  b * b\n}\n", 2, 3, "`*` of `bool[n]` and `bool[n]`"},
    {Diag::WrongType, "let x = relu(\"a\")\n", 1, 14, "argument 1 of `relu` is a string, expected a tensor"},
    {Diag::WrongType, "fn g(k: dim) { zeros([k]) }\nlet x = g(1.5)\n", 2, 11,
     "argument `k` of `g` is the number 1.5, expected a size (`dim`)"},
    {Diag::WrongType, "fn f(x: f32[n, 4]) {\n  x[0.5]\n}\n", 2, 5, "an index is the number 0.5, expected an integer"},
    {Diag::NotCallable, "let x = [1.0, 2.0]\nlet y = x(1)\n", 2, 9, "`f32[2]` cannot be called"},
    {Diag::NotConstant, "data d: { x: f32[n] } = csv(\"a.csv\")\n", 1, 18,
     "`n` must be known when the program is compiled"},
    {Diag::DoesNotFit, "fn f(x: u8[n]) {\n  x + 300\n}\n", 2, 7, "300 does not fit in u8"},
    {Diag::IntegerDivision, "fn f(i: i64[n]) {\n  i / i\n}\n", 2, 3, "`/` of integers (`i64[n]` and `i64[n]`)"},
    {Diag::ConditionType, "fn f(x: f32[n, 4]) {\n  if x { 1.0 } else { 2.0 }\n}\n", 2, 6,
     "the condition is `f32[n, 4]`, expected bool"},
    {Diag::ConditionType, "fn f(x: f32[n, 4]) {\n  where(x, x, x)\n}\n", 2, 9,
     "the condition is `f32[n, 4]`, expected bool"},
    {Diag::BranchTypes, "fn f(x: f32[n, 4]) {\n  if sum(x) > 0 { x } else { 1.0 > sum(x) }\n}\n", 2, 3,
     "the branches differ: `f32[n, 4]` and `bool`"},
    {Diag::PatternCount, "let (a, b) = (1, 2, 3)\n", 1, 5, "2 names for 3 values"},
    {Diag::NoValue, "let x = print(1)\n", 1, 9, "`print(1)` has no value"},
    {Diag::ShapeMismatch, "fn f(x: f32[n, 4], y: f32[n, 5]) {\n  x + y\n}\n", 2, 3,
     "shapes `[n, 4]` and `[n, 5]` do not fit in `+`"},
    {Diag::ShapeMismatch, "fn f(x: f32[n, 4], y: f32[n]) {\n  x + y\n}\n", 2, 3,
     "shapes `[n, 4]` and `[n]` do not fit in `+`"},
    {Diag::ArgumentShape, "fn f(x: f32[8, 10], l: i64[7]) {\n  cross_entropy(x, l)\n}\n", 2, 20,
     "the label is `i64[7]`, expected `[8]`: one for each row of scores"},
    {Diag::MatmulShape, "fn f(x: f32[n, 4], y: f32[5, 4]) {\n  x @ y\n}\n", 2, 3,
     "shapes `[n, 4]` and `[5, 4]` do not fit in `@`: 4 columns against 5 rows"},
    {Diag::MatmulShape, "fn f(x: f32[n, 4], y: f32[7, 2]) {\n  x @ y\n}\n", 2, 3,
     "shapes `[n, 4]` and `[7, 2]` do not fit in `@`: 4 columns against 7 rows"},
    {Diag::ArgumentShape,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\nlet s = "
     "M()(zeros([2, 5]))\n",
     5, 13, "argument `x` of `M()` is `f32[2, 5]`, expected `f32[2, 4]`"},
    {Diag::ArgumentShape, "fn f(x: f32[n, n]) { x }\nlet y = f(zeros([2, 3]))\n", 2, 11,
     "argument `x` of `f` is `f32[2, 3]`, expected `f32[2, 2]`"},
    {Diag::RankMismatch, "fn f(x: f32[n]) {\n  transpose(x)\n}\n", 2, 13, "`f32[n]` has 1 axes, expected at least 2"},
    {Diag::RankMismatch, "fn f(x: f32[n, 4]) {\n  conv2d(x, x)\n}\n", 2, 10,
     "the input `f32[n, 4]` has 2 axes, expected 4 (batch, channels, then space)"},
    {Diag::RankMismatch, "fn f(x: f32[n, 3, 8, 8], w: f32[3]) {\n  conv2d(x, w)\n}\n", 2, 13,
     "the weight `f32[3]` has 1 axes, expected 4 (out, in / groups, then the kernel)"},
    {Diag::ArgumentShape, "fn f(x: f32[n, 4, 8, 8], w: f32[6, 3, 3, 3]) {\n  conv2d(x, w)\n}\n", 2, 3,
     "the input of `conv2d` is `f32[n, 4, 8, 8]` with 4 channels (axis 1), expected 3 channels: the weight is `f32[6, "
     "3, 3, 3]`"},
    {Diag::WindowSize, "let m = Sequential(MaxPool2d(4), Conv2d(1, 2, kernel: 5))\nlet y = m(zeros([1, 1, 9, 9]))\n", 1,
     34, "a window of 5 does not fit into 2"},
    {Diag::ArgumentShape, "let m = Conv2d(3, 2, kernel: 1)\nlet y = zeros([1, 1, 9, 9])\n  |> relu\n  |> m\n", 4, 6,
     "the input of `conv2d` is `f32[1, 1, 9, 9]` with 1 channels (axis 1), expected 3 channels: the weight is `f32[2, "
     "3, 1, 1]`"},
    {Diag::RankMismatch, "let m = Conv2d(3, 2, kernel: 1)\nlet y = m(zeros([3, 9, 9]))\n", 2, 11,
     "the input `f32[3, 9, 9]` has 3 axes, expected 4 (batch, channels, then space)"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[6, 2, 3, 3]) {\n  conv2d(x, w, groups: 3)\n}\n", 2, 24,
     "3 groups do not divide the 4 input channels"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 2, 3, 3]) {\n  conv2d(x, w, groups: 2)\n}\n", 2, 24,
     "2 groups do not divide the 5 output channels"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, stride: 0)\n}\n", 2, 24,
     "the stride of `conv2d` is 0, expected at least 1"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, dilation: [1, -1])\n}\n", 2, 30,
     "the dilation of `conv2d` is -1, expected at least 1"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, padding: \"full\")\n}\n", 2, 25,
     "the padding is \"full\", expected a number, a list of one for each axis, \"same\" or \"valid\""},
    {Diag::BadArgument,
     "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, stride: 2, padding: \"same\")\n}\n", 2, 36,
     "padding \"same\" with a stride of 2: the output cannot have the input's size"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, padding_mode: \"mirror\")\n}\n",
     2, 30, "the mode of padding is \"mirror\", expected \"zeros\", \"reflect\", \"replicate\" or \"circular\""},
    {Diag::BadArgument, "fn f(x: f32[1, 4, 2, 2], w: f32[4, 3, 3, 3]) {\n  conv_transpose2d(x, w, padding: 2)\n}\n", 2,
     3, "the output of `conv_transpose2d` would have size 0: 4 without the padding of 2 on both sides"},
    {Diag::BadArgument,
     "fn f(x: f32[1, 4, 2, 2], w: f32[4, 3, 3, 3]) {\n  conv_transpose2d(x, w, output_padding: 1)\n}\n", 2, 42,
     "the output padding is 1, expected less than the stride 1 or the dilation 1"},
    {Diag::WrongType, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, stride: 2.5)\n}\n", 2, 24,
     "the stride of `conv2d` is the number 2.5, expected a whole number"},
    {Diag::BadArgument, "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, stride: [1, 2, 3])\n}\n", 2, 24,
     "the stride of `conv2d` has 3 numbers, expected 2"},
    {Diag::TooLarge,
     "fn f(x: f32[n, 4, 8, 8], w: f32[5, 4, 3, 3]) {\n  conv2d(x, w, padding: 9223372036854775807)\n}\n", 2, 25,
     "the padding of `conv2d` of 9223372036854775807 is larger than any program needs"},
    {Diag::TooLarge, "let y = pad(ones([3]), [[9223372036854775807, 9223372036854775807]])\n", 1, 26,
     "the padding of `pad` of 9223372036854775807 is larger than any program needs"},
    {Diag::TooLarge, "let y = pad(ones([3]), [[60000000000000, 60000000000000]], mode: \"circular\")\n", 1, 9,
     "a tensor of shape `[120000000000003]` is larger than any program needs"},
    {Diag::BadArgument, "let y = pad(ones([3]), [[-1, 0]])\n", 1, 26,
     "the padding of `pad` is -1, expected at least 0"},
    {Diag::TooLarge, "let y = resize(ones([1, 1, 4, 4]), [1000000000000, 3])\n", 1, 9,
     "a table of weights or places of shape `[1000000000000, 4]` is larger than any program needs"},
    {Diag::TooLarge, "let y = adaptive_avg_pool2d(ones([1, 1, 4, 4]), 1000000000)\n", 1, 9,
     "a tensor of shape `[1, 1, 1000000000, 1000000000]` is larger than any program needs"},
    {Diag::TooLarge, "let y = conv_transpose2d(ones([1, 1, 4, 4]), ones([1, 1, 2, 2]), stride: 10000000000)\n", 1, 9,
     "a tensor of shape `[1, 1, 30000000002, 30000000002]` is larger than any program needs"},
    {Diag::BadArgument, "let y = Conv2d(1, 1, 0)(ones([1, 1, 4, 4]))\n", 1, 22, "the kernel is 0, expected at least 1"},
    {Diag::BadArgument, "let y = Conv2d(4, 8, 3, groups: -2)(ones([2, 4, 8, 8]))\n", 1, 33,
     "the number of groups is -2, expected at least 1"},
    {Diag::BadArgument, "let y = ConvTranspose2d(4, 7, 3, groups: 2)(ones([2, 4, 8, 8]))\n", 1, 42,
     "2 groups do not divide the 7 output channels"},
    {Diag::BadArgument, "let y = GroupNorm(2, 5)(ones([2, 5, 4, 4]))\n", 1, 19, "2 groups do not divide 5 channels"},
    {Diag::BadArgument, "let y = pixel_shuffle(ones([1, 3, 4, 4]), 2)\n", 1, 9,
     "4 channels of a square (r * r) do not divide 3 channels"},
    {Diag::BadArgument, "fn f(x: f32[1, 4, 8, 8]) {\n  max_pool2d(x, 3, padding: 2)\n}\n", 2, 29,
     "the padding of `max_pool2d` is 2, expected at most 1, half of the kernel 3"},
    {Diag::BadArgument, "fn f(x: f32[1, 4, 8, 8]) {\n  adaptive_avg_pool2d(x, 0)\n}\n", 2, 26,
     "the size of `adaptive_avg_pool2d` is 0, expected at least 1"},
    {Diag::BadArgument, "fn f(x: f32[1, 4, 8, 8]) {\n  resize(x, [4, 4], mode: \"cubic\")\n}\n", 2, 27,
     "the mode of `resize` is \"cubic\", expected \"nearest\", \"bilinear\" or \"bicubic\""},
    {Diag::BadArgument, "let y = pad(ones([3]), [[3, 0]], mode: \"reflect\")\n", 1, 9,
     "padding of 3 by reflection of axis 0 of `f32[3]`, which has 2 to take"},
    {Diag::BadArgument, "let y = fold(ones([1, 18, 5]), [6, 6], 3, stride: 3)\n", 1, 14,
     "`f32[1, 18, 5]` has 5 positions, windows on [6, 6] have 4"},
    {Diag::NotDivisible, "let y = fold(ones([1, 17, 4]), [6, 6], 3, stride: 3)\n", 1, 14, "9 does not divide 17"},
    {Diag::AxisRange, "fn f(x: f32[n, 4]) {\n  sum(x, axis: 2)\n}\n", 2, 16,
     "axis 2 is out of range for `f32[n, 4]`, which has 2 axes"},
    {Diag::AxisTwice, "fn f(x: f32[n, 4]) {\n  sum(x, axis: [0, 0])\n}\n", 2, 20, "axis 0 is given twice"},
    {Diag::ReshapeCount, "let y = reshape(zeros([2, 3]), [4, 2])\n", 1, 9,
     "`f32[2, 3]` has 6 elements, `[4, 2]` has 8"},
    {Diag::NotDivisible, "let y = reshape(zeros([2, 3]), [4, -1])\n", 1, 32, "4 does not divide 6"},
    {Diag::NegativeSize, "let y = zeros([2, 3]) |> reshape([-2, 3])\n", 1, 35, "a size would be -2"},
    {Diag::IndexRange, "let y = zeros([2, 3])[2]\n", 1, 23, "index 2 is out of range for an axis of size 2"},
    {Diag::SliceRange, "let y = zeros([2, 3])[0:5]\n", 1, 23, "slice 0:5 is out of range for an axis of size 2"},
    {Diag::SliceOrder, "let y = ones([4])[1:3:-1]\n", 1, 19, "slice 1:3:-1 ends before it begins"},
    {Diag::SliceOrder, "fn f(x: f32[9], i: i64) {\n  x[i:i - 1]\n}\n", 2, 5, "slice i:i - 1 ends before it begins"},
    {Diag::SliceRange, "let y = narrow(ones([3]), 0, 2, 2)\n", 1, 9, "slice 2:4 is out of range for an axis of size 3"},
    {Diag::Requirement, "let y = topk(ones([3]), 4)\n", 1, 9, "`k` of topk is from 0 to the size of the axis"},
    {Diag::BadArgument, "let y = chunk(ones([3]), 0)\n", 1, 26, "the number of chunks is 0, expected at least 1"},
    {Diag::BadArgument, "let y = split(ones([3]), [1, 1])\n", 1, 26,
     "the parts have 2 elements, axis 0 of `f32[3]` has 3"},
    {Diag::BadArgument, "let y = quantile([1.0], 2)\n", 1, 25, "`q` is 2, expected a share from 0 to 1"},
    {Diag::BadArgument, "let y = roll(ones([3]), [1, 2], axis: 0)\n", 1, 25, "2 shifts for 1 axes"},
    {Diag::WrongType, "fn f(x: f32[n, m]) {\n  inv(x)\n}\n", 2, 7,
     "argument 1 of `inv` is `f32[n, m]`, expected square matrices"},
    {Diag::ShapeMismatch, "let y = solve(eye(3), ones([2]))\n", 1, 9,
     "shapes `[3, 3]` and `[2]` do not fit in `solve`"},
    {Diag::ShapeMismatch, "let y = searchsorted(ones([2, 3]), ones([3, 3]))\n", 1, 9,
     "shapes `[2, 3]` and `[3, 3]` do not fit in `searchsorted`"},
    {Diag::BadArgument, "let y = randint(3, 3, [2])\n", 1, 9,
     "`randint` is from 3 to below 3, expected a greater number, by 2 ** 48 at most"},
    {Diag::BadArgument, "let y = categorical(ones([3]), 4, replacement: false)\n", 1, 32,
     "4 draws without replacement from 3 classes"},
    {Diag::TooManyIndices, "let y = zeros([2, 3])[0, 1, 2]\n", 1, 9, "3 indices for `f32[2, 3]`, which has 2 axes"},
    {Diag::SliceLength, "fn f(x: f32[9], i: i64) {\n  x[:i]\n}\n", 2, 5,
     "the length of a slice must be known when the program is compiled"},
    {Diag::ConcatShape, "fn f(x: f32[2, 3], y: f32[2, 4]) {\n  concat([x, y], axis: 0)\n}\n", 2, 3,
     "`f32[2, 3]` and `f32[2, 4]` cannot be joined along axis 0"},
    {Diag::EinsumEquation, "fn f(x: f32[3, 3]) {\n  einsum(\"ij,jk->iz\", x, x)\n}\n", 2, 10,
     "einsum \"ij,jk->iz\": `z` of the result is in no term"},
    {Diag::EinsumEquation, "fn f(x: f32[3, 4], y: f32[5, 6]) {\n  einsum(\"ij,jk->ik\", x, y)\n}\n", 2, 3,
     "einsum \"ij,jk->ik\": `j` is 4 and 5"},
    {Diag::WindowSize, "fn f(x: f32[1, 1, 4, 4]) {\n  max_pool2d(x, 9)\n}\n", 2, 3,
     "a window of 9 does not fit into 4"},
    {Diag::WindowSize, "fn f(x: f32[1, 2, 4, 4], w: f32[2, 2, 4, 4]) {\n  conv2d(x, w, dilation: 2, padding: 1)\n}\n",
     2, 3, "a window of 7 (4 spread by 2) does not fit into 6 (4 and padding of 2)"},
    {Diag::MissingArgument, "let y = reshape(zeros([2]))\n", 1, 9, "`reshape` misses its argument `shape`"},
    {Diag::ExtraArgument, "let y = exp(1.0, 2.0)\n", 1, 18, "`exp` takes 1 argument, found 2"},
    {Diag::UnknownArgument, "fn f(x: f32[n, 4]) {\n  sum(x, axes: 0)\n}\n", 2, 10, "`sum` has no parameter `axes`"},
    {Diag::ArgumentTwice, "fn f(x: f32[n, 4]) {\n  sum(x, axis: 0, axis: 1)\n}\n", 2, 19,
     "argument `axis` is given twice"},
    {Diag::PositionalAfterNamed, "fn f(x: f32[n, 4]) {\n  sum(axis: 0, x)\n}\n", 2, 16,
     "found an argument without a name behind named ones"},
    {Diag::BadArgument, "fn f(x: f32[n, 4]) {\n  x[::0]\n}\n", 2, 7,
     "the step of a slice is 0, expected a number that is not 0"},
    {Diag::NoForward,
     "model A {\n  param w: f32[2] = 0\n  fn go(x: f32[2]) { x * w }\n}\nlet m = A()\nlet y = m(zeros([2]))\n", 6, 9,
     "model `A` has no function `forward`"},
    {Diag::NotALayer, "model A {\n  layer a = 3\n  fn forward(x: f32[2]) { x }\n}\n", 2, 13,
     "layer `a` is the number 3, expected a model or a function"},
    {Diag::InitialiserShape, "model A {\n  param w: f32[2] = zeros([3])\n  fn forward(x: f32[2]) { x * w }\n}\n", 2, 21,
     "the initial value of `w` is `f32[3]`, expected `f32[2]`"},
    {Diag::NotASource, "data d: { x: f32 } = 3\n", 1, 22, "`d` is the number 3, expected a data source"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  ema: 0\n}\n",
     10, 8, "`ema` is 0, expected a number between 0 and 1"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  ema: 1.5\n}\n",
     10, 8, "`ema` is 1.5, expected a number between 0 and 1"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  ema: nan\n}\n",
     10, 8, "`ema` is nan, expected a number between 0 and 1"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  ema: true\n}\n",
     10, 8, "`ema` is `bool`, expected a number between 0 and 1"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  init: 3\n}\n",
     10, 9, "`init` is the number 3, expected a file name in quotes"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  init: load(3)\n}\n",
     10, 9, "`init` is `load(3)`, expected a file name in quotes, or `load(\"file\", partial: true)`"},
    {Diag::UnknownSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epoch: 3\n  batch: 4\n}\n",
     9, 3, "unknown setting `epoch`"},
    {Diag::SettingTwice,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 3\n  epochs: 4\n  batch: 4\n}\n",
     10, 3, "setting `epochs` is given twice"},
    {Diag::MissingSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  seed: 1\n  batch: 4\n}\n",
     6, 7, "`train t` has no `epochs`"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 0\n  batch: 4\n}\n",
     9, 11, "`epochs` is 0, expected a positive whole number"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  save: 3\n  batch: 4\n}\n",
     10, 9, "`save` is the number 3, expected a file name in quotes"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: -0.1)\n  epochs: 1\n  batch: 4\n}\n",
     8, 22, "`lr` is -0.1, expected a number that is not negative, or a schedule"},
    {Diag::BadSetting,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  batch: 0\n}\n",
     10, 10, "`batch` is 0, expected a positive whole number"},
    {Diag::NothingToMinimize,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  let s = t(x)\n  optimizer: sgd(lr: 0.1)\n  epochs: "
     "1\n  batch: 4\n}\n",
     6, 7, "`train t` minimizes nothing"},
    {Diag::NotScalar,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize t(x)\n  optimizer: sgd(lr: 0.1)\n  "
     "epochs: 1\n  batch: 4\n}\n",
     7, 12, "what is minimized is `f32[batch, 3]`, expected a scalar"},
    {Diag::NothingToTrain,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  batch: 4\n}\n",
     6, 11, "`t` is the model `M`, not made, expected a model with parameters"},
    {Diag::TwoOptimizers,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize cross_entropy(t(x), y)\n  optimizer: "
     "sgd(lr: 0.1)\n  epochs: 1\n  minimize sum(t(x))\n  batch: 4\n}\n",
     10, 3, "`train t` minimizes twice"},
    {Diag::GradientOf, "let g = grad(v => v * 2)([1.0, 2.0])\n", 1, 9,
     "a gradient needs a floating-point scalar, the function's value is `f32[2]`"},
    {Diag::DerivativeRule, "derivative g(x) -> y with dy { dx = dy }\n", 1, 12,
     "the rule of `g`: there is no function of this name in the file"},
    {Diag::WrongType, "fn f(x: f32[n, 4]) {\n  if !x { 1.0 } else { 2.0 }\n}\n", 2, 7,
     "the operand of `!` is `f32[n, 4]`, expected bool"},
    // Loops and branches.
    {Diag::WrongType, "fn f(x: f32[4]) {\n  var k = 0\n  for v in x { k = k + 1 }\n  zeros([k + 1])\n}\n", 4, 10,
     "the size of an axis is `i64`, expected a size"},
    {Diag::WrongType, "var k = 0\nfor v in ones([3]) { k = k + 1 }\nlet x = zeros([k + 1])\n", 3, 16,
     "the size of an axis is `i64`, expected a size"},
    {Diag::WrongType, "for i in 0..3 { print(zeros([i])) }\n", 1, 30, "the size of an axis is `i64`, expected a size"},
    {Diag::WrongType, "fn f(x: f32[4]) {\n  var h = x\n  for v in x { h = concat([h, [v]]) }\n  h\n}\n", 3, 16,
     "`h` is `f32[5]`, expected `f32[4]`, as before the loop"},
    {Diag::WrongType, "fn f(x: f32[4]) {\n  var s = 0\n  for v in x { s = \"a\" }\n  s\n}\n", 3, 16,
     "`s` is a string, expected the number 0, as before the loop"},
    {Diag::WrongType, "fn f(x: f32[n], k: i64) {\n  var s = k\n  while sum(x) > 0 { s = x[0] }\n  s\n}\n", 3, 22,
     "`s` is `f32`, expected `i64`, as before the loop"},
    {Diag::VariableTypes, "fn f(x: f32[n], c: bool) {\n  var y = x\n  if c { y = x[1:] }\n  y\n}\n", 3, 10,
     "after the branches `y` is either `f32[n - 1]` or `f32[n]`"},
    {Diag::VariableTypes,
     "fn f(c: bool) {\n  var y = (1, 2)\n  if c { y = 3 } else { y = 4 }\n  if c { y = (1, 2) }\n  y\n}\n", 4, 10,
     "after the branches `y` is either `(i64, i64)` or `i64`"},
    {Diag::BranchTypes, "fn f(x: f32[3]) { if sum(x) > 0 { x } else { (x, x) } }\n", 1, 19,
     "the branches differ: `f32[3]` and `(f32[3], f32[3])`"},
    {Diag::SliceLength, "fn f(x: f32[n], i: i64, j: i64) { x[i:j] }\n", 1, 37,
     "the length of a slice must be known when the program is compiled"},
    {Diag::SliceOrder, "fn f(x: f32[n], i: i64) { x[i:i - 1] }\n", 1, 29, "slice i:i - 1 ends before it begins"},
    {Diag::SliceRange, "fn f(x: f32[3], i: i64) { x[i:i + 4] }\n", 1, 29,
     "slice i:i + 4 is out of range for an axis of size 3"},
    {Diag::NoGradient, "fn f(x: f32) {\n  var y = x\n  while y > 1 { y = y / 2 }\n  y\n}\nlet g = grad(f)(3.0)\n", 6, 9,
     "a `while`, whose number of turns nothing bounds, has no gradient"},
    {Diag::WrongType, "for x in 3 { print(x) }\n", 1, 10,
     "what a loop runs over is the number 3, expected a tensor with axes, a list or a range"},
    {Diag::WrongType, "for i in 0..2.5 { print(i) }\n", 1, 13,
     "a bound of a range is the number 2.5, expected a whole number"},
    {Diag::ConditionType, "while ones([3]) > 0 { print(1) }\n", 1, 7, "the condition is `bool[3]`, expected bool"},
    {Diag::WrongType, "fn f(n: i64) { [i for i in 0..n] }\n", 1, 28,
     "a bound of a comprehension's range is computed, expected known while compiling"},
    {Diag::BreakOutside, "break\n", 1, 1, "`break` stands outside of a loop"},
    {Diag::BreakOutside, "fn f(x) {\n  if x > 0 { continue }\n  x\n}\nfor i in 0..2 { print(f(i)) }\n", 2, 14,
     "`continue` stands outside of a loop"},
    {Diag::BreakOutside, "let a = [{\n  if i > 1 { break }\n  i\n} for i in 0..3]\n", 2, 14,
     "`break` stands in an element of a comprehension"},
    {Diag::NotAssignable, "var t = (1, 2)\nt[0] = 5\n", 2, 1, "`t[0]` cannot be assigned: it is an element of a tuple"},
    {Diag::PatternCount, "for i, x in [1, 2] { print(i) }\n", 1, 5, "2 names for the number 1"},
    {Diag::ZipLengths, "for a, b in zip(arange(3), arange(4)) { print(a, b) }\n", 1, 13,
     "cannot go through 3 and 4 rows at once"},
    {Diag::WrongType, "for a in zip(arange(3), 4) { print(a) }\n", 1, 25,
     "what is zipped is the number 4, expected a tensor with axes, a list or a range"},
    {Diag::WrongType, "for i in 0..3 by 0 { print(i) }\n", 1, 18,
     "the step of a range is the number 0, expected a whole number that is known and not 0"},
    {Diag::WrongType, "for i in [1, 2] by 2 { print(i) }\n", 1, 10,
     "the left side of `by` is the list `[i64, i64]`, expected a range"},
    {Diag::DivisionByZero, "let x = div(4, 0)\n", 1, 9, "`div(4, 0)` divides by zero"},
    {Diag::NoGradient,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize sum(y)\n  optimizer: sgd(lr: 0.1)\n  "
     "epochs: 1\n  batch: 4\n}\n",
     7, 12, "`i64` has no gradient"},
    {Diag::NoGradient,
     "model M(k: dim = 3) {\n  layer a = Linear(4, k)\n  fn forward(x: f32[n, 4]) -> f32[n, k] { a(x) }\n}\ndata d: { "
     "x: f32[4], y: i64 } = csv(\"a.csv\")\ntrain t = M() on d {\n  minimize 3\n  optimizer: sgd(lr: 0.1)\n  epochs: "
     "1\n  batch: 4\n}\n",
     7, 12, "the number 3 has no gradient"},
};

class CheckerErrorTest : public testing::TestWithParam<Mistake> {};

TEST_P(CheckerErrorTest, SaysWhatAndWhere) {
  const Mistake &mistake = GetParam();
  SourceManager sources;
  DiagnosticEngine diagnostics(sources);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  Elaborator checker(sources, diagnostics, context, nullptr);
  ast::AstContext tree;
  uint32_t file = sources.add("test.dl", mistake.source);
  ast::Program program = parse(sources, file, tree, diagnostics);
  ASSERT_EQ(diagnostics.errorCount(), 0u) << diagnostics.render();
  checker.program(program);
  ASSERT_GE(diagnostics.errorCount(), 1u);
  const Diagnostic &first = diagnostics.all().front();
  EXPECT_EQ(nameOf(first.kind), std::string(nameOf(mistake.kind)));
  LineColumn place = sources.lineColumn(first.at.file, first.at.begin);
  EXPECT_EQ(place.line, mistake.line);
  EXPECT_EQ(place.column, mistake.column);
  EXPECT_EQ(first.text, mistake.text);
  EXPECT_EQ(diagnostics.exitCode(), 1);
}

INSTANTIATE_TEST_SUITE_P(Mistakes, CheckerErrorTest, testing::ValuesIn(mistakes),
                         [](const testing::TestParamInfo<Mistake> &info) {
                           std::string name = nameOf(info.param.kind);
                           for (char &c : name)
                             c = c == '-' ? '_' : c;
                           return name + "_" + std::to_string(info.index);
                         });

/// What depends on x does so behind each operation: the loop is refused by the check, not while it runs.
TEST(CheckerError, WhatVariesDoesSoBehindEachOperation) {
  for (const char *expression : {"x",
                                 "x[0]",
                                 "x[0:1, :, 1:]",
                                 "x[:, i]",
                                 "x[:, i:i + 2]",
                                 "x[0, 0, [2, 1]]",
                                 "[row for row in x]",
                                 "[x, x]",
                                 "stack([x, x])",
                                 "concat([x, x])",
                                 "flip(x, axis: 0)",
                                 "roll(x, 1)",
                                 "narrow(x, 0, i, 2)",
                                 "window(x, 3, 2)",
                                 "diag(x[0, 0])",
                                 "tril(x[0, 0])",
                                 "pad(x, [[1, 1], [0, 0], [0, 0], [0, 0]])",
                                 "pad(x, [[1, 1], [0, 0], [0, 0], [0, 0]], mode: \"replicate\")",
                                 "cumsum(x)",
                                 "cummax(x)[0]",
                                 "sort(x)",
                                 "quantile(x, 0.5)",
                                 "take_along(x, zeros([4, 4, 4, 4], dtype: i64), axis: 1)",
                                 "scatter_add(zeros([4, 4]), [0, 1], x[0, 0, 0:2])",
                                 "conv2d(x, x)",
                                 "conv_transpose2d(x, x)",
                                 "max_pool2d(x, 2)",
                                 "avg_pool2d(x, 3, padding: 1)",
                                 "adaptive_avg_pool2d(x, 3)",
                                 "adaptive_max_pool2d(x, 2)",
                                 "resize(x, [8, 8])",
                                 "upsample(x, 2)",
                                 "unfold(x, 2)",
                                 "cholesky(x)",
                                 "solve(x, x)",
                                 "svd(x)[1]"}) {
    std::string source = "fn f(x: f32[4, 4, 4, 4], i: i64) {\n  var y = sum(" + std::string(expression) +
                         ")\n  while y > 1 { y = y / 2 }\n  y\n}\n"
                         "let g = grad(f, wrt: [x])(ones([4, 4, 4, 4]), tensor(1))\n";
    SourceManager sources;
    DiagnosticEngine diagnostics(sources);
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    Elaborator checker(sources, diagnostics, context, nullptr);
    ast::AstContext tree;
    ast::Program program = parse(sources, sources.add("test.dl", source), tree, diagnostics);
    checker.program(program);
    ASSERT_EQ(diagnostics.errorCount(), 1u) << expression << "\n" << diagnostics.render();
    EXPECT_EQ(std::string(nameOf(diagnostics.all().front().kind)), nameOf(Diag::NoGradient)) << expression;
  }
}

} // namespace
} // namespace dlc
