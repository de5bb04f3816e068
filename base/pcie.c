/* SPDX-License-Identifier: MIT */
#include "base/pcie.h"

#include <math.h>

double pcie_lane_bytes_per_s(double generation)
{
    static const double rate[] = {NAN,     0.25e9,  0.5e9,   0.985e9,
                                  1.969e9, 3.938e9, 7.563e9, 15.125e9};

    return generation >= 1 && generation < 8 ? rate[(int)generation] : NAN;
}
