OPENQASM 2.0;
qreg q[1000000000];
include "/dev/zero";
if (c==99999999999999999999) measure q;
