OPENQASM 3.0;
include "stdgates.inc";
input float t; qubit[3] q;
gate g(t) a { rx(t) a; h a; barrier a; }
ctrl @ pow(100) @ inv @ g(t) q[0], q[1];
pow(1000000) @ g(t) q;
