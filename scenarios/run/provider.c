/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens a shared library that is an offload target.  Its calls of the interface are resolved against this program,
 * which is linked so that they can be. */
#define _GNU_SOURCE /* dladdr1() */
#include "run/provider.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static flue_err refuse(char *message, size_t room, const char *path, const char *why)
{
    (void)snprintf(message, room, "--target %.300s: %.400s", path, why);
    return FLUE_EPARSE;
}

/* The loader maps what the headers promise, and a file that was cut short would end the process.  Other wrong files it
 * refuses itself. */
static bool is_cut_short(const char *path)
{
    FILE *file = fopen(path, "rb");
    Elf64_Ehdr head;
    Elf64_Phdr part;
    bool cut = false;
    long bytes;

    if (file == NULL || fread(&head, sizeof head, 1, file) != 1 || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) < 0) {
        if (file != NULL)
            (void)fclose(file);
        return false;
    }
    for (unsigned i = 0; !cut && i < head.e_phnum; i++) {
        cut = fseek(file, (long)(head.e_phoff + i * sizeof part), SEEK_SET) != 0 ||
              fread(&part, sizeof part, 1, file) != 1 ||
              (part.p_type == PT_LOAD &&
               (part.p_offset > (Elf64_Off)bytes || part.p_filesz > (Elf64_Xword)bytes - part.p_offset));
    }
    (void)fclose(file);
    return cut;
}

/* A call of a variable would end the process. */
static bool is_function(void *address)
{
    const Elf64_Sym *symbol = NULL;
    Dl_info info;

    if (address == NULL || dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0) {
        return false;
    }
    return symbol == NULL || info.dli_saddr != address || ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ||
           ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
}

/* Structures that both sides touch must be the same, whatever compiler made them. */
static const char *mismatch(const struct flue_provider *provider)
{
    const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (provider == NULL) {
        return "flue_provider() returned nothing; see example/target-skeleton.c";
    }
    if (provider->abi != FLUE_PROVIDER_ABI || provider->provider_bytes != sizeof *provider) {
        return "made for another version of flue/provider.h; compile it again";
    }
    if (provider->list_bytes != sizeof(NET_BUFFER_LIST) || provider->frame_bytes != sizeof(struct flue_frame)) {
        return "its buffer lists or frames have another size; compile it again with this build's headers and flags";
    }
    if (provider->name == NULL || provider->name[0] == '\0' ||
        provider->name[strspn(provider->name, letters)] != '\0') {
        return "its name is not made of letters, digits, '.', '_' and '-'";
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
    struct stat status;
    char local[4096];
    const char *why;
    void *library, *found;

    *out = NULL;
    if (access(path, R_OK) != 0) {
        (void)snprintf(message, room, "--target %.300s: cannot be read; name a shared library, as ./mine.so", path);
        return FLUE_ENOENT;
    }
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return refuse(message, room, path, "is no regular file");
    }
    if (is_cut_short(path)) {
        return refuse(message, room, path, "is not whole: it ends before what its header promises; build it again");
    }
    /* A bare name would be looked for in the system's folders. */
    (void)snprintf(local, sizeof local, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    library = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        why = dlerror();
        return refuse(message, room, path, why != NULL ? why : "cannot be loaded");
    }
    found = dlsym(library, "flue_provider");
    if (!is_function(found)) {
        return refuse(message, room, path,
                      found == NULL ? "has no function flue_provider; see flue/provider.h"
                                    : "its flue_provider is no function, but data; see flue/provider.h");
    }
    *(void **)&entry = found;
    *out = entry();
    why = mismatch(*out);
    if (why != NULL) {
        *out = NULL;
        return refuse(message, room, path, why);
    }
    return FLUE_OK;
}
