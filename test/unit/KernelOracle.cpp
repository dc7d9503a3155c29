// The plainest evaluation of a kernel's body: every tensor in full, in f64.
#include "test/unit/KernelHarness.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;

namespace dlc::test {

using Place = std::vector<int64_t>;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

static Place placeOf(int64_t number, ArrayRef<int64_t> shape) {
  Place place(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; number /= shape[axis])
    place[axis] = number % shape[axis];
  return place;
}
static int64_t numberOf(const Place &place, ArrayRef<int64_t> shape) {
  int64_t number = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    number = number * shape[axis] + place[axis];
  return number;
}

static double roundTo(double value, Type element) {
  if (element.isF32() || element.isF64())
    return value;
  if (element.isBF16()) {
    int exponent;
    double mantissa = std::frexp(value, &exponent);
    return std::isfinite(value) ? std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8) : value;
  }
  if (element.isInteger(1))
    return value != 0;
  if (element.isUnsignedInteger(8))
    return double(uint8_t(int64_t(value)));
  if (element.isInteger(32))
    return double(int32_t(int64_t(value)));
  return value;
}

static double convert(double value, Type from, Type to) {
  if (isa<FloatType>(from) && !isa<FloatType>(to) && !to.isInteger(1)) {
    if (std::isnan(value))
      return 0;
    bool small = to.isUnsignedInteger(8);
    double low = small              ? 0
                 : to.isInteger(32) ? -0x1p31
                                    : -0x1p63,
           high = small              ? 255
                  : to.isInteger(32) ? 0x1p31 - 1
                                     : 0x1p63;
    return std::trunc(std::clamp(value, low, high));
  }
  return roundTo(value, to);
}

static double remainder(double x, double y, bool isFloat) {
  if (!isFloat && y == 0)
    return 0;
  return x - y * std::floor(x / y);
}

static double pointwise(Operation *op, ArrayRef<double> in) {
  Type element = cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
  bool isFloat = isa<FloatType>(element);
  auto nanOr = [&](double value) { return std::isnan(in[0]) || std::isnan(in[1]) ? NAN : value; };
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([&](dl::NegOp) { return -in[0]; })
      .Case([&](dl::AbsOp) { return std::abs(in[0]); })
      .Case([&](dl::SignOp) { return in[0] > 0   ? 1.0
                                     : in[0] < 0 ? -1.0
                                                 : in[0]; })
      .Case([&](dl::ExpOp) { return std::exp(in[0]); })
      .Case([&](dl::Expm1Op) { return std::expm1(in[0]); })
      .Case([&](dl::LogOp) { return std::log(in[0]); })
      .Case([&](dl::Log1pOp) { return std::log1p(in[0]); })
      .Case([&](dl::SqrtOp) { return std::sqrt(in[0]); })
      .Case([&](dl::RsqrtOp) { return 1 / std::sqrt(in[0]); })
      .Case([&](dl::SinOp) { return std::sin(in[0]); })
      .Case([&](dl::CosOp) { return std::cos(in[0]); })
      .Case([&](dl::TanhOp) { return std::tanh(in[0]); })
      .Case([&](dl::ErfOp) { return std::erf(in[0]); })
      .Case([&](dl::LogisticOp) { return 1 / (1 + std::exp(-in[0])); })
      .Case([&](dl::ReluOp) { return in[0] < 0 ? 0 : in[0]; })
      .Case([&](dl::FloorOp) { return std::floor(in[0]); })
      .Case([&](dl::CeilOp) { return std::ceil(in[0]); })
      .Case([&](dl::RoundOp) { return std::nearbyint(in[0]); })
      .Case([&](dl::StopGradientOp) { return in[0]; })
      .Case([&](dl::AddOp) { return in[0] + in[1]; })
      .Case([&](dl::SubOp) { return in[0] - in[1]; })
      .Case([&](dl::MulOp) { return in[0] * in[1]; })
      .Case([&](dl::DivOp) { return isFloat      ? in[0] / in[1]
                                    : in[1] == 0 ? 0
                                                 : std::floor(in[0] / in[1]); })
      .Case([&](dl::RemOp) { return remainder(in[0], in[1], isFloat); })
      .Case([&](dl::PowOp) {
        return isFloat || in[0] != 0 || in[1] >= 0
                   ? std::trunc(std::pow(in[0], in[1])) * !isFloat + (isFloat ? std::pow(in[0], in[1]) : 0)
                   : 0;
      })
      .Case([&](dl::MaxOp) { return nanOr(std::max(in[0], in[1])); })
      .Case([&](dl::MinOp) { return nanOr(std::min(in[0], in[1])); })
      .Case([&](dl::AndOp) { return in[0] && in[1]; })
      .Case([&](dl::OrOp) { return in[0] || in[1]; })
      .Case([&](dl::NotOp) { return !in[0]; })
      .Case([&](dl::CompareOp op) {
        switch (op.getPredicate()) {
        case dl::ComparePredicate::eq:
          return in[0] == in[1];
        case dl::ComparePredicate::ne:
          return in[0] != in[1];
        case dl::ComparePredicate::lt:
          return in[0] < in[1];
        case dl::ComparePredicate::le:
          return in[0] <= in[1];
        case dl::ComparePredicate::gt:
          return in[0] > in[1];
        case dl::ComparePredicate::ge:
          return in[0] >= in[1];
        }
        return false;
      })
      .Case([&](dl::SelectOp) { return in[0] ? in[1] : in[2]; })
      .Case([&](dl::CastOp op) {
        return convert(in[0], element, cast<RankedTensorType>(op.getResult().getType()).getElementType());
      });
}

static Tensor reduce(dl::ReduceOp op, const Tensor &in) {
  using K = dl::ReduceKind;
  ArrayRef<int64_t> shape = shapeOf(op.getOperand()), result = shapeOf(op.getResult());
  K kind = op.getKind();
  double start = kind == K::max ? -INFINITY : kind == K::min ? INFINITY : kind == K::prod || kind == K::all ? 1 : 0;
  Tensor out(ShapedType::getNumElements(result), start);
  for (size_t i = 0; i < in.size(); ++i) {
    Place place = placeOf(i, shape), kept;
    for (size_t axis = 0; axis < shape.size(); ++axis)
      if (!llvm::is_contained(op.getAxes(), int64_t(axis)))
        kept.push_back(place[axis]);
    double &at = out[numberOf(kept, result)];
    bool nan = std::isnan(at) || std::isnan(in[i]);
    at = kind == K::sum    ? at + in[i]
         : kind == K::prod ? at * in[i]
         : kind == K::max  ? (nan ? NAN : std::max(at, in[i]))
         : kind == K::min  ? (nan ? NAN : std::min(at, in[i]))
         : kind == K::all  ? double(at && in[i])
                           : double(at || in[i]);
  }
  return out;
}

static Tensor argReduce(dl::ArgReduceOp op, const Tensor &in) {
  ArrayRef<int64_t> shape = shapeOf(op.getOperand()), result = shapeOf(op.getResult());
  Tensor out(ShapedType::getNumElements(result), 0);
  for (size_t i = 0; i < out.size(); ++i) {
    Place place = placeOf(i, result);
    place.insert(place.begin() + op.getAxis(), 0);
    double best = in[numberOf(place, shape)];
    for (int64_t k = 1; k < shape[op.getAxis()]; ++k) {
      place[op.getAxis()] = k;
      double value = in[numberOf(place, shape)];
      bool better = op.getKind() == dl::ReduceKind::max ? value > best : value < best;
      if (!std::isnan(best) && (better || std::isnan(value)))
        best = value, out[i] = double(k);
    }
  }
  return out;
}

std::vector<Tensor> evaluateBody(dl::KernelOp kernel, const std::vector<Tensor> &ins) {
  llvm::DenseMap<Value, Tensor> known;
  Block &body = kernel.getBody().front();
  for (auto [argument, tensor] : llvm::zip_equal(body.getArguments(), ins))
    known[argument] = tensor;
  for (Operation &operation : body.without_terminator()) {
    Operation *op = &operation;
    Value result = op->getResult(0);
    auto type = cast<RankedTensorType>(result.getType());
    ArrayRef<int64_t> shape = type.getShape();
    Tensor out(type.getNumElements());
    auto in = [&](unsigned i) -> const Tensor & { return known[op->getOperand(i)]; };
    // Each element from an operand's element, or zero.
    auto move = [&](auto source) {
      for (size_t i = 0; i < out.size(); ++i)
        out[i] = source(placeOf(i, shape));
    };
    auto at = [&](unsigned i, const Place &place) { return in(i)[numberOf(place, shapeOf(op->getOperand(i)))]; };
    if (op->hasTrait<dl::Pointwise>()) {
      for (size_t i = 0; i < out.size(); ++i) {
        SmallVector<double> values;
        for (Value operand : op->getOperands())
          values.push_back(known[operand][i]);
        out[i] = roundTo(pointwise(op, values), type.getElementType());
      }
    } else if (auto constant = dyn_cast<dl::ConstantOp>(op)) {
      auto elements = cast<DenseElementsAttr>(constant.getValue());
      bool isUnsigned = type.getElementType().isUnsignedInteger() || type.getElementType().isInteger(1);
      size_t i = 0;
      if (isa<FloatType>(type.getElementType()))
        for (APFloat value : elements.getValues<APFloat>()) {
          bool lost;
          value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
          out[i++] = value.convertToDouble();
        }
      else
        for (APInt value : elements.getValues<APInt>())
          out[i++] = isUnsigned ? double(value.getZExtValue()) : double(value.getSExtValue());
    } else if (auto iota = dyn_cast<dl::IotaOp>(op)) {
      move([&](Place place) { return double(place[iota.getAxis()]); });
    } else if (isa<dl::ReshapeOp>(op)) {
      out = in(0);
    } else if (auto transpose = dyn_cast<dl::TransposeOp>(op)) {
      move([&](Place place) {
        Place from(place.size());
        for (size_t axis = 0; axis < place.size(); ++axis)
          from[transpose.getPermutation()[axis]] = place[axis];
        return at(0, from);
      });
    } else if (auto broadcast = dyn_cast<dl::BroadcastOp>(op)) {
      move([&](Place place) {
        Place from;
        for (int64_t axis : broadcast.getAxes())
          from.push_back(place[axis]);
        return at(0, from);
      });
    } else if (auto slice = dyn_cast<dl::SliceOp>(op)) {
      move([&](Place place) {
        for (size_t axis = 0; axis < place.size(); ++axis)
          place[axis] = slice.getStarts()[axis] + place[axis] * slice.getSteps()[axis];
        return at(0, place);
      });
    } else if (auto pad = dyn_cast<dl::PadOp>(op)) {
      move([&](Place place) {
        for (size_t axis = 0; axis < place.size(); ++axis) {
          int64_t relative = place[axis] - pad.getLow()[axis], spacing = pad.getInterior()[axis] + 1;
          if (relative < 0 || relative % spacing || relative / spacing >= shapeOf(pad.getOperand())[axis])
            return 0.0;
          place[axis] = relative / spacing;
        }
        return at(0, place);
      });
    } else if (auto reverse = dyn_cast<dl::ReverseOp>(op)) {
      move([&](Place place) {
        for (int64_t axis : reverse.getAxes())
          place[axis] = shape[axis] - 1 - place[axis];
        return at(0, place);
      });
    } else if (auto concat = dyn_cast<dl::ConcatOp>(op)) {
      move([&](Place place) {
        unsigned operand = 0;
        for (; place[concat.getAxis()] >= shapeOf(op->getOperand(operand))[concat.getAxis()]; ++operand)
          place[concat.getAxis()] -= shapeOf(op->getOperand(operand))[concat.getAxis()];
        return at(operand, place);
      });
    } else if (auto gather = dyn_cast<dl::GatherOp>(op)) {
      size_t axis = gather.getAxis(), rank = shapeOf(gather.getIndices()).size();
      move([&](Place place) {
        Place index(place.begin() + axis, place.begin() + axis + rank), from(place.begin(), place.begin() + axis);
        from.push_back(int64_t(at(1, index)));
        from.insert(from.end(), place.begin() + axis + rank, place.end());
        return at(0, from);
      });
    } else if (auto scatter = dyn_cast<dl::ScatterAddOp>(op)) {
      out = in(0);
      ArrayRef<int64_t> from = shapeOf(scatter.getUpdates());
      size_t axis = scatter.getAxis(), rank = shapeOf(scatter.getIndices()).size();
      for (size_t i = 0; i < in(2).size(); ++i) {
        Place place = placeOf(i, from);
        Place index(place.begin() + axis, place.begin() + axis + rank), to(place.begin(), place.begin() + axis);
        to.push_back(int64_t(at(1, index)));
        to.insert(to.end(), place.begin() + axis + rank, place.end());
        out[numberOf(to, shape)] += in(2)[i];
      }
    } else if (auto running = dyn_cast<dl::CumulativeOp>(op)) {
      int64_t length = shape[running.getAxis()];
      move([&](Place place) {
        double sum = 0;
        int64_t here = place[running.getAxis()];
        for (int64_t k = running.getReverse() ? here : 0; k < (running.getReverse() ? length : here + 1); ++k) {
          place[running.getAxis()] = k;
          sum += at(0, place);
        }
        return sum;
      });
    } else if (auto reduction = dyn_cast<dl::ReduceOp>(op)) {
      out = reduce(reduction, in(0));
    } else if (auto argument = dyn_cast<dl::ArgReduceOp>(op)) {
      out = argReduce(argument, in(0));
    } else {
      ADD_FAILURE() << "no evaluation of " << op->getName().getStringRef().str();
    }
    known[result] = std::move(out);
  }
  std::vector<Tensor> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(known[value]);
  return results;
}

} // namespace dlc::test
