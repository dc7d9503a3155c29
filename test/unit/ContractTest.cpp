// Products of many shapes, layouts and epilogues against plain loops, on every vector width that the machine has; and that
// how tasks are split never changes a bit.
#include "ContractHarness.h"
#include "codegen/contract/Plan.h"
#include <gtest/gtest.h>

using namespace dlc;
using namespace dlc::test;

static void expectRight(const Product &product) {
  for (const Target &target : runnableTargets())
    EXPECT_EQ(run(product, target).problem, "") << product.describe() << " on " << target.cpu;
}

/// Sizes around the edges of tiles and vectors, for every pair of layouts.
TEST(Contract, MatricesOfAnyLayout) {
  struct Size {
    int64_t m, k, n;
  };
  for (Size s : {Size{1, 1, 1}, {7, 5, 3}, {8, 16, 48}, {9, 17, 49}, {33, 40, 100}, {13, 130, 16}, {64, 31, 10}})
    for (const char *left : {"mk", "km"})
      for (const char *right : {"kn", "nk"})
        for (const char *result : {"mn", "nm"})
          expectRight({"mk,kn->mn", {{'m', s.m}, {'k', s.k}, {'n', s.n}}, {left, right, result}, {0, 0, 0}});
}

TEST(Contract, PaddedRowsStayUntouched) {
  for (const char *left : {"mk", "km"})
    for (const char *right : {"kn", "nk"})
      expectRight({"mk,kn->mn", {{'m', 30}, {'k', 20}, {'n', 37}}, {left, right, "mn"}, {3, 5, 11}, "relu"});
}

TEST(Contract, VectorsAndScalars) {
  expectRight({"mk,k->m", {{'m', 37}, {'k', 100}}});
  expectRight({"mk,k->m", {{'m', 37}, {'k', 100}}, {"km", "", ""}});
  expectRight({"k,kn->n", {{'k', 70}, {'n', 130}}});
  expectRight({"k,nk->n", {{'k', 70}, {'n', 130}}, {}, {}, "relu"});
  expectRight({"k,k->", {{'k', 1000}}});
  expectRight({"k,k->", {{'k', 3}}});
  expectRight({"m,n->mn", {{'m', 20}, {'n', 35}}, {}, {}, "relu"});
  expectRight({",->", {}});
  expectRight({"n,->n", {{'n', 50}}});
  expectRight({"mk,kn->mn", {{'m', 1}, {'k', 300}, {'n', 10}}, {}, {}, "relu"});
  expectRight({"mk,kn->mn", {{'m', 40}, {'k', 300}, {'n', 1}}, {}, {}, "relu"});
  expectRight({"mk,kn->mn", {{'m', 40}, {'k', 1}, {'n', 40}}});
  expectRight({"bk,bk->b", {{'b', 21}, {'k', 50}}});
  expectRight({"bk,bk->b", {{'b', 21}, {'k', 50}}, {"kb", "kb", ""}});
}

TEST(Contract, EmptyOperands) {
  expectRight({"mk,kn->mn", {{'m', 5}, {'k', 0}, {'n', 20}}, {}, {}, "relu"});
  expectRight({"mk,kn->mn", {{'m', 0}, {'k', 4}, {'n', 20}}});
}

TEST(Contract, BatchesAndManyAxes) {
  expectRight({"bmk,bkn->bmn", {{'b', 3}, {'m', 10}, {'k', 12}, {'n', 20}}});
  expectRight({"bmk,bnk->bmn", {{'b', 3}, {'m', 30}, {'k', 12}, {'n', 20}}, {}, {}, "relu"});
  expectRight({"bthd,bshd->bhts", {{'b', 2}, {'t', 9}, {'h', 3}, {'s', 11}, {'d', 8}}});
  expectRight({"bhts,bshd->bthd", {{'b', 2}, {'t', 9}, {'h', 3}, {'s', 11}, {'d', 8}}});
  expectRight({"btk,kn->btn", {{'b', 4}, {'t', 7}, {'k', 20}, {'n', 18}}, {}, {}, "relu"});
  expectRight({"btk,btn->kn", {{'b', 4}, {'t', 7}, {'k', 20}, {'n', 18}}});
  expectRight({"btk,btn->kn", {{'b', 4}, {'t', 7}, {'k', 20}, {'n', 18}}, {}, {2, 0, 0}});
  expectRight({"abc,cbd->da", {{'a', 5}, {'b', 6}, {'c', 7}, {'d', 8}}});
  expectRight({"abc,dbc->ad", {{'a', 5}, {'b', 6}, {'c', 20}, {'d', 8}}, {}, {1, 1, 0}});
  expectRight({"mbk,nbk->bmn", {{'b', 5}, {'m', 6}, {'k', 20}, {'n', 9}}});
  expectRight({"bn,bn->bn", {{'b', 5}, {'n', 33}}});
  expectRight({"ab,cd->abcd", {{'a', 3}, {'b', 4}, {'c', 5}, {'d', 6}}, {}, {}, "relu"});
}

/// Longer than the blocks that partial sums are kept for, packed and not.
TEST(Contract, LongSums) {
  for (const char *left : {"mk", "km"})
    for (const char *right : {"kn", "nk"})
      expectRight({"mk,kn->mn", {{'m', 40}, {'k', 1700}, {'n', 56}}, {left, right, ""}, {0, 0, 0}, "relu"});
  expectRight({"mk,nk->mn", {{'m', 100}, {'k', 4500}, {'n', 33}}});
  expectRight({"jmk,jkn->mn", {{'j', 9}, {'m', 20}, {'k', 300}, {'n', 40}}, {}, {8, 8, 0}});
}

/// So long that totals carry their rounding errors: of tiles with and without rest, packed, dot, over several axes.
TEST(Contract, LongSumsKeepTheirDigits) {
  for (int64_t k : {4096, 5003})
    for (const char *right : {"kn", "nk"}) {
      expectRight({"mk,kn->mn", {{'m', 6}, {'k', k}, {'n', 25}}, {"km", right, ""}});
      expectRight({"mk,kn->mn", {{'m', 40}, {'k', k}, {'n', 56}}, {"mk", right, ""}, {0, 0, 0}, "relu"});
      expectRight({"mk,kn->mn", {{'m', 2}, {'k', k}, {'n', 3}}, {"mk", right, ""}});
    }
  expectRight({"k,k->", {{'k', 100003}}});
  expectRight({"jmk,jkn->mn", {{'j', 301}, {'m', 5}, {'k', 24}, {'n', 40}}, {}, {8, 8, 0}});
  expectRight({"jmk,jnk->mn", {{'j', 301}, {'m', 5}, {'k', 40}, {'n', 3}}, {}, {8, 8, 0}});
  expectRight({"mk,kn->mn", {{'m', 40}, {'k', 5003}, {'n', 56}}, {}, {}, "momentum", "f64"});
}

/// Rows a multiple of a KiB apart are packed or cut into short blocks.
TEST(Contract, CollidingRows) {
  for (const char *left : {"mk", "km"})
    expectRight({"mk,kn->mn", {{'m', 256}, {'k', 200}, {'n', 256}}, {left, "", ""}, {0, 0, 0}});
}

TEST(Contract, Epilogues) {
  for (const char *epilogue : {"none", "relu", "rows", "mask", "momentum"})
    for (const char *right : {"kn", "nk"})
      for (int64_t k : {20, 1700})
        expectRight({"mk,kn->mn", {{'m', 30}, {'k', k}, {'n', 50}}, {"", right, ""}, {0, 0, 14}, epilogue});
  expectRight({"mk,nk->mn", {{'m', 3}, {'k', 200}, {'n', 50}}, {}, {}, "momentum"});
  expectRight({"km,kn->mn", {{'m', 50}, {'k', 20}, {'n', 1}}, {}, {}, "momentum"});
}

TEST(Contract, OtherElements) {
  for (const char *element : {"f64", "bf16"})
    for (const char *right : {"kn", "nk"}) {
      expectRight({"mk,kn->mn", {{'m', 30}, {'k', 70}, {'n', 43}}, {"", right, ""}, {0, 0, 0}, "relu", element});
      expectRight({"mk,kn->mn", {{'m', 2}, {'k', 200}, {'n', 21}}, {"", right, ""}, {0, 0, 0}, "none", element});
      expectRight({"mk,kn->mn", {{'m', 30}, {'k', 1700}, {'n', 21}}, {"", right, ""}, {0, 0, 0}, "momentum", element});
    }
}

namespace {
/// Runs the tasks in ranges of a given size, the last range first.
struct Backwards : dlc_context {
  int64_t range;
  bool called = false;
  explicit Backwards(int64_t range) : dlc_context{}, range(range) {
    parallel = [](dlc_context *context, void (*body)(void *, int64_t, int64_t), void *args, int64_t tasks) {
      auto *self = static_cast<Backwards *>(context);
      self->called = true;
      int64_t first = (tasks - 1) / self->range * self->range;
      for (; first >= 0; first -= self->range)
        body(args, first, std::min(first + self->range, tasks));
    };
  }
};
} // namespace

TEST(Contract, SplittingTasksKeepsEveryBit) {
  std::vector<Product> products = {
      {"mk,kn->mn", {{'m', 150}, {'k', 200}, {'n', 200}}, {}, {0, 16, 0}, "relu"},
      {"mk,kn->mn", {{'m', 150}, {'k', 200}, {'n', 200}}, {"", "nk", ""}, {}, "relu"},
      {"mk,kn->mn", {{'m', 150}, {'k', 1700}, {'n', 100}}, {"", "nk", ""}, {}, "momentum"},
      {"mk,nk->mn", {{'m', 24}, {'k', 2000}, {'n', 300}}, {}, {}, "relu"},
      {"mk,nk->mn", {{'m', 1}, {'k', 2000}, {'n', 1000}}},
      {"bmk,bnk->bmn", {{'b', 10}, {'m', 50}, {'k', 64}, {'n', 90}}},
  };
  for (const Product &product : products)
    for (const Target &target : runnableTargets()) {
      Outcome whole = run(product, target, nullptr, /*compare=*/false);
      ASSERT_EQ(whole.problem, "");
      for (int64_t range : {1, 3}) {
        Backwards context(range);
        Outcome split = run(product, target, &context, /*compare=*/false);
        EXPECT_TRUE(context.called) << product.describe();
        EXPECT_TRUE(whole.result == split.result)
            << product.describe() << " in ranges of " << range << " on " << target.cpu;
      }
    }
}

TEST(Contract, SplitsAreEven) {
  Split split = Split::evenly(100, 8);
  EXPECT_EQ(split.parts, 13);
  EXPECT_EQ(split.small, 7);
  EXPECT_EQ(split.bigCount, 9);
  EXPECT_EQ(split.start(13), 100);
  EXPECT_EQ(Split::evenly(16, 8).bigCount, 0);
}
