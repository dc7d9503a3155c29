// Loops and branches run through the whole pipeline: dl.scan, dl.if, dl.while.
// RUN: dlc-opt %s --dl-to-planned -split-input-file | FileCheck %s
// RUN: dlc-opt %s --dl-to-planned --dl-emit-loops -split-input-file | FileCheck %s --check-prefix=STEP

// What is carried is written where it is: the kernel reads it at the same element. The slice is an entry of the input.
// CHECK-LABEL: func.func @sums
// CHECK-SAME: %[[XS:arg2]]: memref<3x4xf32>, %[[Y:arg3]]: memref<4xf32>
// CHECK: dl.kernel "constant" {{.*}} outs(%[[Y]]
// CHECK: dl.loop times 3 {
// CHECK: ^bb0(%[[I:.*]]: i64):
// CHECK:   %[[X:.*]] = dl.entry %[[XS]][%[[I]]]
// CHECK:   dl.kernel "add" map ins(%[[Y]], %[[X]] : {{.*}}) outs(%[[Y]]
// CHECK:   dl.next
// STEP-LABEL: func.func @sums(
// STEP: call @dlc.run
// STEP: cf.br ^[[HEADER:.*]](%
// STEP: ^[[HEADER]](%{{.*}}: i64):
// STEP: arith.cmpi slt
// STEP: cf.cond_br
// STEP: call @dlc.run
func.func @sums(%xs: tensor<3x4xf32> {dl.role = "input", dl.name = "xs"}) -> (tensor<4xf32> {dl.name = "y"}) {
  %zero = dl.constant dense<0.0> : tensor<4xf32>
  %y = dl.scan 3 carry (%zero) slices (%xs) invariants () {
  ^bb0(%i: tensor<i64>, %c: tensor<4xf32>, %x: tensor<4xf32>):
    %d = dl.add %c, %x : tensor<4xf32>
    dl.yield %d : tensor<4xf32>
  } : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A product reads what it replaces: two buffers change places. A copy brings the last one to the output.
// CHECK-LABEL: func.func @powers
// CHECK: %[[L:.*]]:2 = dl.loop times 5 carried(%{{.*}}, %{{.*}})
// CHECK: ^bb0(%{{.*}}: i64, %[[A:.*]]: memref<4x4xf32>, %[[B:.*]]: memref<4x4xf32>):
// CHECK:   dl.kernel "product" contract ins(%[[A]], %{{.*}}) outs(%[[B]]
// CHECK:   dl.next(%[[B]], %[[A]]
// CHECK: dl.kernel "copy{{.*}}" map ins(%[[L]]#0 {{.*}}) outs(%arg4
func.func @powers(%x: tensor<4x4xf32> {dl.role = "input", dl.name = "x"}, %w: tensor<4x4xf32> {dl.role = "input", dl.name = "w"}) -> (tensor<4x4xf32> {dl.name = "y"}) {
  %y = dl.scan 5 carry (%x) slices () invariants (%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<4x4xf32>, %m: tensor<4x4xf32>):
    %d = dl.contract "mk,kn->mn" %c, %m : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
    dl.yield %d : tensor<4x4xf32>
  } : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

// Both sides write the result where it belongs.
// CHECK-LABEL: func.func @branch
// CHECK: dl.branch %arg2 : memref<i1> {
// CHECK:   dl.kernel "copy" map ins(%arg3 : memref<100xf32>) outs(%arg4
// CHECK: } else {
// CHECK:   dl.kernel "prepare" map ins(%arg3 : memref<100xf32>) outs(%arg4
func.func @branch(%m: tensor<i1> {dl.role = "input", dl.name = "m"}, %x: tensor<100xf32> {dl.role = "input", dl.name = "x"}) -> (tensor<100xf32> {dl.name = "y"}) {
  %y = dl.if %m, (%x) {
  ^bb0(%a: tensor<100xf32>):
    dl.yield %a : tensor<100xf32>
  } else {
  ^bb0(%a: tensor<100xf32>):
    %b = dl.neg %a : tensor<100xf32>
    dl.yield %b : tensor<100xf32>
  } : (tensor<i1>, tensor<100xf32>) -> tensor<100xf32>
  return %y : tensor<100xf32>
}

// -----

// The condition's kernels, the way out, the body's kernels.
// CHECK-LABEL: func.func @until
// CHECK: dl.loop {
// CHECK:   dl.kernel {{.*}} outs(%[[FLAG:.*]] : memref<i1>)
// CHECK:   dl.exit unless %[[FLAG]]
// CHECK:   dl.kernel
// CHECK:   dl.next
func.func @until(%x: tensor<f32> {dl.role = "input", dl.name = "x"}, %limit: tensor<f32> {dl.role = "input", dl.name = "l"}) -> (tensor<f32> {dl.name = "y"}) {
  %y = dl.while carry (%x) invariants (%limit) {
  ^bb0(%a: tensor<f32>, %l: tensor<f32>):
    %c = dl.compare lt %a, %l : tensor<f32> -> tensor<i1>
    dl.yield %c : tensor<i1>
  } do {
  ^bb0(%a: tensor<f32>, %l: tensor<f32>):
    %b = dl.add %a, %a : tensor<f32>
    dl.yield %b : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// A print is no kernel: the step asks its context. It stands where the program has it, before the check behind it.
// CHECK-LABEL: func.func @prints
// CHECK: dl.kernel "print" print ins(%arg2 : memref<4xi64>) outs()
// CHECK: dl.kernel "check_i" check
// CHECK: dl.kernel "print_2" print ins() outs()
// STEP-LABEL: func.func @prints(
// STEP: llvm.icmp "ne"
// STEP: cf.cond_br
// STEP: llvm.call %{{.*}}({{.*}}) : !llvm.ptr, (!llvm.ptr, i64, !llvm.ptr) -> ()
// STEP: call @dlc.run
// STEP: llvm.call
func.func @prints(%i: tensor<4xi64> {dl.role = "input", dl.name = "i"}) -> (tensor<4xi64> {dl.name = "j"}) {
  dl.print [["i"], ["", ""]] (%i) : tensor<4xi64>
  %j = dl.check_index %i below 9 what "i" : tensor<4xi64>
  dl.print [["fine"]]
  return %j : tensor<4xi64>
}
