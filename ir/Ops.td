// Every operation of the dialect, family by family.
include "ir/Elementwise.td"
include "ir/Contraction.td"
include "ir/Reduction.td"
include "ir/Shape.td"
include "ir/Indexing.td"
include "ir/Control.td"
include "ir/Random.td"
include "ir/Kernel.td"
