// RUN: dlc-opt %s --dl-expand-grad | FileCheck %s

// d exp(x)^2 = 2 exp(x) exp(x); the values stand before the cotangents.
// CHECK-LABEL: func.func @values_and_cotangents
// CHECK-NOT: dl.grad
// CHECK: %[[E:.*]] = dl.exp %arg0
// CHECK: %[[Y:.*]] = dl.mul %[[E]], %[[E]]
// CHECK: %[[DE:.*]] = dl.add
// CHECK: %[[DX:.*]] = dl.mul %[[DE]], %[[E]]
// CHECK: return %[[Y]], %[[DX]]
func.func @values_and_cotangents(%x: tensor<4xf32>, %dy: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y, %dx = dl.grad (%x), (%dy) aux 0 {
  ^bb0(%u: tensor<4xf32>):
    %e = dl.exp %u : tensor<4xf32>
    %s = dl.mul %e, %e : tensor<4xf32>
    dl.yield %s : tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %y, %dx : tensor<4xf32>, tensor<4xf32>
}

// What the region captures is a constant to it, even the input's own value: d (u * x) = x. What does not depend on the
// input, like the second one here, has the gradient zero. The auxiliary value is not differentiated.
// CHECK-LABEL: func.func @captured
// CHECK: %[[Y:.*]] = dl.mul %arg0, %arg0
// CHECK: %[[AUX:.*]] = dl.exp %arg0
// CHECK-NOT: dl.exp
// CHECK: %[[DX:.*]] = dl.mul %arg1, %arg0
// CHECK: %[[ZERO:.*]] = dl.constant dense<0.000000e+00>
// CHECK: return %[[DX]], %[[ZERO]], %[[AUX]]
func.func @captured(%x: tensor<4xf32>, %dy: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %y, %aux, %dx, %dz = dl.grad (%x, %dy), (%dy) aux 1 {
  ^bb0(%u: tensor<4xf32>, %v: tensor<4xf32>):
    %s = dl.mul %u, %x : tensor<4xf32>
    %e = dl.exp %u : tensor<4xf32>
    dl.yield %s, %e : tensor<4xf32>, tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %dx, %dz, %aux : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A gradient of a gradient: the second derivative of sin is -sin.
// CHECK-LABEL: func.func @second
// CHECK-NOT: dl.grad
// CHECK: dl.cos
// CHECK: dl.sin
// CHECK: dl.neg
// CHECK-NOT: dl.grad
func.func @second(%x: tensor<f32>) -> tensor<f32> {
  %one = dl.constant dense<1.0> : tensor<f32>
  %d, %dd = dl.grad (%x), (%one) aux 0 {
  ^bb0(%u: tensor<f32>):
    %s, %ds = dl.grad (%u), (%one) aux 0 {
    ^bb0(%v: tensor<f32>):
      %t = dl.sin %v : tensor<f32>
      dl.yield %t : tensor<f32>
    } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
    dl.yield %ds : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dd : tensor<f32>
}

// An input that is also the value: its cotangent is the value's.
// CHECK-LABEL: func.func @identity
// CHECK-NEXT: return %arg0, %arg1
func.func @identity(%x: tensor<4xf32>, %dy: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y, %dx = dl.grad (%x), (%dy) aux 0 {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %y, %dx : tensor<4xf32>, tensor<4xf32>
}

// Inside a loop's body too.
// CHECK-LABEL: func.func @in_a_loop
// CHECK: dl.scan
// CHECK-NOT: dl.grad
// CHECK: dl.cos
// CHECK: dl.yield
func.func @in_a_loop(%x: tensor<f32>) -> tensor<f32> {
  %y = dl.scan 3 carry (%x) slices () invariants () {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>):
    %one = dl.constant dense<1.0> : tensor<f32>
    %s, %ds = dl.grad (%c), (%one) aux 0 {
    ^bb0(%v: tensor<f32>):
      %t = dl.sin %v : tensor<f32>
      dl.yield %t : tensor<f32>
    } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
    dl.yield %ds : tensor<f32>
  } : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// Without a gradient nothing happens.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT: dl.sin %arg0
// CHECK-NEXT: return
func.func @nothing(%x: tensor<f32>) -> tensor<f32> {
  %y = dl.sin %x : tensor<f32>
  return %y : tensor<f32>
}

// The rule of a function that is called stands in the place of a call, its own gradients taken before: so it can be
// differentiated again.
// CHECK-LABEL: func.func @by_rule
// CHECK-NOT: dl.grad
// CHECK: dl.call @cube
// CHECK-NOT: dl.call
// CHECK: return
func.func @by_rule(%x: tensor<f32>) -> tensor<f32> {
  %one = dl.constant dense<1.0> : tensor<f32>
  %d, %dd = dl.grad (%x), (%one) aux 0 {
  ^bb0(%u: tensor<f32>):
    %s, %ds = dl.grad (%u), (%one) aux 0 {
    ^bb0(%v: tensor<f32>):
      %t = dl.call @cube(%v) : (tensor<f32>) -> tensor<f32>
      dl.yield %t : tensor<f32>
    } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
    dl.yield %ds : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dd : tensor<f32>
}

func.func private @cube(%x: tensor<f32>) -> tensor<f32> attributes {dl.derivative = @cube_rule} {
  %a = dl.mul %x, %x : tensor<f32>
  %b = dl.mul %a, %x : tensor<f32>
  return %b : tensor<f32>
}

func.func private @cube_rule(%x: tensor<f32>, %y: tensor<f32>, %dy: tensor<f32>) -> tensor<f32> {
  %z, %dx = dl.grad (%x), (%dy) aux 0 {
  ^bb0(%u: tensor<f32>):
    %a = dl.mul %u, %u : tensor<f32>
    %b = dl.mul %a, %u : tensor<f32>
    dl.yield %b : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dx : tensor<f32>
}

// Forwards nothing is saved: a loop without a bound carries the tangent of what it changes beside it, and runs once.
// CHECK-LABEL: func.func @forwards
// CHECK-NOT: dl.jvp
// CHECK: %[[Y:.*]]:2 = dl.while carry(%arg0, %arg1) invariants(%arg2) {
// CHECK: ^bb0(%[[U:.*]]: tensor<f32>, %{{.*}}: tensor<f32>, %[[L:.*]]: tensor<f32>):
// CHECK:   dl.compare lt %[[U]], %[[L]]
// CHECK: } do {
// CHECK:   dl.print
// CHECK-NOT: dl.print
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @forwards(%x: tensor<f32>, %dx: tensor<f32>, %limit: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %y, %dy = dl.jvp (%x), (%dx) {
  ^bb0(%u: tensor<f32>):
    %z = dl.while carry(%u) invariants(%limit) {
    ^bb0(%c: tensor<f32>, %l: tensor<f32>):
      %more = dl.compare lt %c, %l : tensor<f32> -> tensor<i1>
      dl.yield %more : tensor<i1>
    } do {
    ^bb0(%c: tensor<f32>, %l: tensor<f32>):
      dl.print [["", ""]] (%c) : tensor<f32>
      %n = dl.mul %c, %c : tensor<f32>
      dl.yield %n : tensor<f32>
    } : (tensor<f32>, tensor<f32>) -> tensor<f32>
    dl.yield %z : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %y, %dy : tensor<f32>, tensor<f32>
}
