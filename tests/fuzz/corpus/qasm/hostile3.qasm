OPENQASM 3.0;
qubit[1000000000] q; bit[99999999999] c;
for uint i in [0:4000000000] { while (true) { } }
def f(qubit q) { f(q); }
ctrl(1000000) @ pow(1e308) @ x $4000000000;
int a = 1 / 0; int b = 0x; float c = 1.2.3;
