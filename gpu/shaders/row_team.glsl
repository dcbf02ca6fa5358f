// SPDX-License-Identifier: GPL-3.0-or-later
// One workgroup per row of a matrix: which row, and sums and maxima over its invocations. Include index.glsl first.
shared float team[gl_WorkGroupSize.x];

uint rowOfTeam(uint first) { return first + gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }

// The sum of `value` over the workgroup, pairwise; all invocations call it, and all get it.
float teamSum(float value)
{
    const uint me = gl_LocalInvocationID.x;
    barrier();
    team[me] = value;
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        barrier();
        if (me < step) team[me] += team[me + step];
    }
    barrier();
    return team[0];
}

float teamMaximum(float value)
{
    const uint me = gl_LocalInvocationID.x;
    barrier();
    team[me] = value;
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        barrier();
        if (me < step) team[me] = max(team[me], team[me + step]);
    }
    barrier();
    return team[0];
}
