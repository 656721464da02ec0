/* A multi-layer perceptron of logistic units in plain C: the loops that one would write, one sample at a time.

   The memory is laid out as small C libraries do: unit after unit, each with its bias and then the weights of its
   inputs. The logistic is called through a pointer, as there, and is either exact or looked up in a table.
   Compile with -DREAL=double or -DREAL=float. */

#include <math.h>

#define STEPS 4096
#define REACH 15

typedef REAL (*squash)(REAL);

static REAL table[STEPS + 1];

static REAL exact(REAL net) { return 1 / (1 + (REAL)exp(-net)); }

static REAL looked_up(REAL net)
{
    if (!(net > -REACH)) return table[0];
    if (net >= REACH) return table[STEPS];
    return table[(int)((net + REACH) * ((REAL)STEPS / (2 * REACH)) + (REAL)0.5)];
}

void make_table(void)
{
    for (int k = 0; k <= STEPS; k++) table[k] = (REAL)(1 / (1 + exp(-(2.0 * REACH * k / STEPS - REACH))));
}

/* sizes: of the layers + 1 layers, inputs first. outs, deltas: room for all units but the inputs. */
void train(int layers, const int *sizes, REAL *parameters, const REAL *X, const REAL *T, long samples, long epochs,
           REAL rate, int train_bias, int use_table, REAL *outs, REAL *deltas)
{
    squash logistic = use_table ? looked_up : exact;
    for (long visit = 0; visit < epochs * samples; visit++) {
        const REAL *x = X + visit % samples * sizes[0], *t = T + visit % samples * sizes[layers];

        const REAL *below = x;
        REAL *w = parameters, *out = outs;
        for (int l = 0; l < layers; l++) {
            REAL *first = out;
            for (int j = 0; j < sizes[l + 1]; j++) {
                REAL net = *w++;
                for (int i = 0; i < sizes[l]; i++) net += *w++ * below[i];
                *out++ = logistic(net);
            }
            below = first;
        }

        REAL *last = deltas + (out - outs) - sizes[layers];
        for (int j = 0; j < sizes[layers]; j++) last[j] = (below[j] - t[j]) * below[j] * (1 - below[j]);

        for (int l = layers - 1; l > 0; l--) {
            REAL *these = last - sizes[l], *of_layer = w - (long)sizes[l + 1] * (sizes[l] + 1);
            below -= sizes[l];
            for (int i = 0; i < sizes[l]; i++) {
                REAL sum = 0;
                for (int j = 0; j < sizes[l + 1]; j++) sum += last[j] * of_layer[j * (sizes[l] + 1) + 1 + i];
                these[i] = sum * below[i] * (1 - below[i]);
            }
            last = these;
            w = of_layer;
        }

        w = parameters;
        below = x;
        out = outs;
        REAL *delta = deltas;
        for (int l = 0; l < layers; l++) {
            for (int j = 0; j < sizes[l + 1]; j++, delta++) {
                if (train_bias) *w -= rate * *delta;
                w++;
                for (int i = 0; i < sizes[l]; i++) *w++ -= rate * *delta * below[i];
            }
            below = out;
            out += sizes[l + 1];
        }
    }
}
