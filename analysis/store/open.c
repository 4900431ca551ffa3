/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening and closing.  A file is looked at with plain reads before SQLite gets it, so that what is not ours is never
 * changed; a new one is made under another name and linked to its own when it is complete. */
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "store_schema.h"

#define HEADER_BYTES 100u

flue_err store_say(const struct store *store, flue_err err, char *message, size_t room, const char *what)
{
    snprintf(message, room, "%s: %s", store->path, what);
    return err;
}

flue_err store_say_sqlite(const struct store *store, char *message, size_t room)
{
    int rc = sqlite3_errcode(store->db);

    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return store_say(store, FLUE_ENOMEM, message, room, "memory ran out");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        snprintf(message, room, "%s: the database is damaged (%s); restore a copy", store->path,
                 sqlite3_errmsg(store->db));
        return FLUE_EFOREIGN;
    case SQLITE_FULL:
        return store_say(store, FLUE_EIO, message, room, "the disk is full; make room and repeat");
    case SQLITE_READONLY:
        return store_say(store, FLUE_EIO, message, room, "may not be written; check its permissions and its folder's");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return store_say(store, FLUE_EIO, message, room, "another program keeps it locked; wait for it and repeat");
    default:
        snprintf(message, room, "%s: %s (SQLite error %d)", store->path, sqlite3_errmsg(store->db), rc);
        return FLUE_EIO;
    }
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    return sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

int store_begin(struct store *store)
{
    return sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

int store_commit(struct store *store)
{
    return sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static flue_err say_errno(const struct store *store, char *message, size_t room, const char *what)
{
    snprintf(message, room, "%s: %s: %s", store->path, what, strerror(errno));
    return errno == ENOENT ? FLUE_ENOENT : FLUE_EIO;
}

/* Whether the file beginning with `header` is a database of this version, whole as far as its length tells. */
static flue_err judge_header(const struct store *store, const unsigned char *header, size_t got, off_t length,
                             char *message, size_t room)
{
    static const char magic[16] = "SQLite format 3";
    uint32_t page, pages, version;
    struct stat status;
    char log[4096];

    if (got < HEADER_BYTES || memcmp(header, magic, sizeof magic) != 0 ||
        big_endian(header + 68) != STORE_APPLICATION_ID) {
        return store_say(store, FLUE_EFOREIGN, message, room,
                         "is no Flue database and is left alone; name another file");
    }
    version = big_endian(header + 60);
    if (version != STORE_USER_VERSION) {
        snprintf(message, room, "%s: has schema version %lu, this flue knows %d; use the flue that made it",
                 store->path, (unsigned long)version, STORE_USER_VERSION);
        return FLUE_EFOREIGN;
    }
    page = (uint32_t)header[16] << 8 | header[17];
    page = page == 1 ? 65536 : page;
    pages = big_endian(header + 28);
    snprintf(log, sizeof log, "%s-wal", store->path);
    if (stat(log, &status) != 0 && big_endian(header + 24) == big_endian(header + 92) &&
        length < (off_t)page * (off_t)pages) {
        return store_say(store, FLUE_EFOREIGN, message, room, "is cut short and is left alone; restore a copy");
    }
    return FLUE_OK;
}

static flue_err look_at_file(const struct store *store, char *message, size_t room)
{
    unsigned char header[HEADER_BYTES];
    struct stat status;
    ssize_t got;
    int fd = open(store->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return say_errno(store, message, room, "cannot be opened");
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return store_say(store, FLUE_EFOREIGN, message, room, "is no regular file; name a file");
    }
    got = read(fd, header, sizeof header);
    close(fd);
    if (got < 0) {
        return say_errno(store, message, room, "cannot be read");
    }
    return judge_header(store, header, (size_t)got, status.st_size, message, room);
}

/* Network and FUSE disks do not keep the promises that shared memory and so the write-ahead log need. */
static bool on_local_disk(const char *path)
{
    static const unsigned long remote[] = {
        0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x0BD00BD0, 0x65735546,
        0x01021997, 0x5346414F, 0x6B414653, 0x47504653, 0x19830326, 0x00C36400,
    };
    struct statfs facts;

    if (statfs(path, &facts) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        if (((unsigned long)facts.f_type & 0xFFFFFFFFu) == remote[i]) {
            return false;
        }
    }
    return true;
}

static int create_under(const char *path)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

    rc = rc == SQLITE_OK ? sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) : rc;
    rc = rc == SQLITE_OK ? sqlite3_exec(db, store_schema[0].text, NULL, NULL, NULL) : rc;
    rc = rc == SQLITE_OK ? store_fill_catalog(db) : rc;
    rc = rc == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : rc;
    sqlite3_close(db);
    return rc;
}

static flue_err create(const struct store *store, char *message, size_t room)
{
    flue_err err = FLUE_OK;
    size_t length = strlen(store->path) + 16;
    char *other = malloc(length);
    mode_t mask;
    int fd, rc;

    if (other == NULL) {
        return store_say(store, FLUE_ENOMEM, message, room, "memory ran out");
    }
    snprintf(other, length, "%s.new-XXXXXX", store->path);
    fd = mkstemp(other);
    if (fd < 0) {
        snprintf(message, room, "%s: cannot be made: %s; name a file in a folder that may be written", store->path,
                 strerror(errno));
        free(other);
        return FLUE_EIO;
    }
    mask = umask(0);
    umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
    close(fd);
    rc = create_under(other);
    if (rc != SQLITE_OK) {
        snprintf(message, room, "%s: cannot be made: %s", store->path, sqlite3_errstr(rc));
        err = FLUE_EIO;
    } else if (link(other, store->path) != 0 && errno != EEXIST) {
        /* A disk without hard links: renaming could only replace a file that appeared in this very moment. */
        if (access(store->path, F_OK) != 0 && rename(other, store->path) != 0) {
            err = say_errno(store, message, room, "cannot be made");
        }
    }
    unlink(other);
    free(other);
    return err;
}

static flue_err say_reading(const struct store *store, char *message, size_t room)
{
    int rc = sqlite3_extended_errcode(store->db);

    if (rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY || rc == SQLITE_READONLY_CANTINIT ||
        (rc & 0xff) == SQLITE_CANTOPEN) {
        snprintf(message, room,
                 "%s: a log of an interrupted or running writer lies beside it and cannot be used from here; run "
                 "\"flue db check\" on it where its folder may be written",
                 store->path);
        return FLUE_EIO;
    }
    return store_say_sqlite(store, message, room);
}

/* Makes the tables that a database of this version may lack, by their lines of the schema. */
static int add_late_tables(sqlite3 *db)
{
    const char *line = store_schema[0].text;
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && (line = strstr(line, "CREATE TABLE IF NOT EXISTS")) != NULL) {
        sqlite3_stmt *statement = NULL;
        rc = sqlite3_prepare_v2(db, line, -1, &statement, &line); /* one statement, up to its semicolon */
        rc = rc == SQLITE_OK ? sqlite3_step(statement) : rc;
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        sqlite3_finalize(statement);
    }
    return rc;
}

static flue_err open_checked(struct store *store, char *message, size_t room)
{
    bool writing = (store->mode & ~STORE_PLAIN) != STORE_READ;
    int rc = sqlite3_open_v2(store->path, &store->db, writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, NULL);

    if (rc != SQLITE_OK) {
        return store_say_sqlite(store, message, room);
    }
    sqlite3_extended_result_codes(store->db, 0);
    sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    rc = sqlite3_exec(store->db,
                      "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
                      "SELECT count(*) FROM run JOIN config USING(config_id), metric, summary LIMIT 0",
                      NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return writing ? store_say_sqlite(store, message, room) : say_reading(store, message, room);
    }
    if (!writing) {
        return FLUE_OK;
    }
    if (sqlite3_db_readonly(store->db, "main") != 0 || access(store->path, W_OK) != 0) {
        return store_say(store, FLUE_EIO, message, room, "may not be written; check its permissions");
    }
    if ((store->mode & STORE_PLAIN) == 0 && on_local_disk(store->path)) {
        /* A refusal leaves the rollback journal, which is right everywhere, only slower. */
        sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    } else {
        sqlite3_exec(store->db, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", NULL, NULL, NULL);
    }
    rc = store_begin(store);
    rc = rc == SQLITE_OK ? add_late_tables(store->db) : rc;
    rc = rc == SQLITE_OK ? store_fill_catalog(store->db) : rc;
    rc = rc == SQLITE_OK ? store_commit(store) : rc;
    if (rc != SQLITE_OK) {
        flue_err err = store_say_sqlite(store, message, room);
        store_rollback(store);
        return err;
    }
    return FLUE_OK;
}

flue_err store_open(const char *path, unsigned mode, struct store **out, char *message, size_t room)
{
    struct store *store = calloc(1, sizeof *store);
    flue_err err;

    *out = NULL;
    snprintf(message, room, "%s: memory ran out", path);
    if (store == NULL) {
        return FLUE_ENOMEM;
    }
    store->path = malloc(strlen(path) + 1);
    store->mode = mode;
    if (store->path == NULL) {
        free(store);
        return FLUE_ENOMEM;
    }
    memcpy(store->path, path, strlen(path) + 1);
    err = look_at_file(store, message, room);
    if (err == FLUE_ENOENT && (mode & ~STORE_PLAIN) == STORE_CREATE) {
        err = create(store, message, room);
        err = err == FLUE_OK ? look_at_file(store, message, room) : err;
    } else if (err == FLUE_ENOENT) {
        snprintf(message, room, "%s: no such file; name a database that \"flue run --db\" or \"flue sweep run\" made",
                 path);
    }
    err = err == FLUE_OK ? open_checked(store, message, room) : err;
    if (err != FLUE_OK) {
        store_close(store);
        return err;
    }
    *out = store;
    return FLUE_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->db != NULL && (store->mode & ~STORE_PLAIN) != STORE_READ) {
        /* Leaving the write-ahead mode succeeds for the last one only; then a copy of the one file is whole. */
        sqlite3_busy_timeout(store->db, 0);
        sqlite3_exec(store->db, "PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE", NULL,
                     NULL, NULL);
    }
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}

struct sqlite3 *store_database(struct store *store)
{
    return store->db;
}

const char *store_path(const struct store *store)
{
    return store->path;
}

void store_analyze(struct store *store)
{
    sqlite3_exec(store->db, "ANALYZE", NULL, NULL, NULL);
}
