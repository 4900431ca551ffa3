/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/damage.c - images that are cut, bent, or from another version: each is refused, or becomes a connection that
 * holds every invariant and can go on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image.h"
#include "handover/moves.h"

#define IMAGE_MOST 6000u
#define END_BYTES  10u /* of the end record; its last four are the checksum */
#define RECORDS    256u

/* An image of a random run, and a stack of the same kind that takes what is made of it. */
struct patient {
    struct spec spec;
    unsigned end;
    flue_ps now_ps;
    struct buffer image;
    struct flue_stack *stack;
    struct image_record records[RECORDS];
    size_t count;
};

struct bench {
    struct buffer work;
    uint64_t seed;
    uint64_t tried, taken, failed;
};

static void fail(struct bench *bench, const char *kind, size_t at, const char *what)
{
    if (bench->failed++ < 10) {
        printf("seed %" PRIu64 ", %s %zu: %s\n", bench->seed, kind, at, what);
    }
}

/* The name of the record that byte `at` of the image is in. */
static void name_of(const struct patient *patient, size_t at, char *name)
{
    strcpy(name, "");
    for (size_t i = 0; i < patient->count; i++) {
        const struct image_record *record = &patient->records[i];

        if ((size_t)(record->value - patient->image.bytes) <= at) {
            memcpy(name, record->name, record->name_bytes);
            name[record->name_bytes] = 0;
        }
    }
}

/* ---- the patients ---- */

static size_t list_bytes(const struct buffer *image)
{
    static const char *const lists[] = {"tcp.send_queue", "tcp.reassembly", "tcp.sacked", "socket.received"};
    struct image_reader reader;
    struct image_record record;
    size_t filled = 0;

    if (image_reader_start(&reader, image->bytes, image->length) != FLUE_OK) {
        return 0;
    }
    while (image_next(&reader, &record)) {
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            filled += image_is(&record, lists[i]) && record.length > 0;
        }
    }
    return filled;
}

static void keep(struct buffer *to, const struct buffer *from)
{
    buffer_need(to, from->length);
    memcpy(to->bytes, from->bytes, from->length);
    to->length = from->length;
}

/* Of all images of the seed's run a small one with as many lists in use as possible; `turn` tells which of equals. */
static bool choose(struct patient *patient, uint64_t seed)
{
    struct record record = {.count = 0};
    struct buffer image = {.room = 0};
    struct world *world;
    size_t best = 0;
    uint64_t equals = 0;

    spec_draw(&patient->spec, seed, SPEC_TINY);
    world = record_world(&record, &patient->spec);
    do {
        for (unsigned end = 0; end < 2; end++) {
            size_t filled;

            if (!move_out(world, end, &image)) {
                continue;
            }
            filled = 1 + list_bytes(&image);
            equals = filled > best ? 0 : equals + 1;
            if (image.length <= IMAGE_MOST && (filled > best || (filled == best && equals % 8 == seed % 8))) {
                best = filled;
                patient->end = end;
                patient->now_ps = flue_stack_now(world_stack(world, end));
                keep(&patient->image, &image);
            }
            move_in(world, end, &image);
        }
    } while (world_step(world));
    (void)world_free(world);
    buffer_free(&image);
    record_free(&record);
    return best > 0;
}

static void output(void *ctx, const uint8_t *packet, size_t bytes)
{
    (void)ctx, (void)packet, (void)bytes;
}

static uint32_t random32(void *ctx)
{
    (void)ctx;
    return 4711;
}

static bool admit(struct patient *patient)
{
    const struct flue_stack_callbacks callbacks = {.output = output, .random32 = random32};
    struct image_reader reader;

    if (flue_stack_new(&patient->spec.end[patient->end].config, &callbacks, patient->now_ps, &patient->stack) !=
            FLUE_STACK_OK ||
        image_reader_start(&reader, patient->image.bytes, patient->image.length) != FLUE_OK) {
        return false;
    }
    patient->count = 0;
    while (patient->count < RECORDS && image_next(&reader, &patient->records[patient->count])) {
        patient->count++;
    }
    return true;
}

/* ---- what is done to them ---- */

/* Puts the right checksum under bytes that were changed. */
static void seal(struct buffer *image)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i + END_BYTES < image->length; i++) {
        crc ^= image->bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0u - (crc & 1)));
        }
    }
    crc = ~crc;
    for (unsigned i = 0; i < 4; i++) {
        image->bytes[image->length - 4 + i] = (uint8_t)(crc >> 8 * i);
    }
}

/* It must be refused with a sentence, or be sound and stay so.  Answers what import answered. */
static int treat(struct bench *bench, struct patient *patient, const struct buffer *image, const char *kind, size_t at,
                 char *what)
{
    struct flue_stack *stack = patient->stack;
    char broken[200];
    int socket = flue_socket_import(stack, image->bytes, image->length, what, 200);

    bench->tried++;
    if (socket < 0) {
        if (what[0] == 0) {
            fail(bench, kind, at, "refused without a word");
        }
    } else {
        bench->taken++;
        if (flue_stack_check(stack, broken, sizeof broken) != FLUE_STACK_OK) {
            fail(bench, kind, at, broken);
        }
        /* Its own deadlines, then a reset. */
        for (unsigned i = 0; i < 4 && flue_stack_deadline(stack) < FLUE_PS_NEVER / 2; i++) {
            flue_stack_advance(stack, flue_stack_deadline(stack));
            if (flue_stack_check(stack, broken, sizeof broken) != FLUE_STACK_OK) {
                fail(bench, kind, at, broken);
                break;
            }
        }
        if (flue_socket_abort(stack, socket) != FLUE_STACK_OK) {
            fail(bench, kind, at, "cannot be aborted");
        }
    }
    if (flue_stack_check(stack, broken, sizeof broken) != FLUE_STACK_OK) {
        fail(bench, kind, at, broken);
    }
    return socket;
}

static void expect(struct bench *bench, struct patient *patient, const struct buffer *image, const char *kind,
                   size_t at, bool taken, const char *named)
{
    char what[200];
    int socket = treat(bench, patient, image, kind, at, what);

    if (taken ? socket < 0 : socket != FLUE_STACK_EPROTO) {
        fail(bench, kind, at, taken ? what : "should have been refused");
    } else if (named != NULL && strstr(what, named) == NULL) {
        fail(bench, kind, at, "the sentence does not name the field");
    }
}

static void cut(struct bench *bench, struct patient *patient)
{
    struct buffer *work = &bench->work;

    for (size_t length = 0; length < patient->image.length; length++) {
        /* A block of its own, so that a read behind its end is seen. */
        struct buffer part = {.bytes = malloc(length + 1), .length = length};

        if (part.bytes == NULL) {
            abort();
        }
        memcpy(part.bytes, patient->image.bytes, length);
        expect(bench, patient, &part, "cut at byte", length, false, NULL);
        free(part.bytes);
    }
    keep(work, &patient->image);
    buffer_need(work, work->length + 1);
    keep(work, &patient->image);
    work->bytes[work->length++] = 0;
    expect(bench, patient, work, "a byte more behind", work->length, false, NULL);
}

/* Every bit, as it is and with the checksum put right. */
static void flip(struct bench *bench, struct patient *patient, bool sealed)
{
    struct buffer *work = &bench->work;
    char name[IMAGE_NAME_BYTES + 1], kind[80];
    char what[200];

    keep(work, &patient->image);
    for (size_t bit = 0; bit < 8 * patient->image.length; bit++) {
        work->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (sealed) {
            seal(work);
            name_of(patient, bit / 8, name);
            snprintf(kind, sizeof kind, "sealed, %s, bit", name);
            (void)treat(bench, patient, work, kind, bit, what);
            seal(work);
        } else {
            expect(bench, patient, work, "bit", bit, false, NULL);
        }
        work->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Writes the records anew. */
struct edit {
    size_t leave_out; /* >= count: none */
    size_t twice;     /* the same */
    bool backwards;
    const char *extra; /* NULL: none */
    bool extra_mandatory;
    size_t bent; /* record whose number is replaced */
    uint64_t value;
};

static void write(struct bench *bench, const struct patient *patient, const struct edit *edit)
{
    struct buffer *work = &bench->work;
    struct image_writer writer;
    char name[IMAGE_NAME_BYTES + 1];

    buffer_need(work, 2 * patient->image.length + 200);
    image_writer_start(&writer, work->bytes, work->room);
    if (edit->extra != NULL && !edit->backwards) {
        image_put_u(&writer, edit->extra, edit->extra_mandatory, 1, 4);
    }
    for (size_t i = 0; i < patient->count; i++) {
        const struct image_record *record = &patient->records[edit->backwards ? patient->count - 1 - i : i];
        size_t index = (size_t)(record - patient->records);

        memcpy(name, record->name, record->name_bytes);
        name[record->name_bytes] = 0;
        for (unsigned times = index == edit->leave_out ? 0 : index == edit->twice ? 2 : 1; times > 0; times--) {
            if (index == edit->bent) {
                image_put_u(&writer, name, record->mandatory, edit->value, record->length);
            } else {
                image_put_bytes(&writer, name, record->mandatory, record->value, record->length);
            }
        }
    }
    work->length = image_writer_end(&writer);
}

static void other_versions(struct bench *bench, struct patient *patient)
{
    static const char *const unknown[] = {"tcp.later", "socket.later", "later"};
    const struct edit plain = {.leave_out = SIZE_MAX, .twice = SIZE_MAX, .bent = SIZE_MAX};
    struct edit edit = plain;

    write(bench, patient, &edit);
    expect(bench, patient, &bench->work, "written anew", 0, true, NULL);
    edit.backwards = true;
    write(bench, patient, &edit);
    expect(bench, patient, &bench->work, "backwards", 0, true, NULL);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        edit = plain;
        edit.extra = unknown[i];
        write(bench, patient, &edit);
        expect(bench, patient, &bench->work, "an optional field", i, true, NULL);
        edit.extra_mandatory = true;
        write(bench, patient, &edit);
        expect(bench, patient, &bench->work, "a mandatory field", i, false, unknown[i]);
    }
    for (size_t i = 0; i < patient->count; i++) {
        char name[IMAGE_NAME_BYTES + 1];

        memcpy(name, patient->records[i].name, patient->records[i].name_bytes);
        name[patient->records[i].name_bytes] = 0;
        edit = plain;
        edit.leave_out = i;
        write(bench, patient, &edit);
        expect(bench, patient, &bench->work, "without record", i, false, name);
        edit = plain;
        edit.twice = i;
        write(bench, patient, &edit);
        expect(bench, patient, &bench->work, "twice record", i, false, NULL);
    }
}

/* Every number at its limits, and random ones. */
static void bend(struct bench *bench, struct patient *patient, struct rng *rng)
{
    struct edit edit = {.leave_out = SIZE_MAX, .twice = SIZE_MAX};
    char name[IMAGE_NAME_BYTES + 1], kind[120], what[200];

    for (size_t i = 0; i < patient->count; i++) {
        const struct image_record *record = &patient->records[i];
        uint32_t width = record->length;

        if (width != 1 && width != 2 && width != 4 && width != 8) {
            continue;
        }
        edit.bent = i;
        for (unsigned k = 0; k < 12; k++) {
            const uint64_t limits[] = {0,
                                       1,
                                       UINT64_MAX,
                                       UINT64_C(1) << (8 * width - 1),
                                       (UINT64_C(1) << (8 * width - 1)) - 1,
                                       image_number_at(record, 0, width) + 1,
                                       image_number_at(record, 0, width) - 1};
            uint64_t value = k < sizeof limits / sizeof limits[0] ? limits[k] : rng_u64(rng) >> rng_below(rng, 64);

            edit.value = value;
            write(bench, patient, &edit);
            name_of(patient, (size_t)(record->value - patient->image.bytes), name);
            snprintf(kind, sizeof kind, "bent, %s to %" PRIx64 ", record", name, value);
            (void)treat(bench, patient, &bench->work, kind, i, what);
        }
    }
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct bench bench = {.tried = 0};
    struct patient patient = {.end = 0};
    struct rng rng;

    if (!parse_arguments(&arguments, argc, argv, 2)) {
        return 2;
    }
    for (uint64_t i = 0; i < arguments.count; i++) {
        bench.seed = arguments.first + i;
        rng_init(&rng, bench.seed, "damage");
        if (!choose(&patient, bench.seed) || !admit(&patient)) {
            fail(&bench, "no image of the run", 0, "");
            continue;
        }
        cut(&bench, &patient);
        flip(&bench, &patient, false);
        flip(&bench, &patient, true);
        other_versions(&bench, &patient);
        bend(&bench, &patient, &rng);
        flue_stack_free(patient.stack);
    }
    printf("%" PRIu64 " images, %" PRIu64 " taken, %" PRIu64 " failed\n", bench.tried, bench.taken, bench.failed);
    buffer_free(&bench.work);
    buffer_free(&patient.image);
    return bench.failed == 0 && bench.taken > 0 ? 0 : 1;
}
