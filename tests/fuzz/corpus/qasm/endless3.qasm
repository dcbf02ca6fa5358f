OPENQASM 3.0;
include "stdgates.inc";
qubit q; bit c;
for int i in [0:3000] { c = measure q; if (c) { break; } }
while (true) { while (true) { x q; } }
