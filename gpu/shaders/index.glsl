// SPDX-License-Identifier: GPL-3.0-or-later
// Which invocation this is, and how its number becomes an index with some bits held fixed.
layout(local_size_x_id = 0) in;

uint invocation()
{
    return (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
}

// The bits of `value`, in order, moved to the places where `mask` is 0: a 0 is put in at each bit of the mask.
uint spreadAround(uint value, uint mask)
{
    while (mask != 0) {
        const uint bit = mask & (~mask + 1);
        value = ((value & ~(bit - 1)) << 1) | (value & (bit - 1));
        mask ^= bit;
    }
    return value;
}
