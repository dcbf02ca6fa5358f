OPENQASM 3.1;
include "stdgates.inc";
input float θ;
input angle[20] phi;
input int[8] k;
const float half = 1/2.0;
qubit[2] q;
let r = q[1:-1:0] ++ $0;
float t = half * θ + sin(phi);
rx(2*t) r;
ctrl @ rz(-θ**2) q[0], q[1];
if (k == 3 || k < -1) { x q[0]; }
