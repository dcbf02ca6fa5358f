// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_spectrum/channel_correlation.h"

namespace qscope {

/// How alike the rows or the columns of the selected weight, or of the error of the selected result, are.
class CorrelationView : public ViewPage {
    Q_OBJECT
public:
    CorrelationView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;

private:
    void showCorrelation();
    void showSelection();

    Heatmap* m_map;
    ChannelCorrelation m_found;
    bool m_error = false;
    bool m_rows = true;
    ChannelChoice m_choice = ChannelChoice::Largest;
};

} // namespace qscope
