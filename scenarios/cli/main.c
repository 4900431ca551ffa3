/* SPDX-License-Identifier: GPL-2.0-only */
/* The program `flue`. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
