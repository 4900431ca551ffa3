/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens a shared library that a user names. */
#define _GNU_SOURCE /* dladdr1() */
#include "run/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MOST 60u /* letters: it stands in a line of the summary */

flue_err library_refuse(const struct library *library, const char *why, char *message, size_t room)
{
    (void)snprintf(message, room, "%s %.300s: %.400s", library->option, library->path, why);
    return FLUE_EPARSE;
}

bool library_name_is_good(const char *name)
{
    const char *const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return name != NULL && name[0] != '\0' && strnlen(name, NAME_MOST + 1) <= NAME_MOST &&
           name[strspn(name, letters)] == '\0';
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

flue_err library_open(const struct library *library, void **function, char *message, size_t room)
{
    const char *const path = library->path;
    struct stat status;
    char local[4096], words[256];
    const char *why;
    void *handle;

    *function = NULL;
    if (access(path, R_OK) != 0) {
        (void)snprintf(message, room, "%s %.300s: cannot be read; name a shared library, as ./mine.so", library->option,
                       path);
        return FLUE_ENOENT;
    }
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return library_refuse(library, "is no regular file", message, room);
    }
    if (is_cut_short(path)) {
        return library_refuse(library, "is not whole: it ends before what its header promises; build it again", message,
                              room);
    }
    /* A bare name would be looked for in the system's folders. */
    (void)snprintf(local, sizeof local, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    handle = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        why = dlerror();
        return library_refuse(library, why != NULL ? why : "cannot be loaded", message, room);
    }
    *function = dlsym(handle, library->symbol);
    if (is_function(*function)) {
        return FLUE_OK;
    }
    (void)snprintf(words, sizeof words,
                   *function == NULL ? "has no function %s; see %s" : "its %s is no function, but data; see %s",
                   library->symbol, library->header);
    *function = NULL;
    return library_refuse(library, words, message, room);
}
