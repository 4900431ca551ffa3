/* SPDX-License-Identifier: GPL-2.0-only */
/* ns-3's test runner, with the suites that are linked. */
#include "ns3/test.h"

int
main(int argc, char* argv[])
{
    return ns3::TestRunner::Run(argc, argv);
}
