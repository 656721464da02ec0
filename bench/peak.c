/* Two limits of any kernel with this package's arithmetic: how many products and sums a core does in a nanosecond, in
   registers alone and without fusing, and how long it takes to read and write the weights of 784-100-10 once, with
   hardly any arithmetic. x86-64 and gcc; cc -O2 -march=native bench/peak.c -o peak && ./peak */

#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Eight sums that do not wait for each other, each with a product of its own. */
#define TERM(V, P, S) "vmulpd %%" V "11, %%" V "10, %%" V P "\n vaddpd %%" V P ", %%" V S ", %%" V S "\n"
#define TERMS(V) \
    TERM(V, "12", "0") TERM(V, "13", "1") TERM(V, "14", "2") TERM(V, "15", "3") \
    TERM(V, "12", "4") TERM(V, "13", "5") TERM(V, "14", "6") TERM(V, "15", "7")
#define MEASURE(V, LANES) \
    do { \
        double best = 1e9; \
        for (int turn = 0; turn < 30; turn++) { \
            double begin = now(); \
            for (long n = 0; n < 1000000; n++) \
                __asm__ volatile(TERMS(V) ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
                                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"); \
            double took = now() - begin; \
            if (took < best) best = took; \
        } \
        printf("%d bits: %.1f\n", 64 * (LANES), 1e6 * 8 * (LANES) / best / 1e9); \
    } while (0)

typedef double eight __attribute__((vector_size(64)));

static void read_and_write(void)
{
    static eight weights[784 * 100 / 8];
    double best = 1e9;
    for (int turn = 0; turn < 3000; turn++) {
        double begin = now();
        for (int k = 0; k < 784 * 100 / 8; k++)
            weights[k] = weights[k] - 1e-9;
        double took = now() - begin;
        if (took < best) best = took;
    }
    printf("784 x 100 numbers read and written: %.1f microseconds (the first: %g)\n", 1e6 * best, weights[0][0]);
}

int main(void)
{
    if (__builtin_cpu_supports("avx")) MEASURE("ymm", 4);
    if (__builtin_cpu_supports("avx512f")) MEASURE("zmm", 8);
    read_and_write();
    return 0;
}
