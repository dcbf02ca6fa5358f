include "stdgates.inc";
def parity(qubit[2] d, qubit a) -> bit { cx d[0], a; cx d[1], a; return measure a; }
def early(qubit a, uint[4] n) -> int[8] { bit b = measure a; if (b) { return -n; } x a; return n + 1; }
extern vote(bit[2]) -> bit;
qubit[3] q;
bit[2] c = "10";
angle[4] a = pi;
c[1] = parity(q[{0, 2}], q[1]);
int[8] n = early(q[0], 3) * 2;
a[2] = measure q[1];
a <<= 1;
rz(a) q[2];
c[0] = vote(c);
