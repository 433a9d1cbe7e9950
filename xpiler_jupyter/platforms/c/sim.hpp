// Plain C: the text is a C++ function of the C ABI; it needs only the names that every text may take for granted.
#pragma once
#include "kernel.h"
