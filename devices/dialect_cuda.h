/* SPDX-License-Identifier: MIT */
/* What NVIDIA's hardware has and OpenCL has not: products of small matrices (mma.sync), loads
 * of their operands (ldmatrix), copies to shared memory that do not wait (cp.async). For a
 * workloads/X/X.cu to include: NVRTC is handed the text. Written for elem of 16 bits
 * (DTYPE_F16, DTYPE_BF16) of dialect.h from compute capability 7.5 on; bf16 needs 8.0. Nothing
 * here needs more than 8.0. Names and fragment layouts are those of the PTX ISA, "Warp-level
 * matrix instructions".
 *
 * A warp holds an mma's operands so, lane = 4 * quad + pair (quad 0..7, pair 0..3), two
 * 16-bit elements a register, the one of the lower column (a) or row (b) in the lower half:
 *
 *   a (16 rows x 16 terms)   a[0] row quad,     terms 2 pair, 2 pair + 1;  a[2] the same + 8 terms
 *                            a[1] row quad + 8, terms 2 pair, 2 pair + 1;  a[3] the same + 8 terms
 *   b (16 terms x 8 columns) b0 column quad, terms 2 pair, 2 pair + 1;     b1 the same + 8 terms
 *   c (16 rows x 8 columns)  c[0] c[1] row quad, columns 2 pair, 2 pair + 1; c[2] c[3] row quad + 8
 *
 * So the c of one product, rounded and paired, is the a of the next: no data moves. */
#if defined(DTYPE_F16) || defined(DTYPE_BF16)

/* Shared memory is handled in chunks of 16 bytes, 8 elements. */
typedef uint4 chunk;
enum { CHUNK = 8 };

/* Where chunk `at` of row `row` lies in a tile of `chunks` (a power of two) a row. ldmatrix
 * reads the same chunk of 8 rows at once; they must fall on the 8 different groups of banks,
 * so the chunk is exchanged by an exclusive or with the number of its line of 128 bytes. */
FUNCTION int chunk_slot(int row, int at, int chunks)
{
    return row * chunks +
           (at ^ (row / (chunks < 8 ? 8 / chunks : 1) & (chunks < 8 ? chunks - 1 : 7)));
}

FUNCTION uint shared_address(const void *p)
{
    return (uint)__cvta_generic_to_shared(p);
}

/* One chunk from global to shared memory, zeros where `is_there` is false (then nothing is
 * read). It has arrived for the copying thread after chunk_wait, for others after a barrier
 * behind that. Before 8.0 it is an ordinary copy. */
FUNCTION void chunk_copy(chunk *to, const elem *from, bool is_there)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(shared_address(to)), "l"(__cvta_generic_to_global(from)),
                   "r"(is_there ? 16 : 0)
                 : "memory");
#else
    chunk zero = {0, 0, 0, 0};

    *to = is_there ? *(const chunk *)from : zero;
#endif
}

/* The copies issued since the last commit become one group; wait until at most `open` of the
 * latest groups (a constant) are under way. */
#if __CUDA_ARCH__ >= 800
#define chunk_commit() asm volatile("cp.async.commit_group;" ::: "memory")
#define chunk_wait(open) asm volatile("cp.async.wait_group %0;" ::"n"(open) : "memory")
#else
#define chunk_commit()
#define chunk_wait(open)
#endif

/* Four 8 x 8 matrices: lane l gives the address of row l % 8 of matrix l / 8, and gets of
 * each the elements of row quad, columns 2 pair and 2 pair + 1; transposed: of column quad,
 * rows 2 pair and 2 pair + 1. */
FUNCTION void matrix_load(uint r[4], const chunk *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}
FUNCTION void matrix_load_transposed(uint r[4], const chunk *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}

#ifdef DTYPE_BF16
#define MMA_TYPES "f32.bf16.bf16.f32"
#define PAIR_TYPES "bf16x2.f32"
#else
#define MMA_TYPES "f32.f16.f16.f32"
#define PAIR_TYPES "f16x2.f32"
#endif

/* c += a b. Turing multiplies 8 terms at a time, and no bf16. */
FUNCTION void matrix_product(float c[4], const uint a[4], uint b0, uint b1)
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col." MMA_TYPES
        " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
    asm("mma.sync.aligned.m16n8k8.row.col." MMA_TYPES
        " {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(b0));
    asm("mma.sync.aligned.m16n8k8.row.col." MMA_TYPES
        " {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

/* Two elements in one register, `low` in the lower half. */
FUNCTION uint pair_of(float low, float high)
{
#if __CUDA_ARCH__ >= 800
    uint pair;

    asm("cvt.rn." PAIR_TYPES " %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return to_elem(low) | (uint)to_elem(high) << 16;
#endif
}

#endif
