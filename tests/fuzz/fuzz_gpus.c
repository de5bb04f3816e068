/* SPDX-License-Identifier: MIT */
/* Any bytes as a user's GPU: what is taken for one gets a finite time for every operation. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "projection/datasheet.h"
#include "projection/model.h"

static void project_all(const struct gpu *gpu)
{
    for (int i = 0; op_kind_at(i); i++)
        for (int timing = 0; timing < TIMINGS; timing++) {
            struct operation op = {.op = op_kind_at(i)->name, .dtype = DTYPE_F16, .kv_dtype = DTYPE_F16,
                                   .m = 33, .n = 65, .k = 129, .rows = 33, .cols = 65,
                                   .heads = 8, .kv_heads = 2, .head_dim = 64, .q_len = 1,
                                   .kv_len = 99};
            struct forecast f;

            if (project(gpu, &op, (enum timing)timing, &f, NULL) == 0 &&
                !(f.time_us.low >= 0 && f.time_us.low <= f.time_us.value &&
                  f.time_us.value <= f.time_us.high && isfinite(f.time_us.high)))
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *entry;
    struct gpu_fact fact[GPU_FACTS];
    struct why why;
    struct gpu gpu;
    size_t i;

    if (json_is_object(root) && datasheet_read(&gpu, root, "fuzz.json", &why) == 0)
        project_all(&gpu);
    json_array_foreach(root, i, entry)
        if (datasheet_read(&gpu, entry, "fuzz.json", &why) == 0 && gpu_facts(&gpu, fact) > 0)
            project_all(&gpu);
    json_decref(root);
    return 0;
}
