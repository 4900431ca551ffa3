/* SPDX-License-Identifier: GPL-2.0-only */
/* A shared library that is an offload target.  Its calls of the interface are resolved against this program, which is
 * linked so that they can be. */
#include "run/provider.h"

#include "run/library.h"

/* Structures that both sides touch must be the same, whatever compiler made them. */
static const char *mismatch(const struct flue_provider *provider)
{
    if (provider == NULL) {
        return "flue_provider() returned nothing; see example/target-skeleton.c";
    }
    if (provider->abi != FLUE_PROVIDER_ABI || provider->provider_bytes != sizeof *provider) {
        return "made for another version of flue/provider.h; compile it again";
    }
    if (provider->list_bytes != sizeof(NET_BUFFER_LIST) || provider->frame_bytes != sizeof(struct flue_frame)) {
        return "its buffer lists or frames have another size; compile it again with this build's headers and flags";
    }
    if (!library_name_is_good(provider->name)) {
        return "its name is not made of letters, digits, '.', '_' and '-', 60 at most";
    }
    if (provider->create == NULL || provider->receive == NULL || provider->alarm == NULL ||
        provider->objects_live == NULL || provider->destroy == NULL) {
        return "one of its five functions is missing";
    }
    return NULL;
}

flue_err provider_load(const char *path, const struct flue_provider **out, char *message, size_t room)
{
    const struct flue_provider *(*entry)(void) = NULL;
    const struct library library = {
        .option = "--target", .symbol = "flue_provider", .header = "flue/provider.h", .path = path};
    void *found;
    flue_err err = library_open(&library, &found, message, room);
    const char *why;

    *out = NULL;
    if (err != FLUE_OK) {
        return err;
    }
    *(void **)&entry = found;
    *out = entry();
    why = mismatch(*out);
    if (why == NULL) {
        return FLUE_OK;
    }
    *out = NULL;
    return library_refuse(&library, why, message, room);
}
