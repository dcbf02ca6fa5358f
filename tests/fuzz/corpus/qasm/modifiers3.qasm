OPENQASM 3.0;
include "stdgates.inc";
gate twist(t) a, b { ctrl @ rz(t/2) a, b; gphase(t); h a; for int i in [0:1] { s b; } }
qubit[6] q;
ctrl(5) @ x q[0], q[1], q[2], q[3], q[4], q[5];
negctrl @ pow(0.5) @ swap q[0], q[1], q[2];
ctrl @ inv @ twist(pi/3) q[1], q[2], q[3];
pow(1/3.0) @ twist(0.2) q[4], q[5];
inv @ pow(-2) @ u3(1, 2, 3) q;
ctrl(2) @ gphase(0.3) q[0], q[1];
