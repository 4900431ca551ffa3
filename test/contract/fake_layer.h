/* SPDX-License-Identifier: GPL-2.0-only */
/* What scripted drivers of one layer have in common, whatever they play. */
#ifndef FLUE_TEST_FAKE_LAYER_H
#define FLUE_TEST_FAKE_LAYER_H

#include "flue/ndischimney.h"

/* Inside a SetOptions handler: of the two structures those that `options` names, 1 the generic one, 2 that of TCP; a
 * driver that registers one only is what D-53 and CH-324 are about. */
NDIS_STATUS fake_set_provider(NDIS_HANDLE driver, const struct flue_provider_handlers *handlers, unsigned options);
NDIS_STATUS fake_set_client(NDIS_HANDLE driver, const struct flue_client_handlers *handlers, unsigned options);

#endif
