// Programs with loops and branches (ControlPrograms.h).
#include "test/unit/ControlPrograms.h"

namespace dlc::test {

std::vector<ControlProgram> controlPrograms() {
  return {
      {"SumsForwardsAndBackwards",
       R"(func.func @f(%xs: tensor<5x6xf32> {dl.role = "input", dl.name = "xs"}, %s: tensor<6xf32> {dl.role = "input", dl.name = "s"}) -> (tensor<6xf32> {dl.name = "last"}, tensor<5x6xf32> {dl.name = "all"}, tensor<6xf32> {dl.name = "lastBack"}, tensor<5x6xf32> {dl.name = "allBack"}) {
  %a:2 = dl.scan 5 carry(%s) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<6xf32>, %x: tensor<6xf32>):
    %d = dl.add %c, %x : tensor<6xf32>
    dl.yield %d, %d : tensor<6xf32>, tensor<6xf32>
  } : (tensor<6xf32>, tensor<5x6xf32>) -> (tensor<6xf32>, tensor<5x6xf32>)
  %b:2 = dl.scan 5 reverse carry(%s) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<6xf32>, %x: tensor<6xf32>):
    %half = dl.constant dense<0.5> : tensor<6xf32>
    %h = dl.mul %c, %half : tensor<6xf32>
    %d = dl.add %h, %x : tensor<6xf32>
    dl.yield %d, %c : tensor<6xf32>, tensor<6xf32>
  } : (tensor<6xf32>, tensor<5x6xf32>) -> (tensor<6xf32>, tensor<5x6xf32>)
  return %a#0, %a#1, %b#0, %b#1 : tensor<6xf32>, tensor<5x6xf32>, tensor<6xf32>, tensor<5x6xf32>
})"},
      {"NoIterations",
       R"(func.func @f(%x: tensor<6xf32> {dl.role = "input", dl.name = "x"}, %xs: tensor<0x6xf32> {dl.role = "input", dl.name = "xs"}) -> (tensor<6xf32> {dl.name = "last"}, tensor<0x6xf32> {dl.name = "all"}) {
  %a:2 = dl.scan 0 carry(%x) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<6xf32>, %e: tensor<6xf32>):
    %d = dl.add %c, %e : tensor<6xf32>
    dl.yield %d, %d : tensor<6xf32>, tensor<6xf32>
  } : (tensor<6xf32>, tensor<0x6xf32>) -> (tensor<6xf32>, tensor<0x6xf32>)
  return %a#0, %a#1 : tensor<6xf32>, tensor<0x6xf32>
})"},
      {"CarriedValuesChangePlaces",
       R"(func.func @f(%x: tensor<6xf32> {dl.role = "input", dl.name = "x"}, %y: tensor<6xf32> {dl.role = "input", dl.name = "y"}) -> (tensor<6xf32> {dl.name = "a"}, tensor<6xf32> {dl.name = "b"}, tensor<6xf32> {dl.name = "c"}) {
  %a:3 = dl.scan 7 carry(%x, %y, %x) slices() invariants() {
  ^bb0(%i: tensor<i64>, %p: tensor<6xf32>, %q: tensor<6xf32>, %r: tensor<6xf32>):
    %half = dl.constant dense<0.5> : tensor<6xf32>
    %s = dl.mul %p, %half : tensor<6xf32>
    %t = dl.add %s, %q : tensor<6xf32>
    dl.yield %q, %t, %p : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
  } : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>)
  return %a#0, %a#1, %a#2 : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
})"},
      {"ProductsAlternate",
       R"(func.func @f(%x: tensor<4x4xf32> {dl.role = "input", dl.name = "x"}, %w: tensor<4x4xf32> {dl.role = "input", dl.name = "w"}) -> (tensor<4x4xf32> {dl.name = "last"}, tensor<4x4xf32> {dl.name = "twice"}, tensor<5x4x4xf32> {dl.name = "all"}) {
  %a:2 = dl.scan 5 carry(%x) slices() invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<4x4xf32>, %m: tensor<4x4xf32>):
    %d = dl.contract "mk,kn->mn" %c, %m : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
    %t = dl.tanh %d : tensor<4x4xf32>
    dl.yield %t, %t : tensor<4x4xf32>, tensor<4x4xf32>
  } : (tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<5x4x4xf32>)
  %b = dl.add %a#0, %x : tensor<4x4xf32>
  return %a#0, %b, %a#1 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<5x4x4xf32>
})"},
      {"BreaksLeaveZeros",
       R"(func.func @f(%xs: tensor<6x6xf32> {dl.role = "input", dl.name = "xs"}, %limit: tensor<f32> {dl.role = "input", dl.name = "limit"}) -> (tensor<f32> {dl.name = "last"}, tensor<i64> {dl.name = "count"}, tensor<6xf32> {dl.name = "sums"}) {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %none = dl.constant dense<0> : tensor<i64>
  %a:3 = dl.scan 6 breaks carry(%zero, %none) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %n: tensor<i64>, %x: tensor<6xf32>):
    %sq = dl.mul %x, %x : tensor<6xf32>
    %s = dl.reduce sum %sq over [0] : tensor<6xf32> -> tensor<f32>
    %d = dl.add %c, %s : tensor<f32>
    %bound = dl.constant dense<4.0> : tensor<f32>
    %done = dl.compare gt %d, %bound : tensor<f32> -> tensor<i1>
    %one = dl.constant dense<1> : tensor<i64>
    %m = dl.add %i, %one : tensor<i64>
    dl.yield %done, %d, %m, %s : tensor<i1>, tensor<f32>, tensor<i64>, tensor<f32>
  } : (tensor<f32>, tensor<i64>, tensor<6x6xf32>) -> (tensor<f32>, tensor<i64>, tensor<6xf32>)
  return %a#0, %a#1, %a#2 : tensor<f32>, tensor<i64>, tensor<6xf32>
})"},
      {"LoopsInLoops",
       R"(func.func @f(%xs: tensor<3x4x6xf32> {dl.role = "input", dl.name = "xs"}, %w: tensor<6xf32> {dl.role = "input", dl.name = "w"}) -> (tensor<6xf32> {dl.name = "last"}, tensor<3x4x6xf32> {dl.name = "all"}, tensor<3xi64> {dl.name = "sums"}) {
  %a:3 = dl.scan 3 carry(%w) slices(%xs) invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<6xf32>, %x: tensor<4x6xf32>, %u: tensor<6xf32>):
    %zero = dl.constant dense<0> : tensor<i64>
    %inner:3 = dl.scan 4 reverse carry(%c, %zero) slices(%x) invariants(%u, %i) {
    ^bb0(%j: tensor<i64>, %d: tensor<6xf32>, %n: tensor<i64>, %y: tensor<6xf32>, %v: tensor<6xf32>, %outer: tensor<i64>):
      %half = dl.constant dense<0.5> : tensor<6xf32>
      %s = dl.mul %d, %half : tensor<6xf32>
      %t = dl.add %s, %y : tensor<6xf32>
      %z = dl.mul %t, %v : tensor<6xf32>
      %k = dl.add %j, %outer : tensor<i64>
      %m = dl.add %n, %k : tensor<i64>
      dl.yield %t, %m, %z : tensor<6xf32>, tensor<i64>, tensor<6xf32>
    } : (tensor<6xf32>, tensor<i64>, tensor<4x6xf32>, tensor<6xf32>, tensor<i64>) -> (tensor<6xf32>, tensor<i64>, tensor<4x6xf32>)
    dl.yield %inner#0, %inner#2, %inner#1 : tensor<6xf32>, tensor<4x6xf32>, tensor<i64>
  } : (tensor<6xf32>, tensor<3x4x6xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<3x4x6xf32>, tensor<3xi64>)
  return %a#0, %a#1, %a#2 : tensor<6xf32>, tensor<3x4x6xf32>, tensor<3xi64>
})"},
      {"WhileWithInvariants",
       R"(func.func @f(%x: tensor<f64> {dl.role = "input", dl.name = "x"}, %v: tensor<4xf64> {dl.role = "input", dl.name = "v"}) -> (tensor<f64> {dl.name = "x"}, tensor<4xf64> {dl.name = "v"}, tensor<i64> {dl.name = "none"}) {
  %limit = dl.constant dense<40.0> : tensor<f64>
  %one = dl.constant dense<1.5> : tensor<f64>
  %start = dl.add %x, %limit : tensor<f64>
  %small = dl.constant dense<1.25> : tensor<f64>
  %a:2 = dl.while carry(%small, %v) invariants(%limit, %one) {
  ^bb0(%c: tensor<f64>, %w: tensor<4xf64>, %l: tensor<f64>, %o: tensor<f64>):
    %more = dl.compare lt %c, %l : tensor<f64> -> tensor<i1>
    dl.yield %more : tensor<i1>
  } do {
  ^bb0(%c: tensor<f64>, %w: tensor<4xf64>, %l: tensor<f64>, %o: tensor<f64>):
    %d = dl.mul %c, %o : tensor<f64>
    %back = dl.reverse %w along [0] : tensor<4xf64>
    %quarter = dl.constant dense<0.25> : tensor<4xf64>
    %q = dl.add %back, %quarter : tensor<4xf64>
    dl.yield %d, %q : tensor<f64>, tensor<4xf64>
  } : (tensor<f64>, tensor<4xf64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<4xf64>)
  %n = dl.constant dense<7> : tensor<i64>
  %b = dl.while carry(%n) invariants() {
  ^bb0(%c: tensor<i64>):
    %no = dl.constant dense<false> : tensor<i1>
    dl.yield %no : tensor<i1>
  } do {
  ^bb0(%c: tensor<i64>):
    %d = dl.add %c, %c : tensor<i64>
    dl.yield %d : tensor<i64>
  } : (tensor<i64>) -> tensor<i64>
  return %a#0, %a#1, %b : tensor<f64>, tensor<4xf64>, tensor<i64>
})"},
      {"Branches",
       R"(func.func @f(%c: tensor<i1> {dl.role = "input", dl.name = "c"}, %x: tensor<6xf32> {dl.role = "input", dl.name = "x"}, %y: tensor<6xf32> {dl.role = "input", dl.name = "y"}) -> (tensor<6xf32> {dl.name = "a"}, tensor<6xf32> {dl.name = "b"}, tensor<6xf32> {dl.name = "again"}, tensor<6xf32> {dl.name = "d"}) {
  %a:2 = dl.if %c, (%x, %y) {
  ^bb0(%u: tensor<6xf32>, %v: tensor<6xf32>):
    %s = dl.add %u, %v : tensor<6xf32>
    dl.yield %s, %u : tensor<6xf32>, tensor<6xf32>
  } else {
  ^bb0(%u: tensor<6xf32>, %v: tensor<6xf32>):
    dl.yield %v, %v : tensor<6xf32>, tensor<6xf32>
  } : (tensor<i1>, tensor<6xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
  %not = dl.not %c : tensor<i1>
  %b = dl.if %not, (%a#0, %x) {
  ^bb0(%u: tensor<6xf32>, %v: tensor<6xf32>):
    %k = dl.constant dense<3.0> : tensor<6xf32>
    dl.yield %k : tensor<6xf32>
  } else {
  ^bb0(%u: tensor<6xf32>, %v: tensor<6xf32>):
    %inner = dl.scan 3 carry(%u) slices() invariants(%v) {
    ^bb0(%i: tensor<i64>, %p: tensor<6xf32>, %q: tensor<6xf32>):
      %r = dl.add %p, %q : tensor<6xf32>
      dl.yield %r : tensor<6xf32>
    } : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
    dl.yield %inner : tensor<6xf32>
  } : (tensor<i1>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  %d:2 = dl.if %not, (%x) {
  ^bb0(%u: tensor<6xf32>):
    %e = dl.exp %u : tensor<6xf32>
    dl.yield %e, %e : tensor<6xf32>, tensor<6xf32>
  } else {
  ^bb0(%u: tensor<6xf32>):
    %e = dl.sin %u : tensor<6xf32>
    %f = dl.cos %u : tensor<6xf32>
    dl.yield %e, %f : tensor<6xf32>, tensor<6xf32>
  } : (tensor<i1>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
  return %a#0, %a#1, %b, %d#0 : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
})"},
      {"BranchesInLoopsWriteInPlace",
       R"(func.func @f(%flags: tensor<6xi1> {dl.role = "input", dl.name = "flags"}, %xs: tensor<6x6xf32> {dl.role = "input", dl.name = "xs"}, %s: tensor<6xf32> {dl.role = "input", dl.name = "s"}) -> (tensor<6xf32> {dl.name = "kept"}, tensor<6xf32> {dl.name = "other"}, tensor<6x6xf32> {dl.name = "all"}) {
  %a:3 = dl.scan 6 carry(%s, %s) slices(%flags, %xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<6xf32>, %o: tensor<6xf32>, %flag: tensor<i1>, %x: tensor<6xf32>):
    %n:2 = dl.if %flag, (%c, %x, %o) {
    ^bb0(%u: tensor<6xf32>, %v: tensor<6xf32>, %w: tensor<6xf32>):
      %t = dl.add %u, %v : tensor<6xf32>
      %back = dl.reverse %w along [0] : tensor<6xf32>
      dl.yield %t, %back : tensor<6xf32>, tensor<6xf32>
    } else {
    ^bb0(%u: tensor<6xf32>, %v: tensor<6xf32>, %w: tensor<6xf32>):
      dl.yield %u, %w : tensor<6xf32>, tensor<6xf32>
    } : (tensor<i1>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>)
    dl.yield %n#0, %n#1, %n#1 : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
  } : (tensor<6xf32>, tensor<6xf32>, tensor<6xi1>, tensor<6x6xf32>) -> (tensor<6xf32>, tensor<6xf32>, tensor<6x6xf32>)
  return %a#0, %a#1, %a#2 : tensor<6xf32>, tensor<6xf32>, tensor<6x6xf32>
})"},
      {"UnchangedAndUnreadValues",
       R"(func.func @f(%x: tensor<6xf32> {dl.role = "input", dl.name = "x"}, %y: tensor<6xf32> {dl.role = "input", dl.name = "y"}) -> (tensor<6xf32> {dl.name = "same"}, tensor<6xf32> {dl.name = "next"}, tensor<6xf32> {dl.name = "chained"}) {
  %a:3 = dl.scan 4 carry(%x, %y, %y) slices() invariants() {
  ^bb0(%i: tensor<i64>, %p: tensor<6xf32>, %q: tensor<6xf32>, %r: tensor<6xf32>):
    %t = dl.sub %q, %p : tensor<6xf32>
    %k = dl.constant dense<2.0> : tensor<6xf32>
    dl.yield %p, %t, %k : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
  } : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>)
  %b = dl.scan 2 carry(%a#1) slices() invariants(%a#2, %a#0) {
  ^bb0(%i: tensor<i64>, %p: tensor<6xf32>, %q: tensor<6xf32>, %r: tensor<6xf32>):
    %t = dl.mul %p, %q : tensor<6xf32>
    %u = dl.add %t, %r : tensor<6xf32>
    dl.yield %u : tensor<6xf32>
  } : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  return %a#0, %a#1, %b : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
})"},
      {"Gradients",
       R"(func.func @f(%xs: tensor<5x3x4xf32> {dl.role = "input", dl.name = "xs"}, %h: tensor<3x4xf32> {dl.role = "input", dl.name = "h"}, %w: tensor<4x4xf32> {dl.role = "input", dl.name = "w"}) -> (tensor<f32> {dl.name = "loss"}, tensor<5x3x4xf32> {dl.name = "dxs"}, tensor<3x4xf32> {dl.name = "dh"}, tensor<4x4xf32> {dl.name = "dw"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %g:4 = dl.grad (%xs, %h, %w), (%one) aux 0 {
  ^bb0(%vxs: tensor<5x3x4xf32>, %vh: tensor<3x4xf32>, %vw: tensor<4x4xf32>):
    %a:2 = dl.scan 5 carry(%vh) slices(%vxs) invariants(%vw) {
    ^bb0(%i: tensor<i64>, %c: tensor<3x4xf32>, %x: tensor<3x4xf32>, %m: tensor<4x4xf32>):
      %d = dl.contract "mk,kn->mn" %c, %m : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
      %e = dl.add %d, %x : tensor<3x4xf32>
      %t = dl.tanh %e : tensor<3x4xf32>
      %y = dl.mul %t, %t : tensor<3x4xf32>
      dl.yield %t, %y : tensor<3x4xf32>, tensor<3x4xf32>
    } : (tensor<3x4xf32>, tensor<5x3x4xf32>, tensor<4x4xf32>) -> (tensor<3x4xf32>, tensor<5x3x4xf32>)
    %s1 = dl.reduce sum %a#0 over [0, 1] : tensor<3x4xf32> -> tensor<f32>
    %s2 = dl.reduce sum %a#1 over [0, 1, 2] : tensor<5x3x4xf32> -> tensor<f32>
    %s = dl.add %s1, %s2 : tensor<f32>
    dl.yield %s : tensor<f32>
  } : (tensor<5x3x4xf32>, tensor<3x4xf32>, tensor<4x4xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x3x4xf32>, tensor<3x4xf32>, tensor<4x4xf32>)
  return %g#0, %g#1, %g#2, %g#3 : tensor<f32>, tensor<5x3x4xf32>, tensor<3x4xf32>, tensor<4x4xf32>
})"},
      {"GradientsThroughBreaks",
       R"(func.func @f(%xs: tensor<5x4xf32> {dl.role = "input", dl.name = "xs"}, %h: tensor<4xf32> {dl.role = "input", dl.name = "h"}) -> (tensor<f32> {dl.name = "loss"}, tensor<5x4xf32> {dl.name = "dxs"}, tensor<4xf32> {dl.name = "dh"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %g:3 = dl.grad (%xs, %h), (%one) aux 0 {
  ^bb0(%vxs: tensor<5x4xf32>, %vh: tensor<4xf32>):
    %a = dl.scan 5 breaks carry(%vh) slices(%vxs) invariants() {
    ^bb0(%i: tensor<i64>, %c: tensor<4xf32>, %x: tensor<4xf32>):
      %d = dl.mul %c, %x : tensor<4xf32>
      %t = dl.sin %d : tensor<4xf32>
      %e = dl.add %t, %c : tensor<4xf32>
      %three = dl.constant dense<3> : tensor<i64>
      %done = dl.compare eq %i, %three : tensor<i64> -> tensor<i1>
      dl.yield %done, %e : tensor<i1>, tensor<4xf32>
    } : (tensor<4xf32>, tensor<5x4xf32>) -> tensor<4xf32>
    %sq = dl.mul %a, %a : tensor<4xf32>
    %s = dl.reduce sum %sq over [0] : tensor<4xf32> -> tensor<f32>
    dl.yield %s : tensor<f32>
  } : (tensor<5x4xf32>, tensor<4xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x4xf32>, tensor<4xf32>)
  return %g#0, %g#1, %g#2 : tensor<f32>, tensor<5x4xf32>, tensor<4xf32>
})"},
      {"LargeEnoughForThreads",
       R"(func.func @f(%xs: tensor<4x64x200xf32> {dl.role = "input", dl.name = "xs"}, %w: tensor<200x200xf32> {dl.role = "input", dl.name = "w"}) -> (tensor<64x200xf32> {dl.name = "last"}, tensor<4x64x200xf32> {dl.name = "all"}) {
  %zero = dl.constant dense<0.0> : tensor<64x200xf32>
  %a:2 = dl.scan 4 carry(%zero) slices(%xs) invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<64x200xf32>, %x: tensor<64x200xf32>, %m: tensor<200x200xf32>):
    %k = dl.constant dense<0.05> : tensor<200x200xf32>
    %n = dl.mul %m, %k : tensor<200x200xf32>
    %d = dl.contract "mk,kn->mn" %c, %n : tensor<64x200xf32>, tensor<200x200xf32> -> tensor<64x200xf32>
    %e = dl.add %d, %x : tensor<64x200xf32>
    %t = dl.tanh %e : tensor<64x200xf32>
    dl.yield %t, %t : tensor<64x200xf32>, tensor<64x200xf32>
  } : (tensor<64x200xf32>, tensor<4x64x200xf32>, tensor<200x200xf32>) -> (tensor<64x200xf32>, tensor<4x64x200xf32>)
  return %a#0, %a#1 : tensor<64x200xf32>, tensor<4x64x200xf32>
})"},
      {"UpdatesInLoops",
       R"(func.func @f(%x: tensor<5x6xf32> {dl.role = "input", dl.name = "x"}, %v: tensor<6xf32> {dl.role = "input", dl.name = "v"}, %k: tensor<i64> {dl.role = "input", dl.name = "k"}) -> (tensor<5x6xf32> {dl.name = "filled"}, tensor<5x6xf32> {dl.name = "moved"}, tensor<5x6xf32> {dl.name = "x2"}, tensor<6xf32> {dl.name = "sum"}) {
  %zero = dl.constant dense<0.0> : tensor<5x6xf32>
  %a:3 = dl.scan 5 carry(%zero, %x, %v) slices() invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<5x6xf32>, %d: tensor<5x6xf32>, %h: tensor<6xf32>):
    %row = dl.dynamic_slice %d at (%i) along [0] : tensor<5x6xf32>, tensor<i64> -> tensor<1x6xf32>
    %flat = dl.reshape %row : tensor<1x6xf32> -> tensor<6xf32>
    %n = dl.add %h, %flat : tensor<6xf32>
    %part = dl.reshape %n : tensor<6xf32> -> tensor<1x6xf32>
    %e = dl.dynamic_update %c with %part at (%i) along [0] : tensor<5x6xf32>, tensor<1x6xf32>, tensor<i64>
    %f = dl.dynamic_update add %d with %row at (%i) along [0] : tensor<5x6xf32>, tensor<1x6xf32>, tensor<i64>
    dl.yield %e, %f, %n : tensor<5x6xf32>, tensor<5x6xf32>, tensor<6xf32>
  } : (tensor<5x6xf32>, tensor<5x6xf32>, tensor<6xf32>) -> (tensor<5x6xf32>, tensor<5x6xf32>, tensor<6xf32>)
  %u = dl.reshape %v : tensor<6xf32> -> tensor<1x6xf32>
  %once = dl.dynamic_update %x with %u at (%k) along [0] : tensor<5x6xf32>, tensor<1x6xf32>, tensor<i64>
  return %a#0, %a#1, %once, %a#2 : tensor<5x6xf32>, tensor<5x6xf32>, tensor<5x6xf32>, tensor<6xf32>
})"},
      {"GradientsThroughUpdates",
       R"(func.func @f(%x: tensor<5x6xf32> {dl.role = "input", dl.name = "x"}, %v: tensor<6xf32> {dl.role = "input", dl.name = "v"}) -> (tensor<f32> {dl.name = "loss"}, tensor<5x6xf32> {dl.name = "dx"}, tensor<6xf32> {dl.name = "dv"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %g:3 = dl.grad (%x, %v), (%one) aux 0 {
  ^bb0(%vx: tensor<5x6xf32>, %vv: tensor<6xf32>):
    %zero = dl.constant dense<0.0> : tensor<5x6xf32>
    %a:2 = dl.scan 5 carry(%zero, %vv) slices() invariants(%vx) {
    ^bb0(%i: tensor<i64>, %c: tensor<5x6xf32>, %h: tensor<6xf32>, %all: tensor<5x6xf32>):
      %row = dl.dynamic_slice %all at (%i) along [0] : tensor<5x6xf32>, tensor<i64> -> tensor<1x6xf32>
      %flat = dl.reshape %row : tensor<1x6xf32> -> tensor<6xf32>
      %m = dl.mul %h, %flat : tensor<6xf32>
      %n = dl.sin %m : tensor<6xf32>
      %part = dl.reshape %n : tensor<6xf32> -> tensor<1x6xf32>
      %e = dl.dynamic_update %c with %part at (%i) along [0] : tensor<5x6xf32>, tensor<1x6xf32>, tensor<i64>
      dl.yield %e, %n : tensor<5x6xf32>, tensor<6xf32>
    } : (tensor<5x6xf32>, tensor<6xf32>, tensor<5x6xf32>) -> (tensor<5x6xf32>, tensor<6xf32>)
    %sq = dl.mul %a#0, %a#0 : tensor<5x6xf32>
    %s = dl.reduce sum %sq over [0, 1] : tensor<5x6xf32> -> tensor<f32>
    dl.yield %s : tensor<f32>
  } : (tensor<5x6xf32>, tensor<6xf32>, tensor<f32>) -> (tensor<f32>, tensor<5x6xf32>, tensor<6xf32>)
  return %g#0, %g#1, %g#2 : tensor<f32>, tensor<5x6xf32>, tensor<6xf32>
})"},
      {"RecurrentGradients",
       R"(func.func @f(%xs: tensor<6x3x4xf32> {dl.role = "input", dl.name = "xs"}, %h: tensor<3x5xf32> {dl.role = "input", dl.name = "h"}, %u: tensor<4x5xf32> {dl.role = "input", dl.name = "u"}, %w: tensor<5x5xf32> {dl.role = "input", dl.name = "w"}, %b: tensor<5xf32> {dl.role = "input", dl.name = "b"}) -> (tensor<f32> {dl.name = "loss"}, tensor<6x3x4xf32> {dl.name = "dxs"}, tensor<3x5xf32> {dl.name = "dh"}, tensor<4x5xf32> {dl.name = "du"}, tensor<5x5xf32> {dl.name = "dw"}, tensor<5xf32> {dl.name = "db"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %g:6 = dl.grad (%xs, %h, %u, %w, %b), (%one) aux 0 {
  ^bb0(%vxs: tensor<6x3x4xf32>, %vh: tensor<3x5xf32>, %vu: tensor<4x5xf32>, %vw: tensor<5x5xf32>, %vb: tensor<5xf32>):
    %a:2 = dl.scan 6 carry(%vh) slices(%vxs) invariants(%vu, %vw, %vb) {
    ^bb0(%i: tensor<i64>, %c: tensor<3x5xf32>, %x: tensor<3x4xf32>, %m: tensor<4x5xf32>, %n: tensor<5x5xf32>, %bias: tensor<5xf32>):
      %p = dl.contract "mk,kn->mn" %x, %m : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
      %q = dl.contract "mk,kn->mn" %c, %n : tensor<3x5xf32>, tensor<5x5xf32> -> tensor<3x5xf32>
      %s = dl.add %p, %q : tensor<3x5xf32>
      %all = dl.broadcast %bias to [1] : tensor<5xf32> -> tensor<3x5xf32>
      %r = dl.add %s, %all : tensor<3x5xf32>
      %t = dl.tanh %r : tensor<3x5xf32>
      dl.yield %t, %t : tensor<3x5xf32>, tensor<3x5xf32>
    } : (tensor<3x5xf32>, tensor<6x3x4xf32>, tensor<4x5xf32>, tensor<5x5xf32>, tensor<5xf32>) -> (tensor<3x5xf32>, tensor<6x3x5xf32>)
    %sq = dl.mul %a#1, %a#1 : tensor<6x3x5xf32>
    %s2 = dl.reduce sum %sq over [0, 1, 2] : tensor<6x3x5xf32> -> tensor<f32>
    %s1 = dl.reduce sum %a#0 over [0, 1] : tensor<3x5xf32> -> tensor<f32>
    %s = dl.add %s1, %s2 : tensor<f32>
    dl.yield %s : tensor<f32>
  } : (tensor<6x3x4xf32>, tensor<3x5xf32>, tensor<4x5xf32>, tensor<5x5xf32>, tensor<5xf32>, tensor<f32>) -> (tensor<f32>, tensor<6x3x4xf32>, tensor<3x5xf32>, tensor<4x5xf32>, tensor<5x5xf32>, tensor<5xf32>)
  return %g#0, %g#1, %g#2, %g#3, %g#4, %g#5 : tensor<f32>, tensor<6x3x4xf32>, tensor<3x5xf32>, tensor<4x5xf32>, tensor<5x5xf32>, tensor<5xf32>
})"},
      // No loop: a gelu, a softmax and rows less their means, whose gradients compute again what they need of them.
      {"GradientsOfRows",
       R"(func.func @f(%x: tensor<6x5xf32> {dl.role = "input", dl.name = "x"}, %w: tensor<5x24xf32> {dl.role = "input", dl.name = "w"}, %v: tensor<24x20xf32> {dl.role = "input", dl.name = "v"}) -> (tensor<f32> {dl.name = "loss"}, tensor<6x5xf32> {dl.name = "dx"}, tensor<5x24xf32> {dl.name = "dw"}, tensor<24x20xf32> {dl.name = "dv"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %g:4 = dl.grad (%x, %w, %v), (%one) aux 0 {
  ^bb0(%a: tensor<6x5xf32>, %m: tensor<5x24xf32>, %n: tensor<24x20xf32>):
    %half = dl.constant dense<0.5> : tensor<6x24xf32>
    %ones = dl.constant dense<1.0> : tensor<6x24xf32>
    %part = dl.constant dense<0.05> : tensor<6xf32>
    %p = dl.contract "mk,kn->mn" %a, %m : tensor<6x5xf32>, tensor<5x24xf32> -> tensor<6x24xf32>
    %h = dl.mul %p, %half : tensor<6x24xf32>
    %p2 = dl.mul %p, %p : tensor<6x24xf32>
    %p3 = dl.mul %p2, %h : tensor<6x24xf32>
    %u = dl.add %p, %p3 : tensor<6x24xf32>
    %t = dl.tanh %u : tensor<6x24xf32>
    %t1 = dl.add %t, %ones : tensor<6x24xf32>
    %y = dl.mul %h, %t1 : tensor<6x24xf32>
    %z = dl.contract "mk,kn->mn" %y, %n : tensor<6x24xf32>, tensor<24x20xf32> -> tensor<6x20xf32>
    %s = dl.reduce sum %z over [1] : tensor<6x20xf32> -> tensor<6xf32>
    %mean = dl.mul %s, %part : tensor<6xf32>
    %spread = dl.broadcast %mean to [0] : tensor<6xf32> -> tensor<6x20xf32>
    %c = dl.sub %z, %spread : tensor<6x20xf32>
    %e = dl.exp %c : tensor<6x20xf32>
    %total = dl.reduce sum %e over [1] : tensor<6x20xf32> -> tensor<6xf32>
    %b = dl.broadcast %total to [0] : tensor<6xf32> -> tensor<6x20xf32>
    %q = dl.div %e, %b : tensor<6x20xf32>
    %r = dl.mul %q, %c : tensor<6x20xf32>
    %loss = dl.reduce sum %r over [0, 1] : tensor<6x20xf32> -> tensor<f32>
    dl.yield %loss : tensor<f32>
  } : (tensor<6x5xf32>, tensor<5x24xf32>, tensor<24x20xf32>, tensor<f32>) -> (tensor<f32>, tensor<6x5xf32>, tensor<5x24xf32>, tensor<24x20xf32>)
  return %g#0, %g#1, %g#2, %g#3 : tensor<f32>, tensor<6x5xf32>, tensor<5x24xf32>, tensor<24x20xf32>
})"},
  };
}

} // namespace dlc::test
