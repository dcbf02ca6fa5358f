// SPDX-License-Identifier: GPL-3.0-or-later
// Complex numbers in the precision that DOUBLE chooses.
#ifdef DOUBLE
#define REAL double
#define COMPLEX dvec2
#else
#define REAL float
#define COMPLEX vec2
#endif

COMPLEX times(COMPLEX a, COMPLEX b)
{
    return COMPLEX(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}
