// What is done with the rows of data sources and data sets: split, fold, shuffle, filter.
#include "frontend/builtins/Builtins.h"

#include "runtime/DType.h"

#include <cmath>

namespace dlc {

/// Argument 1 with a step behind it: a source that does it when it is opened, or a data set.
static Value stepped(Elaborator &e, CallSite &site, const RowStep &step) {
  if (site[0].kind == Value::Data)
    return e.withStep(site[0], step, site.at);
  Value result = site[0];
  const std::vector<RowStep> &earlier = site[0].source->steps;
  if (!earlier.empty() && earlier.back().isCut()) {
    e.error(Diag::PartNotChosen, site[0].at, "the source", listed(earlier.back().parts()))
        .help("name the data set first, then `" + site.callee + "` a part of it: `let s = " + site.callee +
              "(d.train, ..)`");
    return e.poison(site.at);
  }
  result.source = std::make_shared<SourceInfo>(*site[0].source);
  result.source->steps.push_back(step);
  return result;
}

/// Whether argument 1 is a data source or a data set; reports it when not.
static bool isRows(Elaborator &e, const CallSite &site) {
  if (site[0].kind == Value::Source || site[0].kind == Value::Data)
    return true;
  if (!site[0].poison())
    e.error(Diag::WrongType, site[0].at, "argument 1 of `" + site.callee + "`", describe(site[0]),
            "a data source or a data set");
  return false;
}

/// Argument `i`, a whole number from `least` on.
static std::optional<int64_t> wholeArgument(Elaborator &e, CallSite &site, size_t i, int64_t absent, int64_t least,
                                            const char *name) {
  // In a loop each turn knows the number, if each runs by itself.
  if (site.has(i) && site[i].isTensor() && site[i].shape.empty() && isIntegral(site[i].dtype) && e.turnsAsked) {
    *e.turnsAsked = true;
    return least;
  }
  std::optional<double> number = numberArgument(e, site, i, double(absent));
  if (!number)
    return std::nullopt;
  if (*number == std::floor(*number) && *number >= double(least) && *number < 9e15)
    return int64_t(*number);
  e.error(Diag::BadArgument, site[i].at,
          fmt::format("`{}` is {}, expected a whole number from {} on", name, *number, least));
  return std::nullopt;
}

/// A share of the rows, between 0 and 1.
static bool isShare(Elaborator &e, const CallSite &site, size_t i, double share, const char *name) {
  if (share > 0 && share < 1)
    return true;
  e.error(Diag::BadArgument, site[i].at, fmt::format("`{}` is {}, expected a share between 0 and 1", name, share));
  return false;
}

/// The order in which rows are cut: argument `seedAt` is the seed, the next one whether they are shuffled.
static bool readOrder(Elaborator &e, CallSite &site, size_t seedAt, RowStep &step) {
  std::optional<int64_t> seed = wholeArgument(e, site, seedAt, 0, 0, "seed");
  std::optional<bool> shuffle = boolArgument(e, site, seedAt + 1, true);
  if (!seed || !shuffle)
    return false;
  step.seed = uint64_t(*seed);
  step.shuffle = *shuffle;
  return true;
}

/// Parts rows into those to train on, perhaps some to validate with, and the rest; a tensor along an axis.
static Value split(Elaborator &e, CallSite &site) {
  if (site[0].kind != Value::Source && site[0].kind != Value::Data) {
    if (site.has(1))
      return splitTensor(e, site);
    e.error(Diag::MissingArgument, site.at, site.callee, "size")
        .help("`split(x, 2)` makes parts of 2 along the first axis");
    return e.poison(site.at);
  }
  size_t share = site.has(3) ? 3 : 1;
  if (!site.has(share)) {
    e.error(Diag::MissingArgument, site.at, site.callee, "train");
    return e.poison(site.at);
  }
  std::optional<double> train = numberArgument(e, site, share, 0.9), validate = numberArgument(e, site, 6, 0);
  RowStep step{RowStep::Split};
  if (!readOrder(e, site, 4, step) || !train || !validate || !isShare(e, site, share, *train, "train") ||
      (site.has(6) && !isShare(e, site, 6, *validate, "validate")))
    return e.poison(site.at);
  if (*train + *validate >= 1) {
    e.error(Diag::BadArgument, site[6].at,
            fmt::format("`train` and `validate` are {} together, expected less than 1: what is left is `.rest`",
                        *train + *validate));
    return e.poison(site.at);
  }
  step.train = *train;
  step.validate = *validate;
  return stepped(e, site, step);
}

/// Whether argument `i`, which only rows or only tensors need, is given; reports it when not.
static bool hasArgument(Elaborator &e, CallSite &site, size_t i, const char *name) {
  if (!site.has(i))
    e.error(Diag::MissingArgument, site.at, site.callee, name);
  return site.has(i);
}

/// Of rows: part `index` of `k` is the rest, all others are to train on. Of a tensor: windows added up.
static Value fold(Elaborator &e, CallSite &site) {
  if (site[0].poison())
    return e.poison(site.at);
  if (site[0].kind != Value::Source && site[0].kind != Value::Data)
    return hasArgument(e, site, 1, "size") && hasArgument(e, site, 2, "kernel") ? foldTensor(e, site)
                                                                                : e.poison(site.at);
  size_t kAt = site.has(6) ? 6 : 1, indexAt = site.has(7) ? 7 : 2;
  if (!hasArgument(e, site, kAt, "k") || !hasArgument(e, site, indexAt, "index"))
    return e.poison(site.at);
  std::optional<int64_t> k = wholeArgument(e, site, kAt, 0, 2, "k"),
                         index = wholeArgument(e, site, indexAt, 0, 0, "index");
  RowStep step{RowStep::Fold};
  if (!readOrder(e, site, 8, step) || !k || !index)
    return e.poison(site.at);
  if (*index >= *k) {
    e.error(Diag::BadArgument, site[indexAt].at,
            fmt::format("`index` is {}, but must be from 0 to {}: there are {} folds", *index, *k - 1, *k));
    return e.poison(site.at);
  }
  step.k = *k;
  step.index = *index;
  return stepped(e, site, step);
}

static Value shuffle(Elaborator &e, CallSite &site) {
  std::optional<int64_t> seed = wholeArgument(e, site, 1, 0, 0, "seed");
  if (!seed || !isRows(e, site))
    return e.poison(site.at);
  RowStep step{RowStep::Shuffle};
  step.seed = uint64_t(*seed);
  return stepped(e, site, step);
}

/// The rows for which a column of bools is true, or those that a column of numbers names.
static Value filter(Elaborator &e, CallSite &site) {
  if (site[0].kind != Value::Data) {
    if (!site[0].poison())
      e.error(Diag::WrongType, site[0].at, "argument 1 of `filter`", describe(site[0]), "a data set")
          .help("name the source first: `data d: {..} = ..`, then `filter(d, d.x > 0)`");
    return e.poison(site.at);
  }
  const Value kept =
      site[1].kind != Value::List ? site[1] : e.asStatement(site[1].at, [&] { return e.tensorOfList(site[1]); });
  const DataInfo &info = *site[0].data;
  bool bools = kept.isTensor() && kept.dtype == DType::Bool;
  bool fits = kept.isTensor() && kept.shape.size() == 1 && !isFloating(kept.dtype) &&
              (!bools || e.sameSize(kept.shape[0].size, info.rows).value_or(true));
  if (!fits) {
    if (!kept.poison())
      e.error(Diag::WrongType, kept.at, "argument 2 of `filter`", describe(kept),
              fmt::format("a bool for each row, `bool[{}]`, or the numbers of rows", info.rows.str()));
    return e.poison(site.at);
  }
  RowStep step{RowStep::Choose};
  if (e.executor && e.mode() != Elaborator::Mode::Check) {
    HostBufferRef host = kept.values();
    if (!host) {
      e.error(Diag::NotSupported, kept.at, "`filter` by what is computed in the same statement")
          .help("give it a name before: `let keep = ..`");
      return e.poison(site.at);
    }
    auto rows = std::make_shared<std::vector<int64_t>>();
    for (int64_t i = 0; i < host->shape[0]; ++i) {
      if (bools && !static_cast<const unsigned char *>(host->data.get())[i])
        continue;
      int64_t row = bools ? i : int64_t(elementAsDouble(host->dtype, host->data.get(), i));
      if (row < 0 || row >= info.rows.constant()) {
        std::string name = e.shortText(site[0].at, info.name);
        int64_t count = info.rows.constant();
        e.error(Diag::BadArgument, kept.at,
                count ? fmt::format("row {} is chosen, but `{}` has rows 0 to {}", row, name, count - 1)
                      : fmt::format("row {} is chosen, but `{}` has no rows", row, name));
        return e.poison(site.at);
      }
      rows->push_back(row);
    }
    step.rows = std::move(rows);
  }
  return e.withStep(site[0], step, site.at);
}

void addRowBuiltins(BuiltinTable &table) {
  table.add("split", split);
  table.add("fold", fold);
  table.add("shuffle", shuffle);
  table.add("filter", filter).atOnce = true;
}

} // namespace dlc
