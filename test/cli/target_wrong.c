/* SPDX-License-Identifier: GPL-2.0-only */
/* Libraries that `flue run --target` refuses; WRONG says what is wrong with this one. */
#include "flue/provider.h"

enum { NO_SYMBOL, NOTHING, OLD, CHECKED, HOLLOW, NAMELESS, UNRESOLVED, UNWILLING, DATA };

#if WRONG == 0
extern int target_without_a_face;
int target_without_a_face;
#elif WRONG == 8
extern int target_of_data __asm__("flue_provider");
int target_of_data = 1;
#else

#if WRONG == 6
extern int flue_no_such_function(void);
#endif

static flue_err create(const struct flue_provider_world *world, void **adapter, NDIS_HANDLE *miniport)
{
    (void)world;
    *adapter = NULL;
    *miniport = NULL;
#if WRONG == 6
    return flue_no_such_function() == 0 ? FLUE_OK : FLUE_EINVAL;
#else
    return FLUE_EINVAL;
#endif
}

static void receive(void *adapter, const struct flue_frame *frame, flue_ps now_ps)
{
    (void)adapter, (void)frame, (void)now_ps;
}

static void alarm_due(void *adapter, flue_ps now_ps)
{
    (void)adapter, (void)now_ps;
}

static uint64_t objects_live(const void *adapter)
{
    (void)adapter;
    return 0;
}

static void destroy(void *adapter)
{
    (void)adapter;
}

const struct flue_provider *flue_provider(void)
{
    static const struct flue_provider wrong = {.abi = WRONG == OLD ? FLUE_PROVIDER_ABI - 1u : FLUE_PROVIDER_ABI,
                                               .list_bytes = sizeof(NET_BUFFER_LIST) + (WRONG == CHECKED ? 8u : 0u),
                                               .frame_bytes = sizeof(struct flue_frame),
                                               .provider_bytes = sizeof(struct flue_provider),
                                               .name = WRONG == NAMELESS ? "a name" : "wrong",
                                               .create = create,
                                               .receive = WRONG == HOLLOW ? NULL : receive,
                                               .alarm = alarm_due,
                                               .objects_live = objects_live,
                                               .destroy = destroy};

    return WRONG == NOTHING ? NULL : &wrong;
}
#endif
