/* SPDX-License-Identifier: MIT */
#ifndef OFFLOAD_BENCH_PCIE_H
#define OFFLOAD_BENCH_PCIE_H

/* Bytes per second of one PCI Express lane in one direction, after line coding (PCI-SIG base
 * specifications 1.0 to 7.0: 8b/10b, from generation 3 on 128b/130b, from 6 on in flits). NAN
 * for a generation that there is not. */
double pcie_lane_bytes_per_s(double generation);

#endif
