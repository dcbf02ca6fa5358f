OPENQASM 3;
defcalgrammar "openpulse";
defcal x $0 { play drive($0), { "}" }; }
cal { anything }
#pragma note
@note here
array[int[8], 2, 3] grid = {{1, 2, 3}, {4, 5, 6}};
stretch g;
duration d = 2 * 100ns + 1us;
box [1ms] { delay[d] $0; delay[g] $1; nop $1; }
complex[float] z;
int n = sizeof(grid, 1);
n = grid[0, 1];
