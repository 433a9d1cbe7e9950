// The tolerant simulator: no checks of operands, and weights in WRAM as a text loads them, without reordering.
#pragma once
#define XRT_FLAT 1
#define XRT_WRAM_ROW_MAJOR 1
#include "sim.hpp"
