/* SPDX-License-Identifier: GPL-2.0-only */
/* script/grid.h - the grid: a cell for each state and event of RFC 9293 3.10, and the scripts in it. */
#ifndef SCRIPT_GRID_H
#define SCRIPT_GRID_H

#include <stdbool.h>

/* Prints the table of a grid's folder: how many scripts stand in each cell, x: none, -: there is no such cell.
 * 0; complete: 1 while an x is left; also 1 if a script stands in no cell or cites another clause than its cell's;
 * 2: the folder or its cells.tsv cannot be read. */
int grid_table(const char *folder, bool complete);

#endif
