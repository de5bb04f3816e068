/* SPDX-License-Identifier: MIT */
/* rmsnorm as a user of PyTorch writes it, results into memory that is there: the one library
 * in Debian whose users have this operation at hand (torch.nn.RMSNorm came later, with the same
 * products). Built for `make bench` where libtorch-dev is installed. */
#include <torch/torch.h>

extern "C" void torch_rmsnorm(const float *x, const float *weight, float *y, int64_t rows,
                              int64_t cols, float epsilon, int threads)
{
    torch::NoGradGuard no_grad;
    at::set_num_threads(threads);
    auto in = torch::from_blob(const_cast<float *>(x), {rows, cols});
    auto factor = torch::rsqrt(in.pow(2).mean(-1, true) + epsilon);
    auto out = torch::from_blob(y, {rows, cols});

    torch::mul_out(out, in, factor);
    out.mul_(torch::from_blob(const_cast<float *>(weight), {cols}));
}
