OPENQASM 2.0;
include "qelib1.inc";
opaque magic(t) a;
gate twist(a,b) x1,y1 { rz(a^2-b/3) y1; cx x1,y1; barrier x1; }
gate both(t) p0,p1 { twist(t,-2*t) p1,p0; h p0; }
qreg q[3];
qreg r[3];
creg c[3];
creg d[2];
/* a comment */ both(sin(pi/4)+.5e-1) q[0],r[2];
cx q,r;
if (c==3) x q[1];
reset r;
barrier q[0],r;
magic(ln(2)) q[2];
u3(1,2,3) q;
measure r[0] -> d[1];
if (d==2) measure q[1] -> c[2];
