OPENQASM 2.0;
gate a x1 { U(0,0,0) x1; U(0,0,0) x1; }
gate b x1 { a x1; a x1; a x1; a x1; a x1; a x1; a x1; a x1; }
gate c x1 { b x1; b x1; b x1; b x1; b x1; b x1; b x1; b x1; }
gate d x1 { c x1; c x1; c x1; c x1; c x1; c x1; c x1; c x1; }
gate e x1 { d x1; d x1; d x1; d x1; d x1; d x1; d x1; d x1; }
qreg q[9];
e q;
