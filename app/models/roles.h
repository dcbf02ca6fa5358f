// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <Qt>

namespace qscope {

/// Roles that all models of the application share.
enum ModelRole : int {
    SortRole = Qt::UserRole, ///< raw number, or text
    IndexRole,               ///< index of the thing in its container: tensor, operation, method
    PathRole,                ///< full name
    FractionRole             ///< 0 to 1, or an invalid value while unknown
};

} // namespace qscope
