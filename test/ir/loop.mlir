// Loops and branches on buffers read and print the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @loop
func.func @loop(%xs: memref<5x4xf32>, %a: memref<4xf32>, %b: memref<4xf32>, %cell: memref<i64>, %done: memref<i1>) {
  // CHECK: %[[R:.*]]:2 = dl.loop times 5 reverse cell %{{.*}} : memref<i64> carried(%{{.*}}, %{{.*}}) : memref<4xf32>, memref<4xf32> {
  // CHECK: ^bb0(%[[I:.*]]: i64, %[[A:.*]]: memref<4xf32>, %[[B:.*]]: memref<4xf32>):
  %r:2 = dl.loop times 5 reverse cell %cell : memref<i64> carried(%a, %b) : memref<4xf32>, memref<4xf32> {
  ^bb0(%i: i64, %p: memref<4xf32>, %q: memref<4xf32>):
    // CHECK: dl.entry %{{.*}}[%[[I]]] : memref<5x4xf32> -> memref<4xf32>
    %x = dl.entry %xs[%i] : memref<5x4xf32> -> memref<4xf32>
    // CHECK: dl.next(%[[B]], %[[A]] : memref<4xf32>, memref<4xf32>) until %{{.*}} : memref<i1>
    dl.next(%q, %p : memref<4xf32>, memref<4xf32>) until %done : memref<i1>
  } -> memref<4xf32>, memref<4xf32>
  // CHECK: dl.loop {
  dl.loop {
  ^bb0(%i: i64):
    // CHECK: dl.exit unless %{{.*}} : memref<i1>
    dl.exit unless %done : memref<i1>
    // CHECK: dl.next{{$}}
    dl.next
  }
  return
}

// A stack whose rows are padded: an entry keeps the strides inside.
// CHECK-LABEL: @padded
func.func @padded(%xs: memref<5x4x6xf32, strided<[64, 16, 1]>>) {
  dl.loop times 5 {
  ^bb0(%i: i64):
    // CHECK: memref<5x4x6xf32, strided<[64, 16, 1]>> -> memref<4x6xf32, strided<[16, 1]>>
    %x = dl.entry %xs[%i] : memref<5x4x6xf32, strided<[64, 16, 1]>> -> memref<4x6xf32, strided<[16, 1]>>
    dl.next
  }
  return
}

// CHECK-LABEL: @branch
func.func @branch(%c: memref<i1>) {
  // CHECK: dl.branch %{{.*}} : memref<i1> {
  // CHECK: } else {
  dl.branch %c : memref<i1> {
  } else {
  }
  return
}
