// Every way to give the roles to the axes is tried and the one with the least estimated cycles taken. The model knows two
// multiply-adds and two loads a cycle, the latency of four cycles, and what packing and joining lanes cost an element; the
// constants were measured on Zen 3, Zen 5 and Skylake.
#include "codegen/contract/Plan.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dlc {

/// Bytes of the stack that a panel may take.
static constexpr int64_t panelBytes = 256 << 10;
/// Terms of a sum beyond which it is taken in blocks for the sake of its digits, and the terms of such a block.
static constexpr int64_t plainTerms = 2048, blockTerms = 512;
/// The distance of elements that are in each other's way in the second cache.
static constexpr int64_t farBytes = 32 << 10;
static constexpr int64_t pageBytes = 4096;
/// Steps of the left operand from which on no processor guesses the next one, and how many steps ahead it is asked for then: a
/// tile's step takes a dozen cycles, a line from the third cache some 70, from memory 250.
static constexpr int64_t strideBytes = 512, stepsAhead = 16;
/// Such steps in a block: their lines, and those of a panel, stay in the second cache for the next tile.
static constexpr int64_t farSteps = 256;
/// Cycles from one multiply-add to the next on the same sum; four, and some for what is not ideal.
static constexpr double latency = 4.6;
/// Cycles in which a vector comes from the caches.
static constexpr double fromFirst = 0.5, fromSecond = 2.2, fromThird = 6;
/// An operand, or a result, of so many bytes comes from memory and goes there.
static constexpr int64_t memoryBytes = 24 << 20;

Split Split::evenly(int64_t total, int64_t most) {
  Split split;
  split.parts = std::max<int64_t>(1, llvm::divideCeil(total, most));
  split.small = total / split.parts;
  split.bigCount = total % split.parts;
  return split;
}

int64_t ContractPlan::depth() const {
  int64_t depth = 1;
  for (unsigned axis : sums)
    depth *= shape.axes[axis].size;
  return depth;
}

int64_t ContractPlan::blockSteps() const {
  int64_t steps = depthBlock;
  for (unsigned level = blockLevel + 1; level < sums.size(); ++level)
    steps *= shape.axes[sums[level]].size;
  return steps;
}

int64_t ContractPlan::outerSize() const {
  int64_t size = 1;
  for (unsigned axis : outer)
    size *= shape.axes[axis].size;
  return size;
}

std::string ContractPlan::describe() const {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto sizes = [&](ArrayRef<unsigned> axes) {
    return llvm::join(llvm::map_range(axes, [&](unsigned axis) { return std::to_string(shape.axes[axis].size); }), "*");
  };
  out << (form == Dot ? "dot " : "tile ") << rows.biggest() << "x" << (form == Dot ? columnTile : columns.biggest())
      << " of " << sizeOf(row);
  if (row && !shape.axes[*row].digits.empty())
    out << " (" << shape.axes[*row].digits.size() << " axes)";
  out << "x" << sizeOf(column) << ", sums " << (sums.empty() ? "1" : sizes(sums));
  if (!outer.empty())
    out << ", outer " << sizes(outer);
  if (ways > 1)
    out << ", " << ways << " ways";
  if (pack)
    out << (packAll ? ", packed once" : ", packed in blocks");
  if (blocked)
    out << ", blocks of " << depthBlock << (precise ? " (long sum)" : "");
  if (ahead)
    out << ", asks ahead";
  out << ", " << rowTilesPerTask << " tiles a task";
  return text;
}

namespace {
class Planner {
public:
  Planner(const ContractShape &shape, const Target &target) : target(target) {
    lanes = target.vectorBytes / (shape.element.isF64() ? 8 : 4);
    auto forEachForm = [&](llvm::function_ref<void(std::optional<unsigned>)> visit) {
      for (bool swapped : {false, true})
        for (bool joined : {false, true}) {
          this->shape = shape;
          if (swapped)
            this->shape.swapOperands();
          if (joined && !this->shape.joinRows())
            continue;
          for (std::optional<unsigned> column : columnChoices())
            visit(column);
        }
    };
    forEachForm([&](std::optional<unsigned> column) {
      for (unsigned inner = 0; inner < this->shape.axes.size(); ++inner)
        if (!this->shape.axes[inner].inResult)
          consider(column, inner);
    });
    if (!found)
      forEachForm([&](std::optional<unsigned> column) { tryTile(column, std::nullopt); });
  }
  ContractPlan best;

private:
  void consider(std::optional<unsigned> column, unsigned inner);
  SmallVector<std::optional<unsigned>> columnChoices() const;
  ContractPlan begin(std::optional<unsigned> column, std::optional<unsigned> inner) const;
  void tryTile(std::optional<unsigned> column, std::optional<unsigned> inner);
  void tryTile(ContractPlan plan, bool pack, std::optional<unsigned> inner);
  int64_t served(const ContractPlan &plan) const;
  void tryDot(std::optional<unsigned> column, unsigned inner);
  double chooseTile(ContractPlan &plan, bool gathers) const;
  void chooseBlocks(ContractPlan &plan) const;
  void chooseBlock(ContractPlan &plan, int64_t terms, int64_t unit) const;
  void take(ContractPlan plan) {
    if (!found || plan.cycles < best.cycles)
      best = std::move(plan);
    found = true;
  }
  double storeCost(const ContractPlan &plan) const;
  double readCost(double bytes) const;
  bool isInMemory(bool right) const;
  bool isFar(const ContractPlan &plan) const;
  double taskCost(const ContractPlan &plan) const;

  const Target &target;
  ContractShape shape;
  int64_t lanes;
  bool found = false;
};
} // namespace

/// The result's axes that the right operand has; none, where there is none.
SmallVector<std::optional<unsigned>> Planner::columnChoices() const {
  SmallVector<std::optional<unsigned>> choices;
  for (auto [i, axis] : llvm::enumerate(shape.axes))
    if (axis.inResult && axis.inRhs)
      choices.push_back(i);
  if (choices.empty())
    choices.push_back(std::nullopt);
  return choices;
}

void Planner::consider(std::optional<unsigned> column, unsigned inner) {
  tryTile(column, inner);
  if (shape.axes[inner].lhsStride == 1 && shape.axes[inner].rhsStride == 1)
    tryDot(column, inner);
}

/// The plan's axes: rows are a free axis of the left operand, or else a batch axis. One that fills tiles and is near in memory
/// is best, then the greatest.
ContractPlan Planner::begin(std::optional<unsigned> column, std::optional<unsigned> inner) const {
  ContractPlan plan;
  plan.shape = shape;
  plan.column = column;
  plan.lanes = lanes;
  auto better = [&](unsigned a, unsigned b) {
    const ContractAxis &x = shape.axes[a], &y = shape.axes[b];
    if (x.inRhs != y.inRhs)
      return !x.inRhs;
    constexpr int64_t fillsTiles = 16;
    bool xFills = x.size >= fillsTiles, yFills = y.size >= fillsTiles;
    return xFills && yFills ? x.lhsStride < y.lhsStride : x.size > y.size;
  };
  for (auto [i, axis] : llvm::enumerate(shape.axes))
    if (axis.inResult && axis.inLhs && column != i && (!plan.row || better(i, *plan.row)))
      plan.row = i;
  for (auto [i, axis] : llvm::enumerate(shape.axes))
    if (axis.inResult && plan.row != i && column != i)
      plan.outer.push_back(i);
    else if (!axis.inResult && inner != i)
      plan.sums.push_back(i);
  llvm::sort(plan.sums, [&](unsigned a, unsigned b) {
    return std::pair(-shape.axes[a].rhsStride, a) < std::pair(-shape.axes[b].rhsStride, b);
  });
  if (inner)
    plan.sums.push_back(*inner);
  return plan;
}

/// What leaving the result costs: an element at a time where the column axis is not contiguous.
double Planner::storeCost(const ContractPlan &plan) const {
  double elements = static_cast<double>(plan.shape.resultSize());
  bool contiguous =
      plan.column && llvm::all_of(plan.shape.axes[*plan.column].outStrides, [](int64_t s) { return s == 1; });
  return contiguous || plan.shape.resultSize() == 1 ? elements / lanes : elements * 1.5;
}

/// Cycles of a step beside its multiply-adds and loads: these are not perfectly side by side, the fewer loads the better.
static double beside(int64_t loads) { return 1 + 0.2 * double(loads); }

/// Cycles of one step of the sum for a tile; `read` is what a vector of the right operand takes to come from its cache.
static double stepCost(int64_t rows, int64_t vectors, int64_t ways, double read) {
  double fma = 0.5 * rows * vectors, loads = 0.5 * (rows + vectors);
  return std::max({fma, loads, read * vectors, latency / ways}) + beside(rows + vectors);
}

/// Whether the left operand's rows are neighbours, and the steps of the sum so far apart that they are asked for ahead.
bool Planner::isFar(const ContractPlan &plan) const {
  if (plan.sums.empty() || !plan.row)
    return false;
  const ContractAxis &step = shape.axes[plan.sums.back()];
  return step.size >= 4 * stepsAhead && shape.axes[*plan.row].lhsStride == 1 &&
         step.lhsStride * (shape.element.getIntOrFloatBitWidth() / 8) >= strideBytes;
}

/// Cycles in which a vector comes from where `bytes` that are read again and again lie.
double Planner::readCost(double bytes) const {
  return bytes <= 24 << 10 ? fromFirst : bytes <= 0.6 * double(target.l2Bytes()) ? fromSecond : fromThird;
}

/// Whether an operand is so large that each pass over it comes from memory. Windows overlap: it is as large as it is long.
bool Planner::isInMemory(bool right) const {
  int64_t last = 0;
  for (const ContractAxis &axis : shape.axes)
    if (right || axis.digits.empty())
      last += (axis.size - 1) * std::abs(right ? axis.rhsStride : axis.lhsStride);
    else
      for (const ContractAxis::Digit &digit : axis.digits)
        last += (digit.size - 1) * std::abs(digit.lhsStride);
  return (last + 1) * shape.element.getIntOrFloatBitWidth() / 8 >= memoryBytes;
}

/// Cycles of a line from memory, by how many follow one another before the next step is elsewhere: the more, the sooner the
/// processor sees them coming.
static double lineCost(int64_t together) {
  return together >= 16 ? 14 : together >= 5 ? 25 : together >= 3 ? 35 : together == 2 ? 60 : 80;
}

/// Cycles of what a tile does beside its steps: reads, entries into the innermost loop, the addresses of rows that are counted
/// through several axes.
static double tileCost(const ContractPlan &plan, int64_t rows, int64_t vectors) {
  size_t digits = plan.row ? plan.shape.axes[*plan.row].digits.size() : 0;
  double entries = double(plan.depth()) / double(plan.innerDepth());
  return 8 + 1.5 * double(plan.ways * rows * vectors) + entries * (4 + 0.5 * double(rows)) +
         (digits ? 6.0 * double(rows * (digits - 1)) : 0);
}

/// Sets rows, columns and ways; the cycles of all sums of one outer index.
double Planner::chooseTile(ContractPlan &plan, bool gathers) const {
  int64_t height = plan.sizeOf(plan.row), vectors = llvm::divideCeil(plan.sizeOf(plan.column), lanes);
  double depth = static_cast<double>(plan.depth()), least = std::numeric_limits<double>::infinity();
  int64_t accumulators = target.tileRows() * target.tileVectors(), registers = target.registers(), bestWays = 1;
  bool far = isFar(plan), fromMemoryRight = isInMemory(true), fromMemoryLeft = isInMemory(false);
  bool stepsFar = !plan.sums.empty() &&
                  shape.axes[plan.sums.back()].rhsStride * (shape.element.getIntOrFloatBitWidth() / 8) >= strideBytes;
  for (int64_t v = 1; v <= std::min<int64_t>(vectors, 8); ++v)
    for (int64_t r = 1; r <= std::min<int64_t>(height, accumulators); ++r) {
      // What is asked for ahead is the line that a tile's rows begin in.
      bool splitsLines = far && r != height && lanes % r != 0;
      if (r * v > accumulators || r * v + v + 1 > registers || splitsLines)
        continue;
      Split rows = Split::evenly(height, r), columns = Split::evenly(vectors, v);
      if (rows.biggest() != r || columns.biggest() != v)
        continue;
      int64_t ways = 1;
      while (ways < 8 && 2 * ways * r * v <= 8 && 2 * ways <= plan.innerDepth())
        ways *= 2;
      double cycles = 0;
      plan.ways = ways;
      // What no processor guesses comes late.
      double guess = !plan.pack && stepsFar ? 2 : 1;
      double read =
          guess * readCost(std::min<double>(depth, double(target.depthBlock())) * double(v * target.vectorBytes));
      for (bool bigRow : {false, true})
        for (bool bigColumn : {false, true}) {
          int64_t rowTiles = bigRow ? rows.bigCount : rows.parts - rows.bigCount;
          int64_t columnTiles = bigColumn ? columns.bigCount : columns.parts - columns.bigCount;
          int64_t r1 = rows.small + bigRow, v1 = columns.small + bigColumn;
          cycles += static_cast<double>(rowTiles * columnTiles) *
                    (depth * stepCost(r1, v1, ways, read) * (gathers ? 12 : 1) + tileCost(plan, r1, v1));
        }
      // Lines of a left operand in far steps serve the tiles beside and below, and come again for each panel.
      if (far)
        cycles += fromThird * static_cast<double>(columns.parts * llvm::divideCeil(height, lanes)) * depth;
      // What is in memory is read in pieces of a panel's width, or of a tile's rows, far from one another.
      double lines = depth / double(lanes);
      if (fromMemoryRight && stepsFar)
        cycles += lineCost(v) * lines * double(plan.sizeOf(plan.column));
      if (fromMemoryLeft)
        cycles += (far ? 37 : 31) * lines * double(height);
      // Each variant of the tile is code to compile.
      cycles *= 1 + 0.03 * ((rows.bigCount != 0) + (columns.bigCount != 0));
      if (cycles < least) {
        least = cycles;
        bestWays = ways;
        plan.rows = rows, plan.columns = columns;
      }
    }
  plan.ways = bestWays;
  return least;
}

void Planner::tryTile(std::optional<unsigned> column, std::optional<unsigned> inner) {
  ContractPlan plan = begin(column, inner);
  const ContractAxis none{}, &col = column ? shape.axes[*column] : none, &row = plan.row ? shape.axes[*plan.row] : none;
  bool direct = !column || col.rhsStride == 1, canPack = column && !col.inLhs && !row.inRhs;
  // Reading in place with rows a multiple of 1 KiB apart makes cache lines collide; packing is worth it for enough rows. It may
  // be worth it too where rows are so far apart that no processor guesses the next one.
  const ContractAxis *step = inner ? &shape.axes[*inner] : nullptr;
  int64_t stepBytes = step ? step->rhsStride * (shape.element.getIntOrFloatBitWidth() / 8) : 0;
  bool collides = step && stepBytes % 1024 == 0 && step->size >= 64;
  bool mustPack = canPack && (!direct || (collides && served(plan) >= 96));
  bool mayPack = canPack && direct && stepBytes >= strideBytes && served(plan) >= 96;
  if (!mustPack)
    tryTile(plan, /*pack=*/false, inner);
  if (mustPack || mayPack)
    tryTile(plan, /*pack=*/true, inner);
}

/// The rows that a panel serves.
int64_t Planner::served(const ContractPlan &plan) const {
  int64_t rows = plan.sizeOf(plan.row);
  for (unsigned axis : plan.outer)
    rows *= shape.axes[axis].inRhs ? 1 : shape.axes[axis].size;
  return rows;
}

void Planner::tryTile(ContractPlan plan, bool pack, std::optional<unsigned> inner) {
  plan.form = ContractPlan::Tile;
  plan.pack = pack;
  const ContractAxis none{}, &col = plan.column ? shape.axes[*plan.column] : none,
                             &row = plan.row ? shape.axes[*plan.row] : none;
  const ContractAxis *step = inner ? &shape.axes[*inner] : nullptr;
  bool direct = !plan.column || col.rhsStride == 1;
  bool gathers = (!direct && !pack) || (col.inLhs && col.lhsStride != 1);
  plan.cycles = chooseTile(plan, gathers) * static_cast<double>(plan.outerSize()) + storeCost(plan);
  int64_t elementBytes = shape.element.getIntOrFloatBitWidth() / 8;
  bool collides = step && step->rhsStride * elementBytes % 1024 == 0 && step->size >= 64;
  if (pack) {
    bool transposes = step && step->rhsStride == 1;
    double elements = static_cast<double>(plan.depth() * col.size * plan.outerSize() * row.size / served(plan));
    // Neighbouring columns far apart are a line, or a page, each.
    double scattered = col.rhsStride * elementBytes >= pageBytes ? 8 : 2;
    plan.cycles += elements * (direct ? 0.15 : transposes ? 0.3 : scattered);
  } else if (collides && row.size >= 16) {
    plan.cycles *= 1.2;
  } else if (step && step->rhsStride && step->rhsStride * elementBytes % 1024 == 0 && plan.depth() >= 64) {
    // The steps of a sum over several axes collide too, and those of few rows.
    plan.cycles *= 1.3;
  }
  // Steps this far apart share few places in any cache: each is a line from memory.
  auto areFar = [&](int64_t stride) { return stride > 0 && stride * elementBytes % farBytes == 0; };
  if (step && step->size >= 8 && (areFar(step->lhsStride) || (!pack && areFar(step->rhsStride))))
    plan.cycles *= 3;
  if (isFar(plan))
    plan.ahead = stepsAhead;
  chooseBlocks(plan);
  // Steps of a page or more are not seen coming.
  if (step && std::max(step->lhsStride, step->rhsStride) * elementBytes >= pageBytes)
    plan.cycles *= 1.2;
  plan.cycles += taskCost(plan);
  take(std::move(plan));
}

/// Cycles in which each task reads its panel for the first time, where all panels together are more than the second cache
/// holds, or packs it again; and in which blocks take sums from memory and put them back.
double Planner::taskCost(const ContractPlan &plan) const {
  double sums = 0;
  if (plan.blocked) {
    double vectors =
        double(plan.sizeOf(plan.row) * llvm::divideCeil(plan.sizeOf(plan.column), lanes) * plan.outerSize());
    sums = double(plan.depth()) / double(plan.blockSteps()) * vectors * (plan.precise ? 4 : 1.5);
  }
  double elements = double(plan.depth()) * double(plan.sizeOf(plan.column)),
         bytes = elements * shape.element.getIntOrFloatBitWidth() / 8;
  double passes = double(plan.tasks()) / double(plan.columns.parts);
  if (plan.packAll || !plan.column)
    return sums;
  double again = plan.pack ? 0.2 * elements * passes : 0;
  return sums + again + (readCost(bytes) > 3 ? passes * bytes / target.vectorBytes * readCost(bytes) : 0);
}

void Planner::tryDot(std::optional<unsigned> column, unsigned inner) {
  ContractPlan plan = begin(column, inner);
  plan.form = ContractPlan::Dot;
  int64_t height = plan.sizeOf(plan.row), width = plan.sizeOf(column);
  bool batch = (column && shape.axes[*column].inLhs) || (plan.row && shape.axes[*plan.row].inRhs);
  double steps = static_cast<double>(plan.depth() / plan.innerDepth() * llvm::divideCeil(plan.innerDepth(), lanes));
  double least = std::numeric_limits<double>::infinity();
  plan.columns = Split::evenly(llvm::divideCeil(width, lanes), 4);
  for (int64_t c = 1; c <= std::min<int64_t>(8, lanes); c *= 2)
    for (int64_t r = 1; r <= std::min<int64_t>(height, 8); ++r) {
      if (r * c + c + 1 > target.registers() || c >= 2 * width)
        continue;
      Split rows = Split::evenly(height, r);
      if (rows.biggest() != r)
        continue;
      int64_t ways = 1;
      while (ways < 8 && 2 * ways * r * c <= 8 && 2 * ways * lanes <= plan.innerDepth())
        ways *= 2;
      double loads = batch ? static_cast<double>(r * c) : 0.5 * (r + c);
      // Rows of the operands are read again for each tile beside and below.
      double bytes = static_cast<double>(plan.depth() * (shape.element.getIntOrFloatBitWidth() / 8));
      double readLeft = width > c ? readCost(bytes * r) : fromFirst;
      double readRight =
          rows.parts > 1 ? readCost(bytes * static_cast<double>(plan.columns.biggest() * lanes)) : fromFirst;
      double read = r * readLeft + c * readRight;
      double step = std::max({0.5 * r * c, loads, read, latency / ways}) + beside(r + c);
      double tile = steps * step + 10 + 2.0 * r * c * ways + 4.0 * r;
      double cycles = tile * static_cast<double>(rows.parts * llvm::divideCeil(width, c));
      if (cycles < least) {
        least = cycles;
        plan.rows = rows, plan.columnTile = c, plan.ways = ways;
      }
    }
  // Rows are read from end to end.
  double lines = static_cast<double>(plan.depth()) / static_cast<double>(lanes);
  least += lineCost(16) * lines * ((isInMemory(false) ? height : 0) + (isInMemory(true) ? width : 0));
  plan.cycles = least * static_cast<double>(plan.outerSize()) + storeCost(plan);
  plan.rowTilesPerTask = std::max<int64_t>(1, 32 / plan.rows.biggest());
  plan.precise = plan.depth() > plainTerms;
  if (plan.precise)
    chooseBlock(plan, blockTerms, lanes * plan.ways);
  take(std::move(plan));
}

/// The block of a sum: as many of the inner axes as have `terms` terms together, and a piece of the next one. The innermost
/// axis is cut at multiples of `unit`.
void Planner::chooseBlock(ContractPlan &plan, int64_t terms, int64_t unit) const {
  int64_t inner = 1;
  auto size = [&] { return plan.shape.axes[plan.sums[plan.blockLevel]].size; };
  plan.blockLevel = plan.sums.size() - 1;
  while (plan.blockLevel > 0 && inner * size() <= terms / 2)
    inner *= size(), --plan.blockLevel;
  bool last = plan.blockLevel + 1 == plan.sums.size();
  plan.depthBlock = last ? llvm::alignTo(terms, unit) : std::clamp<int64_t>(terms / inner, 1, size());
}

namespace {
/// What a tile reads of the left operand, in elements: for each step of the sum, where its rows are neighbours, or else for each
/// row. Steps, or rows, that overlap are counted once.
struct LeftReads {
  bool rowsAreNeighbours = false;
  int64_t perStep = 1, perRow = 1;

  explicit LeftReads(const ContractPlan &plan) {
    const ContractAxis *row = plan.row ? &plan.shape.axes[*plan.row] : nullptr;
    int64_t rowStride = !row ? 0 : row->digits.empty() ? row->lhsStride : row->digits.back().lhsStride;
    int64_t stepStride = plan.sums.empty() ? 0 : std::abs(plan.shape.axes[plan.sums.back()].lhsStride);
    rowsAreNeighbours = std::abs(rowStride) == 1;
    perStep = std::clamp<int64_t>(stepStride, 1, plan.sizeOf(plan.row));
    perRow = std::max<int64_t>(1, std::abs(rowStride));
  }
};
} // namespace

/// Blocks of the sum, panels, and tasks.
void Planner::chooseBlocks(ContractPlan &plan) const {
  int64_t registerBytes = target.vectorBytes / lanes, width = plan.columns.biggest() * lanes;
  int64_t panelRows = std::max<int64_t>(64, panelBytes / (width * registerBytes));
  LeftReads reads(plan);
  int64_t limit = target.depthBlock() * 4 / registerBytes;
  if (plan.depth() > plainTerms)
    limit = std::min(limit, blockTerms);
  // A left operand whose steps lie a power of two apart has few places in the cache: as many steps as fit half of them.
  if (!plan.sums.empty()) {
    int64_t distance = plan.shape.axes[plan.sums.back()].lhsStride * plan.shape.element.getIntOrFloatBitWidth() / 8;
    if (int64_t power = distance & -distance; power >= 1024)
      limit = std::min(limit, std::max<int64_t>(64, target.l2Bytes() / power / 2));
    // Each step of such an operand is a page; the fastest translations are of about a hundred.
    if (distance >= pageBytes)
      limit = std::min<int64_t>(limit, 64);
  }
  if (plan.ahead)
    limit = std::min(limit, farSteps);
  plan.packAll = plan.pack && plan.depth() <= panelRows;
  if (plan.pack && !plan.packAll)
    limit = std::min(limit, panelRows);
  plan.depthBlock = plan.innerDepth();
  plan.blockLevel = plan.sums.empty() ? 0 : plan.sums.size() - 1;
  plan.precise = plan.depth() > plainTerms;
  // What is read once only gains nothing from blocks, nor do blocks of a few steps.
  bool worthwhile = plan.rows.parts > 1 && plan.innerDepth() >= 64 && plan.depth() > limit + limit / 2;
  bool packsBlocks = plan.pack && !plan.packAll, isShort = plan.innerDepth() * 2 <= limit && plan.sums.size() > 1;
  if (worthwhile || (packsBlocks && !isShort)) {
    plan.blocked = true;
    plan.ways = 1;
    int64_t blocks = llvm::divideCeil(plan.innerDepth(), limit);
    plan.depthBlock =
        std::min<int64_t>(llvm::alignTo(llvm::divideCeil(plan.innerDepth(), blocks), lanes), plan.innerDepth());
  } else if (plan.precise || packsBlocks) {
    plan.blocked = true;
    int64_t terms = packsBlocks ? limit : blockTerms;
    if (reads.rowsAreNeighbours)
      terms = std::clamp<int64_t>(target.l2Bytes() / 4 / (reads.perStep * registerBytes), 64, terms);
    chooseBlock(plan, terms, std::max(lanes, plan.ways));
  }
  // Panels that are packed again for each block, and long ones that are read again by each task, serve more rows.
  int64_t rowsPerTask = (plan.pack && !plan.packAll) || plan.precise ? 256 : 64;
  // The second cache holds the sums of a task's rows between blocks, and what the left operand has of a block.
  if (plan.blocked) {
    int64_t steps = plan.blockSteps(), perRow = width * (plan.precise ? 2 : 1);
    if (!reads.rowsAreNeighbours)
      perRow += std::min(steps, reads.perRow);
    int64_t ofSteps = reads.rowsAreNeighbours ? steps * reads.perStep : 0;
    rowsPerTask = std::max(rowsPerTask, (target.l2Bytes() * 6 / 10 / registerBytes - ofSteps) / perRow);
  }
  // Of a large result whose sums are short, memory is what takes the time: rows are written from end to end.
  bool isWritten = plan.shape.resultSize() * registerBytes >= memoryBytes && plan.depth() <= 64;
  plan.rowTilesPerTask = isWritten ? 1 : std::clamp<int64_t>(rowsPerTask / plan.rows.biggest(), 1, plan.rows.parts);
  // Enough tasks for eight threads, each worth a microsecond or two.
  while (plan.rowTilesPerTask > 1 && plan.tasks() < (plan.precise ? 4 : 16) &&
         plan.cycles / static_cast<double>(plan.tasks()) > 16000)
    plan.rowTilesPerTask = llvm::divideCeil(plan.rowTilesPerTask, 2);
}

ContractPlan planContract(const ContractShape &shape, const Target &target) { return Planner(shape, target).best; }

} // namespace dlc
