// RUN: dlc-opt %s --dl-to-planned -split-input-file -verify-diagnostics

// The pipeline begins with a graph: what is fused already is refused.
func.func @fused(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{`dl.kernel` does not occur at stage `graph`}}
  %0 = dl.kernel "exp" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%a: tensor<4xf32>):
    %b = dl.exp %a : tensor<4xf32>
    dl.yield %b : tensor<4xf32>
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A value without a gradient on the way is an error of the program.
func.func @loop(%x: tensor<f32>) -> tensor<f32> {
  %one = dl.constant dense<1.0> : tensor<f32>
  %y, %dx = dl.grad (%x), (%one) aux 0 {
  ^bb0(%u: tensor<f32>):
    // expected-error @+1 {{no gradient: `while` (bound it by a `for`)}}
    %z = dl.while carry (%u) invariants () {
    ^bb0(%a: tensor<f32>):
      %limit = dl.constant dense<9.0> : tensor<f32>
      %more = dl.compare lt %a, %limit : tensor<f32> -> tensor<i1>
      dl.yield %more : tensor<i1>
    } do {
    ^bb0(%a: tensor<f32>):
      %b = dl.add %a, %a : tensor<f32>
      dl.yield %b : tensor<f32>
    } : (tensor<f32>) -> tensor<f32>
    dl.yield %z : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dx : tensor<f32>
}

// -----

// A rule that is computed by the rule is none.
func.func private @f(%x: tensor<f32>) -> tensor<f32> attributes {dl.derivative = @rule} {
  return %x : tensor<f32>
}
func.func private @rule(%x: tensor<f32>, %y: tensor<f32>, %dy: tensor<f32>) -> tensor<f32> {
  %z, %dx = dl.grad (%x), (%dy) aux 0 {
  ^bb0(%u: tensor<f32>):
    // expected-error @+1 {{no gradient: `f` (its rule `rule` takes a gradient that needs the rule)}}
    %a = dl.call @f(%u) : (tensor<f32>) -> tensor<f32>
    dl.yield %a : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dx : tensor<f32>
}
