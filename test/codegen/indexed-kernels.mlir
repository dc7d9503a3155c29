// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s

// A check looks at vectors of labels, and searches for the first bad one only when there is one.
// CHECK-LABEL: func.func private @step.check_label(
// CHECK: llvm.load {{.*}} -> vector<8xi8>
// CHECK: %[[ANY:.*]] = vector.reduction <or>
// CHECK: scf.if %[[ANY]]
// CHECK:   scf.for
// CHECK: return

// Rows of a table are read as vectors at addresses that the index gives.
// CHECK-LABEL: func.func private @step.embed(
// CHECK: llvm.load {{.*}} -> i64
// CHECK: llvm.load {{.*}} -> vector<8xf32>
// CHECK: return

// The adjoint adds update after update, in order, a vector of each row at a time.
// CHECK-LABEL: func.func private @step.embed_back(
// CHECK: scf.for
// CHECK:   scf.for
// CHECK:   scf.for
// CHECK:     arith.addf {{.*}} : vector<8xf32>
// CHECK: return

// Running sums carry a vector where the sum does not run along the lanes.
// CHECK-LABEL: func.func private @step.running(
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf64>)
// CHECK: return
func.func @step(%params: memref<0xi8>, %state: memref<0xi8>, %label: memref<64xui8>, %i: memref<6xi64>, %table: memref<9x32xf32>,
                %out: memref<6x32xf32>, %back: memref<9x32xf32>, %run: memref<6x32xf32>, %arena: memref<0xi8>)
    attributes {dl.slots = [], dl.inputs = ["label", "i", "table"], dl.outputs = ["out", "back", "run"],
                dl.checks = [{what = "label", limit = 10 : i64, location = "here"}]} {
  dl.kernel "check_label" check ins(%label : memref<64xui8>) outs() {
  ^bb0(%a: tensor<64xui8>):
    %b = dl.check_index %a below 10 what "label" : tensor<64xui8>
    dl.yield
  }
  dl.kernel "embed" map ins(%table, %i : memref<9x32xf32>, memref<6xi64>) outs(%out : memref<6x32xf32>) {
  ^bb0(%t: tensor<9x32xf32>, %j: tensor<6xi64>):
    %e = dl.gather %t at %j along 0 : tensor<9x32xf32>, tensor<6xi64> -> tensor<6x32xf32>
    dl.yield %e : tensor<6x32xf32>
  }
  dl.kernel "embed_back" scatter ins(%table, %i, %out : memref<9x32xf32>, memref<6xi64>, memref<6x32xf32>) outs(%back : memref<9x32xf32>) {
  ^bb0(%t: tensor<9x32xf32>, %j: tensor<6xi64>, %u: tensor<6x32xf32>):
    %e = dl.scatter_add %t at %j with %u along 0 : tensor<9x32xf32>, tensor<6xi64>, tensor<6x32xf32>
    dl.yield %e : tensor<9x32xf32>
  }
  dl.kernel "running" cumulative ins(%out : memref<6x32xf32>) outs(%run : memref<6x32xf32>) {
  ^bb0(%t: tensor<6x32xf32>):
    %e = dl.cumulative sum %t along 0 : tensor<6x32xf32>
    dl.yield %e : tensor<6x32xf32>
  }
  return
}
