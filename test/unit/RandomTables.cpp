// What the operations make of numbers, rows of numbers, and how values are rounded.
#include "RandomTables.h"

#include <algorithm>
#include <cmath>

namespace dlc::random {

Number rounded(Number value, DType dtype) {
  switch (dtype) {
  case DType::F32:
    return float(value);
  case DType::F64:
    return double(value);
  case DType::BF16:
    return std::isnan(value) ? value : Number(bf16ToFloat(floatToBf16(float(value))));
  default:
    return value;
  }
}

Number wrapped(Number value, DType dtype) {
  if (!isInteger(dtype))
    return value;
  Number modulus = dtype == DType::U8 ? 0x1p8L : dtype == DType::I32 ? 0x1p32L : 0x1p64L;
  Number rest = value - modulus * std::floor(value / modulus);
  return dtype != DType::U8 && rest >= modulus / 2 ? rest - modulus : rest;
}

Number noise(uint64_t path, uint64_t element, unsigned sample) {
  uint64_t x = path * 0x9E3779B97F4A7C15ull + element * 0xBF58476D1CE4E5B9ull + sample * 0x94D049BB133111EBull;
  for (int round = 0; round < 3; ++round) {
    x ^= x >> 31;
    x *= 0xD6E8FEB86659FD93ull;
  }
  return Number(int64_t(x)) / 0x1p63L;
}

static Number logistic(Number x) { return 1 / (1 + std::exp(-x)); }
static Number softplusOf(Number x) { return std::max<Number>(x, 0) + std::log1p(std::exp(-std::abs(x))); }

const std::map<std::string, Unary> unaryFloat = {
    {"exp", [](Number x) { return std::exp(x); }},
    {"expm1", [](Number x) { return std::expm1(x); }},
    {"log", [](Number x) { return std::log(x); }},
    {"log1p", [](Number x) { return std::log1p(x); }},
    {"sqrt", [](Number x) { return std::sqrt(x); }},
    {"rsqrt", [](Number x) { return 1 / std::sqrt(x); }},
    {"sin", [](Number x) { return std::sin(x); }},
    {"cos", [](Number x) { return std::cos(x); }},
    {"tanh", [](Number x) { return std::tanh(x); }},
    {"erf", [](Number x) { return std::erf(x); }},
    {"sigmoid", logistic},
    {"floor", [](Number x) { return std::floor(x); }},
    {"ceil", [](Number x) { return std::ceil(x); }},
    {"round", [](Number x) { return std::nearbyint(x); }},
    {"softplus", softplusOf},
    {"log_sigmoid", [](Number x) { return -softplusOf(-x); }},
    {"silu", [](Number x) { return x * logistic(x); }},
    {"gelu", [](Number x) { return x * (1 + std::erf(x * std::sqrt(0.5L))) / 2; }},
    {"leaky_relu", [](Number x) { return x > 0 ? x : 0.01L * x; }},
    {"elu", [](Number x) { return x > 0 ? x : std::expm1(x); }},
};
const std::map<std::string, Unary> unaryAny = {
    {"-", [](Number x) { return -x; }},
    {"abs", [](Number x) { return std::abs(x); }},
    {"sign", [](Number x) { return Number((x > 0) - (x < 0)); }},
    {"relu", [](Number x) { return x > 0 ? x : 0; }},
    {"square", [](Number x) { return x * x; }},
};
const std::map<std::string, Binary> arithmetic = {
    {"+", [](Number a, Number b) { return a + b; }},
    {"-", [](Number a, Number b) { return a - b; }},
    {"*", [](Number a, Number b) { return a * b; }},
    {"/", [](Number a, Number b) { return a / b; }},
    {"%", [](Number a, Number b) { return a - b * std::floor(a / b); }},
    {"**", [](Number a, Number b) { return std::pow(a, b); }},
    {"div", [](Number a, Number b) { return std::floor(a / b); }},
    {"maximum", [](Number a, Number b) { return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b); }},
    {"minimum", [](Number a, Number b) { return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b); }},
};
const std::map<std::string, Binary> compared = {
    {"==", [](Number a, Number b) { return Number(a == b); }},
    {"!=", [](Number a, Number b) { return Number(a != b); }},
    {"<", [](Number a, Number b) { return Number(a < b); }},
    {"<=", [](Number a, Number b) { return Number(a <= b); }},
    {">", [](Number a, Number b) { return Number(a > b); }},
    {">=", [](Number a, Number b) { return Number(a >= b); }},
};

static Number sumOf(const std::vector<Number> &row) {
  Number total = 0;
  for (Number x : row)
    total += x;
  return total;
}
static Number varianceOf(const std::vector<Number> &row) {
  Number mean = sumOf(row) / row.size(), total = 0;
  for (Number x : row)
    total += (x - mean) * (x - mean);
  return total / row.size();
}
Number logsumexpOf(const std::vector<Number> &row) {
  Number top = *std::max_element(row.begin(), row.end()), total = 0;
  for (Number x : row)
    total += std::exp(x - top);
  return std::log(total) + top;
}
static Number normOf(const std::vector<Number> &row) {
  Number total = 0;
  for (Number x : row)
    total += x * x;
  return std::sqrt(total);
}

const std::map<std::string, Row> reduced = {
    {"sum", sumOf},
    {"mean", [](const std::vector<Number> &row) { return sumOf(row) / row.size(); }},
    {"prod",
     [](const std::vector<Number> &row) {
       Number product = 1;
       for (Number x : row)
         product *= x;
       return product;
     }},
    {"max", [](const std::vector<Number> &row) { return *std::max_element(row.begin(), row.end()); }},
    {"min", [](const std::vector<Number> &row) { return *std::min_element(row.begin(), row.end()); }},
    {"all", [](const std::vector<Number> &row) { return *std::min_element(row.begin(), row.end()); }},
    {"any", [](const std::vector<Number> &row) { return *std::max_element(row.begin(), row.end()); }},
    {"var", varianceOf},
    {"std", [](const std::vector<Number> &row) { return std::sqrt(varianceOf(row)); }},
    {"argmax",
     [](const std::vector<Number> &row) { return Number(std::max_element(row.begin(), row.end()) - row.begin()); }},
    {"argmin",
     [](const std::vector<Number> &row) { return Number(std::min_element(row.begin(), row.end()) - row.begin()); }},
    {"logsumexp", logsumexpOf},
    {"norm", normOf},
};

template <class Map> static std::vector<std::string> keysOf(const Map &map) {
  std::vector<std::string> names;
  for (auto &[name, meaning] : map)
    names.push_back(name);
  return names;
}

const std::vector<std::string> &unaryFloatOps() {
  static const std::vector<std::string> names = keysOf(unaryFloat);
  return names;
}
const std::vector<std::string> &unaryOps() {
  static const std::vector<std::string> names = keysOf(unaryAny);
  return names;
}
const std::vector<std::string> &binaryOps() {
  static const std::vector<std::string> names = keysOf(arithmetic);
  return names;
}
const std::vector<std::string> &comparisons() {
  static const std::vector<std::string> names = keysOf(compared);
  return names;
}
const std::vector<std::string> &reductions() {
  static const std::vector<std::string> names = keysOf(reduced);
  return names;
}

} // namespace dlc::random
