// RUN: dlc-opt %s --dl-plan-buffers | FileCheck %s
// RUN: dlc-opt %s --dl-plan-buffers="reuse=false in-place=false" | FileCheck %s --check-prefix=PLAIN

// Slots begin at multiples of 64 bytes, padding of rows included. The reader of the old value runs before the kernel that
// writes over it, though the program has it after.
// CHECK-LABEL: func.func @update(
// CHECK-SAME: %arg0: memref<576xi8>, %arg1: memref<64xi8>, %arg2: memref<4x3xf32>, %arg3: memref<f32>, %arg4: memref<0xi8>)
// CHECK-SAME: dl.inputs = ["x"], dl.outputs = ["sum"]
// CHECK-SAME: {block = "param", name = "b", offset = 0 : i64, type = tensor<3xf32>}
// CHECK-SAME: {block = "param", name = "w", offset = 64 : i64, type = tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>>}
// CHECK-SAME: {block = "state", name = "m.b", offset = 0 : i64, type = tensor<3xf32>}
// CHECK: %[[W:.*]] = dl.buffer %arg0 at 64 : memref<576xi8> -> memref<4x3xf32, strided<[1, 40]>>
// CHECK: dl.kernel "sum" map ins(%[[W]] {{.*}} outs(%arg3
// CHECK: dl.kernel "w_update" map ins(%[[W]], %arg2 {{.*}} outs(%[[W]]
// CHECK-NOT: dl.kernel
// PLAIN-LABEL: func.func @update(
// PLAIN: dl.kernel "w_update" map ins(%[[W:.*]], %arg2 {{.*}} outs(%[[NEW:[0-9a-z%]*]] :
// PLAIN: dl.kernel "sum"
// PLAIN: dl.kernel "replace_w" map ins(%[[NEW]] {{.*}} outs(%[[W]] :
func.func @update(%b: tensor<3xf32> {dl.role = "param", dl.name = "b"},
                  %w: tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>> {dl.role = "param", dl.name = "w"},
                  %m: tensor<3xf32> {dl.role = "state", dl.name = "m.b"},
                  %x: tensor<4x3xf32> {dl.role = "input", dl.name = "x"})
    -> (tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>> {dl.updates = 1 : i64}, tensor<f32> {dl.name = "sum"}) {
  %0 = dl.kernel "w_update" map ins(%w, %x : tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>>, tensor<4x3xf32>) outs() {
  ^bb0(%a: tensor<4x3xf32>, %c: tensor<4x3xf32>):
    %d = dl.sub %a, %c : tensor<4x3xf32>
    dl.yield %d : tensor<4x3xf32>
  } -> tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>>
  %1 = dl.kernel "sum" map ins(%w : tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>>) outs() {
  ^bb0(%a: tensor<4x3xf32>):
    %s = dl.reduce sum %a over [0, 1] : tensor<4x3xf32> -> tensor<f32>
    dl.yield %s : tensor<f32>
  } -> tensor<f32>
  return %0, %1 : tensor<4x3xf32, #dl.layout<order = [1, 0], row = 40>>, tensor<f32>
}

// Two parameters that change places: one old value is kept aside.
// CHECK-LABEL: func.func @swap(
// CHECK: dl.kernel "second" map ins(%[[A:.*]] : memref<4xf32>) outs(%[[KEPT:.*]] :
// CHECK: dl.kernel "first" map ins(%[[B:.*]] : memref<4xf32>) outs(%[[A]] :
// CHECK: dl.kernel "replace_b" map ins(%[[KEPT]] : memref<4xf32>) outs(%[[B]] :
func.func @swap(%a: tensor<4xf32> {dl.role = "param", dl.name = "a"}, %b: tensor<4xf32> {dl.role = "param", dl.name = "b"})
    -> (tensor<4xf32> {dl.updates = 0 : i64}, tensor<4xf32> {dl.updates = 1 : i64}) {
  %0 = dl.kernel "first" map ins(%b : tensor<4xf32>) outs() {
  ^bb0(%x: tensor<4xf32>):
    dl.yield %x : tensor<4xf32>
  } -> tensor<4xf32>
  %1 = dl.kernel "second" map ins(%a : tensor<4xf32>) outs() {
  ^bb0(%x: tensor<4xf32>):
    dl.yield %x : tensor<4xf32>
  } -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// Names of copies are letters, digits and underscores, also those of parameters that differ in nothing else.
// CHECK-LABEL: func.func @names(
// CHECK: dl.kernel "replace_w_0" map
// CHECK: dl.kernel "replace_w_0_2" map
func.func @names(%a: tensor<4x4xf32> {dl.role = "param", dl.name = "w.0"}, %b: tensor<4x4xf32> {dl.role = "param", dl.name = "w/0"})
    -> (tensor<4x4xf32> {dl.updates = 0 : i64}, tensor<4x4xf32> {dl.updates = 1 : i64}) {
  %0:2 = dl.kernel "turn" map ins(%a, %b : tensor<4x4xf32>, tensor<4x4xf32>) outs() {
  ^bb0(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>):
    %s = dl.transpose %x by [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32>
    %t = dl.transpose %y by [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32>
    dl.yield %s, %t : tensor<4x4xf32>, tensor<4x4xf32>
  } -> tensor<4x4xf32>, tensor<4x4xf32>
  return %0#0, %0#1 : tensor<4x4xf32>, tensor<4x4xf32>
}

// A kernel that reads other elements of the old value cannot write over it.
// CHECK-LABEL: func.func @transposed(
// CHECK: dl.kernel "w_update" map ins(%[[W:.*]] : memref<4x4xf32>) outs(%[[NEW:.*]] :
// CHECK: dl.kernel "replace_w" map ins(%[[NEW]] : memref<4x4xf32>) outs(%[[W]] :
func.func @transposed(%w: tensor<4x4xf32> {dl.role = "param", dl.name = "w"}) -> (tensor<4x4xf32> {dl.updates = 0 : i64}) {
  %0 = dl.kernel "w_update" map ins(%w : tensor<4x4xf32>) outs() {
  ^bb0(%x: tensor<4x4xf32>):
    %t = dl.transpose %x by [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32>
    dl.yield %t : tensor<4x4xf32>
  } -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// Checks come early. The second intermediate lies where the first one lay, which is dead by then.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %arg5: memref<512xi8>)
// CHECK-SAME: dl.checks = [{limit = 9 : i64, location = {{[^,]*}}, what = "label"}]
// CHECK: %[[FIRST:.*]] = dl.buffer %arg5 at 0
// CHECK: %[[SECOND:.*]] = dl.buffer %arg5 at 256
// CHECK: %[[THIRD:.*]] = dl.buffer %arg5 at 0
// CHECK: dl.kernel "check_label" check ins(%arg3
// CHECK: dl.kernel "one" map ins(%arg2 {{.*}} outs(%[[FIRST]]
// CHECK: dl.kernel "two" map ins(%[[FIRST]] {{.*}} outs(%[[SECOND]]
// CHECK: dl.kernel "three" map ins(%[[SECOND]] {{.*}} outs(%[[THIRD]]
// CHECK: dl.kernel "four" map ins(%[[THIRD]] {{.*}} outs(%arg4
// PLAIN-LABEL: func.func @chain(
// PLAIN-SAME: %arg5: memref<768xi8>)
func.func @chain(%x: tensor<64xf32> {dl.role = "input", dl.name = "x"}, %l: tensor<4xi64> {dl.role = "input", dl.name = "l"})
    -> (tensor<64xf32> {dl.name = "y"}) {
  %0 = dl.kernel "one" map ins(%x : tensor<64xf32>) outs() {
  ^bb0(%a: tensor<64xf32>):
    %b = dl.exp %a : tensor<64xf32>
    dl.yield %b : tensor<64xf32>
  } -> tensor<64xf32>
  dl.kernel "check_label" check ins(%l : tensor<4xi64>) outs() {
  ^bb0(%a: tensor<4xi64>):
    %b = dl.check_index %a below 9 what "label" : tensor<4xi64>
    dl.yield
  }
  %1 = dl.kernel "two" map ins(%0 : tensor<64xf32>) outs() {
  ^bb0(%a: tensor<64xf32>):
    %b = dl.exp %a : tensor<64xf32>
    dl.yield %b : tensor<64xf32>
  } -> tensor<64xf32>
  %2 = dl.kernel "three" map ins(%1 : tensor<64xf32>) outs() {
  ^bb0(%a: tensor<64xf32>):
    %b = dl.exp %a : tensor<64xf32>
    dl.yield %b : tensor<64xf32>
  } -> tensor<64xf32>
  %3 = dl.kernel "four" map ins(%2 : tensor<64xf32>) outs() {
  ^bb0(%a: tensor<64xf32>):
    %b = dl.exp %a : tensor<64xf32>
    dl.yield %b : tensor<64xf32>
  } -> tensor<64xf32>
  return %3 : tensor<64xf32>
}

// What reads a value that is checked waits for the check, wherever it stands.
// CHECK-LABEL: func.func @checked(
// CHECK: dl.kernel "labels"
// CHECK: dl.kernel "check_label"
// CHECK: dl.kernel "rows"
func.func @checked(%x: tensor<64xf32> {dl.role = "input", dl.name = "x"}, %l: tensor<64xi32> {dl.role = "input", dl.name = "l"})
    -> (tensor<64xf32> {dl.name = "y"}) {
  %0 = dl.kernel "labels" map ins(%l : tensor<64xi32>) outs() {
  ^bb0(%a: tensor<64xi32>):
    %b = dl.add %a, %a : tensor<64xi32>
    dl.yield %b : tensor<64xi32>
  } -> tensor<64xi32>
  %1 = dl.kernel "rows" map ins(%x, %0 : tensor<64xf32>, tensor<64xi32>) outs() {
  ^bb0(%a: tensor<64xf32>, %b: tensor<64xi32>):
    %c = dl.gather %a at %b along 0 : tensor<64xf32>, tensor<64xi32> -> tensor<64xf32>
    dl.yield %c : tensor<64xf32>
  } -> tensor<64xf32>
  dl.kernel "check_label" check ins(%0 : tensor<64xi32>) outs() {
  ^bb0(%a: tensor<64xi32>):
    %b = dl.check_index %a below 64 what "label" : tensor<64xi32>
    dl.yield
  }
  return %1 : tensor<64xf32>
}

// Nothing to do, and a parameter that stays as it is.
// CHECK-LABEL: func.func @nothing(%arg0: memref<64xi8>, %arg1: memref<0xi8>, %arg2: memref<0xi8>)
// CHECK-NEXT: dl.buffer
// CHECK-NEXT: return
func.func @nothing(%a: tensor<4xf32> {dl.role = "param", dl.name = "a"}) -> (tensor<4xf32> {dl.updates = 0 : i64}) {
  return %a : tensor<4xf32>
}

// A buffer of no elements has steps of 1, for MLIR refuses some of 0.
// CHECK-LABEL: func.func @empty(
// CHECK-SAME: %arg2: memref<2x0xf32, strided<[1, 1]>>
// CHECK: dl.buffer %arg0 at 0 : memref<0xi8> -> memref<0x3xf32, strided<[1, 1]>>
func.func @empty(%w: tensor<0x3xf32> {dl.role = "param", dl.name = "w"},
                 %x: tensor<2x0xf32> {dl.role = "input", dl.name = "x"}) -> (tensor<2x3xf32> {dl.name = "y"}) {
  %0 = dl.kernel "w_product" contract ins(%x, %w : tensor<2x0xf32>, tensor<0x3xf32>) outs() {
  ^bb0(%a: tensor<2x0xf32>, %b: tensor<0x3xf32>):
    %y = dl.contract "nk,km->nm" %a, %b : tensor<2x0xf32>, tensor<0x3xf32> -> tensor<2x3xf32>
    dl.yield %y : tensor<2x3xf32>
  } -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
