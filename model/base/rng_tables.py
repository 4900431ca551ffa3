#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints rng_tables.h: log2 on [1, 2] and 2^x on [0, 1], rounded to integers.  Run: python3 rng_tables.py > rng_tables.h"""
from decimal import Decimal, getcontext

getcontext().prec = 50
STEPS = 1024
LN2 = Decimal(2).ln()


def table(name, values):
    print(f"static const uint32_t {name}[{STEPS + 1}] = {{")
    values = [f"{v}u" for v in values]
    for i in range(0, len(values), 8):
        print("    " + ", ".join(values[i:i + 8]) + ",")
    print("};")


def nearest(x):
    return int(x.to_integral_value())


print("/* SPDX-License-Identifier: GPL-2.0-only */")
print("/* base/rng_tables.h - made by rng_tables.py; included by rng.c only. */")
print("#ifndef FLUE_BASE_RNG_TABLES_H\n#define FLUE_BASE_RNG_TABLES_H\n\n#include <stdint.h>\n")
print(f"#define TABLE_BITS 10u\n\n/* ln 2 x 2^25. */\n#define LN2_Q25 UINT64_C({nearest(LN2 * 2**25)})\n")
print("/* log2(1 + i / 1024) x 2^31. */")
table("log2_q31", [nearest((1 + Decimal(i) / STEPS).ln() / LN2 * 2**31) for i in range(STEPS + 1)])
print("\n/* 2^(i / 1024) x 2^30. */")
table("exp2_q30", [nearest((LN2 * i / STEPS).exp() * 2**30) for i in range(STEPS + 1)])
print("\n#endif")
