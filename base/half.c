/* SPDX-License-Identifier: MIT */
#include "base/half.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t bfloat_from_float(float value)
{
    uint32_t bits = bits_of(value);

    if (isnan(value))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float float_from_bfloat(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t half_from_float(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t rounded;

    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) /* 65520 and above rounds to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) /* below 2^-14: subnormal, let the adder round */
        return (uint16_t)(sign | (bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f)));
    rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((rounded - 0x38000000) >> 13));
}

float float_from_half(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = bits & 0x7fff;

    if (magnitude >= 0x7c00)
        return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    if (magnitude < 0x400)
        return float_of(sign | bits_of((float)magnitude * 0x1p-24f));
    return float_of(sign | ((magnitude << 13) + 0x38000000));
}

/* Below 2^-6 the steps are 2^-9; above, three bits follow the leading one. */
uint8_t e4m3_from_float(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 24 & 0x80, magnitude = bits & 0x7fffffff;
    uint32_t rounded = magnitude + 0x7ffff + (magnitude >> 20 & 1);

    if (magnitude > 0x7f800000)
        return (uint8_t)(sign | 0x7f);
    if (magnitude < 0x3c800000)
        return (uint8_t)(sign | (uint32_t)lrintf(float_of(magnitude) * 0x1p9f));
    if (rounded >= 0x43f00000) /* 480: the code that means NaN */
        return (uint8_t)(sign | 0x7e);
    return (uint8_t)(sign | (rounded - 0x3c000000) >> 20);
}

float float_from_e4m3(uint8_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x80) << 24, magnitude = bits & 0x7f;

    if (magnitude == 0x7f)
        return float_of(sign | 0x7fc00000);
    if (magnitude < 8)
        return float_of(sign | bits_of((float)magnitude * 0x1p-9f));
    return float_of(sign | ((magnitude << 20) + 0x3c000000));
}

double element_get(enum dtype dtype, const void *array, int64_t i)
{
    switch (dtype) {
    case DTYPE_F32:
        return ((const float *)array)[i];
    case DTYPE_F64:
        return ((const double *)array)[i];
    case DTYPE_F16:
        return float_from_half(((const uint16_t *)array)[i]);
    case DTYPE_BF16:
        return float_from_bfloat(((const uint16_t *)array)[i]);
    case DTYPE_I8:
        return ((const int8_t *)array)[i];
    case DTYPE_I32:
        return ((const int32_t *)array)[i];
    case DTYPE_E4M3:
        return float_from_e4m3(((const uint8_t *)array)[i]);
    case DTYPES:
        break;
    }
    return NAN;
}

void element_set(enum dtype dtype, void *array, int64_t i, double value)
{
    switch (dtype) {
    case DTYPE_F32:
        ((float *)array)[i] = (float)value;
        break;
    case DTYPE_F64:
        ((double *)array)[i] = value;
        break;
    case DTYPE_F16:
        ((uint16_t *)array)[i] = half_from_float((float)value);
        break;
    case DTYPE_BF16:
        ((uint16_t *)array)[i] = bfloat_from_float((float)value);
        break;
    case DTYPE_I8:
        ((int8_t *)array)[i] = (int8_t)lrint(value);
        break;
    case DTYPE_I32:
        ((int32_t *)array)[i] = (int32_t)lrint(value);
        break;
    case DTYPE_E4M3:
        ((uint8_t *)array)[i] = e4m3_from_float((float)value);
        break;
    case DTYPES:
        break;
    }
}
