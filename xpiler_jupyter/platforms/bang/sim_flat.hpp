// The tolerant simulator: no checks of operands, and weights in WRAM as a text loads them, without reordering.
#pragma once
#define XRT_FLAT 1
#define XRT_WRAM_ROW_MAJOR 1
#include "sim.hpp"

// On the device a core's memory goes on behind an array. Room between the simulated memories stands for that.
static __attribute__((section("xrt_nram"), used, aligned(64))) char xrt_first[64];
static __attribute__((section("xrt_wram"), used, aligned(64))) char xrt_behind_nram[128 << 10];
static __attribute__((section("xrt_sram"), used, aligned(64))) char xrt_behind_wram[128 << 10];
