// RUN: dlc-opt %s -split-input-file -verify-diagnostics

func.func @entry(%x: memref<f32>) {
  dl.loop times 2 {
  ^bb0(%i: i64):
    // expected-error @+1 {{stack is 'memref<f32>', expected a leading axis and static strides}}
    %e = dl.entry %x[%i] : memref<f32> -> memref<f32>
    dl.next
  }
  return
}

// -----

func.func @shape(%x: memref<4x3xf32>) {
  dl.loop times 2 {
  ^bb0(%i: i64):
    // expected-error @+1 {{result is 'memref<4xf32>', expected 'memref<3xf32>', an entry of the stack}}
    %e = dl.entry %x[%i] : memref<4x3xf32> -> memref<4xf32>
    dl.next
  }
  return
}

// -----

func.func @backwards() {
  // expected-error @+1 {{counts down from no length}}
  dl.loop reverse {
  ^bb0(%i: i64):
    dl.next
  }
  return
}

// -----

func.func @negative() {
  // expected-error @+1 {{runs -1 times, expected at least 0}}
  dl.loop times -1 {
  ^bb0(%i: i64):
    dl.next
  }
  return
}

// -----

func.func @cell(%c: memref<i32>) {
  // expected-error @+1 {{cell is 'memref<i32>', expected `memref<i64>`}}
  dl.loop times 3 cell %c : memref<i32> {
  ^bb0(%i: i64):
    dl.next
  }
  return
}

// -----

func.func @arguments() {
  // expected-error @+1 {{expected an i64 and what it carries}}
  dl.loop times 3 {
  ^bb0(%i: i32):
    dl.next
  }
  return
}

// -----

func.func @carried(%a: memref<4xf32>, %b: memref<3xf32>) {
  %r = dl.loop times 3 carried(%a) : memref<4xf32> {
  ^bb0(%i: i64, %x: memref<4xf32>):
    // expected-error @+1 {{hands on 'memref<3xf32>', expected what the loop carries: 'memref<4xf32>'}}
    dl.next(%b : memref<3xf32>)
  } -> memref<4xf32>
  return
}

// -----

func.func @flag(%a: memref<2xi1>) {
  dl.loop times 3 {
  ^bb0(%i: i64):
    // expected-error @+1 {{flag is 'memref<2xi1>', expected `memref<i1>`}}
    dl.next until %a : memref<2xi1>
  }
  return
}

// -----

func.func @exit(%a: memref<i8>) {
  dl.loop {
  ^bb0(%i: i64):
    // expected-error @+1 {{flag is 'memref<i8>', expected `memref<i1>`}}
    dl.exit unless %a : memref<i8>
    dl.next
  }
  return
}

// -----

func.func @branch(%a: memref<i8>) {
  // expected-error @+1 {{flag is 'memref<i8>', expected `memref<i1>`}}
  dl.branch %a : memref<i8> {
  } else {
  }
  return
}
