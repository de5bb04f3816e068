/* SPDX-License-Identifier: MIT */
/* Any bytes as a model's config.json, and the llm suite that follows from it. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "suites/model.h"
#include "suites/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct suite_request request = {0};
    struct suite suite;
    struct model model;
    struct why why;
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/dev/shm/offload-bench-fuzz-%d.json", (int)getpid());
    file = fopen(path, "w");
    if (!file)
        abort();
    fwrite(data, 1, size, file);
    fclose(file);
    if (model_load(&model, path, &why) == 0 && !(model_parameters(&model) > 0))
        abort();
    request.model = path;
    if (suite_load(&suite, "llm", &request, &why) == 0)
        suite_release(&suite);
    unlink(path);
    return 0;
}
