"""Are two kernels equal for all inputs? Exact dataflow, and values as functions of the outputs' elements."""
