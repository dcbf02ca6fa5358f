OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[3] c;
uint[8] n = 0;
while (!c[0]) { h q[0]; c[0] = measure q[0]; n += 1; if (n > 9) break; }
for uint i in [0:2] { bit b; b = measure q[i]; if (b) continue; x q[i]; }
switch (uint[3](c)) { case 0, 1 { x q[0]; } default { if (c == 5) { y q[1]; } else { end; } } }
