/* SPDX-License-Identifier: MIT */
#include "base/step.h"

#include <assert.h>

bool facts_have_tensor_cores(const struct device_facts *facts, enum dtype dtype)
{
    return facts->capability >= (dtype == DTYPE_BF16 ? 80 : 75);
}

static void step_add(struct step *step, struct step_arg arg)
{
    assert(step->args < STEP_ARGS);
    step->arg[step->args++] = arg;
}

void step_buffer(struct step *step, int buffer)
{
    step_add(step, (struct step_arg){.kind = STEP_BUFFER, .buffer = buffer});
}

void step_scratch(struct step *step)
{
    step_add(step, (struct step_arg){.kind = STEP_SCRATCH});
}

void step_int(struct step *step, int64_t value)
{
    assert(value >= INT32_MIN && value <= INT32_MAX);
    step_add(step, (struct step_arg){.kind = STEP_INT, .i = value});
}

void step_long(struct step *step, int64_t value)
{
    step_add(step, (struct step_arg){.kind = STEP_LONG, .i = value});
}

void step_float(struct step *step, double value)
{
    step_add(step, (struct step_arg){.kind = STEP_FLOAT, .f = (float)value});
}
