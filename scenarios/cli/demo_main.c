/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/demo.h"
int demo_main(void)
{
    return 0;
}
