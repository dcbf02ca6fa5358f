// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/widgets/view_page.h"

#include <string>
#include <vector>

class QTextEdit;

namespace qscope {

/// What a method costs each token of a text.
struct TokenCosts {
    QString title;
    std::vector<std::string> pieces;
    std::vector<float> nats; ///< one per piece; NaN: not scored
    double limit = 0;        ///< the largest magnitude
};

/// From the report's own text where the plan measured one, else from the propagation; no pieces: neither is there.
[[nodiscard]] TokenCosts tokenCosts(const engine::CompareReport& report, const engine::PropagationReport* propagation,
                                    int method);

/// The text with each token on a ground that is the redder the more the selected method costs it.
class TextLossView : public ViewPage {
    Q_OBJECT
public:
    TextLossView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;

private:
    void paint();
    void selectAtCursor();

    QTextEdit* m_text;
    TokenCosts m_costs;
    std::vector<int> m_ends; ///< position behind each token in the document
    bool m_painting = false;
};

} // namespace qscope
